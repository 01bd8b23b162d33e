"""The PostgreSQL connector."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import ClassVar

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.config import Dialect
from resources.connectors.sql.connector import SqlConnector, is_internal
from resources.connectors.sql.engine import postgres_engine
from resources.connectors.sql.errors import postgres_error
from resources.kernel.errors import ConnectorError, WaybillError
from resources.kernel.records import BatchStream, TableName


class PostgresqlConnector(SqlConnector):
    """A PostgreSQL database."""

    kind = "postgresql"
    dialect_name: ClassVar[Dialect] = "postgresql"
    max_identifier = (63, "bytes")
    max_columns = 1600

    def engine(self, *, read_only: bool = False) -> sa.Engine:
        """A SQLAlchemy engine without a pool, on psycopg 3."""
        return postgres_engine(self.config, read_only=read_only)

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """SQLAlchemy's, psycopg's and ADBC's."""
        import psycopg
        from adbc_driver_manager import dbapi

        return (sa.exc.SQLAlchemyError, psycopg.Error, dbapi.Error)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By SQLSTATE; see `errors.postgres_error`."""
        return postgres_error(error, self.config, doing)

    def probe(self) -> dict[str, str]:
        """Version, user and database, as the server names them."""
        with self.translated("connecting"), self.engine(read_only=True).connect() as connection:
            row = connection.exec_driver_sql(
                "SELECT version(), current_user, current_database()"
            ).one()
        return {"version": row[0].split(",")[0], "user": row[1], "database": row[2]}

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views that the user may read, in order of name."""
        with self.translated("listing tables"), self.engine(read_only=True).connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
                " AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'"
                " AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')"
                " ORDER BY 1, 2"
            ).all()
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
