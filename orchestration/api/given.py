"""What routes are given: the server's view, the project, who asks, and where a list goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from starlette.exceptions import HTTPException

from orchestration.services.access.actor import Actor
from orchestration.services.access.rights import RIGHTS, is_allowed
from orchestration.services.asking.client import Asker
from orchestration.services.paging import LIMIT, MOST
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site, site_of


def _site(request: Request) -> Site:
    return site_of(request.app.state)


def _actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found


async def _project(
    request: Request,
    project: Annotated[str, Path(description="Name of the project: its code location.")],
) -> Project:
    return await _site(request).projects.get(project)


async def _asker(request: Request, project: Annotated[Project, Depends(_project)]) -> Asker:
    return project.asker(_actor(request))


def authorize(request: Request) -> None:
    """Whether the actor may do what the route does; a route without a right is nobody's."""
    use_case = request.scope["route"].operation_id
    if not is_allowed(use_case, _actor(request)):
        right = RIGHTS.get(use_case)
        needed = f"the role {right.role} and the scope {right.scope}" if right else "a right"
        raise HTTPException(403, f"{use_case} needs {needed}")


@dataclass(frozen=True)
class ListQuery:
    """Where a list goes on, and what is searched in it."""

    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of the page.")] = LIMIT
    q: Annotated[str, Query(max_length=200, description="Part of the name, in any case.")] = ""


GivenSite = Annotated[Site, Depends(_site)]
GivenActor = Annotated[Actor, Depends(_actor)]
GivenProject = Annotated[Project, Depends(_project)]
GivenAsker = Annotated[Asker, Depends(_asker)]
GivenList = Annotated[ListQuery, Depends()]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key again starts nothing new and answers with the same run.",
    ),
]
