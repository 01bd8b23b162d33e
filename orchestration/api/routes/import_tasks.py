"""Import tasks: made, listed, followed, started, stopped, retried, deleted; what became of each item."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

import msgspec
from fastapi import Body, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from orchestration.api.answers import LOOK_SECONDS, event, event_stream, told_in_time
from orchestration.api.given import (
    Cursor,
    GivenActor,
    GivenAsker,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Limit,
)
from orchestration.api.import_bodies import body_of_new_task, read_new_task, throw_away
from orchestration.api.router import GuardedRouter
from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.access.rights import REMOVE_RECORDS, check_right
from orchestration.services.asking.passing import as_csv
from orchestration.services.import_tasks.formats import TakenFormats, taken_formats
from orchestration.services.import_tasks.items import failures_csv, list_failures, list_items
from orchestration.services.import_tasks.listing import (
    TaskFilter,
    TaskPage,
    list_tasks,
    show_task,
)
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask, ItemLine
from orchestration.services.import_tasks.steering import (
    Answered,
    delete_all,
    delete_task,
    stop_all,
    stop_task,
)
from orchestration.services.paging import LIMIT, Page
from orchestration.services.questions import import_task as questions
from orchestration.services.site.asked_tasks import create_asked
from orchestration.services.site.import_tasks import tasks_of
from orchestration.services.site.noted import noted
from resources.import_tasks.definition import TargetKind
from resources.import_tasks.items import ItemState
from resources.import_tasks.states import TaskState
from resources.kernel.errors import NotFoundError, WaybillError

PROJECTS = "/api/v1/projects"
MOST_TASKS = 200
"""Of a page, and of one request about several."""
router = GuardedRouter()
TaskId = Annotated[int, Path(ge=1, lt=2**31, description="Number of the task.")]
RemoveRecords = Annotated[
    bool, Query(description="Also remove what it imported; asks for the right of an admin.")
]
_OWN = "/projects/{project}/imports"
_ONE = f"{_OWN}/{{task_id}}"


def _records(site: GivenSite, project: GivenProject) -> TaskRecords:
    return tasks_of(site, project)


GivenRecords = Annotated[TaskRecords, Depends(_records)]


@dataclass(frozen=True)
class TaskListQuery:
    """Which tasks, and where the list goes on."""

    state: Annotated[tuple[TaskState, ...], Query(description="In one of these states.")] = ()
    q: Annotated[str, Query(max_length=200, description="Part of the name, in any case.")] = ""
    target_kind: Annotated[
        TargetKind | None, Query(description="Into targets of this kind alone.")
    ] = None
    target: Annotated[str, Query(max_length=200, description="Into the target of this name.")] = ""
    sort: Annotated[
        str,
        Query(
            description="`created`, `name`, `state`, `changed`, `total` or `failed`; `-` before it: descending."
        ),
    ] = "-created"
    cursor: Cursor = None
    limit: Annotated[int, Query(ge=1, le=MOST_TASKS, description="Most tasks of the page.")] = LIMIT


@dataclass(frozen=True)
class TaskIds:
    """Several tasks."""

    ids: Annotated[
        list[Annotated[int, Field(ge=1, lt=2**31)]], Body(min_length=1, max_length=MOST_TASKS)
    ]
    """Their numbers."""


@router.get(f"{_OWN}/-/formats", operation_id="import.formats")
async def formats(project: GivenProject) -> TakenFormats:  # noqa: ARG001 - the same for all projects
    """List what a task takes, and its limits: known before anything is sent. The list is closed."""
    return taken_formats()


@router.post(f"{_OWN}/-/start", operation_id="import.start-all")
async def start_all(site: GivenSite, asker: GivenAsker, given: TaskIds) -> list[Answered]:
    """Start or resume several tasks; each is answered for itself."""
    asking = asker.ask(questions.START_ALL, ids=given.ids)
    told = f"{len(given.ids)} tasks"
    return list(await noted(site, asker.actor, "import.start-all", "imports", asking, told))


@router.post(f"{_OWN}/-/stop", operation_id="import.stop-all")
def stop_several(
    site: GivenSite, records: GivenRecords, actor: GivenActor, given: TaskIds
) -> list[Answered]:
    """Stop several tasks; each is answered for itself."""
    with audited(site.catalog, actor, "import.stop-all", "imports") as change:
        change.detail = f"{len(given.ids)} tasks"
        return list(stop_all(records, given.ids, actor.name))


@router.post(f"{_OWN}/-/delete", operation_id="import.delete-all")
def delete_several(
    site: GivenSite,
    records: GivenRecords,
    actor: GivenActor,
    given: TaskIds,
    remove_records: RemoveRecords = False,
) -> list[Answered]:
    """Delete several tasks; each is answered for itself. What they imported stays, unless `remove_records` says otherwise."""
    _check_removal(actor, "import.delete-all", remove_records=remove_records)
    with audited(site.catalog, actor, "import.delete-all", "imports") as change:
        change.detail = f"{len(given.ids)} tasks{', with records' if remove_records else ''}"
        return list(delete_all(records, given.ids, actor.name, remove_records=remove_records))


@router.post(
    _OWN,
    operation_id="import.create",
    status_code=201,
    responses={202: {"model": ImportTask, "description": "Made, and a run begins with it"}},
    openapi_extra=body_of_new_task(),
)
async def create(
    request: Request,
    answer: Response,
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    key: IdempotencyKey = None,
) -> ImportTask:
    """Make a task: of addresses, of a path of a connector, of files that were uploaded, or with files in a form (`multipart/form-data`).

    With `start` it is answered by 202 and a run begins; else by 201, and the task waits. The same key once more answers with the same task.
    """
    given = await read_new_task(request, site, project, actor.name)
    try:
        made = await create_asked(site, project, actor, given.wanted, via="api", key=key or "")
    except WaybillError:
        await run_in_threadpool(throw_away, site, given.brought)
        raise
    answer.status_code = 202 if given.wanted.start else 201
    answer.headers["Location"] = f"{_place(project.name)}/{made.id}"
    return made


@router.get(_OWN, operation_id="import.list")
def list_all(records: GivenRecords, wanted: Annotated[TaskListQuery, Depends()]) -> TaskPage:
    """List tasks, the newest first. `counts` says how many there are in each state, with the same search."""
    return list_tasks(
        records,
        TaskFilter(
            states=tuple(wanted.state),
            q=wanted.q,
            sort=wanted.sort,
            target_kind=wanted.target_kind or "",
            target=wanted.target,
            cursor=wanted.cursor,
            limit=wanted.limit,
        ),
    )


@router.get(
    _ONE,
    operation_id="import.show",
    response_model=ImportTask,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def show(
    answer: Response,
    project: GivenProject,
    records: GivenRecords,
    task_id: TaskId,
    accept: Annotated[str, Header(description="`text/event-stream` for a stream.")] = "",
) -> ImportTask | StreamingResponse:
    """Show a task: its state, how far it is, what can be done about it, who did what when, what it was told.

    As JSON at once, with an `ETag` for polling; or with `Accept: text/event-stream` as server-sent events while a run is at work on
    it: `progress` carries the task, without its definition, whenever it has changed, `end` its last state.
    """
    found = await run_in_threadpool(show_task, records, task_id)
    if "text/event-stream" in accept:
        return event_stream(told_in_time(_looks(records, found)))
    if found.item_filter:
        place = f"{PROJECTS}/{quote(project.name, safe='')}/collections/{found.target}/items"
        words = urlencode({"filter": found.item_filter})
        answer.headers["Link"] = f'<{place}?{words}>; rel="related"'
    return found


@router.delete(
    _ONE,
    operation_id="import.delete",
    response_model=ImportTask,
    responses={204: {"description": "It is gone"}, 202: {"description": "It is stopped first"}},
)
def delete(
    site: GivenSite,
    records: GivenRecords,
    actor: GivenActor,
    task_id: TaskId,
    answer: Response,
    remove_records: RemoveRecords = False,
) -> ImportTask | Response:
    """Delete a task for good, with its items and its uploads. One at work is stopped first (202). What it imported stays, unless `remove_records` says otherwise."""
    _check_removal(actor, "import.delete", remove_records=remove_records)
    with audited(site.catalog, actor, "import.delete", f"imports/{task_id}") as change:
        change.detail = "with records" if remove_records else ""
        left = delete_task(records, task_id, actor.name, remove_records=remove_records)
    if left is None:
        return Response(None, 204)
    answer.status_code = 202
    return left


@router.get(f"{_ONE}/items", operation_id="import.items")
def items(
    records: GivenRecords,
    task_id: TaskId,
    state: Annotated[ItemState | None, Query(description="In this state alone.")] = None,
    q: Annotated[str, Query(max_length=200, description="Part of the name, in any case.")] = "",
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Page[ItemLine]:
    """List the items of a task in their order: what became of each, and why."""
    return list_items(records, task_id, state=state or "", q=q, cursor=cursor, limit=limit)


@router.get(f"{_ONE}/failures", operation_id="import.failures", response_model=Page[ItemLine])
def failures(
    records: GivenRecords,
    task_id: TaskId,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    format: Annotated[  # noqa: A002 - the parameter's name
        Literal["json", "csv"], Query(description="`csv`: all of them as a file, one row an item.")
    ] = "json",
) -> Page[ItemLine] | StreamingResponse:
    """List what failed in a task: the rule, the reason, how often it was tried; also while it is at work."""
    if format == "csv":
        show_task(records, task_id)
        return as_csv(failures_csv(records, task_id), f"import-{task_id}-failures.csv")
    return list_failures(records, task_id, cursor=cursor, limit=limit)


@router.post(f"{_ONE}/start", operation_id="import.start", status_code=202)
async def start(
    site: GivenSite, asker: GivenAsker, task_id: TaskId, key: IdempotencyKey = None
) -> ImportTask:
    """Start a task; one that was stopped goes on with what is not done."""
    asking = asker.ask(questions.START, task_id=task_id, key=key or "")
    return await noted(site, asker.actor, "import.start", f"imports/{task_id}", asking)


@router.post(f"{_ONE}/stop", operation_id="import.stop", status_code=202)
def stop(site: GivenSite, records: GivenRecords, actor: GivenActor, task_id: TaskId) -> ImportTask:
    """Stop a task within seconds. What is done stays, and `import.start` goes on with the rest."""
    with audited(site.catalog, actor, "import.stop", f"imports/{task_id}"):
        return stop_task(records, task_id, actor.name)


@router.post(f"{_ONE}/retry", operation_id="import.retry", status_code=202)
async def retry(
    site: GivenSite, asker: GivenAsker, task_id: TaskId, key: IdempotencyKey = None
) -> ImportTask:
    """Try the items that failed once more, and what is left of a task that failed as a whole."""
    asking = asker.ask(questions.RETRY, task_id=task_id, key=key or "")
    return await noted(site, asker.actor, "import.retry", f"imports/{task_id}", asking)


def _check_removal(actor: Actor, use_case: str, *, remove_records: bool) -> None:
    if remove_records:
        check_right(actor, use_case, REMOVE_RECORDS)


def _place(project: str) -> str:
    return f"{PROJECTS}/{quote(project, safe='')}/imports"


async def _looks(records: TaskRecords, found: ImportTask) -> AsyncGenerator[list[bytes], None]:
    """The task whenever it has changed, until no run is at work on it."""
    last = None
    while True:
        told = [] if found == last else [_progress(found)]
        if not found.is_working:
            yield [*told, event("end", {"state": found.state})]
            return
        yield told
        last = found
        await asyncio.sleep(LOOK_SECONDS)
        try:
            found = await run_in_threadpool(show_task, records, found.id)
        except NotFoundError:
            yield [event("end", {"state": "deleted"})]
            return


def _progress(found: ImportTask) -> bytes:
    return event("progress", msgspec.to_builtins(replace(found, definition=None)))
