"""Stored rows of a set and what operations do to them. Pure: `apply(state, operations) -> (state, changes)`.

A state is a table of `SetSchema.arrow`: Key, then a column for each column of the set, keys distinct, ascending by
UTF-8 bytes. It may be a part of a set, as long as it holds every stored key that the operations name.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from assets.classifications.operations import Operations
from assets.classifications.schema import SetSchema

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
    raise NotImplementedError
