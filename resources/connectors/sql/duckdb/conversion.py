"""DuckDB: values that change their type, tried piece by piece before they go into the table.

A cast to a smaller scale or to whole seconds rounds and says nothing; one of a text names neither row nor column.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.writing.conversion import FINER_THAN_MICROSECONDS, row_column, unfit
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import Cast


def check_casts(
    connection: duckdb.DuckDBPyConnection,
    job: ExportJob,
    casts: Sequence[Cast],
    piece: pa.Table,
    before: int,
) -> None:
    """Finds a value that its column would not take as it is.

    Args:
        connection: the database.
        job: the export.
        casts: the columns.
        piece: rows that are about to be inserted.
        before: how many rows came before them.

    Raises:
        InputError: naming row, column and value.
    """
    if not casts:
        return
    row = row_column(job)
    _waybill_rows = piece.append_column(row, pa.array(range(piece.num_rows), pa.int64()))
    firsts = ", ".join(
        f"min({quote_identifier(row)}) FILTER (WHERE {changes(cast)})" for cast in casts
    )
    (found,) = connection.execute(f"SELECT {firsts} FROM _waybill_rows").fetchall()
    for cast, first in zip(casts, found, strict=True):
        if first is not None:
            value = piece.column(cast.column.name)[first].as_py()
            raise unfit(job, cast, before + first + 1, value)


def changes(cast: Cast) -> str:
    """SQL for whether a value would be another one in its column, or none."""
    value, sent = quote_identifier(cast.column.name), cast.column.type.sql
    tried = f"TRY_CAST({value} AS {cast.type})"
    back = f"CAST({tried} AS {sent})"
    if sent == "VARCHAR" and cast.type == "UUID":  # a number: its digits have no case
        value, back = f"lower({value})", f"lower({back})"
    if (
        sent == "VARCHAR" and cast.type == "INTERVAL"
    ):  # it reads a text in one way alone, but rounds
        finer = f"regexp_matches({value}, '{FINER_THAN_MICROSECONDS}')"
        return f"({tried} IS NULL) <> ({value} IS NULL) OR {finer}"
    return f"{back} IS DISTINCT FROM {value}"
