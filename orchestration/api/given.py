"""What routes are given: the server's view, the project, who asks, and where a list goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator

from orchestration.services.access.actor import Actor
from orchestration.services.access.rights import check_right
from orchestration.services.access.visits import actor_of, note_route
from orchestration.services.asking.client import Asker
from orchestration.services.paging import LIMIT, MOST
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site, site_of

Cursor = Annotated[str | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of the page.")]


def _site(request: Request) -> Site:
    return site_of(request.app.state)


def _actor(request: Request) -> Actor:
    return actor_of(request)


async def _project(
    request: Request,
    project: Annotated[str, Path(description="Name of the project: its code location.")],
) -> Project:
    return await _site(request).projects.get(project)


async def _asker(request: Request, project: Annotated[Project, Depends(_project)]) -> Asker:
    return project.asker(_actor(request))


def _in_utc(given: datetime) -> datetime:
    """A moment of a query; without a zone it is one of UTC."""
    if (
        not 1 < given.year < 9999
    ):  # else a zone, or a microsecond less, leads out of what a date can be
        raise ValueError("the year has to be from 2 to 9998")
    return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)


def authorize(request: Request) -> None:
    """Nothing, where the actor may do what the route does.

    Raises:
        ForbiddenError: it names the right that is missing.
    """
    note_route(request, f"/api/v1{request.scope['route'].path}")
    check_right(actor_of(request), request.scope["route"].operation_id)


@dataclass(frozen=True)
class ListQuery:
    """Where a list goes on, and what is searched in it."""

    cursor: Cursor = None
    limit: Limit = LIMIT
    q: Annotated[str, Query(max_length=200, description="Part of the name, in any case.")] = ""


def _revision(
    if_match: Annotated[
        str,
        Header(
            alias="If-Match",
            max_length=200,
            description="`revision` of what the change was made from; another one there is a conflict.",
        ),
    ] = "",
) -> str:
    """The revision of the header; any, where it says `*`. An empty tag is one that nothing has."""
    tag = if_match.strip().removeprefix("W/").strip('"')
    return "" if tag == "*" else tag or if_match.strip()


Moment = Annotated[datetime, AfterValidator(_in_utc)]
Name = Annotated[str, Path(description="Its name.", max_length=200)]
GivenSite = Annotated[Site, Depends(_site)]
GivenActor = Annotated[Actor, Depends(_actor)]
GivenProject = Annotated[Project, Depends(_project)]
GivenAsker = Annotated[Asker, Depends(_asker)]
GivenList = Annotated[ListQuery, Depends()]
Revision = Annotated[str, Depends(_revision)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key again starts nothing new and answers with the same run.",
    ),
]
