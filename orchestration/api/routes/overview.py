"""A project at a glance."""

from __future__ import annotations

from orchestration.api.given import GivenProject, GivenSite
from orchestration.api.router import GuardedRouter
from orchestration.services.overview import Overview
from orchestration.services.site.overview import overview_of

router = GuardedRouter()


@router.get("/projects/{project}/overview", operation_id="overview.show")
def show(site: GivenSite, project: GivenProject) -> Overview:
    """Show what is going on, what failed within a day, which datasets are stale, the newest exports and what comes next."""
    return overview_of(site, project)
