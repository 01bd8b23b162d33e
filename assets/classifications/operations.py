"""The net effect of one valid file, as columns: what a sorted bulk upsert needs and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from assets.classifications.problems import Notice


@dataclass(frozen=True)
class Operations:
    """What a file does to each key it names, after "the last occurrence wins" (G7).

    All arrays have one element a distinct key, in ascending order of the key's UTF-8 bytes.
    For a key and a column exactly one holds: `values[column]` is not null (store it); `cleared[column]` is
    true (store null); neither (keep what is stored, null on a new key). A deleted key has neither anywhere.

    Args:
        keys: string, no nulls, distinct.
        deleted: bool; the key goes with all its values.
        creates: bool; a key that is not stored yet is made. False for deleted keys and for `delete-field`: those do
            nothing to a key that is not stored.
        values: column -> array of the column's own type; only columns that the file names, in schema order.
        cleared: column -> bool array without nulls; only columns where something is cleared.
        rows: int32; the row of the file that decided.
        lines: int32; how many lines make up the effect: 1, or more where `delete-field` records add up.
        line_count: records of the file, the header not counted.
        superseded_count: records that a later record of the same key made void.
        warnings: in file order, at most `ParseOptions.max_warnings`.
        warning_counts: exact number of warnings by rule.
    """

    keys: pa.Array
    deleted: pa.Array
    creates: pa.Array
    values: Mapping[str, pa.Array]
    cleared: Mapping[str, pa.Array]
    rows: pa.Array
    lines: pa.Array
    line_count: int
    superseded_count: int = 0
    warnings: tuple[Notice, ...] = ()
    warning_counts: Mapping[str, int] = field(default_factory=dict)
