"""From an exporter's declaration to a graph asset: one node in lineage, two ops in a run.

The first op pins the version to deliver, the second is the sink. What passes between them is a small record, kept
by the `handles` IO manager so that the ops may run in different processes.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg

from assets.boundary import RETRIES, boundary
from assets.logical_run import logical_run
from assets.noun import make_asset_spec
from resources.kernel.errors import NotFoundError
from resources.kernel.keys import Key, asset_key, noun_of_key
from resources.kernel.records import ExportReceipt, ExportRequest, TableName, WriteMode
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import shown_seconds


@dataclass(frozen=True)
class ExporterSpec:
    """What an exporter says."""

    name: str
    source: Key
    """Asset key of the table that is delivered: a dataset or an embedding."""
    connector: str
    kind: str
    """Icon of the target in the UI."""
    table: TableName
    mode: WriteMode = "overwrite"
    allow_empty: bool = False
    on_schema_change: Literal["fail", "recreate"] = "fail"
    keep_tables: int | None = None
    truncate_above: int | None = None

    @property
    def key(self) -> Key:
        """Its asset key."""
        return asset_key("exports", self.name)

    @property
    def source_name(self) -> str:
        """What is delivered, for people: `dataset flights`."""
        return f"{noun_of_key(self.source)} {self.source[1]}"

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={self.kind},
            deps=[dg.AssetKey(self.source)],
            description=f"{self.source_name} into table {self.table} of connector {self.connector} ({self.mode})",
            metadata={
                "connector": self.connector,
                "target table": str(self.table),
                "mode": self.mode,
            },
        )


def deliver_version(
    context: dg.OpExecutionContext, spec: ExporterSpec, store: StoreResource, version: int
) -> dg.Output[None]:
    """Writes the rows of a version into the target: all of them, at once, exactly once."""
    with boundary():
        table = store.tables().read(spec.source, version)
        connector = getattr(context.resources, spec.connector).tables()
        receipt = connector.write(table.batches(), _request(spec, context, table.rows, version))
    for warning in receipt.warnings:
        context.log.warning(warning)
    return dg.Output(None, metadata=_metadata(spec, receipt, version))


Execute = Callable[[dg.OpExecutionContext, ExporterSpec, StoreResource, int], dg.Output[None]]


def build_exporter(
    spec: ExporterSpec, *, asset: dg.AssetSpec | None = None, execute: Execute = deliver_version
) -> dg.Definitions:
    """The graph asset `("exports", name)`.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what the sink does.
    """
    asset = asset or spec.asset_spec()
    pin = _pin_op(spec)
    deliver = _deliver_op(spec, execute)

    @dg.graph_asset(
        key=asset.key,
        ins={"dataset": dg.AssetIn(dg.AssetKey(spec.source), dagster_type=dg.Nothing)},
        group_name=asset.group_name,
        description=asset.description,
        metadata=asset.metadata,
        tags=asset.tags,
        owners=asset.owners,
        code_version=asset.code_version,
        automation_condition=asset.automation_condition,
    )
    def _export(dataset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a composition: Dagster passes handles, not values
        return deliver(pin(dataset))

    return dg.Definitions(assets=[_export])


def _pin_op(spec: ExporterSpec) -> dg.OpDefinition:
    @dg.op(
        name=f"pin_{spec.name}",
        description=f"Settles which version of {spec.source_name} is delivered",
        ins={"dataset": dg.In(dg.Nothing)},
        out=dg.Out(io_manager_key="handles"),
        retry_policy=RETRIES,
    )
    def _pin(context: dg.OpExecutionContext, store: StoreResource) -> dict[str, Any]:
        with boundary():
            version = store.tables().item(spec.source).latest()
            if version is None:
                raise NotFoundError(
                    f"exporter {spec.name}: {spec.source_name} has no version yet",
                    hint="Materialize it first",
                )
        context.log.info("%s, version %s: %s rows", spec.source_name, version.number, version.rows)
        return {"version": version.number, "rows": version.rows}

    return _pin


def _deliver_op(spec: ExporterSpec, execute: Execute) -> dg.OpDefinition:
    @dg.op(
        name=f"deliver_{spec.name}",
        description=f"Writes the rows into {spec.table}: all of them, at once, exactly once",
        ins={"pinned": dg.In()},
        out=dg.Out(io_manager_key="handles"),
        required_resource_keys={"store", spec.connector},
        retry_policy=RETRIES,
        tags={"kind": "sink"},
    )
    def _deliver(context: dg.OpExecutionContext, pinned: dict[str, Any]) -> dg.Output[None]:
        return execute(context, spec, context.resources.store, pinned["version"])

    return _deliver


def _request(
    spec: ExporterSpec, context: dg.OpExecutionContext, rows: int, version: int
) -> ExportRequest:
    run_id, started_at = logical_run(context)
    return ExportRequest(
        exporter=spec.name,
        table=spec.table,
        mode=spec.mode,
        run_id=run_id,
        started_at=started_at,
        expected_rows=rows,
        source=f"{spec.source_name}, version {version}",
        allow_empty=spec.allow_empty,
        on_schema_change=spec.on_schema_change,
        keep=spec.keep_tables,
        truncate_above=spec.truncate_above,
    )


def _metadata(spec: ExporterSpec, receipt: ExportReceipt, version: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": receipt.rows,
        "dagster/table_name": str(receipt.table),
        "table": str(receipt.table),
        "connector": spec.connector,
        "mode": receipt.mode,
        "how": receipt.swap,
        "seconds": shown_seconds(receipt.seconds),
        "source": spec.source_name,
        "source version": version,
    }
    if receipt.repeated:
        metadata["repeated"] = "delivered already by this run; nothing was written again"
    for name in ("removed_tables", "added_columns", "warnings"):
        values = getattr(receipt, name)
        if values:
            metadata[name.replace("_", " ")] = "\n".join(values)
    return metadata
