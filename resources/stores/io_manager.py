"""The IO manager of Python transforms: it reads by annotation and publishes what is returned."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg
import pandas as pd

from resources.failures import boundary
from resources.kernel.errors import ConfigError, InputError
from resources.stores.asset_partitions import (
    replaced_partitions,
    select_partitions,
    values_by_partition,
)
from resources.stores.collect import DEFAULT_KEEP
from resources.stores.frames import drops_row_numbers
from resources.stores.manifest import Manifest
from resources.stores.partitions import Replaced
from resources.stores.python_values import read_value, write_value
from resources.stores.resource import StoreResource
from resources.stores.table_writer import TableWriter
from resources.stores.tables import StoredTable, TableStore
from resources.stores.ui_metadata import table_metadata

KEEP_KEY = "waybill/keep"
"""Key of an asset's metadata: how many versions of its table are kept."""
KEEP_DAYS_KEY = "waybill/keep_days"
"""The same: for how many days a version is kept after a newer one took its place; of both, the larger set is kept."""


class DatasetIOManager(dg.ConfigurableIOManager):
    """Part of Waybill, not a connector: reads and stores the tables of Python assets.

    A transform gets its inputs as it annotates them; its result is stored as a new version of its asset.

    The version's number becomes the asset's data version. An asset that is annotated `-> None`, or returns a
    `MaterializeResult` without a value, stores nothing. Of the versions the newest 3 are kept, or as many as
    the asset's metadata says under `waybill/keep`; and those superseded less than `waybill/keep_days` days ago.

    An asset with partitions replaces those that its run makes; all others stay in the new version. One that is run for
    several partitions at once returns a dict with a table for each key. See `partitions`.
    """

    store: StoreResource

    def load_input(self, context: dg.InputContext) -> Any:
        """The newest version of the upstream table, or the partitions of it that the step needs."""
        with boundary():
            if not context.has_asset_key:
                raise _no_asset("an input", context.op_def.name)
            kind = context.dagster_type.typing_type
            key = tuple(context.asset_key.path)
            select = partial(select_partitions, context) if context.has_asset_partitions else _whole
            value, number = read_value(self.store.tables(), key, kind, select)
        context.log.info("%s: version %s", context.asset_key.to_user_string(), number)
        return value

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Publishes `obj`, once a run, collects, and reports rows, columns, version, size and a sample."""
        if obj is None and not _must_return(context):
            return
        with boundary():
            self._store(context, obj)

    def _store(self, context: dg.OutputContext, obj: Any) -> None:
        if not context.has_asset_key:
            raise _no_asset("an output", context.op_def.name)
        key, name = tuple(context.asset_key.path), context.asset_key.to_user_string()
        if obj is None:
            raise _nothing(name)
        keep = _number(context.definition_metadata, KEEP_KEY, name, DEFAULT_KEEP, least=1)
        days = _number(context.definition_metadata, KEEP_DAYS_KEY, name, 0, least=0)
        if isinstance(obj, pd.DataFrame) and drops_row_numbers(obj):
            context.log.info("%s: row numbers are not stored; name the index to keep it", name)
        step = _step()
        store = self.store.tables()
        replaced = replaced_partitions(context)
        attempt = step.retry_number if step else 0
        with store.writer(key, run_id=context.run_id, attempt=attempt) as writer:
            version = _write(writer, obj, replaced, name)
        table = store.read(key, version.number)
        if replaced:
            _warn_of_beginning(context, store, table, replaced)
        store.collect(key, keep=keep, keep_days=days)
        context.add_output_metadata(_metadata(table, replaced))
        if step:
            step.set_data_version(context.asset_key, dg.DataVersion(str(version.number)))


def _write(writer: TableWriter, obj: Any, replaced: Replaced | None, name: str) -> Manifest:
    facts: dict[str, Any] = {"origin": "python", "returned": type(obj).__name__}
    if replaced is None:
        write_value(writer, obj, where=name)
        return writer.publish(facts)
    for key, value in values_by_partition(obj, replaced, where=name).items():
        writer.begin_partition(key)
        write_value(writer, value, where=f"{name}, partition {key!r}")
    return writer.publish(facts | {"partitions": sorted(replaced.keys)}, replaced)


def _metadata(table: StoredTable, replaced: Replaced | None) -> dict[str, dg.MetadataValue]:
    """Figures of what the run made; the rows of the whole table beside them."""
    if replaced is None:
        return table_metadata(table)
    made = table.of_partitions(replaced.keys)
    return table_metadata(made) | {
        "dagster/partition_row_count": dg.MetadataValue.int(made.rows),
        "dagster/row_count": dg.MetadataValue.int(table.rows),
        "partitions": dg.MetadataValue.int(len(table.partitions)),
    }


def _warn_of_beginning(
    context: dg.OutputContext, store: TableStore, table: StoredTable, replaced: Replaced
) -> None:
    if set(table.partitions) != replaced.keys:
        return
    before = table.version.number - 1
    versions = store.item(tuple(context.asset_key.path)).versions(newest=2)
    for version in versions:
        if version.number == before and version.partitioned_by != replaced.partitioned_by:
            context.log.warning(
                "%s: version %s begins anew with the partitions of this run. Its rows before had"
                " other partitions or none; they are in version %s and earlier only",
                table.name,
                table.version.number,
                before,
            )


def _whole(table: StoredTable) -> StoredTable:
    return table


def _must_return(context: dg.OutputContext) -> bool:
    """Whether None is a forgotten `return`: the output is an asset's and is not declared to be nothing."""
    return context.has_asset_key and not context.dagster_type.is_nothing


def _number(metadata: Mapping[str, Any], key: str, asset: str, default: int, *, least: int) -> int:
    given = metadata.get(key, default)
    found = given.value if isinstance(given, dg.MetadataValue) else given
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        of = "versions" if key == KEEP_KEY else "days"
        raise ConfigError(
            f"{asset}: its metadata {key!r} is {str(found)[:60]!r}, which is no number of {of}",
            hint=f"Give a whole number from {least} on, or leave it out to keep {DEFAULT_KEEP}"
            if key == KEEP_KEY
            else f"Give a whole number from {least} on, or leave it out",
        )
    return found


def _step() -> dg.AssetExecutionContext | None:
    """The running step; None when the IO manager is called outside of one."""
    try:
        return dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError:
        return None


def _no_asset(what: str, op: str) -> ConfigError:
    return ConfigError(
        f"{what.capitalize()} of the op {op!r} belongs to no asset; only assets are stored as tables",
        hint='Give it io_manager_key="handles", or make it an asset',
    )


def _nothing(asset: str) -> InputError:
    return InputError(
        f"{asset}: the transform returned nothing, so no version was stored",
        hint="Return a table; annotate `-> None` or return a MaterializeResult if nothing is to be stored",
    )
