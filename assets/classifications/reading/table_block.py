"""A laid-out block of CSV or TSV -> a batch of the records that are surely good, and the numbers of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import to_arrow, with_nulls
from assets.classifications.reading.batch import DELETE_KEY, UPDATE, Batch, Rewritten
from assets.classifications.reading.convert import convert_column
from assets.classifications.reading.record import RecordDialect
from assets.classifications.reading.spans import (
    find_odd_keys,
    find_tokens,
    take_texts,
)
from assets.classifications.reading.structure import Layout, trim_fields
from assets.classifications.schema import VALUE_LIMIT, ParseOptions, SetColumn


@dataclass(frozen=True)
class Cells:
    """Meaning of the cells beside the key: (n, columns) masks, and (n,) which rows delete their key."""

    has_value: np.ndarray
    is_cleared: np.ndarray
    deletes: np.ndarray


def read_block(
    data: bytes,
    layout: Layout,
    columns: Sequence[SetColumn],
    options: ParseOptions,
    dialect: RecordDialect,
) -> tuple[Batch, np.ndarray]:
    """The batch, its `rows` counted from 0 in the block, and the numbers of records for the exact way."""
    block = np.frombuffer(data, np.uint8)
    odd = trim_fields(block, layout, is_csv=dialect.is_csv)
    starts, lengths = layout.starts, layout.ends - layout.starts
    odd |= (lengths > VALUE_LIMIT).any(axis=1)
    odd |= find_odd_keys(block, starts[:, 0], lengths[:, 0])
    if b"\0" in data:
        odd |= _rows_with(layout.spans[layout.regular, 0], np.flatnonzero(block == 0))
    cells = _read_cells(
        data, block, starts[:, 1:], lengths[:, 1:], blank_clears=options.blank_clears
    )
    odd |= cells.deletes & cells.has_value.any(
        axis=1
    )  # cells beside ~deletekey~ need their warning
    good = np.flatnonzero(~odd)
    texts = take_texts(block, starts[good], layout.ends[good])
    _undouble(texts, layout, good)
    batch, doubtful = _make_batch(layout.regular[good], texts, cells, good, columns, options)
    left = np.concatenate([layout.irregular, layout.regular[odd], layout.regular[good[doubtful]]])
    left.sort()
    return batch, left


def _rows_with(row_starts: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which rows have one of the places; a place between rows counts for the row before it, which does no harm."""
    rows = np.searchsorted(row_starts, places, side="right") - 1
    found = np.zeros(len(row_starts), bool)
    found[rows[rows >= 0]] = True
    return found


def _read_cells(
    data: bytes, block: np.ndarray, starts: np.ndarray, lengths: np.ndarray, *, blank_clears: bool
) -> Cells:
    has_value = lengths > 0
    tokens = find_tokens(data, block, starts, lengths)
    if tokens is None:
        nothing = np.zeros(lengths.shape, bool)
        deletes = np.zeros(len(lengths), bool)
        return Cells(has_value, ~has_value if blank_clears else nothing, deletes)
    is_empty, is_delete = tokens
    deletes = np.asarray(is_delete.any(axis=1))
    # Beside ~deletekey~ even ~empty~ is a cell that is ignored with a warning.
    has_value &= ~is_delete & (~is_empty | deletes[:, None])
    is_token = is_empty & ~deletes[:, None]
    is_cleared = is_token | ((lengths == 0) & ~deletes[:, None]) if blank_clears else is_token
    return Cells(has_value, is_cleared, deletes)


def _undouble(texts: list[pa.Array], layout: Layout, good: np.ndarray) -> None:
    """Doubled quotes become one (C2), in the fields that are quoted: in others two are two."""
    if not len(layout.doubled) or not len(good):
        return
    fields = np.searchsorted(layout.starts.reshape(-1), layout.doubled, side="right") - 1
    fields = fields[(fields >= 0) & (layout.doubled < layout.ends.reshape(-1)[fields])]
    columns = layout.starts.shape[1]
    for number in np.unique(fields % columns):
        is_quoted = np.zeros(len(layout.starts), bool)
        is_quoted[fields[fields % columns == number] // columns] = True
        undoubled = pc.replace_substring(texts[number], '""', '"')
        texts[number] = pc.if_else(to_arrow(is_quoted[good]), undoubled, texts[number])


def _make_batch(
    rows: np.ndarray,
    texts: list[pa.Array],
    cells: Cells,
    good: np.ndarray,
    columns: Sequence[SetColumn],
    options: ParseOptions,
) -> tuple[Batch, np.ndarray]:
    """The batch of the good rows without the doubtful ones, and the mask of those."""
    has_value = cells.has_value[good]
    doubtful = np.zeros(len(good), bool)
    values, rewritten = {}, []
    for number, column in enumerate(columns):
        cell_texts = with_nulls(texts[number + 1], has_value[:, number])
        converted = convert_column(column, cell_texts, options.list_delimiter)
        values[column.name] = converted.values
        if converted.doubtful is not None:
            doubtful |= converted.doubtful
        if converted.rewritten is not None:
            found = Rewritten(column.name, rows.astype(np.int32), cell_texts)
            rewritten.append(found.filtered(converted.rewritten))
    kinds = np.where(cells.deletes[good], DELETE_KEY, UPDATE).astype(np.uint8)
    is_cleared = cells.is_cleared[good]
    cleared = {
        column.name: is_cleared[:, number]
        for number, column in enumerate(columns)
        if is_cleared[:, number].any()
    }
    batch = Batch(
        rows=rows.astype(np.int32),
        kinds=kinds,
        keys=texts[0],
        values=values,
        cleared=cleared,
        rewritten=tuple(rewritten),
    )
    return (batch.filtered(~doubtful) if doubtful.any() else batch), doubtful
