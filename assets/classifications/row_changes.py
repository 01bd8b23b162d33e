"""Which rows differ between two states: what has to be written, and nothing else. Pure."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import one_array, to_mask
from assets.classifications.schema import KEY
from resources.stores.catalog.classifications.records import RowChanges


def row_changes(before: pa.Table, after: pa.Table) -> RowChanges:
    """The rows of `after` that are new or differ from `before`, and the keys that are gone.

    Args:
        before: stored rows in key order.
        after: the same columns, what they shall become.
    """
    no_keys = pa.array([], pa.string())
    if not before.num_rows:
        return RowChanges(upserts=after, old=before, deleted=no_keys)
    if before.column(KEY).equals(after.column(KEY)):  # a file that says all of it anew
        changed = _rows_differ(before, None, after)
        return RowChanges(_only(after, changed), _only(before, changed), deleted=no_keys)
    positions = one_array(pc.index_in(after.column(KEY), before.column(KEY)))
    changed = pc.or_(pc.is_null(positions), _rows_differ(before, positions, after))
    upserts = _only(after, changed)
    is_gone = pc.invert(pc.is_in(before.column(KEY), after.column(KEY)))
    is_old = pc.or_(is_gone, pc.is_in(before.column(KEY), upserts.column(KEY)))
    deleted = one_array(before.column(KEY).filter(is_gone))
    return RowChanges(upserts, _only(before, one_array(is_old)), deleted)


def _only(table: pa.Table, wanted: pa.Array) -> pa.Table:
    """The wanted rows; no copy of them where they follow each other, as all rows and all new keys at the end do."""
    places = np.flatnonzero(to_mask(wanted))
    if len(places) == len(table):
        return table
    if not len(places):
        return table.slice(0, 0)
    first, last = int(places[0]), int(places[-1])
    if last - first + 1 == len(places):
        return table.slice(first, len(places))
    return table.filter(wanted)


def _rows_differ(before: pa.Table, positions: pa.Array | None, after: pa.Table) -> pa.Array:
    """Row by row, whether any value differs; `positions` are those of the rows in `before`, None if they are the same.

    Column by column: a copy of all of `before` is not needed.
    """
    differs = pa.repeat(False, after.num_rows)
    for name in after.column_names[1:]:
        old, new = one_array(before.column(name)), one_array(after.column(name))
        if positions is not None:
            old = old.take(positions)
        differs = pc.or_(differs, _distinct(old, new))
    return differs


def _distinct(old: pa.Array, new: pa.Array) -> pa.Array:
    """Elementwise: whether two values differ, null being a value."""
    differs = _lists_differ(old, new) if pa.types.is_list(new.type) else pc.not_equal(old, new)
    return pc.coalesce(differs, pc.xor(pc.is_null(old), pc.is_null(new)))


def _lists_differ(old: pa.Array, new: pa.Array) -> pa.Array:
    """The same for lists; null where either is null."""
    unequal_lengths = pc.not_equal(pc.list_value_length(old), pc.list_value_length(new))
    alike = pc.invert(pc.fill_null(unequal_lengths, fill_value=True))
    rows = pc.filter(pa.array(range(len(new)), pa.int64()), alike)
    one, other = old.filter(alike), new.filter(alike)
    elements = pc.not_equal(pc.list_flatten(one), pc.list_flatten(other))
    parents = pc.take(rows, pc.filter(pc.list_parent_indices(other), elements))
    unequal = pc.is_in(pa.array(range(len(new)), pa.int64()), parents)
    return pc.or_(unequal_lengths, unequal)
