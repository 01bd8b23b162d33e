"""A project at a glance."""

from __future__ import annotations

from fastapi import APIRouter

from orchestration.api.given import GivenProject, GivenSite
from orchestration.services.overview import Overview, show_overview

router = APIRouter()


@router.get("/projects/{project}/overview", operation_id="overview.show")
def show(site: GivenSite, project: GivenProject) -> Overview:
    """Show what is going on, what failed within a day, the newest exports and what comes next."""
    return show_overview(site.instance, project.snapshot, project.name)
