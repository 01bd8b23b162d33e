"""Parquet files opened with care, and their rows in batches of bounded size.

A footer says how many bytes a file has, not how many its values have: a dictionary of a few long texts stands for any
number of them. So the longest value of each dictionary is looked at before batches are cut.

INT96 timestamps (Spark, Hive, Impala) count nanoseconds over thousands of years. As microseconds all of them fit; a
column in which nanoseconds count is read as nanoseconds, unless it also holds what does not fit these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.formats.files import SourceFile
from resources.formats.text_types.bad_values import first_bad_place
from resources.kernel.errors import ParseError, SchemaMismatchError
from resources.kernel.kept_types import count_leaves, holds
from resources.kernel.records import Retype

_BATCH_ROWS = 65_536
_BATCH_VALUES = 4_000_000
_BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of the values of one batch, as far as dictionaries could make more of them."""
_DICTIONARIES = {"RLE_DICTIONARY", "PLAIN_DICTIONARY"}
_BUFFER_BYTES = 1024 * 1024
_THRIFT_BYTES = (
    256 * 1024 * 1024
)  # a footer that claims more is refused before memory is taken (T39)


@contextmanager
def open_parquet(
    file: SourceFile, *, unit: str = "us", as_dictionary: Sequence[str] = ()
) -> Iterator[pq.ParquetFile]:
    """The file, with what Arrow says about damage while it is open turned into one error.

    `pre_buffer` would hold the whole file, and without a buffer size a whole column chunk is read at once.

    Args:
        file: the file.
        unit: of INT96 timestamps.
        as_dictionary: columns whose values come with their dictionary.

    Raises:
        ParseError: no Parquet, or damaged.
    """
    try:
        with pq.ParquetFile(
            file.path,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
            coerce_int96_timestamp_unit=unit,
            read_dictionary=list(as_dictionary),
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=10_000_000,
        ) as opened:
            yield opened
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).splitlines()[0][:200]
        raise ParseError(
            f"cannot be read as Parquet ({said})",
            file=file.name,
            hint="The file is damaged, cut off or of another format: send it again",
        ) from error


def read_batches(
    file: SourceFile, columns: Sequence[str], nanoseconds: set[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of a file.

    Args:
        file: the file.
        columns: to read.
        nanoseconds: INT96 columns to be read as such; grows when one turns out to need it.

    Raises:
        Retype: a column has nanoseconds that count: read again from the start.
        ParseError: the file is damaged, or holds more than one import may unpack.
        SchemaMismatchError: an INT96 column that no unit holds.
    """
    with open_parquet(file) as opened:
        dates = [name for name in int96_columns(opened) if name in set(columns)]
        pieces = _plan(file, opened, columns)
        read, packed = 0, file.path.stat().st_size
        finer = _read_finer(file, dates, pieces) if dates else None
        seen = 0
        for groups, rows in pieces:
            for batch in opened.iter_batches(rows, row_groups=groups, columns=list(columns)):
                read += batch.nbytes
                file.budget.take(file.name, packed, read, harmless=read)
                if finer is not None:
                    batch = _with_nanoseconds(batch, next(finer), file, seen, nanoseconds)  # noqa: PLW2901
                seen += batch.num_rows
                yield batch


def int96_columns(opened: pq.ParquetFile) -> list[str]:
    """Columns that hold INT96 timestamps, also deep inside."""
    schema, found, place = opened.metadata.schema, [], 0
    for field in opened.schema_arrow:
        leaves = count_leaves(field.type)
        if holds(field.type, pa.types.is_timestamp) and any(
            schema.column(leaf).physical_type == "INT96" for leaf in range(place, place + leaves)
        ):
            found.append(field.name)
        place += leaves
    return found


def _plan(
    file: SourceFile, opened: pq.ParquetFile, columns: Sequence[str]
) -> list[tuple[list[int], int]]:
    """Row groups that follow each other and the rows of a batch of them."""
    most = max(1024, min(_BATCH_ROWS, _BATCH_VALUES // max(len(columns), 1)))
    groups = range(opened.metadata.num_row_groups)
    suspects = {group: _suspects(opened, group, most) for group in groups}
    names = sorted({name for found in suspects.values() for name in found})
    rows = dict.fromkeys(groups, most)
    if names:
        with open_parquet(file, as_dictionary=names) as probe:
            for group, found in suspects.items():
                longest = _longest_row(probe, group, found) if found else 0
                rows[group] = max(1, min(most, _BATCH_BYTES // max(longest, 1)))
    return [(list(found), size) for size, found in groupby(groups, key=rows.__getitem__)]


def _suspects(opened: pq.ParquetFile, group: int, rows: int) -> list[str]:
    """Columns of one row group whose dictionaries could make more bytes of a batch than it should have."""
    metadata, found, place = opened.metadata.row_group(group), [], 0
    rows = min(rows, metadata.num_rows)
    for field in opened.schema_arrow:
        if pa.types.is_string(field.type) or pa.types.is_binary(field.type):
            chunk = metadata.column(place)
            is_packed = not _DICTIONARIES.isdisjoint(chunk.encodings)
            if is_packed and chunk.total_uncompressed_size * rows > _BATCH_BYTES:
                found.append(field.name)
        place += count_leaves(field.type)
    return found


def _longest_row(probe: pq.ParquetFile, group: int, names: list[str]) -> int:
    """Bytes of a row that has the longest value of every dictionary."""
    batch = next(probe.iter_batches(1, row_groups=[group], columns=names), None)
    columns = [] if batch is None else batch.columns
    return sum(_longest(column) for column in columns)


def _longest(column: pa.Array) -> int:
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    return pc.max(pc.binary_length(values)).as_py() or 0


def _read_finer(
    file: SourceFile, dates: list[str], pieces: list[tuple[list[int], int]]
) -> Iterator[pa.RecordBatch]:
    """The same batches, of INT96 columns alone, in nanoseconds; what does not fit these is wrong in a known way."""
    with open_parquet(file, unit="ns") as opened:
        for groups, rows in pieces:
            yield from opened.iter_batches(rows, row_groups=groups, columns=dates)


def _with_nanoseconds(
    batch: pa.RecordBatch, finer: pa.RecordBatch, file: SourceFile, row: int, nanoseconds: set[str]
) -> pa.RecordBatch:
    columns, needed = dict(zip(batch.schema.names, batch.columns, strict=True)), []
    for name, fine in zip(finer.schema.names, finer.columns, strict=True):
        coarse = columns[name]
        if name not in nanoseconds:
            if not _is_whole(coarse, fine):
                needed.append(name)
            continue
        if not _fits(coarse):
            raise _between_units(file, name, row + first_bad_place(coarse, _fits) + 1)
        columns[name] = fine
    if needed:
        nanoseconds.update(needed)
        raise Retype(dict.fromkeys(needed, "timestamp[ns]"))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _between_units(file: SourceFile, name: str, row: int) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"{file.name}: column {name!r} has nanoseconds that count, and in row {row:,} a moment outside"
        " the years 1678 to 2261, where they end",
        hint="Round the column to microseconds where the file is written",
        file=file.name,
        column=name,
        row=row,
    )


def _is_whole(coarse: pa.Array, fine: pa.Array) -> bool:
    """Whether no nanosecond counts: both are moments modulo 2**64, so their difference tells also where one overflowed."""
    pairs = zip(_moments(coarse), _moments(fine), strict=True)
    return all((fine == coarse * 1000).all() for coarse, fine in pairs)


def _fits(coarse: pa.Array) -> bool:
    limit = np.iinfo(np.int64).max // 1000
    return all((np.abs(values) < limit).all() for values in _moments(coarse))


def _moments(array: pa.Array) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The timestamps in a column, at any depth, as they count."""
    if pa.types.is_timestamp(array.type):
        yield array.drop_null().view(pa.int64()).to_numpy()
    elif pa.types.is_struct(array.type):
        for child in array.flatten():
            yield from _moments(child)
    elif pa.types.is_map(array.type):
        valid = array.drop_null()
        yield from _moments(valid.keys)
        yield from _moments(valid.items)
    elif array.type.num_fields:
        yield from _moments(array.flatten())
