"""One query in the sandbox: bound, run within limits, its errors in words that name line, column and dataset."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from assets.transforms.sandbox import lock_in, open_sandbox
from assets.transforms.statement import Statement, read_statement
from assets.transforms.time_limit import interrupted_after
from orchestration.location import Location
from orchestration.services.queries.limits import STATEMENT_LIMIT, QueryLimits, bounded
from resources.kernel.errors import (
    ConfigError,
    InputError,
    StorageError,
    UnknownNameError,
    WaybillError,
)
from resources.kernel.keys import TABLE_NOUNS
from resources.kernel.records import BatchStream
from resources.scratch import ScratchFolder
from resources.stores.tables import StoredTable

if TYPE_CHECKING:
    import duckdb

WHERE = "query"
_BATCH_ROWS = 2048
_REFUSED = ("current_setting", "getvariable", "getenv")
"""Functions that tell of the server instead of the data."""


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result."""

    name: str
    type: str
    """DuckDB's."""


@dataclass(frozen=True)
class QuerySession:
    """A query that is bound and may be run."""

    connection: duckdb.DuckDBPyConnection
    statement: Statement
    tables: Mapping[str, StoredTable]
    scratch: Path
    columns: tuple[ResultColumn, ...]
    _select: str
    """The columns as they are fetched."""

    @property
    def inputs(self) -> dict[str, int]:
        """The version of each dataset that is read."""
        return {name: table.version.number for name, table in self.tables.items()}

    def stream(self, most_rows: int | None = None) -> BatchStream:
        """The rows, by position: columns `c0`, `c1` ..., since a result may have names twice."""
        limit = "" if most_rows is None else f" LIMIT {int(most_rows)}"
        relation = self.connection.sql(f"SELECT {self._select}{limit}")
        reader = relation.to_arrow_reader(_BATCH_ROWS)
        return BatchStream(reader.schema, iter(reader))

    def copy_parquet(self) -> Path:
        """The rows as a Parquet file in the scratch folder, with the types that a transform would publish.

        Raises:
            InputError: a column without a name of its own, or of a type that Parquet does not keep.
        """
        from resources.stores.duckdb_copy import copy_query

        path = self.scratch / "result.parquet"
        try:
            copy_query(self.connection, self.statement.sql, path, where=WHERE)
        except StorageError as error:
            raise _too_much() from error
        return path


@contextmanager
def opened_query(location: Location, sql: str, limits: QueryLimits) -> Iterator[QuerySession]:
    """A query over the newest versions of the datasets that it names; within the context its limits hold.

    Raises:
        InputError: it is not one SELECT over datasets of the project, DuckDB refuses it, or it takes more than it may.
        NotFoundError: a dataset that it names has no version yet.
    """
    statement = read_query(sql, location)
    store = location.store()
    keys = {name: tuple(location.maker(name, *TABLE_NOUNS).key.path) for name in statement.inputs}
    tables = {name: store.read(key) for name, key in keys.items()}
    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("query")).path
        connection = stack.enter_context(
            open_sandbox(str(scratch), memory=f"{limits.memory_mb}MB", spill=f"{limits.spill_mb}MB")
        )
        connection.execute(f"SET threads = {limits.threads}")
        connection.execute("SET errors_as_json = true")
        with _explained(connection, statement, tables, 0):
            for name, table in tables.items():
                table.relation(connection).create_view(name)
        opened = {folder for table in tables.values() for folder in table.opened_folders}
        lock_in(connection, [scratch, *sorted(opened)])
        leading = sql[: len(sql) - len(sql.lstrip())].count("\n")
        with (
            _explained(connection, statement, tables, leading),
            bounded(limits),
            interrupted_after(connection, limits.seconds, _too_long(limits)),
        ):
            yield _bound(connection, statement, tables, scratch)


def read_query(sql: str, location: Location) -> Statement:
    """The statement, if it is one that may be run here.

    Raises:
        InputError: it is not one SELECT over datasets of the project.
    """
    if len(sql) > STATEMENT_LIMIT:
        raise InputError(f"a query has at most {STATEMENT_LIMIT:,} characters, not {len(sql):,}")
    if "\0" in sql:  # no catalog can write it down, and no YAML
        raise InputError(f"{WHERE}: it holds a NUL character", hint="Take it out")
    try:
        statement = read_statement(sql, where=WHERE)
    except ConfigError as error:  # of a transform it is the project's mistake, here the asker's
        raise InputError(error.message, hint=error.hint) from error
    known = location.made(*TABLE_NOUNS)
    for name in statement.inputs:
        if name not in known:
            told = UnknownNameError("dataset", name, known)
            raise InputError(f"{WHERE}: {told.message}", hint=told.hint)
    _refuse_functions(statement)
    return statement


def _refuse_functions(statement: Statement) -> None:
    import sqlglot
    from sqlglot import exp

    for found in sqlglot.parse_one(statement.sql, dialect="duckdb").find_all(exp.Anonymous):
        if found.name.lower() in _REFUSED:
            raise InputError(
                f"{WHERE}: the function {found.name.lower()} tells of the server, not of the data",
                hint="Leave it out",
            )


def _bound(
    connection: duckdb.DuckDBPyConnection,
    statement: Statement,
    tables: Mapping[str, StoredTable],
    scratch: Path,
) -> QuerySession:
    from resources.stores.duckdb_copy import kept_as, single_select

    sql = single_select(connection, statement.sql, WHERE)
    relation = connection.sql(sql)
    names, types = relation.columns, relation.types
    columns = tuple(ResultColumn(n, str(k)) for n, k in zip(names, types, strict=True))
    fetched = ", ".join(
        f"c{place}" if kept_as(kind) == str(kind) else f"CAST(c{place} AS VARCHAR) AS c{place}"
        for place, kind in enumerate(types)
    )
    called = ", ".join(f"c{place}" for place in range(len(columns)))
    select = f"{fetched} FROM (\n{sql}\n) AS q({called})"
    return QuerySession(connection, statement, tables, scratch, columns, select)


@contextmanager
def _explained(
    connection: duckdb.DuckDBPyConnection,
    statement: Statement,
    tables: Mapping[str, StoredTable],
    leading: int,
) -> Iterator[None]:
    """DuckDB's errors in our words."""
    import duckdb

    from assets.transforms.misfits import reason_of

    try:
        yield
    except WaybillError:
        raise
    except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError) as error:
        raise _too_much() from error
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if os.strerror(errno.EFBIG) in str(error):  # what it spills beyond its limit of a file
            raise _too_much() from error
        found = _misfit(connection, statement, tables, error) if _is_told(error) else None
        if found is None:
            raise InputError(f"{WHERE}: it failed: {reason_of(error)}") from error
        text, hint, line = found
        place = WHERE if line is None else f"{WHERE}, line {line + leading}"
        raise InputError(f"{place}: {text}", hint=hint, line=line and line + leading) from error


def _is_told(error: Exception) -> bool:
    import duckdb

    kinds = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
    return isinstance(error, kinds)


def _misfit(
    connection: duckdb.DuckDBPyConnection,
    statement: Statement,
    tables: Mapping[str, StoredTable],
    error: Exception,
) -> tuple[str, str, int | None]:
    """Why, what to do, and the line of the SQL where that is known."""
    import duckdb

    from assets.transforms.misfits import DESCRIBE, explain

    schemas = {name: table.schema for name, table in tables.items()}
    try:
        connection.execute(
            DESCRIBE + statement.sql
        )  # DuckDB tells the place of what is executed alone
        found = explain(error, statement, schemas)
    except duckdb.Error as told:
        found = explain(told, statement, schemas)
    line = None if found.offset is None else statement.sql[: found.offset].count("\n") + 1
    return found.text, found.hint, line


def _too_much() -> InputError:
    return InputError(
        f"{WHERE}: it needs more memory or temporary disk than it may have",
        hint="Read fewer rows or columns, aggregate earlier, or make a transform of it",
    )


def _too_long(limits: QueryLimits) -> InputError:
    return InputError(
        f"{WHERE}: it was stopped after its limit of {limits.seconds:g} seconds",
        hint="Read less, or make a transform of it: that may take longer",
    )
