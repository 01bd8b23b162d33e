"""Looking through a SQLite table or query: which storage classes its columns hold, then its rows.

All of it happens on one connection inside one read transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import pyarrow as pa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.reading import BATCH_BYTES
from resources.connectors.sql.sqlite.column_types import (
    SqliteColumn,
    StorageClasses,
    affinity_class,
    parsed_column,
    plan_sqlite_column,
    plan_texts,
    value_candidates,
)
from resources.kernel.errors import InputError

QUERY_VIEW = "waybill_query"
_FETCH_ROWS = 1024  # what fits the caches: 8192 take a quarter longer
_FIRST_FETCH_ROWS = 1  # how wide rows are shows with the first
_COLUMNS_AT_ONCE = 100  # SQLite limits the depth of an expression and the width of a result

_CANONICAL = {pa.date32(): "date", pa.timestamp("us"): "datetime", pa.time64("us"): "time"}
"""SQLite's functions that give a text back as it is if, and only if, it is a value in their usual form.

With a modifier, that is: without one they return the 30th of February unchanged.
"""

Declared = list[tuple[str, str]]
"""(column, declared type) in order; the type is empty for an expression."""


def declared_columns(connection: sqlite3.Connection, schema: str, name: str) -> Declared:
    """The columns of a table or view and what they are declared as."""
    rows = connection.execute(f"PRAGMA {schema}.table_xinfo({quote_identifier(name)})").fetchall()
    return [(row[1], row[2] or "") for row in rows if row[6] != 1]


def plan_columns_by_values(
    connection: sqlite3.Connection, source: str, declared: Declared
) -> list[SqliteColumn]:
    """How each column is read, after a look at every value."""
    suspects = _suspects(connection, source, declared)
    classes = _storage_classes(connection, source, suspects)
    plans = []
    for name, kind in declared:
        usual = affinity_class(kind)
        found = classes.get(name) or StorageClasses(**{usual: True})  # as its declaration says
        plan = plan_sqlite_column(name, kind, found)
        if found.names == ["text"] and value_candidates(kind):
            plan = _plan_texts(connection, source, plan, kind)
        plans.append(plan)
    return plans


def _plan_texts(
    connection: sqlite3.Connection, source: str, plan: SqliteColumn, declared: str
) -> SqliteColumn:
    column = quote_identifier(plan.name)
    for kind, function in _CANONICAL.items():
        if kind == value_candidates(declared)[0]:
            odd = f"SELECT 1 FROM {source} WHERE {column} IS NOT {function}({column}, '+0 days')"
            odd += " LIMIT 1"
            if not connection.execute(odd).fetchone():
                return parsed_column(plan.name, kind)

    def batches() -> Iterator[pa.Array]:
        cursor = connection.execute(f"SELECT {column} FROM {source} WHERE {column} IS NOT NULL")
        while rows := cursor.fetchmany(_FETCH_ROWS):
            yield pa.array([row[0] for row in rows], pa.string())

    return plan_texts(plan, declared, batches)


def _suspects(connection: sqlite3.Connection, source: str, declared: Declared) -> list[str]:
    """Columns whose values may be something else than their declaration says, or that hold nothing at all."""
    open_columns = [name for name, kind in declared if not affinity_class(kind)]
    usual = [(name, affinity_class(kind)) for name, kind in declared if affinity_class(kind)]
    suspects = list(open_columns)
    for start in range(0, len(usual), _COLUMNS_AT_ONCE):
        part = usual[start : start + _COLUMNS_AT_ONCE]
        tests = [
            f"(typeof({quote_identifier(name)}) <> '{kind}' AND {quote_identifier(name)} IS NOT NULL)"
            for name, kind in part
        ]
        odd = connection.execute(f"SELECT 1 FROM {source} WHERE {' OR '.join(tests)} LIMIT 1")
        if odd.fetchone():
            suspects += [name for name, _ in part]
        else:
            suspects += _empty_columns(connection, source, [name for name, _ in part])
    return suspects


def _empty_columns(connection: sqlite3.Connection, source: str, names: Sequence[str]) -> list[str]:
    return [
        name
        for name in names
        if not connection.execute(
            f"SELECT 1 FROM {source} WHERE {quote_identifier(name)} IS NOT NULL LIMIT 1"
        ).fetchone()
    ]


def _storage_classes(
    connection: sqlite3.Connection, source: str, names: Sequence[str]
) -> dict[str, StorageClasses]:
    found = {}
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        part = names[start : start + _COLUMNS_AT_ONCE]
        items = []
        for column in map(quote_identifier, part):
            kinds = ("integer", "real", "text", "blob")
            items += [f"coalesce(max(typeof({column}) = '{kind}'), 0)" for kind in kinds]
            integers = f"CASE typeof({column}) WHEN 'integer' THEN {column} END"
            items += [f"coalesce(min({integers}), 0)", f"coalesce(max({integers}), 0)"]
        row = connection.execute(f"SELECT {', '.join(items)} FROM {source}").fetchone()
        for index, name in enumerate(part):
            integer, real, text, blob, lowest, highest = row[index * 6 : index * 6 + 6]
            if not (isinstance(lowest, int) and isinstance(highest, int)):
                raise InputError(
                    f"column {name!r} holds other values each time it is looked at",
                    hint="A query must give the same result twice; leave out random values",
                )
            found[name] = StorageClasses(
                bool(integer), bool(real), bool(text), bool(blob), lowest, highest
            )
    return found


def read_batches(
    connection: sqlite3.Connection, source: str, plans: Sequence[SqliteColumn], *, where: str
) -> Iterator[pa.RecordBatch]:
    """All rows, in batches of a bounded number of rows and about a bounded number of bytes.

    Raises:
        InputError: a value of another type than the look before found: the query gives another result each time.
    """
    schema = pa.schema([pa.field(plan.name, plan.type) for plan in plans])
    names = ", ".join(quote_identifier(plan.name) for plan in plans)
    cursor = connection.execute(f"SELECT {names} FROM {source}")
    fetch = _FIRST_FETCH_ROWS
    while rows := cursor.fetchmany(fetch):
        arrays = []
        for plan, values in zip(plans, zip(*rows, strict=True), strict=True):
            try:
                arrays.append(plan.convert(values))
            except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError):
                raise InputError(
                    f"{where}: column {plan.name!r} was {plan.type} when looked through, and now holds another type",
                    hint="A query must give the same result twice; leave out random values",
                    column=plan.name,
                ) from None
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        yield batch
        row_bytes = max(1, batch.nbytes // batch.num_rows)
        fetch = max(1, min(_FETCH_ROWS, BATCH_BYTES // row_bytes, fetch * 8))
