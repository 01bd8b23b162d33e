"""Batches of records -> one effect a key: the last record wins (G7), `delete-field` records add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.operations import Operations
from assets.classifications.reading.arrays import to_arrow, to_mask
from assets.classifications.reading.batch import (
    DELETE_FIELDS,
    DELETE_KEY,
    UPDATE,
    Batch,
    Findings,
)
from assets.classifications.reading.order import is_ascending, order_keys
from assets.classifications.reading.suspicious import warn_suspicious
from assets.classifications.reading.values import excerpt
from assets.classifications.schema import SetSchema


@dataclass(frozen=True)
class _Groups:
    """Records in order of key, then row.

    Args:
        keys: distinct, in order.
        order: their places in the concatenated batches; None if that is the order already.
        first, last: (keys,) places in the order of each key's first and last record; empty if no key is there twice.
        counted: (records,) which records are part of the effect; None if all are.
    """

    keys: pa.Array
    order: np.ndarray | None
    first: np.ndarray
    last: np.ndarray
    counted: np.ndarray | None

    def winners(self, count: int) -> np.ndarray:
        """Places in the batches of each key's last record."""
        if self.counted is None:
            return np.arange(count, dtype=np.int32) if self.order is None else self.order
        return self.last if self.order is None else self.order[self.last]


@dataclass(frozen=True)
class _Part:
    """What is still needed of a batch; each column leaves it when it is joined with the others."""

    count: int
    values: dict[str, pa.Array]
    cleared: dict[str, np.ndarray]


def resolve(batches: list[Batch], schema: SetSchema, findings: Findings) -> Operations:
    """The operations of a file without problems. Takes the batches out of the list, to free them early."""
    batches[:] = [batch for batch in batches if len(batch.rows)]
    rows = _joined([batch.rows for batch in batches], np.int32)
    kinds = _joined([batch.kinds for batch in batches], np.uint8)
    keys = pa.chunked_array([batch.keys for batch in batches], pa.string()).combine_chunks()
    parts = [_Part(len(batch.rows), dict(batch.values), dict(batch.cleared)) for batch in batches]
    batches.clear()
    groups = _group(keys, rows, kinds)
    superseded_count = 0
    if groups.counted is not None:
        superseded_count = _warn_superseded(keys, rows, groups, findings)
    del keys
    winners = groups.winners(len(rows))
    values, cleared = _take_columns(parts, schema, groups, winners)
    warn_suspicious(groups.keys, values, rows[winners], findings)
    return Operations(
        keys=groups.keys,
        deleted=to_arrow(kinds[winners] == DELETE_KEY),
        creates=to_arrow(kinds[winners] == UPDATE),
        values=values,
        cleared=cleared,
        rows=to_arrow(rows[winners]),
        lines=to_arrow(_lines(groups, len(winners))),
        line_count=len(rows),
        superseded_count=superseded_count,
        warnings=findings.warnings_in_file_order(),
        warning_counts=dict(findings.warning_counts),
    )


def _joined(arrays: Sequence[np.ndarray], dtype: type[np.generic]) -> np.ndarray:
    return np.concatenate([*arrays, np.zeros(0, dtype)])


def _group(keys: pa.Array, rows: np.ndarray, kinds: np.ndarray) -> _Groups:
    by_row = None if bool((rows[:-1] < rows[1:]).all()) else _by_row(rows)
    ordered = keys if by_row is None else keys.take(to_arrow(by_row))
    nothing = np.zeros(0, np.int32)
    if is_ascending(ordered):
        return _Groups(ordered, by_row, nothing, nothing, None)
    order = order_keys(ordered)
    ordered = ordered.take(to_arrow(order))
    order = order if by_row is None else by_row[order]
    differs = to_mask(pc.not_equal(ordered[:-1], ordered[1:]))
    if differs.all():
        return _Groups(ordered, order, nothing, nothing, None)
    first = np.flatnonzero(np.concatenate([[True], differs]))
    last = np.flatnonzero(np.concatenate([differs, [True]]))
    counted = _counted(kinds[order] == DELETE_FIELDS, first, last)
    return _Groups(ordered.take(to_arrow(last)), order, first, last, counted)


def _by_row(rows: np.ndarray) -> np.ndarray:
    return np.argsort(rows, kind="stable").astype(np.int32)


def _counted(deletes_fields: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The last record of each key, and the `delete-field` records right before a last `delete-field`."""
    places = np.arange(len(deletes_fields))
    latest_other = np.maximum.accumulate(np.where(deletes_fields, -1, places))
    latest_other_of_key = np.repeat(latest_other[last], last - first + 1)
    counted = places > latest_other_of_key
    counted[last] = True
    return np.asarray(counted)


def _warn_superseded(keys: pa.Array, rows: np.ndarray, groups: _Groups, findings: Findings) -> int:
    """One warning for each record that a later one made void, the first rows first; returns how many."""
    order = groups.order if groups.order is not None else np.arange(len(rows))
    void = np.flatnonzero(~groups.counted) if groups.counted is not None else np.zeros(0, np.int64)
    winners = groups.last[np.searchsorted(groups.last, void)]
    by_row = np.argsort(rows[order[void]], kind="stable")
    for place, winner in zip(void[by_row[: findings.max_warnings]], winners[by_row], strict=False):
        key = keys[int(order[place])].as_py()
        row, final = int(rows[order[place]]), int(rows[order[winner]])
        findings.warn(row, "superseded", None, f"row {final} has the key {excerpt(key)} again")
    if len(void):
        findings.warning_counts["superseded"] = len(void)
    return len(void)


def _lines(groups: _Groups, count: int) -> np.ndarray:
    if groups.counted is None:
        return np.ones(count, np.int32)
    return np.asarray(np.add.reduceat(groups.counted, groups.first, dtype=np.int32))


def _take_columns(
    parts: list[_Part], schema: SetSchema, groups: _Groups, winners: np.ndarray
) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    """Values and clearings of the winning records, by column in schema order."""
    is_in_order = groups.counted is None and groups.order is None
    indices = to_arrow(winners)
    values, cleared = {}, {}
    for column in schema.columns:
        name = column.name
        if any(name in part.values for part in parts):
            missing = [
                pa.nulls(0 if name in part.values else part.count, column.arrow_type)
                for part in parts
            ]
            chunks = [
                part.values.pop(name, nulls) for part, nulls in zip(parts, missing, strict=True)
            ]
            whole = pa.chunked_array(chunks, column.arrow_type).combine_chunks()
            del chunks
            values[name] = whole if is_in_order else whole.take(indices)
        if any(name in part.cleared for part in parts):
            flags = [part.cleared.get(name, np.zeros(part.count, bool)) for part in parts]
            cleared[name] = to_arrow(_cleared_of(np.concatenate(flags), groups))
    return values, {name: flags for name, flags in cleared.items() if flags.true_count}


def _cleared_of(flags: np.ndarray, groups: _Groups) -> np.ndarray:
    ordered = flags if groups.order is None else flags[groups.order]
    if groups.counted is None:
        return ordered
    return np.asarray(np.logical_or.reduceat(ordered & groups.counted, groups.first))
