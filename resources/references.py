"""References between components: which are declared, and where the YAML names one that is not.

Uses calls of Dagster that are not public (`ComponentTree.get_all_components`, a declaration's
`source_tree`, `dagster/code_references` of a component's specs): its test pins them. Components ask here while
they build their definitions; `check_asset_references` looks once more at the merged definitions, since a dataset
may be made by a component of another noun or by plain Python.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Collection, Hashable, Iterable
from functools import lru_cache
from typing import Any, NoReturn, TypeVar, cast

import dagster as dg

from resources.kernel.errors import ConfigError, UnknownNameError, said
from resources.kernel.keys import NOUN_TAG, Key, noun_of, noun_of_key
from resources.yaml_positions import KeyPath, YamlDocument


class NamedComponent(ABC):
    """A component that others refer to by name."""

    name: str


T = TypeVar("T", bound=NamedComponent)
_COUNTS = {2: "two", 3: "three"}


class Registry:
    """Every component of a project that could be loaded, and the names of those that could not.

    Filled before any component builds its definitions, so that every caller gets the same answer.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[NamedComponent, str, Hashable]] = []
        self._names: dict[Hashable, str] = {}
        self._broken: dict[str, list[tuple[type | None, str]]] = {}
        self._of_kind: dict[type, dict[str, NamedComponent]] = {}
        self._twins_of_kind: dict[type, dict[str, list[str]]] = {}
        self._places: dict[int, tuple[YamlDocument | None, str]] = {}

    def add(
        self,
        component: NamedComponent,
        *,
        loc: Hashable,
        where: str,
        document: YamlDocument | None = None,
    ) -> None:
        """A component that was loaded; Dagster's own tree shows one of a folder twice."""
        if id(component) in self._places:
            return
        self._places[id(component)] = document, where
        self._entries.append((component, where, loc))
        self._names[loc] = component.name

    def add_broken(self, name: str, kind: type | None, *, where: str) -> None:
        """A component that has an error; `kind` is None when even its type is wrong."""
        if name:
            self._broken.setdefault(name, []).append((kind, where))

    def leave_out(self, locs: Collection[Hashable]) -> None:
        """Forgets the components loaded from `locs`: they have no definitions that could be used."""
        self._entries = [entry for entry in self._entries if entry[2] not in locs]
        self._of_kind.clear()
        self._twins_of_kind.clear()

    def of(self, kind: type[T]) -> dict[str, T]:
        """Components of `kind` by name; of those that share one the first."""
        if kind not in self._of_kind:
            found: dict[str, NamedComponent] = {}
            places: dict[str, list[str]] = {}
            for component, where, _ in self._entries:
                if isinstance(component, kind):
                    found.setdefault(component.name, component)
                    places.setdefault(component.name, []).append(where)
            self._of_kind[kind] = found
            self._twins_of_kind[kind] = {n: p for n, p in places.items() if len(p) > 1}
        return cast("dict[str, T]", self._of_kind[kind])

    def entries(self) -> list[NamedComponent]:
        """Every component that stands, in the order of loading."""
        return [component for component, _, _ in self._entries]

    def document_of(self, component: NamedComponent) -> YamlDocument | None:
        """The YAML that declares it; None of one that Dagster itself has read."""
        return self._places[id(component)][0]

    def place_of(self, component: NamedComponent, path: KeyPath = ()) -> tuple[str, int]:
        """File and line of what `path` leads to in the YAML of a component, or as near as is known."""
        document, where = self._places[id(component)]
        if document is not None:
            return str(document.file), document.line(path)
        file, _, line = where.rpartition(":")
        return file, int(line)

    def twins(self, kind: type[NamedComponent]) -> dict[str, list[str]]:
        """Names that several components of `kind` have, and where each stands."""
        self.of(kind)
        return self._twins_of_kind[kind]

    def name_at(self, loc: Hashable) -> str:
        """The name of the component that was loaded from `loc`."""
        return self._names.get(loc, "")

    def broken(self, name: str, kind: type | None = None) -> str:
        """Where a component of this name stands that has an error; empty when none does."""
        for found, where in self._broken.get(name, ()):
            if kind is None or found is None or issubclass(found, kind):
                return where
        return ""


def registry_of(tree: object) -> Registry | None:
    """The registry of a project that Waybill's own loader reads; None of any other tree."""
    return getattr(tree, "registry", None)


def declared(context: dg.ComponentLoadContext, kind: type[T], *, noun: str) -> dict[str, T]:
    """All components of `kind` in the project, by name.

    Raises:
        ConfigError: another one has the name of the component that asks.
    """
    registry = registry_of(context.component_tree)
    if registry is not None:
        name = registry.name_at(context.component_loc)
        if places := registry.twins(kind).get(name):
            _refuse_twins(noun, name, places)
    return declared_in(context.component_tree, kind, noun=noun)


def declared_in(tree: dg.ComponentTree, kind: type[T], *, noun: str) -> dict[str, T]:
    """All components of `kind` below a tree, by name; what is loaded already is not loaded again.

    Raises:
        ConfigError: two of them share a name, in a tree that Waybill's own loader has not read.
    """
    registry = registry_of(tree)
    return registry.of(kind) if registry is not None else _walk(_SameTree(tree), kind, noun)


def _refuse_twins(noun: str, name: str, places: list[str]) -> NoReturn:
    others = ", ".join(places[:5])
    raise ConfigError(
        f"{places[0]}: {_COUNTS.get(len(places), len(places))} {said(noun)}s are named {name!r}: {others}",
        hint="Give each its own name",
        places=tuple(places),
    )


class _SameTree:
    """A tree as a key of a cache: one load of a project is one tree."""

    def __init__(self, tree: dg.ComponentTree) -> None:
        self.tree = tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameTree) and other.tree is self.tree

    def __hash__(self) -> int:
        return id(self.tree)


# Every component asks; a walk each time would be quadratic in their number.
@lru_cache(maxsize=64)
def _walk(same: _SameTree, kind: type[T], noun: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for component in same.tree.get_all_components(kind):  # type: ignore[type-var]  # kinds are components too
        if component.name in found:
            raise ConfigError(
                f"two {said(noun)}s are named {component.name!r}", hint="Give each its own name"
            )
        found[component.name] = component
    return found


def require(
    context: dg.ComponentLoadContext, kind: type[T], name: str, *, noun: str, attribute: str
) -> T:
    """The component of `kind` named `name`.

    Raises:
        UnknownNameError: with file and line of `attribute` and the known names.
        LeftOutError: there is one, but it has an error of its own.
    """
    known = declared_in(context.component_tree, kind, noun=noun)
    if name not in known:
        where = position(context, attribute)
        registry = registry_of(context.component_tree)
        if registry is not None and (broken := registry.broken(name, kind)):
            raise LeftOutError(noun, name, broken, where=where)
        raise UnknownNameError(noun, name, known, where=where)
    return known[name]


class LeftOutError(ConfigError):
    """What something needs is declared, but could not be loaded: the error is over there."""

    def __init__(self, noun: str, name: str, broken: str, *, where: str) -> None:
        super().__init__(
            f"{where}: left out, since {said(noun)} {name!r} has an error ({broken})",
            noun=noun,
            name=name,
        )


def position(context: dg.ComponentLoadContext, *attribute: str | int) -> str:
    """`file:line` of an attribute of the component being built; empty when it is not from YAML."""
    return place_of(context, ["attributes", *attribute])


def place_of(context: object, path: KeyPath) -> str:
    """`file:line` of what `path` leads to in the document of a component; empty when it is not from YAML."""
    decl = getattr(context, "component_decl", None)
    document = getattr(decl, "document", None)
    if isinstance(document, YamlDocument):
        return document.where(path)
    tree = getattr(decl, "source_tree", None)
    if tree is None:
        return ""
    found, _ = tree.source_position_tree.lookup_closest_and_path(list(path), trace=None)
    return f"{found.filename}:{found.start.line}"


def check_asset_references(definitions: dg.Definitions) -> None:
    """Refuses assets that depend on a Waybill asset which nothing makes.

    Dagster itself would load such a key as a silent stub.

    Raises:
        UnknownNameError: for the first wrong name in order of file and line.
    """
    specs = asset_specs(definitions)
    keys = {spec.key for spec in specs}
    problems = []
    for spec in specs:
        for dep in spec.deps:
            noun = noun_of_key(tuple(dep.asset_key.path))
            if noun and dep.asset_key not in keys:
                problems.append((code_position(spec), noun, dep.asset_key, spec.key))
    problems += list(_problems_of_checks(definitions, specs, keys))
    for where, noun, wanted, user in sorted(problems, key=lambda problem: problem[0]):
        raise UnknownNameError(
            noun,
            "/".join(wanted.path[1:]),
            known_names(specs, noun),
            where=where or user.to_user_string(),
        )


def _problems_of_checks(
    definitions: dg.Definitions, specs: Iterable[dg.AssetSpec], keys: Collection[dg.AssetKey]
) -> Iterable[tuple[str, str, dg.AssetKey, dg.AssetKey]]:
    """Checks that need an asset which nothing makes, at the asset that they are of."""
    places = {spec.key: code_position(spec) for spec in specs}
    for check in definitions.asset_checks or []:
        for spec in check.check_specs:
            for dep in spec.additional_deps:
                noun = noun_of_key(tuple(dep.asset_key.path))
                if noun and dep.asset_key not in keys:
                    yield places.get(spec.asset_key, ""), noun, dep.asset_key, spec.asset_key


def asset_specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    """Every asset as it was declared, before Dagster resolves anything and fills gaps with stubs."""
    specs: list[dg.AssetSpec] = []
    for item in definitions.assets or []:
        if isinstance(item, dg.AssetsDefinition):
            specs += item.specs
        elif isinstance(item, dg.AssetSpec):
            specs.append(item)
        elif isinstance(item, dg.SourceAsset):
            specs.append(dg.AssetSpec(item.key, metadata=item.metadata, tags=item.tags))
    return specs


def noun_of_asset(spec: dg.AssetSpec) -> str:
    """What an asset is, in the words of `kernel/keys.py`; empty for one that Waybill knows nothing of."""
    return noun_of(tuple(spec.key.path), spec.tags)


def nouns_of(specs: Iterable[dg.AssetSpec]) -> dict[dg.AssetKey, str]:
    """What each asset of a project is, as `noun_of_asset` says; an asset without a tag below the key of another one is none.

    `datasets/flights/profile` belongs to `datasets/flights`: what is kept beside a dataset is no dataset for that.
    """
    given = list(specs)
    keys = {tuple(spec.key.path) for spec in given}
    return {spec.key: "" if _is_part(spec, keys) else noun_of_asset(spec) for spec in given}


def _is_part(spec: dg.AssetSpec, keys: Collection[Key]) -> bool:
    path = tuple(spec.key.path)
    return NOUN_TAG not in spec.tags and any(path[:end] in keys for end in range(2, len(path)))


def name_of_asset(key: dg.AssetKey) -> str:
    """What an asset is called among those of its noun: all of its key behind the noun."""
    return "/".join(key.path[1:])


def known_names(specs: Iterable[dg.AssetSpec], noun: str) -> list[str]:
    """What the assets of a noun are called."""
    return [name_of_asset(key) for key, found in nouns_of(specs).items() if found == noun]


def code_position(spec: dg.AssetSpec) -> str:
    """`file:line` of what declares an asset; empty where that is not known."""
    references = spec.metadata.get("dagster/code_references")
    for reference in getattr(references, "code_references", []):
        path = getattr(reference, "file_path", None)
        if path is not None:
            return f"{path}:{getattr(reference, 'line_number', None) or 1}"
    return ""


def metadata_value(given: object) -> Any:
    """What a metadata entry holds; None where there is none."""
    return given.value if isinstance(given, dg.MetadataValue) else given


JOB_TARGETS = "waybill/targets"
JOB_POSITION = "waybill/declared at"


def check_job_references(definitions: dg.Definitions) -> None:
    """Refuses pipelines that name an asset which nothing makes.

    Raises:
        UnknownNameError: for the first wrong name, with file and line and the known names.
    """
    specs = asset_specs(definitions)
    keys = {spec.key for spec in specs}
    for job in definitions.jobs or []:
        metadata = getattr(job, "metadata", None) or {}
        where = metadata_value(metadata.get(JOB_POSITION))
        for text in metadata_value(metadata.get(JOB_TARGETS)) or []:
            key = dg.AssetKey.from_user_string(text)
            if key not in keys:
                noun = noun_of_key(tuple(key.path))
                known = known_names(specs, noun) if noun else [k.to_user_string() for k in keys]
                name = name_of_asset(key) if noun else text
                raise UnknownNameError(
                    noun or "asset", name, known, where=str(where or "") or job.name
                )
