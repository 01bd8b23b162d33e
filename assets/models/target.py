"""What is predicted: which task a column asks for, and its values as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets.features.plan import kind_of
from assets.features.source import LARGEST, TableSource, usable_mask
from assets.models.estimators import Task
from resources.kernel.errors import EmptySourceError, InputError
from resources.kernel.records import Guess

MAX_CLASSES = 50
MIN_ROWS = 10  # fewer rows cannot be split, trained on and judged


@dataclass(frozen=True)
class PredictedColumn:
    """The column to predict, as a first look at all of it showed.

    Attributes:
        name: the column.
        type: its Arrow type as text.
        task: regression or classification.
        classes: distinct values in a fixed order; empty for regression.
        usable_rows: rows with a value that can be learned from.
        missing_rows: rows without one, left out.
        guesses: set when the task was inferred.
        warnings: values that are there and cannot be learned from.
    """

    name: str
    type: str
    task: Task
    classes: tuple[Any, ...]
    usable_rows: int
    missing_rows: int
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...] = ()

    def encode(self, values: pa.ChunkedArray) -> npt.NDArray[Any]:
        """Values as float64 (regression) or as positions in `classes` (classification)."""
        values = _plain(values)
        if self.task == "regression":
            return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        classes = pa.array(self.classes, values.type)
        return np.asarray(pc.index_in(values, value_set=classes).to_numpy(), dtype=np.int64)


def inspect_target(
    source: TableSource, name: str, task: Task | None, *, where: str
) -> PredictedColumn:
    """One pass over the target column alone.

    Raises:
        EmptySourceError: the table has no rows, or none with a target.
        InputError: the type cannot be predicted, the task does not fit it, or there is nothing to tell apart.
    """
    kind = source.schema.field(name).type
    chosen, guesses = _choose_task(name, kind, task, where=where)
    counts = _count(source.batches(columns=[name]), name, distinct=chosen != "regression")
    if counts.usable == 0:
        raise EmptySourceError(
            f"{where}: column {name!r} holds no usable value in any of {counts.rows:,} rows",
            hint="Fill the source first, or name another target",
        )
    if counts.usable < MIN_ROWS:
        raise InputError(
            f"{where}: only {counts.usable} rows have a value in {name!r}; a model needs at least {MIN_ROWS}",
            hint="Import more rows",
        )
    if chosen is None:
        chosen, guesses = _guess_integer(name, len(counts.values))
    classes = _classes(name, counts, where=where) if chosen == "classification" else ()
    return PredictedColumn(
        name=name,
        type=str(kind),
        task=chosen,
        classes=classes,
        usable_rows=counts.usable,
        missing_rows=counts.rows - counts.usable,
        guesses=guesses,
        warnings=_endless(name, counts),
    )


def _endless(name: str, counts: _Counts) -> tuple[str, ...]:
    unusable = counts.rows - counts.nulls - counts.usable
    text = f"{unusable:,} rows were left out: {name!r} is infinite or beyond {LARGEST:g} there"
    return (text,) if unusable else ()


def _choose_task(
    name: str, kind: pa.DataType, task: Task | None, *, where: str
) -> tuple[Task | None, tuple[Guess, ...]]:
    """The task, None where the type leaves it open (integers)."""
    feature_kind = kind_of(kind)
    if feature_kind not in ("number", "boolean", "category") or pa.types.is_duration(kind):
        raise InputError(
            f"{where}: column {name!r} has the type {kind}, which cannot be predicted",
            hint="Make a number, text or boolean column of it in a transform",
        )
    if task == "regression" and feature_kind != "number":
        raise InputError(
            f"{where}: a regression predicts numbers, but column {name!r} has the type {kind}",
            hint="Set `task: classification`, or name a numeric column",
        )
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if task == "classification" and feature_kind == "number" and not pa.types.is_integer(plain):
        raise InputError(
            f"{where}: a classification needs text, booleans or integers, but column {name!r} has the type {kind}",
            hint="Set `task: regression`, or make classes of it in a transform",
        )
    if task is not None:
        return task, ()
    if feature_kind == "number":
        if pa.types.is_integer(plain):
            return None, ()
        return "regression", (_guess("regression", f"{name!r} has the type {kind}"),)
    return "classification", (_guess("classification", f"{name!r} has the type {kind}"),)


def _guess_integer(name: str, distinct: int) -> tuple[Task, tuple[Guess, ...]]:
    if distinct <= 2:
        return "classification", (
            _guess("classification", f"{name!r} has {distinct} different values"),
        )
    return "regression", (_guess("regression", f"{name!r} holds more than 2 different integers"),)


def _guess(task: Task, reason: str) -> Guess:
    return Guess(subject="task", value=task, reason=reason, override="task")


@dataclass
class _Counts:
    rows: int
    nulls: int
    usable: int
    values: set[Any]


def _count(batches: Iterable[pa.RecordBatch], name: str, *, distinct: bool) -> _Counts:
    counts = _Counts(rows=0, nulls=0, usable=0, values=set())
    for batch in batches:
        values = batch.column(name)
        counts.rows += batch.num_rows
        counts.nulls += values.null_count
        counts.usable += pc.sum(usable_mask(values)).as_py() or 0
        if distinct and len(counts.values) <= MAX_CLASSES:
            counts.values.update(_plain(values).drop_null().unique().to_pylist())
    return counts


def _classes(name: str, counts: _Counts, *, where: str) -> tuple[Any, ...]:
    found = len(counts.values)
    if found > MAX_CLASSES:
        raise InputError(
            f"{where}: column {name!r} has more than {MAX_CLASSES} different values, too many for a classification",
            hint="Group the rare ones in a transform, or name another target",
        )
    if found == 1:
        raise InputError(
            f"{where}: column {name!r} is {next(iter(counts.values))!r} in all {counts.usable:,} rows:"
            " there is nothing to tell apart",
            hint="Use rows with at least two classes",
        )
    return tuple(sorted(counts.values))


def _plain(values: pa.Array | pa.ChunkedArray) -> Any:
    """Dictionary-encoded values as what they stand for."""
    kind = values.type
    return values.cast(kind.value_type) if pa.types.is_dictionary(kind) else values
