"""From a collection's declaration to its asset: a run takes a specification in, goes on with an import, or shows what holds.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.collections.declaration import CollectionSpec
from assets.collections.importing import ImportEnd, Means, WantedImport, carry_out
from assets.collections.keeping import imports_of
from assets.collections.publishing import publish
from assets.collections.run_means import connectors_of, declared_schema
from assets.collections.tasks.keeping_task import keep_task
from assets.logical_run import logical_run
from assets.noun import asset_definition
from assets.table_asset import finish_table, table_result
from assets.task_run import TASK_FIELDS, task_of
from resources.import_tasks.definition import Target
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import FailedFile
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import escape_markdown, markdown_table, shown_seconds

SHOWN_FAILURES = 20

# Plain types, no `dg.Config`: its fields may be taken from any variable of the server's environment.
_RUN_CONFIG = {
    "upload": dg.Field(
        str, default_value="", description="SHA-256 of a specification that was handed in"
    ),
    "connector": dg.Field(str, default_value="", description="Or the connector where one lies"),
    "object_key": dg.Field(str, default_value="", description="Its key there"),
    "file_name": dg.Field(
        str, default_value="", description="Its name; the ending decides the format"
    ),
    "folder": dg.Field(dg.Noneable(str), default_value=None, description="Where items go"),
    "ignore_errors": dg.Field(bool, default_value=False, description="Go on when an item fails"),
    "author": dg.Field(str, default_value="", description="Who asks"),
    "watched": dg.Field(
        bool, default_value=False, description="Or whether it is what lies in the watched place"
    ),
    "import_id": dg.Field(int, default_value=0, description="Or an import to go on with"),
    "retry_failed": dg.Field(
        bool, default_value=False, description="Look at its failed items again"
    ),
    **TASK_FIELDS,
}

Execute = Callable[
    [dg.AssetExecutionContext, CollectionSpec, StoreResource, CatalogResource],
    dg.MaterializeResult[None],
]


def keep_collection(
    context: dg.AssetExecutionContext,
    spec: CollectionSpec,
    store: StoreResource,
    catalog: CatalogResource,
) -> dg.MaterializeResult[None]:
    """Does what the run was asked for and publishes what holds then."""
    given = context.op_execution_context.op_config
    config = {name: given[name] for name in given if name not in TASK_FIELDS}
    with boundary():
        tasks = ImportTaskCatalog(catalog.collections().database)
        task_id = task_of(context, tasks, Target("collection", spec.name))
    if task_id:
        return keep_task(context, spec, store, catalog, task_id)
    started = time.monotonic()
    logical_id, _ = logical_run(context)
    wanted = WantedImport(key=logical_id, **config)
    collections, tables, run = catalog.collections(), store.tables(), context.run
    with boundary(), ExitStack() as stack:
        writer = None
        if spec.keep_copies:
            writer = stack.enter_context(
                store.media().writer(spec.key, run_id=run.run_id, attempt=context.retry_number)
            )
        end = None
        if not wanted.is_empty:
            with _noted(collections, wanted, run.run_id):
                means = _means(context, spec, collections)
            for one in imports_of(means, wanted):
                end = carry_out(means, one, writer)
        if collections.find(spec.name) is None:
            raise InputError(
                f"collection {spec.name}: nothing was imported yet",
                hint="`waybill collection import` takes a specification",
            )
        version = publish(
            collections,
            tables,
            spec,
            run_id=run.run_id,
            attempt=context.retry_number,
            writer=writer,
        )
        table = finish_table(context, spec, tables, version.number)
    metadata: dict[str, Any] = {"seconds": shown_seconds(time.monotonic() - started)}
    if end is not None:
        metadata |= _end_metadata(
            end, list(islice(collections.failures(end.stored.id), SHOWN_FAILURES))
        )
    return table_result(table, metadata, descriptions=spec.column_descriptions)


def build_collection(
    spec: CollectionSpec, *, asset: dg.AssetSpec | None = None, execute: Execute = keep_collection
) -> dg.Definitions:
    """The asset `("datasets", name)` in the group `collections`.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """

    # The connectors' keys are known only now, and Dagster takes resources either by key or as arguments.
    @asset_definition(
        asset or spec.asset_spec(),
        required_resource_keys={"store", "catalog", *spec.connectors},
        config_schema=_RUN_CONFIG,
    )
    def _take(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return execute(context, spec, context.resources.store, context.resources.catalog)

    return dg.Definitions(assets=[_take])


@contextmanager
def _noted(catalog: CollectionCatalog, wanted: WantedImport, run_id: str) -> Iterator[None]:
    """An import that cannot even begin has a reason too: a schema or a connector that is declared wrongly."""
    try:
        yield
    except Exception as error:
        if wanted.import_id:
            catalog.work(wanted.import_id, run_id)
            catalog.end(wanted.import_id, "failed", str(error))
        raise


def _means(
    context: dg.AssetExecutionContext, spec: CollectionSpec, catalog: CollectionCatalog
) -> Means:
    return Means(
        catalog=catalog,
        spec=spec,
        schema=declared_schema(spec, catalog),
        connectors=connectors_of(context, spec),
        run_id=context.run.run_id,
        tell=context.log.info,
    )


def _end_metadata(end: ImportEnd, failures: list[FailedFile]) -> dict[str, Any]:
    stored, counts = end.stored, end.counts
    found: dict[str, Any] = {
        "import": stored.id,
        "file": stored.file_name,
        "folder": stored.folder or "/",
        "author": stored.asked_by,
        "items ready": counts.ready,
        "items failed": counts.failed,
        **{
            f"items {action}": stored.registered.total(action)
            for action in stored.registered.counts
        },
    }
    if failures:
        found["first failures"] = dg.MetadataValue.md(_failure_table(failures))
    return found


def _failure_table(failures: list[FailedFile]) -> str:
    return markdown_table(
        ("place", "title", "rule", "message"),
        [
            [
                escape_markdown(failed.row_or_pointer),
                escape_markdown(failed.title, 80),
                failed.rule,
                escape_markdown(failed.message, 160),
            ]
            for failed in failures
        ],
    )
