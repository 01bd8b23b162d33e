"""Which columns are learned from, and as what: decided once from a sample, kept as JSON beside a model.

| kind | columns | numbers made of it |
|---|---|---|
| `number` | integers, floats, decimals, durations (seconds) | 1 |
| `boolean` | true, false | 1 |
| `date`, `timestamp`, `time` | calendar and clock | year, month, ...; see `PARTS` |
| `category` | text in which few values repeat | 1 code; rare and unknown values share one |
| `text` | text in which they do not | a few components of hashed character n-grams |

Belongs here: the decision. Does not: making the numbers (matrix.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from assets.features.source import usable_mask
from resources.kernel.errors import InputError, IntegrityError, UnknownNameError

FeatureKind = Literal["number", "boolean", "date", "timestamp", "time", "category", "text"]

PARTS: dict[str, tuple[str, ...]] = {
    "number": ("value",),
    "boolean": ("value",),
    "date": ("year", "month", "day", "weekday", "day_of_year"),
    "timestamp": ("year", "month", "day", "weekday", "day_of_year", "hour", "minute"),
    "time": ("seconds",),
    "category": ("code",),
}
IDENTIFIER_ROWS = 20  # fewer rows than this say nothing about a column being an identifier


@dataclass(frozen=True)
class PlanLimits:
    """How text columns are told apart."""

    max_categories: int = 200
    """HistGradientBoosting takes at most 255 codes a column, and one is kept for `other`."""
    min_share: float = 0.0005
    """A value rarer than this counts as `other`."""
    min_count: int = 2
    min_coverage: float = 0.5
    """Share of the rows that the categories must explain; below it, the column is text."""
    text_components: int = 8


@dataclass(frozen=True)
class Feature:
    """One column that is learned from."""

    column: str
    type: str
    """Arrow type as text, as the column was when the plan was made."""
    kind: FeatureKind
    categories: tuple[str, ...] = ()
    """Known values of a `category`, most frequent first; the position is the code."""
    components: int = 0
    """Numbers made of a `text`."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the numbers made of this column."""
        if self.kind == "text":
            return tuple(f"component_{i}" for i in range(self.components))
        return PARTS[self.kind]


@dataclass(frozen=True)
class Slot:
    """One number of the matrix: where it comes from."""

    column: str
    part: str
    codes: int = 0
    """Number of codes of a category, `other` included; 0 for a measured number."""


@dataclass(frozen=True)
class FeaturePlan:
    """The columns used, in order, and those that were not, with the reason."""

    features: tuple[Feature, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """(column, reason)"""
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Names of the columns read."""
        return [feature.column for feature in self.features]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The matrix's columns, in order."""
        return tuple(
            Slot(f.column, part, len(f.categories) + 1 if f.kind == "category" else 0)
            for f in self.features
            for part in f.parts
        )

    def positions(self) -> dict[str, list[int]]:
        """Column -> its positions in the matrix."""
        found: dict[str, list[int]] = {}
        for position, slot in enumerate(self.slots):
            found.setdefault(slot.column, []).append(position)
        return found

    def to_json(self) -> dict[str, Any]:
        """The plan in JSON types."""
        return {
            "features": [
                {
                    "column": f.column,
                    "type": f.type,
                    "kind": f.kind,
                    **({"categories": list(f.categories)} if f.kind == "category" else {}),
                    **({"components": f.components} if f.kind == "text" else {}),
                }
                for f in self.features
            ],
            "left_out": [{"column": column, "reason": reason} for column, reason in self.left_out],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FeaturePlan:
        """The plan again.

        Raises:
            IntegrityError: the text is no plan.
        """
        try:
            features = tuple(_feature_from_json(entry) for entry in data["features"])
            left_out = tuple((str(e["column"]), str(e["reason"])) for e in data["left_out"])
            return cls(features, left_out, tuple(str(w) for w in data["warnings"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise IntegrityError(
                f"The description of the features is damaged: {type(error).__name__}: {error}"
            ) from error


def _feature_from_json(entry: Mapping[str, Any]) -> Feature:
    if entry["kind"] not in get_args(FeatureKind):
        raise ValueError(f"unknown kind {entry['kind']!r}")
    return Feature(
        column=str(entry["column"]),
        type=str(entry["type"]),
        kind=entry["kind"],
        categories=tuple(str(value) for value in entry.get("categories", ())),
        components=int(entry.get("components", 0)),
    )


def kind_of(kind: pa.DataType) -> FeatureKind | None:
    """The kind a column of this type may have (`category` for all text), None if it cannot be learned from."""
    types = pa.types
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    table: list[tuple[bool, FeatureKind]] = [
        (types.is_duration(kind), "number"),
        (types.is_boolean(kind), "boolean"),
        (types.is_date(kind), "date"),
        (types.is_timestamp(kind), "timestamp"),
        (types.is_time(kind), "time"),
        (types.is_string(kind) or types.is_large_string(kind), "category"),
        (types.is_string_view(kind), "category"),
    ]
    return next((name for holds, name in table if holds), None)


def choose_columns(
    schema: pa.Schema,
    *,
    wanted: Sequence[str] | None,
    exclude: Sequence[str],
    where: str,
) -> list[str]:
    """The columns that were asked for, in the order of the table; all of them when `wanted` is None.

    Raises:
        UnknownNameError: a column that the table does not have.
    """
    for name in [*(wanted or ()), *exclude]:
        if name not in schema.names:
            raise UnknownNameError("column", name, schema.names, where=where)
    asked = set(schema.names if wanted is None else wanted) - set(exclude)
    return [name for name in schema.names if name in asked]


def plan_features(
    sample: pa.Table, columns: Sequence[str], *, limits: PlanLimits | None = None, where: str
) -> FeaturePlan:
    """Decides from a sample how each column is learned from.

    Raises:
        InputError: no column is left; names each with its reason.
    """
    limits = limits or PlanLimits()
    features: list[Feature] = []
    left_out: list[tuple[str, str]] = []
    warnings: list[str] = []
    for column in columns:
        outcome = _plan_column(column, sample.column(column), limits)
        if isinstance(outcome, str):
            left_out.append((column, outcome))
            continue
        features.append(outcome)
        if outcome.kind == "text" and _is_unique(sample.column(column)):
            warnings.append(
                f"column {column!r} has a different value in each row: if it is an identifier,"
                " name it under `exclude:`"
            )
    if not features:
        reasons = "; ".join(f"{column!r} {reason}" for column, reason in left_out[:10])
        raise InputError(
            f"{where}: no column is left to learn from: {reasons or 'none was given'}",
            hint="Use a dataset with at least one column that differs between rows",
        )
    return FeaturePlan(tuple(features), tuple(left_out), tuple(warnings))


def _plan_column(column: str, values: pa.ChunkedArray, limits: PlanLimits) -> Feature | str:
    """The feature, or the reason why it is none."""
    if values.null_count == len(values):
        return "is empty in all rows"
    kind = kind_of(values.type)
    if kind is None:
        return f"has the type {values.type}, which cannot be learned from"
    plain = values.cast(_decoded(values.type))
    usable = plain.filter(usable_mask(plain))
    if not len(usable):
        return "has no finite number in any row"
    if len(usable) == len(values) and pc.count_distinct(usable).as_py() == 1:
        return "has one and the same value in all rows"
    feature = Feature(column=column, type=str(values.type), kind=kind)
    return feature if kind != "category" else _plan_text(feature, plain, limits)


def _plan_text(feature: Feature, values: pa.ChunkedArray, limits: PlanLimits) -> Feature:
    counts = pc.value_counts(values.drop_null())
    valid = len(values) - values.null_count
    least = max(limits.min_count, math.ceil(limits.min_share * valid))
    pairs = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    frequent = sorted((-count, value) for value, count in pairs if count >= least)
    kept = frequent[: limits.max_categories]
    if -sum(count for count, _ in kept) < limits.min_coverage * valid:
        return replace(feature, kind="text", components=limits.text_components)
    return replace(feature, categories=tuple(value for _, value in kept))


def _is_unique(values: pa.ChunkedArray) -> bool:
    valid = len(values) - values.null_count
    distinct = pc.count_distinct(values.cast(_decoded(values.type)), mode="only_valid").as_py()
    return bool(valid >= IDENTIFIER_ROWS and distinct == valid)


def _decoded(kind: pa.DataType) -> pa.DataType:
    """Dictionary and view types as the plain type that every Arrow function takes."""
    if pa.types.is_dictionary(kind):
        return _decoded(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return kind
