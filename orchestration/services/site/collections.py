"""The collections of a project as the web process knows them: declared in its snapshot, held by the catalog."""

from __future__ import annotations

from assets.collections.declaration import CollectionSpec
from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from resources.stores.catalog.collections.catalog import CollectionCatalog


def collections_of(site: Site, project: Project) -> DeclaredCollections:
    """The collections of a project, whether its code loads or not."""
    specs = map(CollectionSpec.from_metadata, project.snapshot.collections)
    return DeclaredCollections({spec.name: spec for spec in specs}, CollectionCatalog(site.catalog))
