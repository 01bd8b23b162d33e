"""How many rows of each row group make one batch, so that no batch is large however long its values are.

A footer says how many bytes a file has, not how many its values have: a dictionary of a few long texts stands for any
number of them, also within lists, structs and maps. Three looks bound them, each dearer and rarer than the one before:
how long a dictionary page is, which its header says; its longest value; and, where one row could have many values, the
numbers of its entries without their texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.kernel.errors import ParseError

BATCH_ROWS = 65_536
BATCH_BYTES = 64 * 1024 * 1024
ROW_BYTES = 1024 * 1024 * 1024
"""Of one row, as far as a dictionary makes them."""
_BATCH_VALUES = 4_000_000
_FEWEST_ROWS = 1024  # before any look at their size
_DICTIONARIES = {"RLE_DICTIONARY", "PLAIN_DICTIONARY"}
_HEADER_BYTES = 32
_LENGTH_BYTES = 4  # before each value of a dictionary page

OpenProbe = Callable[[Sequence[str]], AbstractContextManager[pq.ParquetFile]]


@dataclass(frozen=True)
class _Leaf:
    """A column of values in one row group whose dictionary could make many bytes."""

    path: str
    values: int
    is_repeated: bool
    page_bytes: int
    """Of its dictionary; of values of one width their width."""
    is_fixed: bool


def plan_batches(
    opened: pq.ParquetFile, raw: BinaryIO, columns: int, open_probe: OpenProbe, file: str
) -> list[tuple[list[int], int]]:
    """Row groups that follow each other, and the rows of a batch of them.

    Args:
        opened: the file.
        raw: its bytes.
        columns: how many are read.
        open_probe: opens the file again, with the columns at some paths as dictionaries.
        file: its name.

    Raises:
        ParseError: one row holds more than `ROW_BYTES`.
    """
    most = max(_FEWEST_ROWS, min(BATCH_ROWS, _BATCH_VALUES // max(columns, 1)))
    groups = range(opened.metadata.num_row_groups)
    rows = [_average_rows(opened.metadata.row_group(group), most) for group in groups]
    suspects = [_suspects(opened, raw, group, rows[group]) for group in groups]
    paths = sorted({leaf.path for found in suspects for leaf in found if not leaf.is_fixed})
    if any(suspects):
        with open_probe(paths) as probe:
            for group, found in enumerate(suspects):
                if found:
                    rows[group] = _Look(probe, group, found, file).rows(rows[group])
    return [(list(found), size) for size, found in groupby(groups, key=rows.__getitem__)]


def _average_rows(group: pq.RowGroupMetaData, most: int) -> int:
    """The rows of `BATCH_BYTES`, if nothing were made of dictionaries."""
    average = int(group.total_byte_size) // max(group.num_rows, 1)
    rows: int = max(1, min(most, BATCH_BYTES // max(average, 1)))
    return rows


def _suspects(opened: pq.ParquetFile, raw: BinaryIO, group: int, rows: int) -> list[_Leaf]:
    metadata, found = opened.metadata.row_group(group), []
    for place in range(metadata.num_columns):
        column = opened.schema.column(place)
        if column.physical_type not in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"):
            continue
        chunk = metadata.column(place)
        if _DICTIONARIES.isdisjoint(chunk.encodings):
            continue
        is_repeated = column.max_repetition_level > 0
        values = chunk.num_values if is_repeated else min(rows, metadata.num_rows)
        is_fixed = column.physical_type == "FIXED_LEN_BYTE_ARRAY"
        longest = column.length if is_fixed else _page_bytes(raw, chunk)
        if longest * values > BATCH_BYTES:
            found.append(_Leaf(column.path, chunk.num_values, is_repeated, longest, is_fixed))
    return found


def _page_bytes(raw: BinaryIO, chunk: pq.ColumnChunkMetaData) -> int:
    """The length of the dictionary page, unpacked: the second number of its header. A reader checks that it is true.

    The header is a Thrift structure in the compact form. Its first members are required whole numbers: the type of the
    page (2 is a dictionary), and its length.
    """
    raw.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
    header = raw.read(_HEADER_BYTES)
    if header[:3] != b"\x15\x04\x15":
        return int(chunk.total_uncompressed_size)
    number = 0
    for place, byte in enumerate(header[3:13]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            break
    return number >> 1


@dataclass
class _Look:
    """A look at the dictionaries of one row group."""

    probe: pq.ParquetFile
    group: int
    leaves: Sequence[_Leaf]
    file: str

    def rows(self, most: int) -> int:
        """How many rows, at most `most`, go into one batch."""
        longest = self._longest()
        number = max(int(self.probe.metadata.row_group(self.group).num_rows), 1)
        single = sum(size for leaf, size in longest.items() if not leaf.is_repeated)
        repeated = [leaf for leaf in longest if leaf.is_repeated]
        average = sum(longest[leaf] * leaf.values // number for leaf in repeated)
        rows = max(1, min(most, BATCH_BYTES // max(single + average, 1)))
        texts = [leaf for leaf in repeated if not leaf.is_fixed]
        if sum(longest[leaf] * leaf.values for leaf in texts) > ROW_BYTES:
            rows = self._rows_of_lists([leaf.path for leaf in texts], rows)
        return rows

    def _longest(self) -> dict[_Leaf, int]:
        """The longest value of each dictionary."""
        longest = {leaf: leaf.page_bytes for leaf in self.leaves}
        for leaf in self.leaves:
            if not leaf.is_fixed:
                longest[leaf] = self._longest_value(leaf)
        return longest

    def _longest_value(self, leaf: _Leaf) -> int:
        batch = next(self._batches([leaf.path], 1), None)
        lengths = [] if batch is None else [_lengths(one) for one in _dictionaries(batch)]
        # All of the page has to have been seen, whatever its first values point to.
        is_whole = sum(int((one + _LENGTH_BYTES).sum()) for one in lengths) >= leaf.page_bytes
        return max(int(one.max(initial=0)) for one in lengths) if is_whole else leaf.page_bytes

    def _rows_of_lists(self, paths: list[str], rows: int) -> int:
        """Rows of which no batch is longer than wanted, although lists differ in length; one row may be."""
        while True:
            largest = max(
                (_decoded_bytes(batch) for batch in self._batches(paths, rows)), default=0
            )
            if largest <= BATCH_BYTES or (rows == 1 and largest <= ROW_BYTES):
                return rows
            if rows == 1:
                raise self._too_long(largest)
            rows = max(1, rows * BATCH_BYTES // largest)

    def _batches(self, paths: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        groups = [self.group]
        yield from self.probe.iter_batches(
            rows, row_groups=groups, columns=paths, use_threads=False
        )

    def _too_long(self, size: int) -> ParseError:
        return ParseError(
            f"refused: one row holds {size:,} bytes, at most {ROW_BYTES:,} are read",
            file=self.file,
            hint="Split its list into rows, or leave the column out where the file is written",
        )


def _dictionaries(batch: pa.RecordBatch) -> Iterator[pa.DictionaryArray]:
    for column in batch.columns:
        yield from _within(column)


def _within(array: pa.Array) -> Iterator[pa.DictionaryArray]:
    if isinstance(array, pa.ExtensionArray):
        yield from _within(array.storage)
    elif pa.types.is_dictionary(array.type):
        if pa.types.is_string(array.type.value_type) or pa.types.is_binary(array.type.value_type):
            yield array
    elif pa.types.is_struct(array.type):
        for child in array.flatten():
            yield from _within(child)
    elif pa.types.is_map(array.type):
        yield from _within(array.keys)
        yield from _within(array.items)
    elif array.type.num_fields:
        yield from _within(array.flatten())


def _lengths(array: pa.DictionaryArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lengths: np.ndarray[tuple[int], np.dtype[np.int64]] = (
        pc.binary_length(array.dictionary)
        .fill_null(0)
        .cast(pa.int64())
        .to_numpy(zero_copy_only=False)
    )
    return lengths


def _decoded_bytes(batch: pa.RecordBatch) -> int:
    """What the texts of a batch would have, were they written out."""
    total = 0
    for array in _dictionaries(batch):
        used = array.indices.drop_null().to_numpy(zero_copy_only=False)
        total += int(_lengths(array)[used].sum())
    return total
