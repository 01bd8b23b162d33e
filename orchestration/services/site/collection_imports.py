"""Imports and metadata schemas of a project as the web process knows them: declared in its snapshot, held by the catalog."""

from __future__ import annotations

from orchestration.services.collections.imports import ImportRecords
from orchestration.services.metadata_schemas.shown import SchemaRecords
from orchestration.services.site.collections import collections_of
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from resources.stores.catalog.collections.metadata import MetadataCatalog


def imports_of(site: Site, project: Project) -> ImportRecords:
    """The imports of a project, whether its code loads or not."""
    collections = collections_of(site, project)
    return ImportRecords(collections.specs, collections.catalog, site.instance)


def schemas_of(site: Site, project: Project) -> SchemaRecords:
    """The metadata schemas of a project, whether its code loads or not."""
    declared = {one.name: one for one in project.snapshot.metadata_schemas}
    specs = collections_of(site, project).specs
    named_by = {name: one.metadata_schema for name, one in specs.items()}
    return SchemaRecords(declared, MetadataCatalog(site.catalog), named_by)
