"""The run of a collection's asset that works on a task: what it is given, and what it tells.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from contextlib import ExitStack
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.collections.declaration import CollectionSpec
from assets.collections.publishing import publish
from assets.collections.run_means import connectors_of, declared_schema
from assets.collections.tasks.carrying_out import TaskMeans, carry_out_task, keeps_bytes
from assets.logical_run import is_repeated
from assets.table_asset import finish_table, table_result
from assets.task_hold import (
    SHOWN_FAILURES,
    asker_of,
    end_lost_run,
    first_failures,
    observe_task,
    task_counts,
)
from resources.import_tasks.items import TaskItem
from resources.kernel.errors import NotFoundError
from resources.kernel.records import StoredVersion
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.catalog.import_tasks.records import StoredTask
from resources.stores.catalog.resource import CatalogResource
from resources.stores.media.writer import MediaWriter
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import shown_seconds


def keep_task(
    context: dg.AssetExecutionContext,
    spec: CollectionSpec,
    store: StoreResource,
    catalog: CatalogResource,
    task_id: int,
) -> dg.MaterializeResult[None]:
    """Works on a task and publishes what holds then."""
    started = time.monotonic()
    with boundary(), ExitStack() as stack:
        collections, tables = catalog.collections(), store.tables()
        tasks = ImportTaskCatalog(collections.database)
        end_lost_run(context.instance, tasks, task_id, context.run.run_id)
        versions: list[StoredVersion] = []
        writer = _writer(context, spec, store, tasks, task_id, stack)

        def show() -> None:
            run = {"run_id": context.run.run_id, "attempt": context.retry_number}
            versions.append(publish(collections, tables, spec, writer=writer, **run))

        means = TaskMeans(
            database=collections.database,
            spec=spec,
            run_id=context.run.run_id,
            attempt=context.retry_number,
            is_repeated=is_repeated(context.run),
            actor=asker_of(context.run.tags),
            schema=lambda: declared_schema(spec, collections),
            connectors=lambda: connectors_of(context, spec),
            writer=writer,
            publish=show,
            observe=lambda task: _observe(context, spec, task),
        )
        ended = carry_out_task(means, task_id)
        table = finish_table(context, spec, tables, versions[-1].number)
    metadata: dict[str, Any] = {"seconds": shown_seconds(time.monotonic() - started)}
    if ended is not None:
        failed = TaskItemCatalog(collections.database).page(
            task_id, state="failed", limit=SHOWN_FAILURES
        )
        metadata |= _task_metadata(ended, failed)
    return table_result(table, metadata, descriptions=spec.column_descriptions)


def _writer(
    context: dg.AssetExecutionContext,
    spec: CollectionSpec,
    store: StoreResource,
    tasks: ImportTaskCatalog,
    task_id: int,
    stack: ExitStack,
) -> MediaWriter | None:
    try:
        is_needed = keeps_bytes(spec, tasks.find(task_id).definition)
    except NotFoundError:
        is_needed = spec.keep_copies
    if not is_needed:
        return None
    writer = store.media().writer(spec.key, run_id=context.run.run_id, attempt=context.retry_number)
    return stack.enter_context(writer)


def _observe(context: dg.AssetExecutionContext, spec: CollectionSpec, task: StoredTask) -> None:
    """How far it is, on the asset's page and in the log of the run."""
    told = (
        f"import task {task.id}: {task.settled:,} of {task.total:,} items, {task.failed:,} failed"
    )
    context.log.info(told)
    observe_task(context, dg.AssetKey(spec.key), task)


def _task_metadata(task: StoredTask, failed: list[TaskItem]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "import task": task.id,
        "task": task.name,
        "state": task.state,
        "source": task.source,
        "folder": task.folder or "/",
        "author": task.asked_by,
        **task_counts(task),
        "items created": task.created,
        "items updated": task.updated,
        "items unchanged": task.unchanged,
        "duplicates": task.duplicates,
    }
    if task.worked_at is not None and task.ended_at is not None:
        seconds = (task.ended_at - task.worked_at).total_seconds()
        found["items a second"] = round((task.settled - task.worked_from) / max(seconds, 0.001), 2)
    return found | first_failures(failed)
