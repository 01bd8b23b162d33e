"""Where a dataset can be delivered, by what a connector holds. A new kind of target starts here: its class, and its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from assets.exporters.spec import ExporterSpec
from resources.connectors.base import Connector, TableConnector
from resources.connectors.resource import ConnectorResource, Holds
from resources.kernel.records import (
    CheckReport,
    ExportReceipt,
    ExportRequest,
    StoredVersion,
    TellStep,
)
from resources.stores.tables import StoredTable
from resources.stores.ui_metadata import shown_seconds


@dataclass(frozen=True)
class Delivered:
    """A delivery that is done."""

    facts: Mapping[str, Any]
    """What the UI shows of it."""
    warnings: tuple[str, ...] = ()


class TargetKind(Protocol):
    """A kind of place."""

    def deliver(
        self,
        spec: ExporterSpec,
        resource: ConnectorResource,
        table: StoredTable,
        run: tuple[str, datetime],
    ) -> Delivered:
        """Delivers all rows at once, exactly once for the run.

        Args:
            spec: the exporter.
            resource: its connector.
            table: the version to deliver.
            run: id and start of the run, the same for each retry of it.

        Raises:
            WaybillError: the target refused or failed; what it held stays.
        """

    def rehearse(
        self,
        spec: ExporterSpec,
        connector: Connector,
        table: StoredTable,
        tell: TellStep | None = None,
    ) -> CheckReport:
        """What `deliver` would meet and do, step by step; nothing is created and no row is written.

        Args:
            spec: the exporter.
            connector: where to.
            table: the version to deliver.
            tell: hears of each step as it ends.
        """


class TableTarget:
    """A table of a database."""

    def deliver(
        self,
        spec: ExporterSpec,
        resource: ConnectorResource,
        table: StoredTable,
        run: tuple[str, datetime],
    ) -> Delivered:
        """See `TargetKind.deliver`; what a table promises is told by `resources.connectors.sql.writing`."""
        receipt = resource.tables().write(table.batches(), _request(spec, table, run))
        return Delivered(_metadata(spec, receipt, table.version), receipt.warnings)

    def rehearse(
        self,
        spec: ExporterSpec,
        connector: Connector,
        table: StoredTable,
        tell: TellStep | None = None,
    ) -> CheckReport:
        """See `Target.rehearse`."""
        if not isinstance(connector, TableConnector):
            raise TypeError(f"connector {connector.name!r} holds no tables")
        run = (
            str(uuid4()),
            datetime.now(UTC),
        )  # of nobody: it gives the table of mode `timestamp` a name
        stream = table.batches()
        try:
            return connector.rehearse(stream, _request(spec, table, run), tell)
        finally:
            stream.close()


TARGETS: Mapping[Holds, TargetKind] = {"tables": TableTarget()}


def _request(spec: ExporterSpec, table: StoredTable, run: tuple[str, datetime]) -> ExportRequest:
    run_id, started_at = run
    return ExportRequest(
        exporter=spec.name,
        table=spec.table,
        mode=spec.mode,
        run_id=run_id,
        started_at=started_at,
        expected_rows=table.rows,
        source=f"{spec.source_name}, version {table.version.number}",
        allow_empty=spec.allow_empty,
        on_schema_change=spec.on_schema_change,
        keep=spec.keep_tables,
        truncate_above=spec.truncate_above,
    )


def _metadata(spec: ExporterSpec, receipt: ExportReceipt, version: StoredVersion) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": receipt.rows,
        "dagster/table_name": str(receipt.table),
        "table": str(receipt.table),
        "connector": spec.connector,
        "mode": receipt.mode,
        "how": receipt.swap,
        "seconds": shown_seconds(receipt.seconds),
        "source": spec.source_name,
        "source version": version.number,
        "source bytes": version.size_bytes,
    }
    if receipt.repeated:
        metadata["repeated"] = "delivered already by this run; nothing was written again"
    for name in ("removed_tables", "added_columns", "warnings"):
        values = getattr(receipt, name)
        if values:
            metadata[name.replace("_", " ")] = "\n".join(values)
    return metadata
