"""Runs: what is going on, one whole, its events as they come, stopped and repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from orchestration.api.answers import (
    LOOK_SECONDS,
    Started,
    event,
    event_stream,
    started,
    told_in_time,
)
from orchestration.api.given import (
    Cursor,
    GivenActor,
    GivenAsker,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Moment,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.access.audit import audited
from orchestration.services.paging import LIMIT, Page
from orchestration.services.questions.run import RETRY
from orchestration.services.runs.cancel import cancel_run
from orchestration.services.runs.detail import RunDetail, show_run
from orchestration.services.runs.events import EventPage, RunNews, read_events, to_news
from orchestration.services.runs.listing import RunFilter, RunSummary, list_runs
from orchestration.services.runs.states import RunState
from orchestration.services.site.noted import noted
from orchestration.services.site.site import Site
from resources.kernel.errors import InputError

MOST_RUNS = 200
"""Of a page: a run takes more to read than a line of other lists, and 20 who ask at once wait for each other."""
router = GuardedRouter()
RunId = Annotated[str, Path(description="The run's whole id.", max_length=100)]
After = Annotated[int, Query(ge=0, lt=2**63, description="Number of the last event that is known.")]


@dataclass(frozen=True)
class RunQuery:
    """Which runs, and where the list goes on."""

    cursor: Cursor = None
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS, description="Most runs of the page.")] = LIMIT
    state: Annotated[tuple[RunState, ...], Query(description="In one of these states.")] = ()
    pipeline: Annotated[str, Query(description="Of this pipeline.")] = ""
    asset: Annotated[str, Query(description="That make this asset, `datasets/orders`.")] = ""
    actor: Annotated[
        str, Query(description="Asked for by this user, `schedule NAME` or `sensor NAME`.")
    ] = ""
    since: Annotated[Moment | None, Query(description="Made then or later.")] = None
    until: Annotated[Moment | None, Query(description="Made before.")] = None


@dataclass(frozen=True)
class Events:
    """Events of a run in their order."""

    events: tuple[RunNews, ...]
    next: int
    """Ask with `after` this number for what comes behind them."""
    state: RunState
    is_last: bool
    """Whether nothing comes any more."""


@router.get("/projects/{project}/runs", operation_id="run.list")
def list_all(
    site: GivenSite, project: GivenProject, wanted: Annotated[RunQuery, Depends()]
) -> Page[RunSummary]:
    """List runs, newest first."""
    given = RunFilter(
        tuple(wanted.state),
        wanted.pipeline,
        wanted.asset,
        wanted.actor,
        wanted.since,
        wanted.until,
        project.name,
    )
    return list_runs(site.instance, given, cursor=wanted.cursor, limit=wanted.limit)


@router.get("/projects/{project}/runs/{run_id}", operation_id="run.show")
def show(site: GivenSite, project: GivenProject, run_id: RunId) -> RunDetail:
    """Show a run: its steps, its errors in words, what it made and the end of its log."""
    return show_run(site.instance, run_id, location=project.name)


@router.get(
    "/projects/{project}/runs/{run_id}/events",
    operation_id="run.watch",
    response_model=Events,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def watch(
    site: GivenSite,
    project: GivenProject,
    run_id: RunId,
    after: After = 0,
    accept: Annotated[str, Header(description="`text/event-stream` for a stream.")] = "",
    last_event_id: Annotated[
        str | None, Header(description="As `after`: sent by a client that connects again.")
    ] = None,
) -> Events | StreamingResponse:
    """Follow a run: its events behind `after`.

    As JSON at once, or with `Accept: text/event-stream` as server-sent events until the run ends. Each has its number
    as its id; `news` carries an event, `end` the state in which the run ended.
    """
    begin = after if last_event_id is None else _number(last_event_id)
    page = await _read(site, run_id, begin, project.name)
    if "text/event-stream" in accept:
        return event_stream(told_in_time(_looks(site, run_id, page, project.name)))
    return Events(tuple(map(to_news, page.events)), page.cursor, page.state, page.is_last)


@router.post("/projects/{project}/runs/{run_id}/cancel", operation_id="run.cancel", status_code=202)
def cancel(site: GivenSite, project: GivenProject, actor: GivenActor, run_id: RunId) -> Started:
    """Stop a run: one that waits in the queue, or works. Nothing half done stays."""
    with audited(site.catalog, actor, "run.cancel", run_id):
        cancel_run(site.instance, run_id, location=project.name)
    return started(project.name, run_id)


@router.post("/projects/{project}/runs/{run_id}/retry", operation_id="run.retry", status_code=202)
async def retry(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    run_id: RunId,
    key: IdempotencyKey = None,
) -> Started:
    """Repeat a run: one that failed goes on behind what it had done, one that was stopped begins anew."""
    asking = asker.ask(RETRY, run_id=run_id, key=key or "")
    return started(project.name, await noted(site, asker.actor, "run.retry", run_id, asking))


async def _read(site: Site, run_id: str, after: int, location: str) -> EventPage:
    return await run_in_threadpool(
        read_events, site.instance, run_id, after=after, location=location
    )


async def _looks(
    site: Site, run_id: str, page: EventPage, location: str
) -> AsyncGenerator[list[bytes], None]:
    while True:
        found = [event("news", asdict(to_news(one)), id=str(one.number)) for one in page.events]
        if page.is_last:
            yield [*found, event("end", {"state": page.state}, id=str(page.cursor))]
            return
        yield found
        if not page.has_more:
            await asyncio.sleep(LOOK_SECONDS)
        page = await _read(site, run_id, page.cursor, location)


def _number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise InputError(f"Last-Event-ID {given[:60]!r} is no number of an event of this stream")
    return int(given)
