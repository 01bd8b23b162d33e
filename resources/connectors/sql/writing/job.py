"""One delivery as a record: what is asked for, checked as far as that needs no database, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from resources.connectors.sql.names import staging_name
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.settings import ExportSettings
from resources.connectors.sql.writing.source import SourceRows
from resources.kernel.records import ExportRequest, TableName


@dataclass(frozen=True)
class ExportJob:
    """One export, checked as far as that needs no database."""

    request: ExportRequest
    settings: ExportSettings
    dialect: ExportDialect
    columns: tuple[WrittenColumn, ...]
    table: TableName
    """Where the rows go: in mode `timestamp` a table of this run, else the one that was asked for."""
    source: SourceRows

    @property
    def doing(self) -> str:
        """What is attempted, for error texts."""
        return f"exporting {self.request.source} to table {self.table}"

    @property
    def staging(self) -> str:
        """Name of the staging table."""
        return staging_name(self.table.name, self.request.run_id)

    @property
    def view_marker(self) -> str:
        """A text by which a view is known as made by this exporter."""
        return (
            f"waybill: newest table of {staging_name(self.request.exporter, self.table.name)[5:13]}"
        )


@dataclass
class Outcome:
    """What happened."""

    rows: int = 0
    swap: str = "none"
    repeated: bool = False
    removed: list[str] = field(default_factory=list)
    added: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)
