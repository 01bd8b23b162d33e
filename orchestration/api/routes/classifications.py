"""Classification sets: files checked, applied and taken back; what each set holds, and what became of its files."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    GivenAsker,
    GivenList,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Moment,
    Name,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.passing import download as download_of
from orchestration.services.classification_history import (
    HistoryLine,
    HistoryQuery,
    RejectedFile,
    errors_of,
)
from orchestration.services.classification_history import history as history_of
from orchestration.services.classification_rows import FoundKey
from orchestration.services.classification_runs import check_size, take_upload
from orchestration.services.classifications import SetSummary, page_of_sets
from orchestration.services.paging import MOST, Page
from orchestration.services.questions import classification as questions
from orchestration.services.questions.classification import CheckAnswer, Rows, SentFile
from orchestration.services.site.classifications import sets_of
from orchestration.services.site.noted import noted
from orchestration.services.uploads.names import shown_name
from resources.kernel.errors import InputError

router = GuardedRouter()
Format = Literal["json", "csv", "tsv"]
TableFormat = Literal["csv", "tsv"]
_BODY = {
    "requestBody": {
        "description": "The file as it is; none when `upload` names one that was sent before.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@dataclass(frozen=True)
class FileQuery:
    """A file, and how it is read."""

    file_name: Annotated[
        str, Query(description="Its name: the ending decides the format.", max_length=300)
    ]
    upload: Annotated[
        str,
        Query(description="SHA-256 of a file that `check` has kept; else the body is the file."),
    ] = ""
    encoding: Annotated[str, Query(description="utf8 or latin1; the set's own by default.")] = ""
    list_delimiter: Annotated[
        str, Query(description="Between elements of a list cell; the set's own by default.")
    ] = ""
    blank_clears: Annotated[
        bool | None, Query(description="Whether a blank cell clears the stored value.")
    ] = None


@dataclass(frozen=True)
class HistoryFilterQuery:
    """Which lines of the history."""

    set: Annotated[str, Query(description="Of this set alone.")] = ""
    state: Annotated[tuple[str, ...], Query(description="In one of these states.")] = ()
    file: Annotated[str, Query(description="Files whose name has this text in it.")] = ""
    since: Annotated[Moment | None, Query(description="Then or later.")] = None
    until: Annotated[Moment | None, Query(description="Before.")] = None
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most lines, the newest.")] = 100


@dataclass(frozen=True)
class RowsQuery:
    """Which rows of a set are written, and how."""

    format: Annotated[Format, Query(description="How they are written.")] = "csv"
    key: Annotated[tuple[str, ...], Query(description="These keys.")] = ()
    key_regex: Annotated[str, Query(description="Keys that match this expression (RE2).")] = ""
    where: Annotated[tuple[str, ...], Query(description="`COLUMN=VALUE` each.")] = ()
    where_regex: Annotated[tuple[str, ...], Query(description="`COLUMN=REGEX` each.")] = ()
    classified: Annotated[
        Literal["all", "classified", "unclassified", "bare"],
        Query(description="By whether values are there: some, not all, none."),
    ] = "all"
    after: Annotated[str | None, Query(description="Keys behind this one.")] = None
    limit: Annotated[int | None, Query(ge=0, lt=2**31, description="At most so many rows.")] = None
    version: Annotated[
        int | None, Query(ge=0, lt=2**31, description="As the set was at this version.")
    ] = None
    encoding: Annotated[str, Query(description="utf8 or latin1; the set's own by default.")] = ""
    list_delimiter: Annotated[
        str, Query(description="Between elements of a list cell; the set's own by default.")
    ] = ""


async def _upload(
    request: Request,
    site: GivenSite,
    project: GivenProject,
    name: Name,
    file: Annotated[FileQuery, Depends()],
) -> SentFile:
    """The file that is meant: one that is kept, or the body, which is kept now."""
    limit = sets_of(site, project).find(name).schema.max_bytes
    called = shown_name(file.file_name)
    sha256 = file.upload or await _received(request, called, limit)
    return SentFile(sha256, called, file.encoding, file.list_delimiter, file.blank_clears)


async def _received(request: Request, name: str, limit: int) -> str:
    size = 0
    with tempfile.TemporaryFile() as stream:
        async for chunk in request.stream():
            size += len(chunk)
            check_size(name, size, limit)
            await run_in_threadpool(stream.write, chunk)
        if not size:
            raise InputError("the body is empty: it has to be the file", hint="Or name an `upload`")
        stream.seek(0)
        return await run_in_threadpool(take_upload, stream, name, limit)


GivenFile = Annotated[SentFile, Depends(_upload)]


@router.get("/projects/{project}/classifications", operation_id="classification.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[SetSummary]:
    """List the classification sets and what each holds."""
    return page_of_sets(
        sets_of(site, project), q=wanted.q, cursor=wanted.cursor, limit=wanted.limit
    )


@router.get("/projects/{project}/classifications/history", operation_id="classification.history")
def history(
    site: GivenSite, project: GivenProject, wanted: Annotated[HistoryFilterQuery, Depends()]
) -> list[HistoryLine]:
    """List files and undos, newest first: who, when, what became of each and why."""
    query = HistoryQuery(
        wanted.set, wanted.state, wanted.file, wanted.since, wanted.until, wanted.limit
    )
    return history_of(sets_of(site, project), site.instance, query)


@router.get("/projects/{project}/classifications/{name}/value", operation_id="classification.show")
async def show(
    asker: GivenAsker,
    name: Name,
    key: Annotated[str, Query(description="The key, exactly as it is stored.")],
    version: Annotated[int | None, Query(ge=0, lt=2**31, description="As it was then.")] = None,
) -> FoundKey:
    """Show the values of a key, now or at an earlier version."""
    return await asker.ask(questions.SHOW, name=name, key=key, version=version)


@router.get(
    "/projects/{project}/classifications/{name}/errors", operation_id="classification.errors"
)
def errors(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    file: Annotated[str, Query(description="Files whose name has this text in it.")] = "",
    run: Annotated[str, Query(description="Of the file that this run took.")] = "",
) -> RejectedFile:
    """Show the errors of a rejected file as the history keeps them: the newest, or the one named."""
    return errors_of(sets_of(site, project), name, file=file, run_id=run)


@router.post(
    "/projects/{project}/classifications/{name}/check",
    operation_id="classification.check",
    response_model=CheckAnswer,
    openapi_extra=_BODY,
)
async def check(
    asker: GivenAsker,
    name: Name,
    given: GivenFile,
    after: Annotated[int, Query(ge=0, lt=2**31, description="Errors behind this many.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most errors.")] = 100,
    report: Annotated[
        Literal["", "csv", "json"], Query(description="Every error as a file instead.")
    ] = "",
) -> CheckAnswer | StreamingResponse:
    """Check a file whole and tell what it would change. Changes nothing, and keeps the file for `apply`."""
    if report:
        return await download_of(
            asker, questions.REPORT, name=name, upload=asdict(given), format=report
        )
    return await asker.ask(
        questions.CHECK, name=name, upload=asdict(given), after=after, limit=limit
    )


@router.post(
    "/projects/{project}/classifications/{name}/apply",
    operation_id="classification.apply",
    status_code=202,
    openapi_extra=_BODY,
)
async def apply(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    given: GivenFile,
    key: IdempotencyKey = None,
) -> Started:
    """Take a file into a set, all or nothing: the body, or one that `check` has kept."""
    asking = asker.ask(questions.APPLY, name=name, upload=asdict(given), key=key or "")
    subject = f"classifications/{name}"
    run_id = await noted(
        site, asker.actor, "classification.apply", subject, asking, given.file_name
    )
    return started(project.name, run_id)


@router.post(
    "/projects/{project}/classifications/{name}/undo",
    operation_id="classification.undo",
    status_code=202,
)
async def undo(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    version: Annotated[int, Query(ge=0, lt=2**31, description="To go back to; 0 is empty.")],
    key: IdempotencyKey = None,
) -> Started:
    """Make an earlier version hold again. That is a new version: an undo can be undone."""
    asking = asker.ask(questions.UNDO, name=name, version=version, key=key or "")
    subject, detail = f"classifications/{name}", f"back to version {version}"
    run_id = await noted(site, asker.actor, "classification.undo", subject, asking, detail)
    return started(project.name, run_id)


@router.get(
    "/projects/{project}/classifications/{name}/download", operation_id="classification.download"
)
async def download(
    asker: GivenAsker, name: Name, rows: Annotated[RowsQuery, Depends()]
) -> StreamingResponse:
    """Download keys and values as a file that the same set takes back without a change."""
    wanted = Rows(**asdict(rows))
    return await download_of(asker, questions.DOWNLOAD, name=name, rows=asdict(wanted))


@router.get(
    "/projects/{project}/classifications/{name}/template", operation_id="classification.template"
)
async def template(
    asker: GivenAsker,
    name: Name,
    format: Annotated[TableFormat, Query(description="How it is written.")] = "csv",  # noqa: A002 - the parameter's name
) -> StreamingResponse:
    """Download an empty file with the right header, to be filled and applied."""
    return await download_of(asker, questions.TEMPLATE, name=name, format=format)
