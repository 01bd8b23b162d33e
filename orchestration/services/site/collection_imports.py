"""Imports and metadata schemas of a project as the web process knows them: declared in its snapshot, held by the catalog."""

from __future__ import annotations

from orchestration.services.collections.imports import ImportRecords
from orchestration.services.metadata_schemas.shown import SchemaRecords
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog


def imports_of(site: Site, project: Project) -> ImportRecords:
    """The imports of a project, whether its code loads or not."""
    names = [one.name for one in project.snapshot.declarations if one.noun == "collection"]
    return ImportRecords(names, CollectionCatalog(site.catalog), site.instance)


def schemas_of(site: Site, project: Project) -> SchemaRecords:
    """The metadata schemas of a project, whether its code loads or not."""
    declared = {one.name: one for one in project.snapshot.metadata_schemas}
    return SchemaRecords(declared, MetadataCatalog(site.catalog))
