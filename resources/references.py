"""References between components: who is declared, and where the YAML names somebody who is not.

The only module that uses Dagster calls which are not public (`ComponentTree.get_all_components`, a declaration's
`source_tree`, `dagster/code_references` of a component's specs): its test pins them. Components ask here while
they build their definitions; `check_asset_references` looks once more at the merged definitions, since a dataset
may be made by a component of another noun or by plain Python.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

import dagster as dg

from resources.kernel.errors import ConfigError, UnknownNameError

NOUN_OF_PREFIX = {
    "datasources": "datasource",
    "datasets": "dataset",
    "models": "model",
    "embeddings": "embedding",
    "exports": "exporter",
}


class NamedComponent(ABC):
    """A component that others refer to by name."""

    name: str


T = TypeVar("T", bound=NamedComponent)


def declared(context: dg.ComponentLoadContext, kind: type[T], *, noun: str) -> dict[str, T]:
    """All components of `kind` in the project, by name.

    Raises:
        ConfigError: two of them share a name.
    """
    return declared_in(context.component_tree, kind, noun=noun)


def declared_in(tree: dg.ComponentTree, kind: type[T], *, noun: str) -> dict[str, T]:
    """All components of `kind` below a tree, by name; what is loaded already is not loaded again.

    Raises:
        ConfigError: two of them share a name.
    """
    return _walk(_SameTree(tree), kind, noun)


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
                f"two {noun}s are named {component.name!r}", hint="Give each its own name"
            )
        found[component.name] = component
    return found


def require(
    context: dg.ComponentLoadContext, kind: type[T], name: str, *, noun: str, attribute: str
) -> T:
    """The component of `kind` named `name`.

    Raises:
        UnknownNameError: with file and line of `attribute` and the known names.
    """
    known = declared(context, kind, noun=noun)
    if name not in known:
        raise UnknownNameError(noun, name, known, where=position(context, attribute))
    return known[name]


def position(context: dg.ComponentLoadContext, *attribute: str | int) -> str:
    """`file:line` of an attribute of the component being built; empty when it is not from YAML."""
    tree = getattr(context.component_decl, "source_tree", None)
    if tree is None:
        return ""
    found, _ = tree.source_position_tree.lookup_closest_and_path(
        ["attributes", *attribute], trace=None
    )
    return f"{found.filename}:{found.start.line}"


def check_asset_references(definitions: dg.Definitions) -> None:
    """Refuses assets that depend on a Waybill asset which nothing makes.

    Dagster itself would load such a key as a silent stub.

    Raises:
        UnknownNameError: for the first wrong name in order of file and line.
    """
    specs = _asset_specs(definitions)
    keys = {spec.key for spec in specs}
    problems = []
    for spec in specs:
        for dep in spec.deps:
            noun = NOUN_OF_PREFIX.get(dep.asset_key.path[0])
            if noun is not None and len(dep.asset_key.path) > 1 and dep.asset_key not in keys:
                problems.append((_code_position(spec), noun, dep.asset_key, spec.key))
    for where, noun, wanted, user in sorted(problems, key=lambda problem: problem[0]):
        raise UnknownNameError(
            noun,
            "/".join(wanted.path[1:]),
            _known(keys, wanted.path[0]),
            where=where or user.to_user_string(),
        )


def _asset_specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    """Every asset as it was declared, before Dagster resolves anything and fills gaps with stubs."""
    specs: list[dg.AssetSpec] = []
    for item in definitions.assets or []:
        if isinstance(item, dg.AssetsDefinition):
            specs += item.specs
        elif isinstance(item, dg.AssetSpec):
            specs.append(item)
        elif isinstance(item, dg.SourceAsset):
            specs.append(dg.AssetSpec(item.key, metadata=item.metadata))
    return specs


def _known(keys: Iterable[dg.AssetKey], prefix: str) -> list[str]:
    return ["/".join(key.path[1:]) for key in keys if key.path[0] == prefix]


def _code_position(spec: dg.AssetSpec) -> str:
    references = spec.metadata.get("dagster/code_references")
    for reference in getattr(references, "code_references", []):
        path = getattr(reference, "file_path", None)
        if path is not None:
            return f"{path}:{getattr(reference, 'line_number', None) or 1}"
    return ""


JOB_TARGETS = "waybill/targets"
JOB_POSITION = "waybill/declared at"


def check_job_references(definitions: dg.Definitions) -> None:
    """Refuses pipelines that name an asset which nothing makes.

    Raises:
        UnknownNameError: for the first wrong name, with file and line and the known names.
    """
    keys = {spec.key for spec in _asset_specs(definitions)}
    for job in definitions.jobs or []:
        metadata = getattr(job, "metadata", None) or {}
        wanted = metadata.get(JOB_TARGETS)
        where = metadata.get(JOB_POSITION)
        for text in getattr(wanted, "data", wanted) or []:
            key = dg.AssetKey.from_user_string(text)
            if key not in keys:
                noun = NOUN_OF_PREFIX.get(key.path[0], "asset")
                known = (
                    _known(keys, key.path[0])
                    if key.path[0] in NOUN_OF_PREFIX
                    else [other.to_user_string() for other in keys]
                )
                name = "/".join(key.path[1:]) or text
                raise UnknownNameError(
                    noun, name, known, where=getattr(where, "text", "") or job.name
                )
