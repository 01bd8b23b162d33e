"""The IO manager of Python transforms: it reads by annotation and publishes what is returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from resources.failures import boundary
from resources.kernel.errors import ConfigError, InputError
from resources.stores.collect import DEFAULT_KEEP
from resources.stores.frames import drops_row_numbers
from resources.stores.python_values import read_value, write_value
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import table_metadata

KEEP_KEY = "waybill/keep"
"""Key of an asset's metadata: how many versions of its table are kept."""


class DatasetIOManager(dg.ConfigurableIOManager):
    """Part of Waybill, not a connector: reads and stores the tables of Python assets.

    A transform gets its inputs as it annotates them; its result is stored as a new version of its asset.

    The version's number becomes the asset's data version. An asset that is annotated `-> None`, or returns a
    `MaterializeResult` without a value, stores nothing. Of the versions the newest 3 are kept, or as many as
    the asset's metadata says under `waybill/keep`.
    """

    store: StoreResource

    def load_input(self, context: dg.InputContext) -> Any:
        """The newest version of the upstream table; see `python_values.read_value`."""
        with boundary():
            if not context.has_asset_key:
                raise _no_asset("an input", context.op_def.name)
            if context.has_asset_partitions:
                raise _partitioned(context.asset_key)
            kind = context.dagster_type.typing_type
            value, number = read_value(self.store.tables(), tuple(context.asset_key.path), kind)
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
        if context.has_asset_partitions:
            raise _partitioned(context.asset_key)
        key, name = tuple(context.asset_key.path), context.asset_key.to_user_string()
        if obj is None:
            raise _nothing(name)
        keep = _keep(context.definition_metadata, name)
        if isinstance(obj, pd.DataFrame) and drops_row_numbers(obj):
            context.log.info("%s: row numbers are not stored; name the index to keep it", name)
        step = _step()
        store = self.store.tables()
        attempt = step.retry_number if step else 0
        with store.writer(key, run_id=context.run_id, attempt=attempt) as writer:
            write_value(writer, obj, where=name)
            version = writer.publish({"origin": "python", "returned": type(obj).__name__})
        store.collect(key, keep=keep)
        context.add_output_metadata(table_metadata(store.read(key, version.number)))
        if step:
            step.set_data_version(context.asset_key, dg.DataVersion(str(version.number)))


def _must_return(context: dg.OutputContext) -> bool:
    """Whether None is a forgotten `return`: the output is an asset's and is not declared to be nothing."""
    return context.has_asset_key and not context.dagster_type.is_nothing


def _keep(metadata: Mapping[str, Any], asset: str) -> int:
    given = metadata.get(KEEP_KEY, DEFAULT_KEEP)
    keep = given.value if isinstance(given, dg.MetadataValue) else given
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
        raise ConfigError(
            f"{asset}: its metadata {KEEP_KEY!r} is {str(keep)[:60]!r}, which is no number of versions",
            hint="Give a whole number from 1 on, or leave it out to keep 3",
        )
    return keep


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


def _partitioned(key: dg.AssetKey) -> ConfigError:
    return ConfigError(
        f"{key.to_user_string()} is partitioned; a stored table is one whole version",
        hint="Leave out partitions_def, or write partitions with an IO manager of your own",
    )
