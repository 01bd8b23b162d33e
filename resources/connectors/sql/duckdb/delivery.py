"""DuckDB: one transaction, seen whole by whoever opens the file next.

One process writes a DuckDB file at a time, so no staging table is needed: old rows are deleted and new ones inserted in
one transaction that nobody can look into. Who finds the file held by another process waits a while (E17).
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.duckdb.conversion import check_casts
from resources.connectors.sql.duckdb.written_types import duckdb_octets, duckdb_takes, duckdb_type
from resources.connectors.sql.names import quote_identifier, quote_literal
from resources.connectors.sql.writing.columns import Column
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.plan import FilledBy, TablePlan, TargetColumn
from resources.connectors.sql.writing.session import (
    ExportJob,
    ExportSession,
    Outcome,
    ViewState,
    check_folder,
    column_list,
    definition,
)
from resources.kernel.errors import (
    ConflictError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
)

DIALECT = ExportDialect(
    title="DuckDB",
    name_limit=(128, "characters"),
    max_columns=10_000,
    column_type=duckdb_type,
    takes=duckdb_takes,
    folds_case=True,
    octets=duckdb_octets,
)

_MEMORY = "512MB"
_INSERT_ROWS = 4 * 122_880  # whole row groups: others would be written twice
_INSERT_BYTES = 96 * 2**20
_POLL_SECONDS = 0.1

_HERE = "database_name = current_database() AND lower(schema_name) = lower($1) AND lower({0}_name) = lower($2)"

_file_locks: dict[str, threading.Lock] = {}
_file_locks_guard = threading.Lock()


def open_session(connector: SqlConnector, job: ExportJob) -> DuckdbSession:
    """Opens the file for writing, or makes it if its folder exists; waits for whoever holds it.

    Raises:
        ConfigError: the folder does not exist.
        ConflictError: another process held the file all the time.
    """
    check_folder(connector.config, job)
    with _file_locks_guard:
        lock = _file_locks.setdefault(str(connector.config.path), threading.Lock())
    if not lock.acquire(timeout=job.settings.exporter_wait_seconds):
        raise ConflictError(
            f"{job.doing}: another export of this process holds the file", hint="Try again"
        )
    try:
        return DuckdbSession(_connect(connector, job), job, lock)
    except BaseException:
        lock.release()
        raise


def _make_file(path: Path, job: ExportJob) -> None:
    """Makes an empty database, whole or not at all: a kill halfway must not leave a file that nobody can open.

    The folder is locked meanwhile, so that of several exporters one makes the file and the others find it.
    """
    fresh = path.with_name(f".{path.name}.new")
    if not os.access(path.parent, os.R_OK | os.W_OK | os.X_OK):
        raise ConnectorAuthError(
            f"{job.doing}: no file can be made in {path.parent}",
            hint="Check the rights on the folder",
        )
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        fresh.unlink(missing_ok=True)
        duckdb.connect(str(fresh)).close()
        fresh.rename(path)
        os.fsync(folder)
    finally:
        os.close(folder)


def _connect(connector: SqlConnector, job: ExportJob) -> duckdb.DuckDBPyConnection:
    settings = job.settings
    deadline = time.monotonic() + settings.lock_timeout_seconds * settings.lock_attempts
    opened: Any = connector
    while True:
        try:
            if connector.config.path is not None and not connector.config.path.exists():
                with connector.translated(job.doing):
                    _make_file(connector.config.path.absolute(), job)
            connection: duckdb.DuckDBPyConnection = opened.connect()
        except ConnectorUnavailableError as error:
            if time.monotonic() > deadline:
                raise ConflictError(
                    f"{job.doing}: {error.message}; the old rows stay", hint=error.hint
                ) from error
            time.sleep(_POLL_SECONDS)
        else:
            return connection


class DuckdbSession(ExportSession):
    """One export over one connection."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, job: ExportJob, lock: threading.Lock
    ) -> None:
        super().__init__(job)
        self.connection = connection
        self._lock = lock
        self._schema = job.table.schema or "main"

    def close(self) -> None:
        """Ends the connection and lets other exports of this process have the file."""
        try:
            # Others of this process may share the database with this connection, whatever became of its export.
            for statement in ("ROLLBACK", "RESET memory_limit"):
                with suppress(duckdb.Error):
                    self.connection.execute(statement)
            self.connection.close()
        finally:
            self._lock.release()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        return self.connection.execute(sql, list(parameters) or None).fetchall()

    def mark(self, number: int) -> str:
        """`$1`."""
        return f"${number}"

    def qualified(self, name: str) -> str:
        """`"schema"."name"`."""
        return f"{quote_identifier(self._schema)}.{quote_identifier(name)}"

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        here = (self._schema, name)
        if self.execute(f"SELECT 1 FROM duckdb_views() WHERE {_HERE.format('view')}", *here):
            raise InputError(
                f"{self.job.doing}: {name} is a view, not a table",
                hint="Choose the name of a table, or a free one",
            )
        tables = self.execute(
            f"SELECT sql FROM duckdb_tables() WHERE {_HERE.format('table')}", *here
        )
        if not tables:
            return None
        rows = self.execute(
            "SELECT column_name, data_type, NOT is_nullable, column_default FROM duckdb_columns()"
            f" WHERE {_HERE.format('table')} ORDER BY column_index",
            *here,
        )
        return tuple(_column(*row, sql=str(tables[0][0])) for row in rows)

    def existing_tables(self) -> set[str]:
        """Tables of the schema."""
        rows = self.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
            " AND lower(schema_name) = lower($1)",
            self._schema,
        )
        return {str(name) for (name,) in rows}

    def deliver(self) -> Outcome:
        """See the module's text."""
        self._check_schema()
        if self.has_ledger() and (done := self.find_delivery()) is not None:
            return done
        self.job.source.peek()
        self.execute("BEGIN TRANSACTION")
        if not self.has_ledger():
            self.create_ledger()
        target = self.inspect(self.job.table.name)
        self.refuse_empty(target)
        plan = self.plan(target)
        outcome = Outcome(
            added=tuple(column.name for column in plan.added), warnings=[*plan.warnings]
        )
        outcome.swap = self._write(plan, outcome)
        if self.job.request.mode != "append":
            self.check_arrived(plan, target, self.qualified(self.job.table.name))
        outcome.rows = self.job.source.rows
        if self.job.request.mode == "timestamp":
            outcome.warnings += self.point_latest()
        self.record_delivery(outcome.rows)
        self.execute("COMMIT")
        return outcome

    def _check_schema(self) -> None:
        known = "SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database()"
        if not self.execute(f"{known} AND lower(schema_name) = lower($1)", self._schema):
            raise NotFoundError(
                f"{self.job.doing}: there is no schema {self._schema!r}", hint="Create it first"
            )

    def _write(self, plan: TablePlan, outcome: Outcome) -> str:
        table = self.qualified(self.job.table.name)
        way = "create" if plan.action == "create" else "insert"
        if plan.action == "recreate":
            self.refuse_children(self._children(), replaces=True)
            outcome.warnings += self._drop_target(table)
            way = "recreate"
        if plan.action != "keep":
            self.execute(f"CREATE TABLE {table} ({definition(self.job.columns)})")
        for column in plan.added:
            self.execute(
                f"ALTER TABLE {table} ADD COLUMN {quote_identifier(column.name)} {column.type.sql}"
            )
        if plan.action == "keep" and self.job.request.mode == "overwrite":
            with self._constraints():
                self.execute(f"DELETE FROM {table}")
            way = "delete+insert"
        self._load(plan, table)
        return way

    def _limit_memory(self) -> None:
        """Lets DuckDB write rows out early. An index has to fit into memory, so then it keeps its own limit."""
        indexes = self.execute(
            "SELECT 1 FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')"
            f" AND {_HERE.format('table')} UNION ALL SELECT 1 FROM duckdb_indexes() WHERE {_HERE.format('table')}",
            *(self._schema, self.job.table.name),
        )
        if not indexes:
            self.execute(f"SET memory_limit = '{_MEMORY}'")

    def _load(self, plan: TablePlan, table: str) -> None:
        self._limit_memory()
        names = column_list([name for _, name in plan.pairs])
        sent = ", ".join(_value(plan, column, name) for column, name in plan.pairs)
        stored = 0
        for _waybill_rows in self._pieces():
            check_casts(self.connection, self.job, plan.casts, _waybill_rows, stored)
            # Found by its name in this frame. A registered view would hold every piece until the COMMIT.
            with self._constraints():
                rows = self.connection.execute(
                    f"INSERT INTO {table} ({names}) SELECT {sent} FROM _waybill_rows"
                ).fetchall()
            stored += int(str(rows[0][0]))
        self.check_stored(stored)

    def _pieces(self) -> Iterator[pa.Table]:
        """Batches gathered to whole row groups, or to the size of memory that they may take."""
        waiting: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in self.job.source.batches():
            room = _INSERT_ROWS - rows
            waiting.append(batch.slice(0, room))
            rows, size = rows + waiting[-1].num_rows, size + waiting[-1].nbytes
            if rows == _INSERT_ROWS or size >= _INSERT_BYTES:
                yield pa.Table.from_batches(waiting)
                rest = batch.slice(room)
                waiting, rows, size = [rest], rest.num_rows, rest.nbytes
        if rows:
            yield pa.Table.from_batches(waiting)

    @contextmanager
    def _constraints(self) -> Iterator[None]:
        """Says which table refers to the old rows, which DuckDB does not (E49)."""
        try:
            yield
        except duckdb.ConstraintException as error:
            text = str(error).splitlines()[0]
            children = self._children() if "foreign key" in text else []
            self.execute("ROLLBACK")
            who = f"rows of table {', '.join(children)} refer to its old rows" if children else text
            raise InputError(
                f"{self.job.doing}: {who}; the old rows stay",
                hint="Change the data, the constraint, or the rows that refer to the table",
                child=", ".join(children),
            ) from error

    def _children(self) -> list[str]:
        with self.connection.cursor() as other:
            rows = other.execute(
                "SELECT DISTINCT table_name FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'"
                " AND lower(referenced_table) = lower($1) AND lower(table_name) <> lower($1) ORDER BY 1",
                [self.job.table.name],
            ).fetchall()
        return [str(name) for (name,) in rows]

    def _drop_target(self, table: str) -> list[str]:
        gone = self.execute(
            f"SELECT 'index ' || index_name FROM duckdb_indexes() WHERE {_HERE.format('table')} ORDER BY 1",
            *(self._schema, self.job.table.name),
        )
        self.execute(f"DROP TABLE {table} CASCADE")
        names = ", ".join(str(name) for (name,) in gone)
        return [f"gone with the old table {self.job.table}: {names}"] if gone else []

    def view_state(self, name: str) -> ViewState:
        """By the comment that `replace_view` leaves."""
        here = (self._schema, name)
        views = self.execute(
            f"SELECT comment FROM duckdb_views() WHERE {_HERE.format('view')}", *here
        )
        if views:
            return "ours" if views[0][0] == self.job.view_marker else "foreign"
        return "absent" if self.inspect(name) is None else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """In the running transaction."""
        view = self.qualified(name)
        self.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {self.qualified(self.job.table.name)}"
        )
        self.execute(f"COMMENT ON VIEW {view} IS {quote_literal(self.job.view_marker)}")
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless a view names it."""
        used = self.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal AND contains(sql, $1)", name
        )
        if used:
            return f"table {name} is kept beyond its time: view {used[0][0]} uses it"
        self.execute(f"DROP TABLE IF EXISTS {self.qualified(name)}")
        return None


def _value(plan: TablePlan, column: Column, name: str) -> str:
    """A value as the table takes it: what a cast would change has been found before."""
    if column.name in plan.only_nulls:
        return "NULL"
    types = {cast.name: cast.type for cast in plan.casts}
    quoted = quote_identifier(column.name)
    return f"CAST({quoted} AS {types[name]})" if name in types else quoted


def _column(
    name: object, kind: object, required: object, default: object, *, sql: str
) -> TargetColumn:
    """The catalog gives generated columns their expression as a default; only the table's text tells them apart."""
    filled: FilledBy = "nobody" if default is None else "default"
    written = (f"{quote_identifier(str(name))} ", f"{name} ")
    if default is not None and any(f"{text}{kind} GENERATED ALWAYS AS" in sql for text in written):
        filled = "generated"
    return TargetColumn(str(name), str(kind), bool(required), filled)
