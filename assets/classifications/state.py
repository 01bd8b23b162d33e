"""Stored rows of a set and what operations do to them. Pure: `apply(state, operations) -> (state, changes)`.

A state is a table of `SetSchema.arrow`: Key, then a column for each column of the set, keys distinct, ascending by
UTF-8 bytes. It may be a part of a set, as long as it holds every stored key that the operations name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.operations import Operations
from assets.classifications.problems import BARE_KEY, WARNINGS, Notice
from assets.classifications.reading.arrays import (
    one_array,
    to_arrow,
    to_mask,
    valid_mask,
    with_nulls,
)
from assets.classifications.reading.order import order_keys
from assets.classifications.reading.values import excerpt
from assets.classifications.schema import KEY, SetSchema

_ROWS_AT_ONCE = 65_536
MOST_NOTICES = 10_000
SAMPLE = 100  # keys and values listed in a preview; counts stay exact


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """How many keys, and the first `SAMPLE` of them in byte order."""

    count: int = 0
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value before and after; None where there is none. Lists are lists of str."""

    key: str
    column: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Changes:
    """What operations change in a state (F134).

    Args:
        new: keys that were not stored.
        updated: stored keys where a value becomes another one.
        cleared: stored keys where a stored value becomes null. A key can be updated and cleared.
        deleted: stored keys that go.
        unchanged_count: stored keys that the file names and that stay as they are.
        absent_count: keys that the file names, that are not stored and stay so.
        modified_lines: lines of the file that changed something.
        lines_without_effect: the others: superseded, or what they say was so already (F137).
        values: the first `SAMPLE` values that change in stored keys, by key, then by column.
        notices: a warning for each new key without a value, the first `MOST_NOTICES` rows.
        notice_count: how many there are.
    """

    new: KeyChanges = KeyChanges()
    updated: KeyChanges = KeyChanges()
    cleared: KeyChanges = KeyChanges()
    deleted: KeyChanges = KeyChanges()
    unchanged_count: int = 0
    absent_count: int = 0
    modified_lines: int = 0
    lines_without_effect: int = 0
    values: tuple[ValueChange, ...] = ()
    notices: tuple[Notice, ...] = ()
    notice_count: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing changes."""
        return not (
            self.new.count or self.updated.count or self.cleared.count or self.deleted.count
        )


def empty_state(schema: SetSchema) -> pa.Table:
    """A set without keys."""
    return schema.arrow.empty_table()


def apply(state: pa.Table, operations: Operations) -> tuple[pa.Table, Changes]:
    """The state after the operations, and what changed.

    Args:
        state: see the module; is left as it is.
        operations: of a file that was parsed with the same set.
    """
    places = _Places.find(state, operations)
    columns = [
        _ColumnEffect.find(state, operations, places, name) for name in state.column_names[1:]
    ]
    changes = _describe(state, operations, places, columns)
    if changes.is_empty:
        return state, changes
    return _rebuild(state, operations, places, columns), changes


@dataclass(frozen=True)
class _Places:
    """Where the keys of the operations are in the state, and what happens to each: one element a key."""

    stored_at: np.ndarray  # -1 where the key is not stored
    is_new: np.ndarray
    is_deleted: np.ndarray  # stored and goes
    is_kept: np.ndarray  # stored and stays

    @classmethod
    def find(cls, state: pa.Table, operations: Operations) -> _Places:
        stored_at = _stored_at(one_array(state.column(KEY)), operations.keys)
        deleted = to_mask(operations.deleted)
        creates = to_mask(operations.creates)
        is_stored = stored_at >= 0
        return cls(
            stored_at=stored_at,
            is_new=creates & ~is_stored,
            is_deleted=deleted & is_stored,
            is_kept=is_stored & ~deleted,
        )


def _stored_at(stored: pa.Array, keys: pa.Array) -> np.ndarray:
    """Where each key is stored, int32; -1 where it is not."""
    if stored.equals(keys):  # a file that says all of it anew
        return np.arange(len(keys), dtype=np.int32)
    found = pc.index_in(keys, value_set=stored)
    places = np.frombuffer(found.buffers()[1], np.int32, len(found))
    return np.where(valid_mask(found), places, np.int32(-1))


@dataclass(frozen=True)
class _ColumnEffect:
    """What happens to one column: one element a key of the operations."""

    name: str
    is_set: np.ndarray
    is_cleared: np.ndarray
    is_updated: np.ndarray  # stored key, another value than before
    is_emptied: np.ndarray  # stored key, had a value

    @classmethod
    def find(
        cls, state: pa.Table, operations: Operations, places: _Places, name: str
    ) -> _ColumnEffect:
        nothing = np.zeros(len(operations.keys), bool)
        values, flags = operations.values.get(name), operations.cleared.get(name)
        is_set = nothing if values is None else valid_mask(values)
        is_cleared = nothing if flags is None else to_mask(flags)
        if not (places.is_kept & (is_set | is_cleared)).any():
            return cls(name, is_set, is_cleared, nothing, nothing)
        before = one_array(state.column(name))
        if not _is_all_of(before, places.stored_at):
            before = before.take(_indices(places.stored_at))
        had_value = valid_mask(before)
        is_same = nothing if values is None else _is_same(before, values)
        return cls(
            name=name,
            is_set=is_set,
            is_cleared=is_cleared,
            is_updated=places.is_kept & is_set & ~is_same,
            is_emptied=places.is_kept & is_cleared & had_value,
        )


def _indices(places: np.ndarray) -> pa.Array:
    """Indices for `take`; -1 gives null."""
    return with_nulls(to_arrow(places), places >= 0)


def _is_same(before: pa.Array, after: pa.Array) -> np.ndarray:
    """Both have a value, and it is the same one."""
    if pa.types.is_list(before.type):
        # No element has U+0000 (value_type_invalid), so it parts them without doubt.
        before, after = pc.binary_join(before, "\0"), pc.binary_join(after, "\0")
    return to_mask(pc.equal(before, after))


def _describe(
    state: pa.Table, operations: Operations, places: _Places, columns: list[_ColumnEffect]
) -> Changes:
    nothing = np.zeros(len(operations.keys), bool)
    is_updated = np.logical_or.reduce([nothing, *(column.is_updated for column in columns)])
    is_cleared = np.logical_or.reduce([nothing, *(column.is_emptied for column in columns)])
    is_changed = places.is_new | places.is_deleted | is_updated | is_cleared
    is_absent = (places.stored_at < 0) & ~places.is_new
    is_bare = places.is_new & ~np.logical_or.reduce([nothing, *(c.is_set for c in columns)])
    lines = _int32s(operations.lines)
    modified_lines = int(lines[is_changed].sum())
    return Changes(
        new=_keys_of(operations.keys, places.is_new),
        updated=_keys_of(operations.keys, is_updated),
        cleared=_keys_of(operations.keys, is_cleared),
        deleted=_keys_of(operations.keys, places.is_deleted),
        unchanged_count=int((~is_changed & ~is_absent).sum()),
        absent_count=int(is_absent.sum()),
        modified_lines=modified_lines,
        lines_without_effect=operations.line_count - modified_lines,
        values=_changed_values(state, operations, places, columns),
        notices=_bare_keys(operations, is_bare),
        notice_count=int(is_bare.sum()),
    )


def _bare_keys(operations: Operations, is_bare: np.ndarray) -> tuple[Notice, ...]:
    """New keys without a value, the first rows first."""
    places = np.flatnonzero(is_bare)
    rows = _int32s(operations.rows)[places]
    first = np.argsort(rows)[:MOST_NOTICES]
    keys = operations.keys.take(to_arrow(places[first])).to_pylist()
    wording = WARNINGS[BARE_KEY]
    return tuple(
        Notice(row, BARE_KEY, None, f"{wording}: {excerpt(key)}")
        for row, key in zip(rows[first].tolist(), keys, strict=True)
    )


def _int32s(array: pa.Array) -> np.ndarray:
    return np.frombuffer(array.buffers()[1], np.int32, len(array))


def _keys_of(keys: pa.Array, mask: np.ndarray) -> KeyChanges:
    places = np.flatnonzero(mask)
    return KeyChanges(len(places), tuple(keys.take(to_arrow(places[:SAMPLE])).to_pylist()))


def _changed_values(
    state: pa.Table, operations: Operations, places: _Places, columns: list[_ColumnEffect]
) -> tuple[ValueChange, ...]:
    nothing = np.zeros(len(operations.keys), bool)
    touched = [column.is_updated | column.is_emptied for column in columns]
    found: list[ValueChange] = []
    for key_place in np.flatnonzero(np.logical_or.reduce([nothing, *touched]))[:SAMPLE].tolist():
        key = operations.keys[key_place].as_py()
        stored_place = int(places.stored_at[key_place])
        for column, is_touched in zip(columns, touched, strict=True):
            if is_touched[key_place]:
                before = state.column(column.name)[stored_place].as_py()
                is_set = column.is_set[key_place]
                after = operations.values[column.name][key_place].as_py() if is_set else None
                found.append(ValueChange(key, column.name, before, after))
    return tuple(found[:SAMPLE])


def _rebuild(
    state: pa.Table, operations: Operations, places: _Places, columns: list[_ColumnEffect]
) -> pa.Table:
    """Kept and new rows in key order; each value is taken from where it last came from."""
    stays = np.ones(len(state), bool)
    stays[places.stored_at[places.is_deleted]] = False
    from_state = np.flatnonzero(stays).astype(np.int32)
    from_operations = np.flatnonzero(places.is_new).astype(np.int32)
    operation_of = np.full(len(state), -1, np.int32)
    operation_of[places.stored_at[places.is_kept]] = np.flatnonzero(places.is_kept)
    state_at = np.concatenate([from_state, np.full(len(from_operations), -1, np.int32)])
    operation_at = np.concatenate([operation_of[from_state], from_operations])
    stored_keys = one_array(state.column(KEY))
    is_stored = state_at >= 0
    keys = _picked(operations.keys, operation_at, stored_keys, state_at, ~is_stored)
    if len(from_operations) and len(from_state):
        order = order_keys(one_array(pa.chunked_array(keys, pa.string())))
        state_at, operation_at = state_at[order], operation_at[order]
        del keys
        keys = _picked(operations.keys, operation_at, stored_keys, state_at, state_at < 0)
    arrays = [
        pa.chunked_array(keys, pa.string()),
        *(_new_column(state, operations, column, state_at, operation_at) for column in columns),
    ]
    return pa.Table.from_arrays(arrays, schema=state.schema)


def _new_column(
    state: pa.Table,
    operations: Operations,
    column: _ColumnEffect,
    state_at: np.ndarray,
    operation_at: np.ndarray,
) -> pa.ChunkedArray:
    stored = one_array(state.column(column.name))
    is_named = operation_at >= 0
    sets = is_named & column.is_set[operation_at] if len(column.is_set) else is_named
    clears = is_named & column.is_cleared[operation_at] if len(column.is_set) else is_named
    values = operations.values.get(column.name, stored.slice(0, 0))
    kept_at = np.where(clears, np.int32(-1), state_at)
    return pa.chunked_array(_picked(values, operation_at, stored, kept_at, sets), stored.type)


def _picked(
    new: pa.Array, new_at: np.ndarray, old: pa.Array, old_at: np.ndarray, is_new: np.ndarray
) -> list[pa.Array]:
    """Row by row an element of `new` or of `old`, null at -1; the array itself when that is all of one.

    Some rows at a time: a whole column is never there three times.
    """
    if is_new.all() and _is_all_of(new, new_at):
        return [new]
    if not is_new.any() and _is_all_of(old, old_at):
        return [old]
    pieces = []
    for first in range(0, len(is_new), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        from_new = new.take(_indices(np.where(is_new[rows], new_at[rows], np.int32(-1))))
        from_old = old.take(_indices(np.where(is_new[rows], np.int32(-1), old_at[rows])))
        pieces.append(pc.if_else(to_arrow(is_new[rows]), from_new, from_old))
    return pieces


def _is_all_of(array: pa.Array, places: np.ndarray) -> bool:
    """Whether taking the places would only copy the array."""
    return len(array) == len(places) and bool((places == np.arange(len(places))).all())
