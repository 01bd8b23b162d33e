"""Columns that DuckDB cannot read as they are, decimals of more than 38 digits above all: what Arrow tells in one pass."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.profiles.kinds import DUCKDB_DIGITS, CountedColumn, number_value
from resources.profiles.record import ColumnProfile
from resources.profiles.session import Session


def is_beyond_duckdb(column: CountedColumn) -> bool:
    """Whether DuckDB would read other values than are stored."""
    kind = column.field.type
    return bool(pa.types.is_decimal(kind) and kind.precision > DUCKDB_DIGITS)


def profile_of_extremes(session: Session, column: CountedColumn) -> ColumnProfile:
    """Missing cells, and the lowest and the highest value of a number."""
    missing, found = 0, []
    for path in session.paths:
        for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(columns=[column.name]):
            values = batch.column(0)
            missing += values.null_count
            if pa.types.is_decimal(values.type) and values.null_count < len(values):
                found += pc.min_max(values).as_py().values()
    return ColumnProfile(
        name=column.name,
        position=column.position,
        type=str(column.field.type),
        kind=column.kind,
        missing=missing,
        lowest=_kept(min(found, default=None)),
        highest=_kept(max(found, default=None)),
    )


def _kept(value: Any) -> Any:
    return None if value is None else number_value(value)
