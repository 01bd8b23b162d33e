"""The DuckDB connector."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import ClassVar

import duckdb
import pyarrow as pa

from resources.connectors.sql.config import Dialect
from resources.connectors.sql.connector import SqlConnector, is_internal
from resources.connectors.sql.errors import duckdb_error
from resources.kernel.errors import ConnectorError, NotFoundError, WaybillError
from resources.kernel.records import BatchStream, TableName


class DuckdbConnector(SqlConnector):
    """A DuckDB database file."""

    kind = "duckdb"
    dialect_name: ClassVar[Dialect] = "duckdb"
    max_identifier = (128, "characters")
    max_columns = 10_000

    def connect(self, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """A native connection: DuckDB has no SQLAlchemy dialect here, and needs none for its bulk paths."""
        path = self.config.path
        if read_only and (path is None or not path.exists()):
            raise NotFoundError(f"connecting: there is no file {path}", hint="Check `path`")
        with self.translated("connecting"):
            return duckdb.connect(str(path), read_only=read_only)

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """DuckDB's."""
        return (duckdb.Error,)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By DuckDB's error class; see `errors.duckdb_error`."""
        return duckdb_error(error, self.config, doing)

    def probe(self) -> dict[str, str]:
        """Library version and number of tables."""
        return {"version": f"DuckDB {duckdb.__version__}", "tables": str(len(self.list_tables()))}

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views, in order of schema and name."""
        with self.connect(read_only=True) as connection, self.translated("listing tables"):
            rows = connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_catalog = current_catalog() ORDER BY 1, 2"
            ).fetchall()
        wanted = self.config.schema
        return [
            TableName(name, schema)
            for schema, name in rows
            if not is_internal(name) and wanted in (None, schema)
        ]

    def describe(self, source: TableName | str) -> pa.Schema:
        raise ConnectorError("not built")

    def fingerprint(self, source: TableName | str) -> str:
        raise ConnectorError("not built")

    def read(
        self, source: TableName | str, *, batch_rows: int = 65_536
    ) -> AbstractContextManager[BatchStream]:
        raise ConnectorError("not built")
