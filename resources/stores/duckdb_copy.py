"""A DuckDB query or relation straight into one Parquet file, without passing through Python.

DuckDB's own choice of Parquet types is not always ours: a HUGEINT, the type of every `sum()` of integers, would
become a DOUBLE. So the types of the result are looked at first; see `kept_as`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.parquet_write import ROW_GROUP_ROWS
from resources.kernel.errors import InputError, StorageError, WaybillError
from resources.kernel.kept_types import count_leaves
from resources.kernel.quoting import quoted, quoted_text
from resources.kernel.schema import check_column_names

_KEPT = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger",
    "ubigint", "float", "double", "decimal", "varchar", "blob", "date", "time", "timestamp",
    "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone",
}  # fmt: skip
_AS_TEXT = {
    "uhugeint", "bit", "uuid", "enum", "interval", "time with time zone", "time_ns", "bignum", "json",
}  # fmt: skip
# How DuckDB writes an infinite timestamp or date into Parquet: other readers see the year 294247.
_INFINITE = {
    "TIMESTAMP": {2**63 - 1, -(2**63 - 1)},
    "DATE": {2**31 - 1, -(2**31 - 1)},
}

_BEYOND_64_BITS = re.compile(
    r"Overflow in .*(INT64|INT128|BIGINT|HUGEINT)|range for the destination type (INT64|INT128)"
)


def copy_query(
    connection: duckdb.DuckDBPyConnection, sql: str, path: Path, *, where: str
) -> pa.Schema:
    """Runs one SELECT and writes its rows, in its order, to `path`.

    One file, however long: DuckDB keeps the order of rows only then (with FILE_SIZE_BYTES or
    ROW_GROUPS_PER_FILE it does not), and readers work in parallel by row groups anyway.

    Raises:
        InputError: no single SELECT, SQL that DuckDB refuses, a column that cannot be kept, by its name.
        StorageError: `path` cannot be written (E7).
    """
    statement = single_select(connection, sql, where)
    with _translated(path, where):
        relation = connection.sql(statement)
        columns = _projection(relation, where)
        connection.execute(
            f"COPY (SELECT {columns} FROM (\n{statement}\n)) TO {quoted_text(str(path))}"
            f" (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PRESERVE_ORDER true,"
            f" ROW_GROUP_SIZE {ROW_GROUP_ROWS - ROW_GROUP_ROWS % 2048})"
        )
    return _written(path, where)


def copy_shape(
    connection: duckdb.DuckDBPyConnection, sql: str, path: Path, *, where: str
) -> pa.Schema:
    """Writes to `path` the columns that `copy_query` would write, and no row: the SELECT is bound, not run.

    Raises:
        duckdb.Error: DuckDB refuses the SQL.
        InputError: no single SELECT, a column that cannot be kept, by its name.
    """
    relation = connection.sql(single_select(connection, sql, where))
    columns = ", ".join(
        f"CAST(NULL AS {target}) AS {column}" for column, _, target in _kept(relation, where)
    )
    place = quoted_text(str(path))
    connection.execute(f"COPY (SELECT {columns} WHERE false) TO {place} (FORMAT parquet)")
    return pq.read_schema(path)


def copy_relation(relation: duckdb.DuckDBPyRelation, path: Path, *, where: str) -> pa.Schema:
    """The same for a relation, on the connection it belongs to."""
    with _translated(path, where):
        chosen = relation.project(_projection(relation, where))
        chosen.write_parquet(str(path), compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return _written(path, where)


def single_select(connection: duckdb.DuckDBPyConnection, sql: str, where: str) -> str:
    """The only statement of `sql`, without the semicolon behind it.

    Raises:
        InputError: no single SELECT.
    """
    with _translated(None, where):
        statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise InputError(
            f"{where}: a query must be one SELECT, this is {kinds}",
            hint="Write a single SELECT; use WITH for steps",
        )
    text: str = statements[0].query
    return text.rstrip().removesuffix(";")


def _projection(relation: duckdb.DuckDBPyRelation, where: str) -> str:
    return ", ".join(
        column if target == kind else f"CAST({column} AS {target}) AS {column}"
        for column, kind, target in _kept(relation, where)
    )


def _kept(relation: duckdb.DuckDBPyRelation, where: str) -> Iterator[tuple[str, str, str]]:
    """Each column in quotes, its type, and the type that is written."""
    names = relation.columns
    _check_names(names, where)
    for name, kind in zip(names, relation.types, strict=True):
        target = kept_as(kind)
        if target is None:
            raise InputError(
                f"{where}: column {name!r} has the type {kind}, which Parquet cannot keep unchanged",
                hint="Cast it in the query, for instance to VARCHAR",
                column=name,
            )
        yield quoted(name), str(kind), target


def _check_names(names: list[str], where: str) -> None:
    try:
        check_column_names(names, where=where)
    except InputError as error:
        raise InputError(
            error.message,
            hint="Give it a name of its own by an alias in the query: SELECT a.id AS a_id, b.id AS b_id",
            **error.facts,
        ) from None


def kept_as(kind: Any) -> str | None:
    """The type to write: itself, BIGINT for a HUGEINT (exact, or the cast fails), text, or None to refuse."""
    name = "json" if str(kind) == "JSON" else str(kind.id)
    if name in _KEPT:
        return str(kind)
    if name == "hugeint":
        return "BIGINT"
    if name in _AS_TEXT:
        return "VARCHAR"
    return _nested_target(kind, name)


def _nested_target(kind: Any, name: str) -> str | None:
    if name not in {"list", "array", "struct", "map"}:
        return None
    children = [(label, kept_as(child)) for label, child in kind.children if label != "size"]
    if any(target is None for _, target in children):
        return None
    if name == "struct":
        return f"STRUCT({', '.join(f'{quoted(label)} {target}' for label, target in children)})"
    if name == "map":
        return f"MAP({children[0][1]}, {children[1][1]})"
    # Parquet has no fixed-size lists: an array is written as a list either way.
    return f"{children[0][1]}[]"


def _written(path: Path, where: str) -> pa.Schema:
    file = pq.ParquetFile(path)
    _check_infinity(file, where)
    return file.schema_arrow


def _check_infinity(file: pq.ParquetFile, where: str) -> None:
    for name, place in _leaves(file.schema_arrow):
        infinite = _INFINITE.get(file.schema.column(place).logical_type.type)
        for group in range(file.metadata.num_row_groups if infinite else 0):
            statistics = file.metadata.row_group(group).column(place).statistics
            if statistics is None or not statistics.has_min_max:
                continue
            if infinite and {statistics.min_raw, statistics.max_raw} & infinite:
                raise InputError(
                    f"{where}: column {name!r} holds an infinite date or timestamp, which other"
                    " readers of Parquet take for a year",
                    hint="Use NULL in the query: nullif(column, 'infinity')",
                    column=name,
                )


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, int]]:
    """Columns with the place of each column of values in them. By position: a member `a.b` may be called as a column is."""
    place = 0
    for field in schema:
        for _ in range(count_leaves(field.type)):
            yield field.name, place
            place += 1


@contextmanager
def _translated(path: Path | None, where: str) -> Iterator[None]:
    try:
        yield
    except WaybillError:
        raise
    except duckdb.IOException as error:
        text = _text(error)
        if path is not None and str(path) in text:
            raise StorageError(
                f"Cannot write {path}: {text.rpartition(':')[2].strip()}",
                hint="Check free space, quota and permissions there",
                path=str(path),
            ) from error
        raise InputError(f"{where}: the query failed: {text}") from error
    except duckdb.OutOfMemoryException as error:
        raise StorageError(
            f"{where}: the query needs more memory or temporary disk than it may have:"
            f" {_text(error)}",
            hint="Raise DuckDB's memory_limit, or give its temp_directory more space",
        ) from error
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise InputError(
            f"{where}: the query holds a value that its column's type cannot: {_text(error)}",
            hint=_conversion_hint(error),
        ) from error
    except duckdb.Error as error:
        raise InputError(f"{where}: the query failed: {_text(error)}") from error


def _conversion_hint(error: duckdb.Error) -> str:
    if _BEYOND_64_BITS.search(str(error)):
        return "A number beyond 64 bits: cast it in the query to DECIMAL(38,0) or VARCHAR"
    if isinstance(error, duckdb.ConversionException):
        return "Correct the value at its source, or use TRY_CAST in the query to get NULL for it"
    return ""


def _text(error: duckdb.Error) -> str:
    own_statement = _unwrapped(str(error)).partition("\nLINE 1: COPY (")[0]
    return " ".join(own_statement.split())[:280]


def _unwrapped(text: str) -> str:
    """What a connection with `errors_as_json` says, as others say it."""
    kind, found, rest = text.partition(": ")
    if not (found and rest.startswith("{")):
        return text
    try:
        return f"{kind}: {json.loads(rest)['exception_message']}"
    except (ValueError, KeyError):
        return text
