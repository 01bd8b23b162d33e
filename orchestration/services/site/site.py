"""What pages and routes are given: everything that is not in the request itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.services.home import Home
from orchestration.services.site.projects import Project, Projects
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.versions import VersionStore

if TYPE_CHECKING:
    from orchestration.services.site.pictures import Pictures


@dataclass(frozen=True)
class Site:
    """The server's own view.

    Args:
        home: the home folder.
        instance: Dagster's, the one that the web UI shows.
        projects: the code locations.
        catalog: what Dagster does not keep.
        version: of Waybill.
        secret: signs what the server gives to a browser and takes back; kept in the home folder.
    """

    home: Home
    instance: dg.DagsterInstance
    projects: Projects
    catalog: CatalogDatabase
    version: str
    secret: str

    @cached_property
    def pictures(self) -> Pictures:
        """Small pictures of media, and those that are being made."""
        from orchestration.services.site.pictures import Pictures  # all of collections hangs on it

        return Pictures(self.home)

    def store(self, project: Project) -> VersionStore:
        """Where a project keeps its datasets: versions, no rows."""
        return _open_store(project.snapshot.store)


@lru_cache(maxsize=32)
def _open_store(url: str) -> VersionStore:
    return VersionStore.open(url)


def site_of(state: Any) -> Site:
    """The site of an application, where it was put when that was made."""
    found: Site = state.site
    return found
