"""Tasks made, started and retried: what needs the loaded project. Each start is a run of the target's job.

What ends with `_here` runs in this process, to the end; the others ask the server and return at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

import dagster as dg

from orchestration.imports.targets import tags_of, target_of
from orchestration.services.import_tasks.listing import show_task
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.import_tasks.steering import Answered, each_of
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.watch import StepNews, run_here
from orchestration.services.runs.workplace import Workplace
from resources.import_tasks.definition import (
    TaskDefinition,
    UploadSource,
    Via,
    check_definition,
)
from resources.import_tasks.states import TaskAction, step_of
from resources.kernel.errors import WaybillError
from resources.stores.catalog.import_tasks.changing import refused
from resources.stores.catalog.import_tasks.records import StoredTask, TaskRequest
from resources.stores.task_uploads import TaskUploads


def create_task(
    place: Workplace, definition: TaskDefinition, *, start: bool, via: Via
) -> ImportTask:
    """Makes a task; the same idempotency key of the same actor is the same task, made and started once.

    Args:
        place: where, and who asks, with the key.
        definition: what it is told; checked here.
        start: whether it is started at once; else it is `not_started`.
        via: how it came to be.

    Raises:
        InputError: a definition that cannot be, a target that does not take it, a key that was used for other work.
        UnknownNameError: no such target or connector.
        GoneError: an upload that is not kept.
    """
    given = check_definition(definition)
    target_of(given.target.kind).check(place.location, given)
    records = TaskRecords.of(place.location, place.instance)
    new = TaskRequest(records.project, place.asked.make_run_id(), given, via, place.asked.actor)
    stored = records.tasks.create(new)
    if isinstance(given.source, UploadSource):
        _keep_uploads(records, stored, given.source)
    if start and stored.state == "not_started":
        return start_task(place, stored.id)
    return show_task(records, stored.id)


def start_task(place: Workplace, task_id: int) -> ImportTask:
    """Has the server begin with a task, or go on with one that was stopped.

    Raises:
        NotFoundError: there is no such task.
        TransitionError: its state does not allow that; tells it.
        UnknownNameError: its target is no longer declared.
    """
    return _start(place, task_id, "start")


def retry_task(place: Workplace, task_id: int) -> ImportTask:
    """Has the server take the failed items of a task once more, and what is left of one that failed.

    Raises:
        NotFoundError: there is no such task.
        TransitionError: its state does not allow that; tells it.
        UnknownNameError: its target is no longer declared.
    """
    return _start(place, task_id, "retry")


def start_all(place: Workplace, ids: Sequence[int]) -> tuple[Answered, ...]:
    """Starts several tasks; each has its own answer.

    Raises:
        InputError: more than are taken at once.
    """
    once = replace(place, asked=Asked(place.asked.actor))  # one key is one run
    return each_of(ids, lambda task_id: start_task(once, task_id))


def start_here(place: Workplace, task_id: int, tell: Callable[[StepNews], None]) -> ImportTask:
    """Begins with a task or goes on with it, as a run in this process.

    Raises:
        NotFoundError: there is no such task.
        TransitionError: its state does not allow that; tells it.
        UnknownNameError: its target is no longer declared.
    """
    return _run(place, task_id, "start", tell)


def retry_here(place: Workplace, task_id: int, tell: Callable[[StepNews], None]) -> ImportTask:
    """Takes the failed items of a task once more, as a run in this process.

    Raises:
        NotFoundError: there is no such task.
        TransitionError: its state does not allow that; tells it.
        UnknownNameError: its target is no longer declared.
    """
    return _run(place, task_id, "retry", tell)


def _keep_uploads(records: TaskRecords, stored: StoredTask, source: UploadSource) -> None:
    """A task whose files are not there would only fail later: it is not made."""
    try:
        TaskUploads.open().keep(stored.id, {file.sha256 for file in source.files})
    except WaybillError:
        if stored.state == "not_started":
            records.tasks.act(stored.id, "delete", stored.asked_by)
            records.settle([records.tasks.find(stored.id)])
        raise


def _start(place: Workplace, task_id: int, action: TaskAction) -> ImportTask:
    records = TaskRecords.of(place.location, place.instance)
    stored = records.find(task_id)
    asked = place.asked if place.asked.key else Asked(place.asked.actor, str(uuid.uuid4()))
    run_id = asked.make_run_id()
    if run_id in stored.run_ids:  # asked before
        return show_task(records, task_id)
    job = _job(place, stored)
    target = target_of(stored.target_kind)
    config, assets = target.config(place.location, stored), target.assets(stored)
    records.tasks.act(task_id, action, asked.actor, project=records.project, run_id=run_id)
    try:
        start_run(
            place.home,
            place.instance,
            job,
            asked,
            assets=assets,
            config=dict(config),
            tags=tags_of(stored),
        )
    except BaseException as error:
        reason = f"its run could not be queued: {error}"
        records.tasks.end(task_id, "fail", run_id=run_id, actor=asked.actor, reason=reason)
        raise
    return show_task(records, task_id)


def _run(
    place: Workplace, task_id: int, action: TaskAction, tell: Callable[[StepNews], None]
) -> ImportTask:
    """The run puts the task into its new state itself when it takes it up."""
    records = TaskRecords.of(place.location, place.instance)
    stored = records.find(task_id)
    step = step_of(stored.state, action, failed=stored.failed)
    if not step.is_taken:
        raise refused(stored, action, step.refusal)
    target, job = target_of(stored.target_kind), _job(place, stored)
    run_here(
        place.home,
        place.instance,
        job,
        tell,
        config=target.config(place.location, stored),
        tags={**tags_of(stored), **place.asked.tags},
        assets=target.assets(stored),
    )
    return show_task(records, task_id)


def _job(place: Workplace, stored: StoredTask) -> dg.JobDefinition:
    name = target_of(stored.target_kind).job(place.location, stored)
    return place.location.job(name) if name else place.location.asset_job()
