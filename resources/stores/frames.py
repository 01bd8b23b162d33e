"""pandas frames and stored tables, both ways, without a value changed by the trip.

Reading. A column of integers or booleans without missing values has the plain NumPy type; with missing values it has
pandas' nullable type (`Int64`, `boolean`), because NumPy would turn 2**53 + 1 into a float beside a missing
one (E37). Text has pandas' own `str` type, floats are NumPy floats with NaN for missing, timestamps keep their
unit and zone. Dates, times, decimals and binary keep their Arrow type, lists and structs are Python objects.

Writing. Missing is NaN, NaT, None and NA alike. Categories are stored as their values. An index that has a name is stored
as columns before the others; row numbers, also what a filter or a sort left of them, are not data and are
dropped; any other index without a name is refused rather than lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream
from resources.kernel.schema import check_column_names

_BATCH_ROWS = 65_536
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_ARROW: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_date,
    pa.types.is_time,
    pa.types.is_decimal,
    pa.types.is_binary,
    pa.types.is_fixed_size_binary,
)


def to_pandas(table: pa.Table, *, gaps_elsewhere: Collection[str] = ()) -> pd.DataFrame:
    """A frame with the rows of `table` and a fresh row-number index.

    Args:
        table: the rows.
        gaps_elsewhere: columns whose other rows have missing values: a part of a table has the types of the whole.
    """
    gaps = [
        field.name
        for field in table.schema
        if field.type in _NULLABLE
        and (field.name in gaps_elsewhere or table[field.name].null_count)
    ]
    whole = [name for name in table.column_names if name not in set(gaps)]
    frame: pd.DataFrame = table.select(whole).to_pandas(types_mapper=_arrow_dtype)
    if not gaps:
        return frame
    nullable: pd.DataFrame = table.select(gaps).to_pandas(types_mapper=_NULLABLE.get)
    joined = pd.concat([frame, nullable], axis=1) if whole else nullable
    ordered: pd.DataFrame = joined[table.column_names]
    return ordered


def from_pandas(frame: pd.DataFrame, *, where: str) -> BatchStream:
    """The rows of `frame` as Arrow batches.

    Args:
        frame: as a transform returned it.
        where: what is made, for messages.

    Raises:
        InputError: an index that would be lost, column names that are no text or come twice, values of
            several types in one column, naming column and row.
    """
    frame = _with_index(frame, where)
    names = [_column_name(name, where) for name in frame.columns]
    check_column_names(names, where=where)
    arrays = [_array(frame.iloc[:, i], name, where) for i, name in enumerate(names)]
    table = pa.Table.from_arrays(arrays, names=names)
    return BatchStream(table.schema, _batches(table))


def drops_row_numbers(frame: pd.DataFrame) -> bool:
    """Whether `from_pandas` leaves out row numbers that are no plain 0, 1, 2 ...: worth a line in the log."""
    index = frame.index
    plain = isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
    return not plain and _is_row_numbers(index)


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches(max_chunksize=_BATCH_ROWS)


def _arrow_dtype(kind: pa.DataType) -> Any:
    return pd.ArrowDtype(kind) if any(belongs(kind) for belongs in _ARROW) else None


def _is_row_numbers(index: pd.Index) -> bool:
    return (
        index.nlevels == 1 and index.name is None and pd.api.types.is_integer_dtype(index.dtype)
    ) or not len(index)


def _with_index(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    index = frame.index
    if all(name is not None for name in index.names):
        clash = [name for name in index.names if name in frame.columns]
        if clash:
            raise InputError(
                f"{where}: the index is called {clash[0]!r} like a column",
                hint="Rename one of them, or reset_index(drop=True)",
                column=clash[0],
            )
        return frame.reset_index()
    if _is_row_numbers(index):
        return frame
    raise InputError(
        f"{where}: the frame has an index without a name ({index.dtype}), which would be lost",
        hint="Name it to keep it as a column (rename_axis), or reset_index(drop=True)",
    )


def _column_name(name: object, where: str) -> str:
    if isinstance(name, str):
        return name
    raise InputError(
        f"{where}: a column is called {name!r} ({type(name).__name__}), not text",
        hint="Name the columns with text: frame.columns = [...]",
    )


def _array(series: pd.Series[Any], name: str, where: str) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.dtype.categories.dtype if not series.hasnans else object)
    if series.dtype == object:
        _check_one_type(series, name, where)
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise InputError(
            f"{where}: column {name!r} cannot be stored: {str(error)[:160]}",
            hint="Give the column one type, for instance text: frame[column].astype(str)",
            column=name,
        ) from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _check_one_type(series: pd.Series[Any], name: str, where: str) -> None:
    present = series.notna()
    values = series[present]
    kinds = list(dict.fromkeys(map(type, values)))
    if len(kinds) < 2:
        return
    odd = next(i for i, value in enumerate(values) if type(value) is not kinds[0])
    row = int(present.to_numpy().nonzero()[0][odd]) + 1
    raise InputError(
        f"{where}: column {name!r} holds values of several types: {kinds[0].__name__} first,"
        f" {kinds[1].__name__} in row {row}",
        hint="Give the column one type, for instance text: frame[column].astype(str)",
        column=name,
        row=row,
    )
