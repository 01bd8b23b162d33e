"""Which connectors import tasks may take files from, by target; needs the loaded project."""

from __future__ import annotations

from assets.datasets.component import Dataset
from orchestration.imports.component import TARGET_TYPES
from orchestration.location import Location
from resources.references import declared_in


def connectors_by_target(location: Location) -> dict[str, tuple[str, ...]]:
    """The `connectors:` of everything in YAML that tasks may go into, by `kind:name`: each takes files from these alone."""
    tree = location.definitions.component_tree
    if tree is None:
        return {}
    return {
        f"{kind}:{name}": tuple(found.connectors)
        for kind, component in TARGET_TYPES.items()
        for name, found in declared_in(tree, component, noun=component.noun).items()
        if not isinstance(found, Dataset) or found.upload
    }
