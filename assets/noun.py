"""What every noun that becomes an asset has in common: its name, what YAML may say of its asset, and two hooks.

A noun's component module adds its attributes and turns them into a record, its build module makes definitions of the
record. In between a subclass in a user's project may change two things, as in Dagster's own
components: `get_asset_spec` (what is shown of the asset and when it is made) and `execute` (what a run does).
docs/extending.md shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any, ClassVar, Protocol

import dagster as dg
from pydantic import Field

from assets.boundary import RETRIES
from assets.refresh import ON_CHANGE, automation_for, freshness_for
from resources.connectors.component import ConnectorComponent
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError, WaybillError, said
from resources.kernel.keys import NOUN_TAG, NOUNS, Key, Noun, tag_of
from resources.references import position, require


class AssetRecord(Protocol):
    """What a noun makes definitions of."""

    @property
    def key(self) -> Key:
        """The asset's key."""

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""


def make_asset_spec(
    key: Key, given: Mapping[str, Any], *, kinds: set[str], called: str = "", **own: Any
) -> dg.AssetSpec:
    """The asset of a noun: its own attributes, but for those that are `given`.

    Args:
        key: its asset key.
        given: attributes of `dg.AssetSpec` that YAML or a caller sets.
        kinds: icons in the UI, unless others are given.
        called: what it is, where its key alone does not tell: one of `TABLE_NOUNS`.
        own: other attributes of `dg.AssetSpec`.
    """
    noun: Noun = key[0]  # type: ignore[assignment]  # `asset_key` made it
    tags = {**given.get("tags", {}), NOUN_TAG: tag_of(called or NOUNS[noun])}
    own.setdefault("group_name", noun)
    own["metadata"] = {**own.get("metadata", {}), PAGE_LABEL: dg.MetadataValue.url(page_of(key))}
    return dg.AssetSpec(dg.AssetKey(key), **{"kinds": kinds, **own, **given, "tags": tags})


PAGE_LABEL = "data section"
"""Name of the metadata that leads to an asset's page there."""


def page_of(key: Key) -> str:
    """Where the data section shows an asset, at whatever address and in whatever project it is served.

    A path: the web UI shows it as a link of its own address.
    """
    return f"/data/-/assets/{'/'.join(key)}"


class NounComponent(DeclaredComponent):
    """A component that makes one asset."""

    asks: ClassVar[Mapping[str, str]] = {"description": "lines"}

    description: str = ""
    """A description for people, in Markdown; the UI shows it."""
    owners: list[str] = Field(default_factory=list)
    """Who is responsible for it: e-mail addresses, or `team:name`."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the asset, to search and select by."""
    group: str = ""
    """The asset's group in the UI; that of its kind when left out."""
    kinds: list[str] = Field(default_factory=list)
    """Icons of the asset in the UI, in place of Waybill's own."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset, and what belongs to it.

        Raises:
            WaybillError: what is wrong with the declaration, with file and line.
        """
        self.check_declared(context)
        return self.build(context)

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions of a component whose name is in order; each noun's own."""
        raise NotImplementedError

    def get_asset_spec(self, spec: Any) -> dg.AssetSpec:
        """The asset that is made of a record; override it to change what is shown, or when it is made.

        Args:
            spec: the noun's own record of the declaration.
        """
        made: dg.AssetSpec = spec.asset_spec(**self.asset_attributes())
        return made

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """What a run of the asset does; override it to act before or after. Each noun says what it is given."""
        raise NotImplementedError

    def asset_attributes(self) -> dict[str, Any]:
        """What the declaration says of the asset, as `dg.AssetSpec` takes it; nothing of what it leaves out."""
        given = {
            "description": self.description,
            "owners": self.owners,
            "tags": self.tags,
            "group_name": self.group,
            "kinds": set(self.kinds),
        }
        return {name: value for name, value in given.items() if value}

    def asset_of(self, context: dg.ComponentLoadContext, spec: AssetRecord) -> dg.AssetSpec:
        """What `get_asset_spec` makes of a record.

        Raises:
            ConfigError: an attribute that Dagster refuses, at its line; an override that changes the key.
        """
        if NOUN_TAG in self.tags:
            raise self.refusal(context, f"the tag {NOUN_TAG!r} is Waybill's own", "tags")
        try:
            made = self.get_asset_spec(spec)
        except WaybillError:
            raise
        except dg.DagsterInvalidDefinitionError as error:
            text = str(error).splitlines()[0][:300]
            raise self.refusal(context, text, self._refused_attribute()) from error
        except Exception as error:  # an override may raise anything
            at = extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error} ({Path(at.filename).name}, line {at.lineno})"
            raise self.refusal(
                context, f"`get_asset_spec` of {type(self).__name__} failed: {text}", "name"
            ) from error
        if not isinstance(made, dg.AssetSpec):
            raise self.refusal(
                context,
                f"`get_asset_spec` of {type(self).__name__} returns {type(made).__name__}, not a dg.AssetSpec",
                "name",
            )
        if made.key != dg.AssetKey(spec.key):
            raise self.refusal(
                context,
                f"`get_asset_spec` of {type(self).__name__} changes the asset's key to {made.key.to_user_string()!r}",
                "name",
                hint="The key is where others and the store find it: leave it as it is",
            )
        if made.partitions_def is not None:
            raise self.refusal(
                context,
                f"`get_asset_spec` of {type(self).__name__} gives the asset partitions",
                "name",
                hint="A version of it is always whole; partitions are for assets of your own Python",
            )
        return made

    def _refused_attribute(self) -> str:
        for name, value in self.asset_attributes().items():
            try:
                dg.AssetSpec("tried", **{name: value})
            except dg.DagsterInvalidDefinitionError:
                return "group" if name == "group_name" else name
        return "name"

    def refusal(
        self, context: dg.ComponentLoadContext, text: str, *attribute: str | int, hint: str = ""
    ) -> ConfigError:
        """An error of this component at the line of one of its attributes."""
        where = position(context, *attribute)
        prefix = f"{where}: " if where else ""
        return ConfigError(f"{prefix}{said(self.noun)} {self.name!r}: {text}", hint=hint)


class RefreshedNoun(NounComponent):
    """A component whose asset Waybill makes, when it is told to."""

    asks: ClassVar[Mapping[str, str]] = {"refresh": "refresh"}

    refresh: str = ON_CHANGE
    """When it is rebuilt: `on_change` (when an input has changed), `manual`, or a cron."""

    def check_declared(self, context: dg.ComponentLoadContext) -> None:
        """Whether the name may stand, and `refresh` says something."""
        super().check_declared(context)
        automation_for(self.refresh, where=position(context, "refresh"))

    def asset_attributes(self) -> dict[str, Any]:
        """What the declaration says of the asset, when it is made included."""
        promised = freshness_for(self.refresh)
        return {
            **super().asset_attributes(),
            "automation_condition": automation_for(self.refresh),
            **({"freshness_policy": promised} if promised else {}),
        }


class VersionedNoun(RefreshedNoun):
    """A component whose asset is kept in versions."""

    keep_versions: int = Field(default=3, ge=1)
    """How many versions to keep; an older one is removed a day after a newer one took its place."""
    keep_days: int = Field(default=0, ge=0)
    """For how many days to keep a version after a newer one took its place; of both, the larger set is kept."""


def asset_definition(
    asset: dg.AssetSpec, **op: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """A decorator that makes the asset of the function that a run calls: one at a time, tried again where that helps.

    Args:
        asset: what `get_asset_spec` said.
        op: further arguments of `dg.multi_asset`.
    """
    noun: Noun = asset.key.path[0]  # type: ignore[assignment]  # `asset_key` made it
    return dg.multi_asset(
        name=asset.key.to_python_identifier(),
        specs=[asset],
        retry_policy=RETRIES,
        pool="/".join([NOUNS[noun], *asset.key.path[1:]]),
        **op,
    )


def connectors_of_files(
    component: NounComponent, context: dg.ComponentLoadContext, names: Sequence[str]
) -> tuple[str, ...]:
    """The names of connectors that an attribute `connectors:` gives, each once.

    Raises:
        ConfigError: one is not declared, or holds tables; at its line.
    """
    for number, name in enumerate(names):
        connector = require(
            context, ConnectorComponent, name, noun="connector", attribute="connectors"
        )
        if connector.holds != "files":
            raise component.refusal(
                context,
                f"connector {name!r} holds tables, not files",
                "connectors",
                number,
                hint="Name a folder, a bucket or a file server",
            )
    return tuple(dict.fromkeys(names))


@contextmanager
def placed(context: dg.ComponentLoadContext, *attribute: str | int) -> Iterator[None]:
    """Errors raised inside get the line of an attribute: of the one that they name themselves, else of the one given.

    Raises:
        ConfigError: the error with file and line in front.
    """
    try:
        yield
    except WaybillError as error:
        named = error.facts.get("attribute")
        where = position(context, *((str(named),) if named else attribute))
        text = f"{where}: {error.message}" if where else error.message
        raise ConfigError(text, hint=error.hint) from error
