"""The classification sets of a project as the web process knows them: declared in its snapshot, held by the catalog."""

from __future__ import annotations

from assets.classifications.declaration import ClassificationSpec
from orchestration.services.classifications import DeclaredSets
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from resources.stores.catalog.classifications.catalog import ClassificationCatalog


def sets_of(site: Site, project: Project) -> DeclaredSets:
    """The sets of a project, whether its code loads or not."""
    specs = map(ClassificationSpec.from_metadata, project.snapshot.classifications)
    catalog = ClassificationCatalog(site.catalog)
    return DeclaredSets({spec.name: spec for spec in specs}, catalog, site.store(project))
