"""How the rows get into a DuckDB table: straight from Arrow, in pieces of whole row groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from resources.connectors.sql.duckdb.conversion import check_casts
from resources.connectors.sql.duckdb.write_session import HERE, DuckdbWriteSession
from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.plan import TablePlan
from resources.connectors.sql.writing.session import column_list, definition
from resources.connectors.sql.writing.target_writer import TargetWriter
from resources.kernel.errors import InputError

_MEMORY = "512MB"
_INSERT_ROWS = 4 * 122_880  # whole row groups: others would be written twice
_INSERT_BYTES = 96 * 2**20


class DuckdbTargetWriter(TargetWriter[DuckdbWriteSession]):
    """Writes into the table itself: no other process can open the file meanwhile."""

    def write(self, outcome: Outcome) -> None:
        """See the base."""
        outcome.swap = self._make_room(outcome)
        self._load()
        if self.job.request.mode != "append":
            self.check_arrived(self.table)

    def _make_room(self, outcome: Outcome) -> str:
        execute, plan, table = self.session.execute, self.plan, self.table
        way = "create" if plan.action == "create" else "insert"
        if plan.action == "recreate":
            self.refuse_children(self.session.children())
            outcome.warnings += self._drop_target()
            way = "recreate"
        if plan.action != "keep":
            execute(f"CREATE TABLE {table} ({definition(self.job.columns)})")
        for column in plan.added:
            execute(
                f"ALTER TABLE {table} ADD COLUMN {quote_identifier(column.name)} {column.type.sql}"
            )
        if plan.action == "keep" and self.overwrites:
            with self._constraints():
                execute(f"DELETE FROM {table}")
            way = "delete+insert"
        return way

    def _limit_memory(self) -> None:
        """Lets DuckDB write rows out early. An index has to fit into memory, so then it keeps its own limit."""
        indexes = self.session.execute(
            "SELECT 1 FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')"
            f" AND {HERE.format('table')} UNION ALL SELECT 1 FROM duckdb_indexes() WHERE {HERE.format('table')}",
            *(self.session.schema, self.job.table.name),
        )
        if not indexes:
            self.session.execute(f"SET memory_limit = '{_MEMORY}'")

    def _load(self) -> None:
        self._limit_memory()
        connection, plan = self.session.connection, self.plan
        names = column_list([name for _, name in plan.pairs])
        sent = ", ".join(_value(plan, column, name) for column, name in plan.pairs)
        stored = 0
        for _waybill_rows in self._pieces():
            check_casts(connection, self.job, plan.casts, _waybill_rows, stored)
            # Found by its name in this frame. A registered view would hold every piece until the COMMIT.
            with self._constraints():
                rows = connection.execute(
                    f"INSERT INTO {self.table} ({names}) SELECT {sent} FROM _waybill_rows"
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
            children = self.session.children() if "foreign key" in text else []
            self.session.execute("ROLLBACK")
            who = f"rows of table {', '.join(children)} refer to its old rows" if children else text
            raise InputError(
                f"{self.job.doing}: {who}; the old rows stay",
                hint="Change the data, the constraint, or the rows that refer to the table",
                child=", ".join(children),
            ) from error

    def _drop_target(self) -> list[str]:
        gone = self.session.execute(
            f"SELECT 'index ' || index_name FROM duckdb_indexes() WHERE {HERE.format('table')} ORDER BY 1",
            *(self.session.schema, self.job.table.name),
        )
        self.session.execute(f"DROP TABLE {self.table} CASCADE")
        return self.gone([str(name) for (name,) in gone])


def _value(plan: TablePlan, column: WrittenColumn, name: str) -> str:
    """A value as the table takes it: what a cast would change has been found before."""
    if column.name in plan.only_nulls:
        return "NULL"
    types = {cast.name: cast.type for cast in plan.casts}
    quoted = quote_identifier(column.name)
    return f"CAST({quoted} AS {types[name]})" if name in types else quoted
