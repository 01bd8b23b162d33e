"""Stored part files as DuckDB sees them: each column with the type and the values that it was stored with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.formats.parquet_write import ThreadedWriter
from resources.kernel.errors import InputError
from resources.kernel.quoting import quoted, quoted_text
from resources.kernel.schema import case_twins

if TYPE_CHECKING:
    import duckdb

_MAX_DIGITS = 38


def open_relation(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], schema: pa.Schema, *, where: str
) -> duckdb.DuckDBPyRelation:
    """The rows of part files as a relation of `connection`.

    Raises:
        InputError: a column that DuckDB would change: decimals of more than 38 digits (E36), names that differ
            in case alone (E23).
    """
    _check(schema, where)
    return connection.read_parquet([str(path) for path in paths]).project(
        ", ".join(map(_column, schema))
    )


def open_empty_relation(
    connection: duckdb.DuckDBPyConnection, path: Path, schema: pa.Schema, *, where: str
) -> duckdb.DuckDBPyRelation:
    """The same of a table without rows, whose only part file is written to `path`.

    Raises:
        InputError: as of `open_relation`.
    """
    with ThreadedWriter(path, schema):
        pass
    return open_relation(connection, [path], schema, where=where)


@dataclass(frozen=True)
class NumberedRelation:
    """Part files as DuckDB searches them."""

    table: str
    """The files, with columns `c0`, `c1` ... by their place, so that no name can do harm."""
    number: str
    """The number of a row, counted from 0."""
    types: tuple[str | None, ...]
    """DuckDB's type of each column; None where its values are not those that are stored."""
    paths: tuple[Path, ...] = ()
    """The part files, for as long as the connection lives."""

    @property
    def source(self) -> str:
        """What stands behind FROM: the columns `c0`, `c1` ... and `n`, the number of a row."""
        return f"(SELECT *, {self.number} AS n FROM {self.table})"

    def source_of(self, places: Iterable[int]) -> str:
        """The same with some of the columns: of 10,000, those that a query does not name cost it 0.3 s."""
        names = "".join(f"c{place}, " for place in sorted(set(places)))
        return f"(SELECT {names}{self.number} AS n FROM {self.table})"


def open_numbered(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    rows: Sequence[int],
    schema: pa.Schema,
) -> NumberedRelation:
    """The rows of part files with their numbers; any names, any types.

    Args:
        connection: gets nothing but the relation.
        paths: the part files, in order.
        rows: how many each has.
        schema: of the table.
    """
    names = [f"c{place}" for place in range(len(schema))]
    listed = ", ".join(quoted_text(str(path)) for path in paths)
    starts = list(accumulate(rows, initial=0))[: len(rows)]
    table = f"read_parquet([{listed}]) AS t({', '.join(names)})"
    found = connection.sql(f"SELECT {', '.join(names)} FROM {table}").types
    number = f"list_extract([{', '.join(map(str, starts))}]::BIGINT[], file_index::BIGINT + 1) + file_row_number"
    if len(starts) == 1:
        number = "file_row_number"
    return NumberedRelation(
        table=table,
        number=number,
        types=tuple(
            None if _is_changed(field.type) else str(kind)
            for field, kind in zip(schema, found, strict=True)
        ),
        paths=tuple(paths),
    )


def _is_changed(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind) and kind.precision > _MAX_DIGITS)


def _check(schema: pa.Schema, where: str) -> None:
    if twins := case_twins(schema.names):
        # It would show the values of the first one in both.
        listed = ", ".join(f"{one!r} and {other!r}" for one, other in twins[:5])
        raise InputError(
            f"{where}: SQL cannot tell the columns {listed} apart: case does not count there",
            hint="Rename one of them where the dataset is made",
        )
    for field in schema:
        if "\0" in field.name:
            raise InputError(
                f"{where}: SQL cannot name the column {field.name!r}: it holds a NUL character",
                hint="Rename it where the dataset is made",
                column=field.name,
            )
        if pa.types.is_decimal(field.type) and field.type.precision > _MAX_DIGITS:
            raise InputError(
                f"{where}: column {field.name!r} has {field.type.precision} digits;"
                f" DuckDB keeps {_MAX_DIGITS}",
                hint="Leave the column out, or store it with fewer digits or as text",
                column=field.name,
            )


def _column(field: pa.Field) -> str:
    """Parquet has no durations: DuckDB would show the bare integers. Its other `to_*` functions take doubles."""
    name = quoted(field.name)
    if not pa.types.is_duration(field.type):
        return name
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[field.type.unit]
    return f"to_microseconds({name} * {factor}) AS {name}"
