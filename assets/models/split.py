"""Which rows a model learns from and which judge it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.errors import InputError

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Ascending positions of the training rows and of the held-out rows."""

    train: Positions
    test: Positions
    warnings: tuple[str, ...] = ()


def split_random(rows: int, share: float, *, seed: int) -> Split:
    """A share of the rows at random."""
    order = np.random.default_rng(seed).permutation(rows)
    return _split_at(order, _held_out(rows, share))


def split_stratified(labels: npt.NDArray[np.int64], share: float, *, seed: int) -> Split:
    """A share of each class at random; a class with a single row is learned from, not judged by."""
    rng = np.random.default_rng(seed)
    held: list[Positions] = []
    single = 0
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        single += len(members) == 1
        held.append(members[: _held_out(len(members), share)] if len(members) > 1 else members[:0])
    test = np.sort(np.concatenate(held))
    if not len(test):
        test = np.sort(rng.permutation(len(labels))[: _held_out(len(labels), share)])
    train = np.setdiff1d(np.arange(len(labels)), test)
    warnings = (f"{single} classes have a single row: none of them is in the test rows",)
    return Split(train, test, warnings if single else ())


def split_ordered(times: pa.ChunkedArray, share: float, *, column: str, where: str) -> Split:
    """The last rows by `column` judge, as when a model learns from the past; equal times stay together.

    Raises:
        InputError: the column cannot be ordered, or does not separate two groups of rows.
    """
    if not _is_ordered(times.type):
        raise InputError(
            f"{where}: rows cannot be ordered by column {column!r} of type {times.type}",
            hint="Name a date, timestamp or number column under `split:`, or leave it out",
        )
    missing = times.null_count
    # nulls first: a row without a time is learned from
    order = pc.array_sort_indices(times, null_placement="at_start").to_numpy().astype(np.int64)
    ordered = times.take(pa.array(order))
    start = len(order) - _held_out(len(order), share)
    while start > missing and ordered[start] == ordered[start - 1]:
        start -= 1
    if start <= missing:
        raise InputError(
            f"{where}: column {column!r} does not separate earlier from later rows:"
            f" the last {share:.0%} of the rows reach back to its first value",
            hint="Leave out `split:` for a random split, or name a finer column",
        )
    text = f"{missing:,} rows without a value in {column!r} are among the training rows"
    return Split(np.sort(order[:start]), np.sort(order[start:]), (text,) if missing else ())


def _is_ordered(kind: pa.DataType) -> bool:
    types = pa.types
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(numeric or types.is_date(kind) or types.is_timestamp(kind))


def _split_at(order: Positions, held: int) -> Split:
    return Split(np.sort(order[held:]), np.sort(order[:held]))


def _held_out(rows: int, share: float) -> int:
    """At least one row each side, whatever the share."""
    return min(max(1, math.floor(rows * share + 0.5)), rows - 1)
