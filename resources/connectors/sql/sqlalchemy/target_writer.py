"""How the rows get into a table through SQLAlchemy: into the table itself, inside the one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.sqlalchemy.write_session import SqlalchemyWriteSession
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.plan import TablePlan, TargetColumn
from resources.connectors.sql.writing.target_writer import TargetWriter
from resources.kernel.errors import ConflictError, InputError, SchemaMismatchError


class SqlalchemyTargetWriter(TargetWriter[SqlalchemyWriteSession]):
    """Deletes and inserts; see the base for its arguments, `config` says what must not be shown in errors."""

    def __init__(
        self,
        session: SqlalchemyWriteSession,
        plan: TablePlan,
        target: Sequence[TargetColumn] | None,
        config: SqlConfig,
    ) -> None:
        super().__init__(session, plan, target)
        self.facts = session.facts
        self._config = config

    def reshape(self) -> None:
        """Makes or widens the table."""
        if self.plan.action == "recreate":
            self.refuse_children(self.session.children())
            self.session.execute(f"DROP TABLE {self.table}")
        if self.plan.action != "keep":
            columns = ", ".join(map(self._definition, self.job.columns))
            self.session.execute(f"CREATE TABLE {self.table} ({columns})")
        for column in self.plan.added:
            change = self.facts.add_column.format(table=self.table, column=self._definition(column))
            self.session.execute(change)

    def write(self, outcome: Outcome) -> None:
        """The rows, in place of the old ones or beside them; see the base."""
        existed, plan = self.target is not None, self.plan
        if not self.facts.ddl_commits:
            self.reshape()
        elif plan.action != "keep" or plan.added:
            raise SchemaMismatchError(
                f"{self.job.doing}: another session changed the table meanwhile", hint="Try again"
            )
        replaces = existed and plan.action == "keep" and self.overwrites
        if replaces:
            self.session.execute(self.facts.delete.format(table=self.table))
        before = 0 if self.overwrites or not existed else self.session.count(self.table)
        self._insert()
        self._check_count(self.session.count(self.table) - before)
        if self.job.request.mode != "append":
            self.check_arrived(self.table)
        kept = "delete+insert" if replaces else "insert"
        outcome.swap = kept if plan.action == "keep" else plan.action

    def _definition(self, column: WrittenColumn) -> str:
        return f"{self.session.quote(column.name)} {column.type.sql}"

    def _check_count(self, more: int) -> None:
        if more < self.job.source.rows:
            self.check_stored(more)
        if more > self.job.source.rows:
            raise ConflictError(
                f"{self.job.doing}: another session wrote to the table meanwhile; the old rows stay",
                hint="Try again when it is done",
            )

    def _insert(self) -> None:
        target = sa.Table(
            self.job.table.name,
            sa.MetaData(),
            *(
                sa.Column(name, self._bind_type(column), key=f"c{at}")
                for at, (column, name) in enumerate(self.plan.pairs)
            ),
            schema=self.job.table.schema,
        )
        statement = sa.insert(target)
        order = [column.name for column, _ in self.plan.pairs]
        for batch in self.job.source.batches():
            self.insert_batch(statement, batch.select(order))

    def _bind_type(self, column: WrittenColumn) -> sa.types.TypeEngine[Any]:
        if self.facts.typed_binds:
            for matches, kind in _BIND_TYPES:
                if matches(column.type.wire):
                    return kind
        return sa.types.NullType()

    def insert_batch(self, statement: sa.Insert, batch: pa.RecordBatch) -> None:
        """Some of the rows.

        Raises:
            InputError: the table refuses a value.
        """
        values = [column.to_pylist() for column in batch.columns]
        keys = [f"c{at}" for at in range(len(values))]
        rows = [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]
        step, connection = self.facts.rows_at_once, self.session.connection
        try:
            if step == 1:
                connection.execute(statement, rows)
                return
            for start in range(0, len(rows), step):
                connection.execute(statement.values(rows[start : start + step]))
        except (sa.exc.DataError, sa.exc.IntegrityError) as error:
            raise self._refused(error) from error

    def _refused(self, error: sa.exc.DBAPIError) -> InputError:
        said = self._config.redact(str(error.orig).splitlines()[0][:200])
        rows = self.job.source.rows
        return InputError(
            f"{self.job.doing}: the table refuses a value behind row {rows:,}: {said}",
            hint="The old rows stay. Change the value in a transform, or the table",
        )


_BIND_TYPES: tuple[tuple[Callable[[pa.DataType], bool], sa.types.TypeEngine[Any]], ...] = (
    (pa.types.is_timestamp, sa.TIMESTAMP()),
    (pa.types.is_large_binary, sa.LargeBinary()),
    (pa.types.is_floating, sa.Double()),
)
