"""Projects: the code locations of the workspace."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.api.given import GivenSite
from orchestration.api.router import GuardedRouter
from orchestration.services.site.projects import DESCRIBE_SECONDS

router = GuardedRouter()


@dataclass(frozen=True)
class ProjectState:
    """A project, and whether it loads."""

    name: str
    error: str
    """Why it does not load now, with file and line; empty when it does."""
    problems: tuple[str, ...]
    """What was left out of it, or is declared by another project as well, a line each."""


@router.get("/projects", operation_id="project.list")
async def list_projects(site: GivenSite) -> list[ProjectState]:
    """List the projects of this server, and whether each loads."""
    return [
        ProjectState(
            found.name,
            found.error,
            (*found.snapshot.problems, *await site.projects.clashes(found.name)),
        )
        for found in await site.projects.all(DESCRIBE_SECONDS)
    ]
