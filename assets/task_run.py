"""A run that works on an import task of files: taken up, its files listed and fetched, its stop seen, its end written down.

Of datasets, image folders and classification sets. What becomes of the files is the target's own import. Here is what those share: every way out ends the task in a state, and what
kills the process is seen by whoever looks at the task next (`orchestration/services/import_tasks/lost.py`).

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import msgspec

from assets.boundary import RETRIES
from assets.logical_run import is_repeated, logical_run
from resources.connectors.base import FileConnector
from resources.import_tasks.definition import parse_definition
from resources.import_tasks.items import TaskItem
from resources.import_tasks.sources import ItemRefusedError
from resources.import_tasks.states import TaskEvent
from resources.kernel.errors import InputError, NotFoundError, WaybillError
from resources.project import find_project
from resources.scratch import ScratchFolder
from resources.sources.whole_files import (
    BroughtFile,
    RefusedFile,
    WholeFiles,
    take_files,
    whole_files,
)
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.catalog.import_tasks.records import ItemResult, StoredTask, TaskRequest
from resources.stores.catalog.import_tasks.removal import remove_task
from resources.stores.catalog.resource import CatalogResource
from resources.stores.task_uploads import TaskUploads
from resources.stores.ui_metadata import escape_markdown, markdown_table

ACTOR = "waybill"
SHOWN_FAILURES = 20
# Plain types, no `dg.Config`: its fields may be taken from any variable of the server's environment.
TASK_FIELDS = {
    "task": dg.Field(int, default_value=0, description="An import task to work on instead"),
    "new_task": dg.Field(str, default_value="", description="Or one to make first, as JSON"),
}
"""What runs of assets that tasks go into may be told."""
_ACTOR_TAG = "waybill/actor"
_SENSOR_TAG = "dagster/sensor_name"
_LOT = 1_000
_LOOK_SECONDS = 1.0

T = TypeVar("T")


class TaskFailedError(InputError):
    """Nothing of a task came in."""


@dataclass
class TaskRun:
    """A run's hold on a task.

    Args:
        context: of the run.
        catalog: has the task.
        task: as it was taken up.
        files: where its files come from.
        scratch: a folder for them, empty at first.
    """

    context: dg.AssetExecutionContext
    catalog: ImportTaskCatalog
    task: StoredTask
    files: WholeFiles
    scratch: Path
    _looked: float = field(default=0.0)

    @property
    def items(self) -> TaskItemCatalog:
        """The items of all tasks."""
        return TaskItemCatalog(self.catalog.database)

    def check(self) -> None:
        """Ends the run where the task is to stop, is being deleted, or is in the hands of another run.

        Asks the catalog once a second at most: it may be called for each piece of work.

        Raises:
            dg.DagsterExecutionInterruptedError: see above.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        if self.catalog.state(self.task.id) != ("importing", self.context.run.run_id):
            self.context.log.info("import task %s is to stop", self.task.id)
            self.context.instance.report_run_canceling(self.context.run)
            raise dg.DagsterExecutionInterruptedError

    def list_files(self) -> None:
        """Writes down which files there are; once, whatever becomes of the run."""
        if self.task.listed_at is None:
            for lot in _lots(self.files.items.list()):
                self.check()
                self.items.add(self.task.id, lot)
            self.items.note_listed(self.task.id)
        self._tell()

    def wanted(self, *, settled_too: bool = False) -> list[TaskItem]:
        """The files that are still to come in; those that came in before as well, if asked for."""
        found = self.items.all_of(self.task.id)
        return [one for one in found if one.state == "pending" or (settled_too and not one.rule)]

    def take(self, items: Sequence[TaskItem]) -> Iterator[BroughtFile]:
        """Brings files here. One that cannot be fetched fails alone, or all with it, as the task says.

        Raises:
            ItemRefusedError: a file that cannot be fetched, where that is the end of all.
            WaybillError: what all files share.
        """
        for number, found in enumerate(take_files(self.files, items, self.scratch, self.check), 1):
            if isinstance(found, RefusedFile):
                self.refuse(found.item, found.error)
            else:
                yield found
            if number % _LOT == 0:
                self.context.log.info("%s of %s files fetched", f"{number:,}", f"{len(items):,}")

    def refuse(self, item: TaskItem, error: WaybillError, rule: str = "dataset_refused") -> None:
        """Writes down why a file does not come in.

        Raises:
            WaybillError: the `error` itself, where one bad file is the end of all, or the file had come in before.
        """
        if isinstance(error, ItemRefusedError):
            rule = error.rule
        failed = ItemResult(item.number, "failed", rule=rule, message=error.message)
        self.items.settle(self.task.id, [failed])
        if not self.task.definition.ignores_errors or item.state != "pending":
            raise error

    def settle(self, results: Sequence[ItemResult]) -> None:
        """Writes down what became of files."""
        for lot in _lots(results):
            self.items.settle(self.task.id, lot)

    def _tell(self) -> None:
        """How much there is to do, on the asset's page."""
        task = self.catalog.find(self.task.id)
        self.context.log.info("import task %s: %s files", task.id, f"{task.total:,}")
        self.context.log_event(
            dg.AssetObservation(
                asset_key=self.context.asset_key,
                metadata={"import task": task.id, **_counts(task)},
            )
        )


def task_of(context: dg.AssetExecutionContext, tasks: ImportTaskCatalog) -> int:
    """The import task that a run is to work on: one that is there, or one that it makes; 0: none.

    A run that tries again what another one began finds the task of that one.

    Raises:
        InputError: a definition that cannot be.
    """
    config = context.op_execution_context.op_config
    if config["task"] or not config["new_task"]:
        return int(config["task"])
    definition = parse_definition(msgspec.json.decode(config["new_task"]))
    logical_id, _ = logical_run(context)
    new = TaskRequest(
        project=find_project().location,
        key=f"run {logical_id}",
        definition=definition,
        via="sensor" if _SENSOR_TAG in context.run.tags else "schedule",
        asked_by=asker_of(context.run.tags),
    )
    return tasks.create(new).id


@contextmanager
def work_on(
    context: dg.AssetExecutionContext,
    catalog: CatalogResource,
    connectors: Sequence[str],
) -> Iterator[TaskRun | None]:
    """Takes the task that a run is told up, for as long as the context lives; leaving it ends the task.

    Args:
        context: of the run.
        catalog: has the task.
        connectors: those that the target declares.

    Yields:
        The hold on it; None: the run is told of none, or there is nothing to do for it.

    Raises:
        TaskFailedError: all of its files failed.
        WaybillError: whatever the work raises; the task has failed then, unless this run tries once more.
    """
    tasks = ImportTaskCatalog(catalog.collections().database)
    task_id = task_of(context, tasks)
    if not task_id or not _begin(context, tasks, task_id):
        yield None
        return
    try:
        with ExitStack() as stack:
            scratch = stack.enter_context(ScratchFolder("import")).path
            task = tasks.find(task_id)
            given = _connectors(context, connectors)
            uploads = TaskUploads.open().of(task_id)
            files = whole_files(task.definition.source, given, uploads, scratch)
            yield TaskRun(context, tasks, task, files, scratch)
    except BaseException as error:
        _note_error(context, tasks, task_id, error)
        raise
    _end(context, tasks, task_id)


def task_metadata(run: TaskRun) -> dict[str, Any]:
    """What a materialization tells of the task that it was made by."""
    task = run.catalog.find(run.task.id)
    found: dict[str, Any] = {
        "import task": task.id,
        "task": task.name,
        "task's source": task.source,
        "author": task.asked_by,
        **_counts(task),
        "items created": task.created,
        "items updated": task.updated,
        "items unchanged": task.unchanged,
    }
    failed = list(islice(run.items.all_of(task.id, "failed"), SHOWN_FAILURES))
    if failed:
        rows = [
            [escape_markdown(one.name, 80), one.rule, escape_markdown(one.message, 160)]
            for one in failed
        ]
        table = markdown_table(("item", "rule", "message"), rows)
        found["first failures"] = dg.MetadataValue.md(table)
    return found


def _lots(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while lot := list(islice(rest, _LOT)):
        yield lot


def _counts(task: StoredTask) -> Mapping[str, int]:
    return {
        "items": task.total,
        "items done": task.done,
        "items skipped": task.skipped,
        "items failed": task.failed,
    }


def _connectors(
    context: dg.AssetExecutionContext, names: Sequence[str]
) -> dict[str, FileConnector]:
    return {name: getattr(context.resources, name).files() for name in names}


def _begin(context: dg.AssetExecutionContext, tasks: ImportTaskCatalog, task_id: int) -> bool:
    run_id = context.run.run_id
    end_lost_run(context.instance, tasks, task_id, run_id)
    asker = asker_of(context.run.tags)
    return tasks.begin(task_id, run_id, asker, is_repeated=is_repeated(context.run)) is not None


def asker_of(tags: Mapping[str, str]) -> str:
    """Who asks for a run: a person, or what starts runs by itself."""
    own = {"sensor": tags.get(_SENSOR_TAG), "schedule": tags.get("dagster/schedule_name")}
    by_itself = next((f"{kind} {name}" for kind, name in own.items() if name), ACTOR)
    return tags.get(_ACTOR_TAG, by_itself)


def end_lost_run(
    instance: dg.DagsterInstance, tasks: ImportTaskCatalog, task_id: int, run_id: str
) -> None:
    """Ends a task that is still in the hands of a run which is over: this one may be the retry of it."""
    found = tasks.state(task_id)
    if found is None or found[1] in ("", run_id):
        return
    other = instance.get_run_by_id(found[1])
    if other is None or other.is_finished:
        reason = f"interrupted: run {found[1]} ended without a word"
        tasks.end(task_id, "interrupt", run_id=found[1], actor=ACTOR, reason=reason)


def _note_error(
    context: dg.AssetExecutionContext, tasks: ImportTaskCatalog, task_id: int, error: BaseException
) -> None:
    """What is about to be tried again by this run goes on; all else ends the task."""
    is_tried_again = (
        isinstance(error, WaybillError)
        and error.retryable
        and context.retry_number < RETRIES.max_retries
    )
    if is_tried_again:
        return
    is_failure = isinstance(error, Exception)
    event: TaskEvent = "fail" if is_failure else "halt"
    reason = str(error) if is_failure else ""
    ended = tasks.end(task_id, event, run_id=context.run.run_id, actor=ACTOR, reason=reason)
    _finish_deletion(tasks, ended)


def _end(context: dg.AssetExecutionContext, tasks: ImportTaskCatalog, task_id: int) -> None:
    task = tasks.find(task_id)
    event: TaskEvent = "complete"
    reason = ""
    if task.failed and not (task.done or task.skipped):
        event = "fail"
        first = TaskItemCatalog(tasks.database).page(task_id, state="failed", limit=1)[0]
        what = "its only file failed" if task.failed == 1 else f"all {task.failed:,} files failed"
        reason = f"{what}: {first.name}: {first.message}"
    ended = tasks.end(task_id, event, run_id=context.run.run_id, actor=ACTOR, reason=reason)
    _finish_deletion(tasks, ended)
    if event == "fail":
        raise TaskFailedError(
            f"import task {task_id}: {reason}", hint="Mend them and retry", task_id=task_id
        )


def _finish_deletion(tasks: ImportTaskCatalog, ended: StoredTask | None) -> None:
    if ended is not None and ended.state == "deleting":
        with suppress(NotFoundError):  # another one did the same
            remove_task(tasks.database, ended.id, ACTOR)
        TaskUploads.open().remove(ended.id)
