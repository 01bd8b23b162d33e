"""SQL over the datasets of a project: run, stop, download, look back, make a transform of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response

from orchestration.api.given import Cursor, GivenActor, GivenAsker, GivenProject, GivenSite
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.passing import as_file, open_stream
from orchestration.services.paging import LIMIT, MOST, Page
from orchestration.services.queries.download import ResultFile, ResultFormat
from orchestration.services.queries.history import QueryEntry, history_page, log_of
from orchestration.services.queries.record import Asked, recorded_while, run_recorded
from orchestration.services.queries.run import QueryAnswer
from orchestration.services.queries.running import RUNNING
from orchestration.services.queries.transform import TransformText
from orchestration.services.questions.query import DOWNLOAD, RUN, TRANSFORM
from orchestration.services.rows.cells import CUT_AT

router = GuardedRouter()
QueryId = Annotated[str, Path(max_length=64, description="Id of the query.")]


@dataclass(frozen=True)
class QueryOrder:
    """A query to run."""

    sql: str
    """One SELECT in DuckDB's dialect; names of datasets are its tables."""
    limit: int = 100
    """Most rows of the answer, 1 to 1,000."""
    cut_at: int = CUT_AT
    """Most characters of a value."""
    id: str = ""
    """Under which it can be stopped meanwhile: 16 to 64 letters and digits at random; made by the server when empty."""


@dataclass(frozen=True)
class QueryDone:
    """A query and its result."""

    id: str
    result: QueryAnswer


@dataclass(frozen=True)
class DownloadOrder:
    """A query whose whole result is wanted as a file."""

    sql: str
    format: ResultFormat = "csv"
    raw: bool = False
    """CSV: leaves texts that look like formulas as they are."""


@dataclass(frozen=True)
class TransformOrder:
    """A query to make a transform of."""

    sql: str
    name: str
    """Of the dataset that it will make."""


@dataclass(frozen=True)
class QueryStopped:
    """A query that was stopped."""

    id: str
    state: str = "stopped"


@router.post("/projects/{project}/queries", operation_id="query.run")
async def run(
    request: Request,
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    asker: GivenAsker,
    order: QueryOrder,
) -> QueryDone:
    """Run one SELECT over the datasets of the project, read-only, and give the first rows of its result. It ends when the connection is closed."""
    asked = Asked(project.name, actor.name, order.sql, order.id).checked()
    result = await run_recorded(
        log_of(site.catalog),
        asked,
        lambda: asker.ask(RUN, sql=order.sql, limit=order.limit, cut_at=order.cut_at),
        lambda found: len(found.rows),
        request.is_disconnected,
    )
    return QueryDone(asked.query_id, result)


@router.post(
    "/projects/{project}/queries/download", operation_id="query.download", response_class=Response
)
async def download(
    asker: GivenAsker,
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    order: DownloadOrder,
) -> Response:
    """All rows of a query as CSV or Parquet. Texts of a CSV that begin like a formula get an apostrophe, unless `raw`."""
    asked = Asked(project.name, actor.name, order.sql).checked()
    opening = asker.stream(
        DOWNLOAD, ResultFile, sql=order.sql, file_format=order.format, raw=order.raw
    )
    head, chunks = await open_stream(opening, recorded_while(log_of(site.catalog), asked))
    return as_file(chunks, head.file_name, media_type=head.media_type)


@router.post("/projects/{project}/queries/transform", operation_id="query.transform")
async def make_transform(asker: GivenAsker, order: TransformOrder) -> TransformText:
    """The query as the YAML of a transform, to be written into the definitions."""
    return await asker.ask(TRANSFORM, sql=order.sql, name=order.name)


@router.post("/projects/{project}/queries/{query_id}/cancel", operation_id="query.cancel")
async def cancel(actor: GivenActor, query_id: QueryId) -> QueryStopped:
    """Stop a query of yours that runs now: the process that works on it is ended."""
    RUNNING.stop(query_id, actor.name)
    return QueryStopped(query_id)


@router.get("/projects/{project}/queries", operation_id="query.history")
def history(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most queries of the page.")] = LIMIT,
) -> Page[QueryEntry]:
    """Your own queries of this project, newest first. Results are not kept."""
    log = log_of(site.catalog)
    return history_page(log, project.name, actor.name, cursor=cursor, limit=limit)


@router.get("/projects/{project}/queries/{query_id}", operation_id="query.show")
def show(site: GivenSite, project: GivenProject, query_id: QueryId) -> QueryEntry:
    """A query by its id: a user who was given it sees its statement and what became of it, not its result."""
    return log_of(site.catalog).find(project.name, query_id)
