"""Parquet files opened with care, and their rows in batches of bounded size.

How many rows make a batch is the business of `parquet_dictionaries`.

INT96 timestamps (Spark, Hive, Impala) count nanoseconds over thousands of years. As microseconds all of them fit; a
column in which nanoseconds count is read as nanoseconds, unless it also holds what does not fit these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.files import SourceFile
from resources.formats.parquet_dictionaries import plan_batches
from resources.formats.text_types.bad_values import first_bad_place
from resources.kernel.errors import ParseError, SchemaMismatchError
from resources.kernel.kept_types import count_leaves, holds
from resources.kernel.records import Retype

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
        as_dictionary: paths of columns whose values come with their dictionary.

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
    with file.path.open("rb") as raw:
        probe = partial(_open_probe, file)
        return plan_batches(opened, raw, len(columns), probe, file.name)


def _open_probe(file: SourceFile, paths: Sequence[str]) -> AbstractContextManager[pq.ParquetFile]:
    return open_parquet(file, as_dictionary=paths)


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
