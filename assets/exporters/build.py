"""From an exporter's declaration to a graph asset: one node in lineage, two ops in a run.

The first op pins the version to deliver, the second is the sink. What passes between them is a small record, kept
by the `handles` IO manager so that the ops may run in different processes.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg

from assets.boundary import RETRIES, boundary
from assets.logical_run import logical_run
from assets.refresh import Automation
from resources.kernel.errors import NotFoundError
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import ExportReceipt, ExportRequest, TableName, WriteMode
from resources.stores.ui_metadata import shown_seconds


@dataclass(frozen=True)
class ExporterSpec:
    """What an exporter says."""

    name: str
    source: Key
    """Asset key of the table that is delivered: a dataset or an embedding."""
    connector: str
    table: TableName
    mode: WriteMode = "overwrite"
    allow_empty: bool = False
    on_schema_change: Literal["fail", "recreate"] = "fail"
    keep: int | None = None
    truncate_above: int | None = None
    description: str = ""

    @property
    def source_name(self) -> str:
        """What is delivered, for people: `dataset flights`."""
        return f"{self.source[0].removesuffix('s')} {self.source[1]}"


def build_exporter(
    spec: ExporterSpec, *, kind: str, automation: Automation | None = None
) -> dg.Definitions:
    """The graph asset `("exports", name)`.

    Args:
        spec: the declaration.
        kind: icon of the target in the UI.
        automation: when it runs by itself.
    """
    pin = _pin_op(spec)
    deliver = _deliver_op(spec)

    @dg.graph_asset(
        key=dg.AssetKey(asset_key("exports", spec.name)),
        ins={"dataset": dg.AssetIn(dg.AssetKey(spec.source), dagster_type=dg.Nothing)},
        group_name="exports",
        kinds={kind},
        description=spec.description
        or f"{spec.source_name} into table {spec.table} of connector {spec.connector} ({spec.mode})",
        metadata={
            "connector": spec.connector,
            "target table": str(spec.table),
            "mode": spec.mode,
        },
        automation_condition=automation,
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
        required_resource_keys={"store"},
        retry_policy=RETRIES,
    )
    def _pin(context: dg.OpExecutionContext) -> dict[str, Any]:
        with boundary():
            version = context.resources.store.tables().item(spec.source).latest()
            if version is None:
                raise NotFoundError(
                    f"exporter {spec.name}: {spec.source_name} has no version yet",
                    hint="Materialize it first",
                )
        context.log.info("%s, version %s: %s rows", spec.source_name, version.number, version.rows)
        return {"version": version.number, "rows": version.rows}

    return _pin


def _deliver_op(spec: ExporterSpec) -> dg.OpDefinition:
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
        with boundary():
            table = context.resources.store.tables().read(spec.source, pinned["version"])
            connector = getattr(context.resources, spec.connector).tables()
            receipt = connector.write(
                table.batches(), _request(spec, context, table.rows, pinned["version"])
            )
        for warning in receipt.warnings:
            context.log.warning(warning)
        return dg.Output(None, metadata=_metadata(spec, receipt, pinned["version"]))

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
        keep=spec.keep,
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
