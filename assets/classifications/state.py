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
from assets.classifications.reading.arrays import to_arrow, to_mask, valid_mask, with_nulls
from assets.classifications.reading.order import order_keys
from assets.classifications.schema import KEY, SetSchema

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
        unchanged_count: keys that the file names and that stay as they are.
        modified_lines: lines of the file that changed something.
        lines_without_effect: the others: superseded, or what they say was so already (F137).
        values: the first `SAMPLE` values that change in stored keys, by key, then by column.
    """

    new: KeyChanges = KeyChanges()
    updated: KeyChanges = KeyChanges()
    cleared: KeyChanges = KeyChanges()
    deleted: KeyChanges = KeyChanges()
    unchanged_count: int = 0
    modified_lines: int = 0
    lines_without_effect: int = 0
    values: tuple[ValueChange, ...] = ()

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
        stored = state.column(KEY).combine_chunks()
        found = pc.index_in(operations.keys, value_set=stored)
        places = np.frombuffer(found.buffers()[1], np.int32, len(found))
        stored_at = np.where(valid_mask(found), places, -1).astype(np.int64)
        deleted = to_mask(operations.deleted)
        creates = to_mask(operations.creates)
        is_stored = stored_at >= 0
        return cls(
            stored_at=stored_at,
            is_new=creates & ~is_stored,
            is_deleted=deleted & is_stored,
            is_kept=is_stored & ~deleted,
        )


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
        before = state.column(name).combine_chunks().take(_indices(places.stored_at))
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
    lines = np.frombuffer(operations.lines.buffers()[1], np.int32, len(operations.lines))
    modified_lines = int(lines[is_changed].sum())
    return Changes(
        new=_keys_of(operations.keys, places.is_new),
        updated=_keys_of(operations.keys, is_updated),
        cleared=_keys_of(operations.keys, is_cleared),
        deleted=_keys_of(operations.keys, places.is_deleted),
        unchanged_count=int((~is_changed).sum()),
        modified_lines=modified_lines,
        lines_without_effect=operations.line_count - modified_lines,
        values=_changed_values(state, operations, places, columns),
    )


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
    from_state = np.flatnonzero(stays)
    from_operations = np.flatnonzero(places.is_new)
    operation_of = np.full(len(state), -1, np.int64)
    operation_of[places.stored_at[places.is_kept]] = np.flatnonzero(places.is_kept)
    state_at = np.concatenate([from_state, np.full(len(from_operations), -1, np.int64)])
    operation_at = np.concatenate([operation_of[from_state], from_operations])
    stored_keys = state.column(KEY).combine_chunks()
    keys = _joined(stored_keys, operations.keys).take(
        to_arrow(np.where(state_at >= 0, state_at, len(state) + operation_at))
    )
    if len(from_operations) and len(from_state):
        order = order_keys(keys)
        keys = keys.take(to_arrow(order))
        state_at, operation_at = state_at[order], operation_at[order]
    arrays = [_new_column(state, operations, column, state_at, operation_at) for column in columns]
    return pa.Table.from_arrays([keys, *arrays], schema=state.schema)


def _new_column(
    state: pa.Table,
    operations: Operations,
    column: _ColumnEffect,
    state_at: np.ndarray,
    operation_at: np.ndarray,
) -> pa.Array:
    stored = state.column(column.name).combine_chunks()
    is_named = operation_at >= 0
    sets = is_named & column.is_set[operation_at] if len(column.is_set) else is_named
    clears = is_named & column.is_cleared[operation_at] if len(column.is_set) else is_named
    values = operations.values.get(column.name, stored.slice(0, 0))
    places = np.where(sets, len(stored) + operation_at, np.where(clears, -1, state_at))
    return _joined(stored, values).take(_indices(places))


def _joined(first: pa.Array, second: pa.Array) -> pa.Array:
    return pa.concat_arrays([first, second])
