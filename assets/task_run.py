"""A run that works on an import task of files: taken up, its files listed and fetched, its stop seen, its end written down.

Of datasets, image folders and classification sets. What becomes of the files is the target's own import. Here is what those share: every way out ends the task in a state, and what
kills the process is seen by whoever looks at the task next (`orchestration/services/import_tasks/lost.py`).

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import msgspec

from assets.logical_run import is_repeated, logical_run
from assets.task_hold import (
    SENSOR_TAG,
    SHOWN_FAILURES,
    TaskFailedError,
    asker_of,
    end_lost_run,
    end_task,
    first_failures,
    note_error,
    observe_task,
    task_counts,
    why_all_failed,
)
from resources.connectors.base import FileConnector
from resources.import_tasks.definition import Target, TaskDefinition, parse_definition
from resources.import_tasks.items import TaskItem
from resources.import_tasks.sources import ItemRefusedError
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
from resources.stores.catalog.import_tasks.retiring import retire_tasks
from resources.stores.catalog.resource import CatalogResource
from resources.stores.task_uploads import TaskUploads

# Plain types, no `dg.Config`: its fields may be taken from any variable of the server's environment.
TASK_FIELDS = {
    "task": dg.Field(int, default_value=0, description="An import task to work on instead"),
    "new_task": dg.Field(str, default_value="", description="Or one to make first, as JSON"),
    "keep_tasks": dg.Field(
        dg.Noneable(int), default_value=None, description="Ended ones like it that stay"
    ),
}
"""What runs of assets that tasks go into may be told."""
_LOT = 1_000
_LOOK_SECONDS = 1.0

T = TypeVar("T")


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
        observe_task(self.context, self.context.asset_key, task)


def task_of(context: dg.AssetExecutionContext, tasks: ImportTaskCatalog, target: Target) -> int:
    """The import task that a run is to work on: one that is there, or one that it makes; 0: none.

    A run that tries again what another one began finds the task of that one.

    Args:
        context: of the run.
        tasks: has them.
        target: what the run makes, where the task has to go to.

    Raises:
        InputError: a definition that cannot be, or a task that goes elsewhere.
    """
    config = context.op_execution_context.op_config
    if task_id := int(config["task"]):
        with suppress(NotFoundError):  # removed meanwhile: there is nothing to do for it
            _check_target(tasks.find(task_id).definition, target)
        return task_id
    if not config["new_task"]:
        return 0
    definition = parse_definition(msgspec.json.decode(config["new_task"]))
    _check_target(definition, target)
    logical_id, _ = logical_run(context)
    new = TaskRequest(
        project=find_project().location,
        key=f"run {logical_id}",
        definition=definition,
        via="sensor" if SENSOR_TAG in context.run.tags else "schedule",
        asked_by=asker_of(context.run.tags),
    )
    made = tasks.create(new)
    _retire(context, tasks, made)
    return made.id


def _retire(context: dg.AssetExecutionContext, tasks: ImportTaskCatalog, made: StoredTask) -> None:
    keep = context.op_execution_context.op_config["keep_tasks"]
    if keep is None:
        return
    try:
        if gone := retire_tasks(tasks.database, made, max(keep, 1)):
            context.log.info("%s ended tasks were removed: the newest %s stay", gone, f"{keep:,}")
    except WaybillError as error:  # the next one tries again
        context.log.warning("ended tasks could not be removed: %s", error)


def _check_target(definition: TaskDefinition, target: Target) -> None:
    found = definition.target
    if (found.kind, found.name) != (target.kind, target.name):
        given, own = (f"{one.kind.replace('_', ' ')} {one.name!r}" for one in (found, target))
        raise InputError(
            f"the import task goes into {given}: a run of {own} cannot work on it",
            hint="Start the task itself: `waybill import start`",
        )


@contextmanager
def work_on(
    context: dg.AssetExecutionContext,
    catalog: CatalogResource,
    target: Target,
    connectors: Sequence[str],
) -> Iterator[TaskRun | None]:
    """Takes the task that a run is told up, for as long as the context lives; leaving it ends the task.

    Args:
        context: of the run.
        catalog: has the task.
        target: what the run makes.
        connectors: those that the target declares.

    Yields:
        The hold on it; None: the run is told of none, or there is nothing to do for it.

    Raises:
        TaskFailedError: all of its files failed.
        WaybillError: whatever the work raises; the task has failed then, unless this run tries once more.
    """
    tasks = ImportTaskCatalog(catalog.collections().database)
    task_id, run_id = task_of(context, tasks, target), context.run.run_id
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
        note_error(tasks, task_id, error, run_id=run_id, attempt=context.retry_number)
        raise
    _end(tasks, task_id, run_id)


def task_metadata(run: TaskRun) -> dict[str, Any]:
    """What a materialization tells of the task that it was made by."""
    task = run.catalog.find(run.task.id)
    found: dict[str, Any] = {
        "import task": task.id,
        "task": task.name,
        "task's source": task.source,
        "author": task.asked_by,
        **task_counts(task),
        "items created": task.created,
        "items updated": task.updated,
        "items unchanged": task.unchanged,
    }
    failed = list(islice(run.items.all_of(task.id, "failed"), SHOWN_FAILURES))
    return found | first_failures(failed)


def _lots(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while lot := list(islice(rest, _LOT)):
        yield lot


def _connectors(
    context: dg.AssetExecutionContext, names: Sequence[str]
) -> dict[str, FileConnector]:
    return {name: getattr(context.resources, name).files() for name in names}


def _begin(context: dg.AssetExecutionContext, tasks: ImportTaskCatalog, task_id: int) -> bool:
    run_id = context.run.run_id
    end_lost_run(context.instance, tasks, task_id, run_id)
    asker = asker_of(context.run.tags)
    return tasks.begin(task_id, run_id, asker, is_repeated=is_repeated(context.run)) is not None


def _end(tasks: ImportTaskCatalog, task_id: int, run_id: str) -> None:
    task = tasks.find(task_id)
    if not task.failed or task.done or task.skipped:
        end_task(tasks, task_id, "complete", run_id=run_id)
        return
    first = TaskItemCatalog(tasks.database).page(task_id, state="failed", limit=1)[0]
    reason = why_all_failed(task, first, "file")
    end_task(tasks, task_id, "fail", run_id=run_id, reason=reason)
    raise TaskFailedError(task_id, reason)
