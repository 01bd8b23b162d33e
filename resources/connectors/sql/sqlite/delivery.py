"""SQLite: rows wait in a temporary table of the connection, then one `BEGIN IMMEDIATE` transaction replaces the old ones.

The temporary table lives outside the database file, so that loading blocks nobody and leaves nothing behind. In WAL mode
readers go on reading the old rows until the COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.sqlite.conversion import check_casts
from resources.connectors.sql.sqlite.written_types import sqlite_octets, sqlite_takes, sqlite_type
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
from resources.kernel.errors import ConnectorError, InputError

DIALECT = ExportDialect(
    title="SQLite",
    name_limit=(128, "characters"),
    max_columns=2000,
    column_type=sqlite_type,
    takes=sqlite_takes,
    folds_case=True,
    octets=sqlite_octets,
)

COLUMNS = (
    "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main')"
)

_CHILDREN = """
SELECT DISTINCT m.name, f.on_delete FROM main.sqlite_master m, pragma_foreign_key_list(m.name, 'main') f
WHERE m.type = 'table' AND lower(f."table") = lower(?1) AND lower(m.name) <> lower(?1) ORDER BY 1
"""

_CHANGES_CHILDREN = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})


def open_session(connector: SqlConnector, job: ExportJob) -> SqliteSession:
    """Opens the file, or makes it if its folder exists.

    Raises:
        ConfigError: the folder does not exist.
        InputError: a schema other than `main`.
    """
    check_folder(connector.config, job)
    if job.table.schema not in (None, "main"):
        raise InputError(f"{job.doing}: SQLite has no schema {job.table.schema!r}, only main")
    engine: Any = connector.engine()  # type: ignore[attr-defined]  # of this dialect's connector class
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    return SqliteSession(connection, job)


class SqliteSession(ExportSession):
    """One export over one connection."""

    ledger_types = ("TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "INTEGER", "TIMESTAMPTZ")

    def __init__(self, connection: sqlite3.Connection, job: ExportJob) -> None:
        super().__init__(job)
        self.connection = connection

    def close(self) -> None:
        """Ends the connection; its temporary table goes with it."""
        self.connection.close()

    def execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Runs one statement; see the base."""
        return self.connection.execute(sql, parameters).fetchall()

    def mark(self, number: int) -> str:
        """`?1`."""
        return f"?{number}"

    def qualified(self, name: str) -> str:
        """`main."name"`."""
        return f"main.{quote_identifier(name)}"

    def inspect(self, name: str) -> tuple[TargetColumn, ...] | None:
        """Columns of a table, or None; see the base."""
        rows = self.execute(
            "SELECT type FROM main.sqlite_master WHERE lower(name) = lower(?1)", name
        )
        if not rows:
            return None
        if rows[0][0] != "table":
            raise InputError(
                f"{self.job.doing}: {name} is a {rows[0][0]}, not a table",
                hint="Choose the name of a table, or a free one",
            )
        found = self.execute(COLUMNS, name)
        keys = sum(bool(row[4]) for row in found)
        return tuple(target_column(*row, only_key=keys == 1) for row in found)

    def existing_tables(self) -> set[str]:
        """Tables of the file."""
        return {
            str(name)
            for (name,) in self.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
        }

    def deliver(self) -> Outcome:
        """See the module's text."""
        self.execute("PRAGMA foreign_keys = ON")
        if self.execute("PRAGMA main.page_count") == [
            (0,)
        ]:  # a new file; an old one keeps its mode
            self.execute("PRAGMA main.journal_mode = WAL")
        if self.has_ledger() and (done := self.find_delivery()) is not None:
            return done
        target = self.inspect(self.job.table.name)
        self.refuse_empty(target)
        self._check_children(self.plan(target))
        self._stage()
        self.execute("BEGIN IMMEDIATE")
        if not self.has_ledger():
            self.create_ledger()
        if (done := self.find_delivery()) is not None:
            self.execute("COMMIT")
            return done
        # The table as it is now: somebody may have changed it while the rows were loaded.
        target = self.inspect(self.job.table.name)
        plan = self.plan(target)
        check_casts(self.execute, self.job, plan.casts)
        outcome = Outcome(
            rows=self.job.source.rows,
            added=tuple(column.name for column in plan.added),
            warnings=[*plan.warnings],
        )
        outcome.swap = self._swap(plan, target, outcome)
        if self.job.request.mode != "append":
            self._check_arrived(plan, target, outcome)
        if self.job.request.mode == "timestamp":
            outcome.warnings += self.point_latest()
        self.record_delivery(outcome.rows)
        self._commit()
        return outcome

    def _stage(self) -> None:
        staging = f"temp.{quote_identifier(self.job.staging)}"
        self.execute("BEGIN")
        self.execute(f"CREATE TEMP TABLE {quote_identifier(self.job.staging)} ({self._staged()})")
        marks = ", ".join("?" * len(self.job.columns))
        for batch in self.job.source.batches():
            self.connection.executemany(f"INSERT INTO {staging} VALUES ({marks})", _rows(batch))
        self.execute("COMMIT")

    def _staged(self) -> str:
        """Columns without a type: no affinity touches a value before it reaches the table."""
        return column_list([column.name for column in self.job.columns])

    def _swap(
        self, plan: TablePlan, target: Sequence[TargetColumn] | None, outcome: Outcome
    ) -> str:
        """The one step in which old rows go and new ones come."""
        self.execute("PRAGMA defer_foreign_keys = ON")
        self._check_children(plan)
        table = self.qualified(self.job.table.name)
        way = "create" if plan.action == "create" else "insert"
        if plan.action == "recreate":
            outcome.warnings += self._drop_target(table)
            way = "recreate"
        if plan.action != "keep":
            self.execute(f"CREATE TABLE {table} ({definition(self.job.columns)})")
        for column in plan.added:
            self.execute(
                f"ALTER TABLE {table} ADD COLUMN {quote_identifier(column.name)} {column.type.sql}"
            )
        if plan.action == "keep" and self.job.request.mode == "overwrite":
            self._delete(table)
            way = "delete+insert"
        names = column_list([name for _, name in plan.pairs])
        sent = ", ".join(
            "NULL" if column.name in plan.only_nulls else quote_identifier(column.name)
            for column, _ in plan.pairs
        )
        before = self._count(table)
        self.connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {sent} FROM temp.{quote_identifier(self.job.staging)}"
        )
        # Not the statement's own count: a column that says ON CONFLICT REPLACE takes rows away meanwhile.
        self.check_stored(self._count(table) - before)
        self.refuse_filled(plan, target)
        return way

    def _count(self, table: str) -> int:
        ((count,),) = self.execute(f"SELECT count(*) FROM {table}")
        return int(str(count))

    def _check_arrived(
        self, plan: TablePlan, target: Sequence[TargetColumn] | None, outcome: Outcome
    ) -> None:
        """Looks at the rows where they lie. What a trigger of the table changes is told, not refused."""
        is_utf8 = self.execute("PRAGMA main.encoding") == [("UTF-8",)]
        table = self.qualified(self.job.table.name)
        losses = self.find_losses(plan, target, table, by_column=is_utf8)
        triggers = self.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?1) ORDER BY 1",
            self.job.table.name,
        )
        if losses and triggers:
            names = ", ".join(str(name) for (name,) in triggers)
            outcome.warnings.append(
                f"table {self.job.table}: trigger {names} changed the rows: {'; '.join(losses)}"
            )
            return
        self.refuse_losses(losses)

    def _delete(self, table: str) -> None:
        try:
            self.execute(f"DELETE FROM {table}")
        except sqlite3.IntegrityError as error:
            raise self._referred(error) from error
        if self.execute(f"SELECT 1 FROM {table} LIMIT 1"):
            raise ConnectorError(
                f"{self.job.doing}: a trigger of the table keeps its old rows; nothing changed",
                hint="Remove it, or choose another table",
            )

    def _commit(self) -> None:
        try:
            self.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            raise self._referred(error) from error

    def _referred(self, error: sqlite3.IntegrityError) -> InputError:
        """The error about rows that refer to the old ones (E49)."""
        children = ", ".join(name for name, _ in self._children())
        return InputError(
            f"{self.job.doing}: rows of table {children or 'another'} refer to its old rows ({error});"
            " the old rows stay",
            hint="Delete those first, or choose mode `append`",
            child=children,
        )

    def _children(self) -> list[tuple[str, str]]:
        rows = self.execute(_CHILDREN, self.job.table.name)
        return [(str(name), str(action)) for name, action in rows]

    def _check_children(self, plan: TablePlan) -> None:
        """Refuses to delete rows that another table's rows would follow (E13, E49)."""
        if plan.action == "create" or self.job.request.mode != "overwrite":
            return
        self.refuse_children(
            [name for name, _ in self._children()], replaces=plan.action == "recreate"
        )
        for name, action in self._children():
            if action in _CHANGES_CHILDREN:
                raise InputError(
                    f"{self.job.doing}: table {name} refers to it ON DELETE {action}: overwriting would"
                    " change that table's rows",
                    hint="Choose mode `append`, or drop that constraint",
                    child=name,
                )

    def _drop_target(self, table: str) -> list[str]:
        gone = self.execute(
            "SELECT type || ' ' || name FROM main.sqlite_master WHERE lower(tbl_name) = lower(?1)"
            " AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY 1",
            self.job.table.name,
        )
        self.execute(f"DROP TABLE {table}")
        names = ", ".join(str(name) for (name,) in gone)
        return [f"gone with the old table {self.job.table}: {names}"] if gone else []

    def view_state(self, name: str) -> ViewState:
        """By the comment inside the view's text."""
        rows = self.execute(
            "SELECT type, sql FROM main.sqlite_master WHERE lower(name) = lower(?1)", name
        )
        if not rows:
            return "absent"
        kind, sql = rows[0]
        return "ours" if kind == "view" and self.job.view_marker in str(sql) else "foreign"

    def replace_view(self, name: str) -> list[str]:
        """Drops and makes the view in the running transaction."""
        self.execute(f"DROP VIEW IF EXISTS {self.qualified(name)}")
        self.execute(
            f"CREATE VIEW {self.qualified(name)} AS /* {self.job.view_marker} */"
            f" SELECT * FROM {quote_identifier(self.job.table.name)}"
        )
        return []

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless a view names it."""
        self.execute("BEGIN IMMEDIATE")
        used = self.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'view' AND instr(sql, ?1) > 0", name
        )
        if not used:
            self.execute(f"DROP TABLE IF EXISTS {self.qualified(name)}")
        self.execute("COMMIT")
        return f"table {name} is kept beyond its time: view {used[0][0]} uses it" if used else None


def target_column(
    name: object,
    kind: object,
    required: object,
    default: object,
    key: object,
    hidden: object,
    *,
    only_key: bool,
) -> TargetColumn:
    """A column as `COLUMNS` lists it; `only_key` when no other column shares its primary key."""
    filled: FilledBy = "nobody" if default is None else "default"
    if key and only_key and str(kind).upper() == "INTEGER":
        filled = "identity"
    if hidden in (2, 3):
        filled = "generated"
    return TargetColumn(str(name), str(kind), bool(required), filled)


def _rows(batch: pa.RecordBatch) -> Iterator[Sequence[object]]:
    return zip(*(_values(column) for column in batch.columns), strict=True)


def _values(array: pa.Array) -> list[object]:
    """Python values; numbers without nulls take the short way."""
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    if is_number and not array.null_count:
        return list(array.to_numpy().tolist())
    return list(array.to_pylist())
