"""The metadata schemas of a loaded project."""

from __future__ import annotations

from assets.collections.schema_component import MetadataSchema
from orchestration.location import Location
from orchestration.services.metadata_schemas.entries import DeclaredSchema
from resources.kernel.errors import ConfigError, InputError
from resources.references import registry_of


def declared_schemas(location: Location) -> list[DeclaredSchema]:
    """The schemas that the project declares, in order of name; of one that does not load nothing is told."""
    registry = registry_of(location.definitions.component_tree)
    found = []
    for component in registry.entries() if registry else ():
        if not isinstance(component, MetadataSchema):
            continue
        try:
            keys = component.metadata_keys()
        except (ConfigError, InputError):  # it is left out of the location, which says why
            continue
        file, line = registry.place_of(component) if registry else ("", 0)
        found.append(DeclaredSchema(component.name, keys, component.description, file, line))
    return sorted(found, key=lambda one: one.name)
