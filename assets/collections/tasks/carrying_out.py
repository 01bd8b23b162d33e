"""A run of a task from its beginning to its end: taken up, listed, worked on, published, and its end written down.

Every way out ends the task in a state: completed, stopped, failed. What kills the process is seen by whoever looks at the task
next, and by `waybill up` (`orchestration/services/import_tasks/lost.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

from assets.collections.declaration import CollectionSpec
from assets.collections.tasks.reading import ItemReader
from assets.collections.tasks.source import SourceMeans, open_source
from assets.collections.tasks.working import Workbench, work
from assets.task_hold import TaskFailedError, end_task, note_error, why_all_failed
from resources.collections.metadata_schema import MetadataSchema
from resources.connectors.base import FileConnector
from resources.import_tasks.definition import TaskDefinition, UploadSource, WebSource
from resources.import_tasks.formats import TEXT_TYPES
from resources.import_tasks.states import TaskEvent
from resources.scratch import ScratchFolder
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.collecting import TaskCollecting, TaskFolder
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.catalog.import_tasks.records import StoredTask
from resources.stores.media.writer import MediaWriter
from resources.stores.task_uploads import TaskUploads

_OBSERVED_SECONDS = 30.0


@dataclass(frozen=True)
class TaskMeans:
    """What a run of a task works with.

    Args:
        database: the catalog.
        spec: the collection.
        run_id: of this run.
        attempt: number of its retry.
        is_repeated: whether nobody asked for it, but Dagster tries a run again.
        actor: who asked for it.
        schema: gives the schema of custom metadata.
        connectors: gives those of the collection.
        writer: keeps bytes; None: nothing is kept.
        publish: shows what the collection holds as a version of its table.
        observe: hears how far it is, now and then.
    """

    database: CatalogDatabase
    spec: CollectionSpec
    run_id: str
    attempt: int
    is_repeated: bool
    actor: str
    schema: Callable[[], MetadataSchema | None]
    connectors: Callable[[], Mapping[str, FileConnector]]
    writer: MediaWriter | None
    publish: Callable[[], Any]
    observe: Callable[[StoredTask], None]

    @property
    def tasks(self) -> ImportTaskCatalog:
        """All tasks."""
        return ImportTaskCatalog(self.database)

    @property
    def items(self) -> TaskItemCatalog:
        """Their items."""
        return TaskItemCatalog(self.database)


def keeps_bytes(spec: CollectionSpec, definition: TaskDefinition) -> bool:
    """Whether bytes of items are kept: by the collection, by the task, or since uploads lie nowhere else."""
    return (
        spec.keep_copies
        or definition.options.keep_raw
        or isinstance(definition.source, UploadSource)
    )


def carry_out_task(means: TaskMeans, task_id: int) -> StoredTask | None:
    """Carries a task out as far as it is not done, and publishes what the collection holds then.

    Returns:
        The task as it ended; None: it is gone.

    Raises:
        TaskFailedError: all of its items failed.
        WaybillError: something that all items share; what is done stays, a retry goes on.
    """
    begun = means.tasks.begin(task_id, means.run_id, means.actor, is_repeated=means.is_repeated)
    if begun is None:
        means.publish()  # gone, completed, or to stay stopped: what holds is shown all the same
        return None
    try:
        task = means.tasks.find(task_id)
        _work(means, task)
        means.publish()
    except BaseException as error:
        note_error(
            means.tasks,
            task_id,
            error,
            run_id=means.run_id,
            attempt=means.attempt,
            cancelled="its run was cancelled",
        )
        raise
    return _end(means, task_id)


def _end(means: TaskMeans, task_id: int) -> StoredTask | None:
    event, reason = _outcome(means, means.tasks.find(task_id))
    ended = end_task(means.tasks, task_id, event, run_id=means.run_id, reason=reason)
    if ended is not None and ended.state == "deleting":
        return None
    if event == "fail":
        raise TaskFailedError(task_id, reason)
    return ended


def _outcome(means: TaskMeans, task: StoredTask) -> tuple[TaskEvent, str]:
    if task.pending or task.listed_at is None:
        return "halt", ""
    if not task.failed or task.done or task.skipped:
        return "complete", ""
    first = means.items.page(task.id, state="failed", limit=1)[0]
    return "fail", f"{why_all_failed(task, first, 'item')} ({first.rule})"


def _work(means: TaskMeans, task: StoredTask) -> None:
    definition = task.definition
    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("import"))
        stopped = Event()
        source = stack.enter_context(
            open_source(
                definition.source,
                SourceMeans(
                    TaskUploads.open().of(task.id),
                    means.connectors(),
                    scratch.path,
                    stopped,
                    (item.reference for item in means.items.all_of(task.id)),
                ),
            )
        )
        reader = stack.enter_context(_open_reader(means, definition))
        bench = Workbench(
            task_id=task.id,
            run_id=means.run_id,
            tasks=means.tasks,
            items=means.items,
            collecting=TaskCollecting(means.database, _folder(means, task)),
            source=source,
            reader=reader,
            follows=isinstance(definition.source, WebSource)
            and definition.source.crawl is not None,
            ignore_errors=definition.ignores_errors,
            stopped=stopped,
            tell=_told_now_and_then(means, task.id),
        )
        bench.look()
        if task.listed_at is None and not stopped.is_set():
            bench.list_items()
            means.observe(means.tasks.find(task.id))
        work(bench)


def _folder(means: TaskMeans, task: StoredTask) -> TaskFolder:
    spec = means.spec
    return TaskFolder(
        task_id=task.id,
        collection=spec.name,
        folder=task.folder or spec.folder,
        schema=spec.metadata_schema,
        takes_duplicates=task.definition.options.on_duplicate == "new_version",
    )


def _told_now_and_then(means: TaskMeans, task_id: int) -> Callable[[int], None]:
    last = time.monotonic()

    def tell(_settled: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _OBSERVED_SECONDS:
            last = time.monotonic()
            means.observe(means.tasks.find(task_id))

    return tell


@contextmanager
def _open_reader(means: TaskMeans, definition: TaskDefinition) -> Iterator[ItemReader]:
    """Parsers start when one is needed; those that the collection has no use for are never loaded."""
    spec = means.spec
    with ExitStack() as stack:
        documents = prober = None
        if spec.documents is not None:
            from resources.documents.limits import ReadLimits
            from resources.documents.reader import open_reader

            told = spec.documents.limits
            limits = ReadLimits(
                memory_bytes=told.memory_mb * 2**20,
                cpu_seconds=told.seconds,
                seconds=told.seconds,
                pages=told.pages,
                file_bytes=told.file_mb * 1_000_000,
            )
            documents = stack.enter_context(open_reader(limits))
        if spec.probe != "never" and set(spec.types or ("image",)) - TEXT_TYPES:
            from resources.media.prober import open_prober

            prober = stack.enter_context(open_prober())
        options = definition.options
        yield ItemReader(
            spec=spec,
            options=options,
            schema=means.schema(),
            is_web=isinstance(definition.source, WebSource),
            keeps=means.writer,
            keeps_texts=spec.keep_copies or options.keep_raw,
            documents=documents,
            prober=prober,
        )
