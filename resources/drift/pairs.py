"""Which column of either side is which, and how the values of both are brought onto one type. Pure: schemas in, SQL out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from resources.comparison.columns import MatchedColumns
from resources.kernel.schema import has_no_values
from resources.profiles.extremes import is_beyond_duckdb
from resources.profiles.kinds import INFINITE, CountedColumn, column_of, units_a_day


@dataclass(frozen=True)
class DriftPair:
    """A column that both sides have."""

    position: int
    """In the current version, from 0."""
    reference: CountedColumn
    current: CountedColumn
    shown: CountedColumn
    """How a counted value of both is counted and shown."""
    keys: tuple[str, str]
    """The SQL that counts it, of either side."""
    reason: str = ""
    """Why values are not compared; empty where they are."""

    @property
    def name(self) -> str:
        """Its name in the current version."""
        return self.current.name

    @property
    def is_ordered(self) -> bool:
        """Whether its values are numbers or times."""
        return self.shown.kind in ("number", "time")


def pair_columns(
    reference: pa.Schema, current: pa.Schema, matched: MatchedColumns
) -> list[DriftPair]:
    """The columns that both have, in the order of the current version."""
    return [
        _pair(column_of(one, reference.field(one)), column_of(other, current.field(other)))
        for found in matched.pairs
        for one, other in [found.places]
    ]


def _pair(reference: CountedColumn, current: CountedColumn) -> DriftPair:
    keys = reference.key(f"c{reference.position}"), current.key(f"c{current.position}")
    pair = DriftPair(current.position, reference, current, current, keys)
    if reason := _incomparable(reference, current):
        return replace(pair, reason=reason)
    if reference.sql_type == current.sql_type and reference.kind != "time":
        return pair
    if current.kind == "number":
        field = pa.field(current.name, pa.float64())
        shown = replace(current, field=field, family="real", sql_type="DOUBLE")
        return replace(pair, shown=shown, keys=(_double(keys[0]), _double(keys[1])))
    return _times(pair)


def _incomparable(reference: CountedColumn, current: CountedColumn) -> str:
    """Why values of two columns are not compared; empty where they are."""
    if any(map(is_beyond_duckdb, (reference, current))):
        return "it has more than 38 digits"
    empty = [
        side
        for side, column in (("the reference", reference), ("the current version", current))
        if has_no_values(column.field)
    ]
    if len(empty) == 2:
        return "neither side has values"
    if empty:
        return f"{empty[0]} has no values of it"
    if current.family == "hashed" and reference.family == "hashed":
        return (
            "bytes are not compared"
            if current.kind == "binary"
            else "lists and records are not compared"
        )
    if reference.kind != current.kind or _scale(reference) != _scale(current):
        return f"its type was {reference.field.type} and is {current.field.type}"
    return ""


def _scale(column: CountedColumn) -> str:
    """Durations, times of a day, moments with and without a zone: the same number means another thing in each."""
    kind = column.field.type
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return str(kind)
    return "zoned" if pa.types.is_timestamp(kind) and kind.tz is not None else "plain"


def _times(pair: DriftPair) -> DriftPair:
    """Moments of two units are counted in the coarser one."""
    if pair.reference.field.type == pair.current.field.type or pa.types.is_time(
        pair.current.field.type
    ):
        return pair
    columns = (pair.reference, pair.current)
    units = [units_a_day(column.field.type) for column in columns]
    coarser = min(units)
    keys = tuple(
        _in_units(key, unit // coarser) for key, unit in zip(pair.keys, units, strict=True)
    )
    return replace(pair, shown=columns[units.index(coarser)], keys=(keys[0], keys[1]))


def _in_units(key: str, how_many: int) -> str:
    if how_many == 1:
        return key
    return f"CASE WHEN abs({key}) = {INFINITE} THEN {key} ELSE {key} // {how_many} END"


def _double(key: str) -> str:
    return f"CAST({key} AS DOUBLE)"
