"""How the rows get into a SQLite table: from a temporary table of the connection, in place of the old ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import pyarrow as pa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.sqlite.conversion import check_casts
from resources.connectors.sql.sqlite.write_session import SqliteWriteSession
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.session import column_list, definition
from resources.connectors.sql.writing.target_writer import TargetWriter
from resources.kernel.errors import ConnectorError, InputError

_CHANGES_CHILDREN = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})


def stage_rows(session: SqliteWriteSession) -> None:
    """All rows into a temporary table, which lives outside the database file: loading blocks no other connection.

    Its columns have no type: no affinity touches a value before it reaches the table.
    """
    job = session.job
    columns = column_list([column.name for column in job.columns])
    staging = f"temp.{quote_identifier(job.staging)}"
    session.execute("BEGIN")
    session.execute(f"CREATE TEMP TABLE {quote_identifier(job.staging)} ({columns})")
    marks = ", ".join("?" * len(job.columns))
    for batch in job.source.batches():
        session.connection.executemany(f"INSERT INTO {staging} VALUES ({marks})", _rows(batch))
    session.execute("COMMIT")


class SqliteTargetWriter(TargetWriter[SqliteWriteSession]):
    """Moves the staged rows."""

    def write(self, outcome: Outcome) -> None:
        """See the base."""
        check_casts(self.session.execute, self.job, self.plan.casts)
        outcome.swap = self._swap(outcome)
        if self.job.request.mode != "append":
            self._check_arrived(outcome)

    def check_children(self) -> None:
        """Refuses to delete rows that another table's rows would follow (E13, E49)."""
        if self.plan.action == "create" or not self.overwrites:
            return
        if self.plan.action == "recreate":
            self.refuse_children([name for name, _ in self.session.children()])
        for name, action in self.session.children():
            if action in _CHANGES_CHILDREN:
                raise InputError(
                    f"{self.job.doing}: table {name} refers to it ON DELETE {action}: overwriting would"
                    " change that table's rows",
                    hint="Choose mode `append`, or drop that constraint",
                    child=name,
                )

    def _swap(self, outcome: Outcome) -> str:
        """The one step in which old rows go and new ones come."""
        execute, plan, table = self.session.execute, self.plan, self.table
        execute("PRAGMA defer_foreign_keys = ON")
        self.check_children()
        way = "create" if plan.action == "create" else "insert"
        if plan.action == "recreate":
            outcome.warnings += self._drop_target()
            way = "recreate"
        if plan.action != "keep":
            execute(f"CREATE TABLE {table} ({definition(self.job.columns)})")
        for column in plan.added:
            execute(
                f"ALTER TABLE {table} ADD COLUMN {quote_identifier(column.name)} {column.type.sql}"
            )
        if plan.action == "keep" and self.overwrites:
            self._delete()
            way = "delete+insert"
        before = self.session.count(table)
        self._insert()
        # Not the statement's own count: a column that says ON CONFLICT REPLACE takes rows away meanwhile.
        self.check_stored(self.session.count(table) - before)
        self.refuse_filled()
        return way

    def _insert(self) -> None:
        names = column_list([name for _, name in self.plan.pairs])
        sent = ", ".join(
            "NULL" if column.name in self.plan.only_nulls else quote_identifier(column.name)
            for column, _ in self.plan.pairs
        )
        self.session.connection.execute(
            f"INSERT INTO {self.table} ({names}) SELECT {sent} FROM temp.{quote_identifier(self.job.staging)}"
        )

    def _check_arrived(self, outcome: Outcome) -> None:
        """Looks at the rows where they lie."""
        is_utf8 = self.session.execute("PRAGMA main.encoding") == [("UTF-8",)]
        losses = self.find_losses(self.table, by_column=is_utf8)
        triggers = self.session.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?1) ORDER BY 1",
            self.job.table.name,
        )
        self.judge_losses(losses, [str(name) for (name,) in triggers], outcome)

    def _delete(self) -> None:
        try:
            self.session.execute(f"DELETE FROM {self.table}")
        except sqlite3.IntegrityError as error:
            raise self.session.referred(error) from error
        if self.session.execute(f"SELECT 1 FROM {self.table} LIMIT 1"):
            raise ConnectorError(
                f"{self.job.doing}: a trigger of the table keeps its old rows; nothing changed",
                hint="Remove it, or choose another table",
            )

    def _drop_target(self) -> list[str]:
        gone = self.session.execute(
            "SELECT type || ' ' || name FROM main.sqlite_master WHERE lower(tbl_name) = lower(?1)"
            " AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY 1",
            self.job.table.name,
        )
        self.session.execute(f"DROP TABLE {self.table}")
        return self.gone([str(name) for (name,) in gone])


def _rows(batch: pa.RecordBatch) -> Iterator[Sequence[object]]:
    return zip(*(_values(column) for column in batch.columns), strict=True)


def _values(array: pa.Array) -> list[object]:
    """Python values; numbers without nulls take the short way."""
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    if is_number and not array.null_count:
        return list(array.to_numpy().tolist())
    return list(array.to_pylist())
