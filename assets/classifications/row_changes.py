"""Which rows differ between two states: what has to be written, and nothing else. Pure."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.schema import KEY
from resources.stores.catalog.classification_records import RowChanges


def row_changes(before: pa.Table, after: pa.Table) -> RowChanges:
    """The rows of `after` that are new or differ from `before`, and the keys that are gone.

    Args:
        before: stored rows in key order.
        after: the same columns, what they shall become.
    """
    if not before.num_rows:
        return RowChanges(upserts=after, old=before, deleted=pa.array([], pa.string()))
    positions = pc.index_in(after.column(KEY), before.column(KEY)).combine_chunks()
    is_new = pc.is_null(positions)
    changed = is_new
    for name in after.column_names[1:]:
        old = pc.take(before.column(name).combine_chunks(), positions)
        changed = pc.or_(changed, _distinct(old, after.column(name).combine_chunks()))
    upserts = after if pc.all(changed, min_count=0).as_py() else after.filter(changed)
    is_gone = pc.invert(pc.is_in(before.column(KEY), after.column(KEY)))
    is_old = pc.or_(is_gone, pc.is_in(before.column(KEY), upserts.column(KEY)))
    return RowChanges(
        upserts=upserts,
        old=before if pc.all(is_old).as_py() else before.filter(is_old),
        deleted=before.column(KEY).filter(is_gone).combine_chunks(),
    )


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
