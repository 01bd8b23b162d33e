"""Expectations that the profile of a version proposes. All of them hold for that version, and none costs the library.

What is certain of this kind of data is proposed as an error: no value is missing, no identifier comes twice. What the next rows may
rightly leave (a range, a list of known values) is proposed as a warning, with some room.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resources.profiles.record import ColumnProfile, Profile

_COLUMNS = 200
"""Columns that something is proposed for: a list of thousands is read by nobody."""
_FEW_VALUES = 10
_ROWS_A_VALUE = 20
"""A list of known values is worth its lines where each comes so often."""
_SAME_LENGTH_ROWS = 50
_EXACT = 2**53


@dataclass(frozen=True)
class Suggestion:
    """An expectation, ready to be declared.

    Args:
        kind: its name.
        arguments: what it takes, and its severity where that is `warn`.
        because: what the profile says.
    """

    kind: str
    arguments: dict[str, Any]
    because: str

    @property
    def entry(self) -> dict[str, Any]:
        """As an entry of `checks:`."""
        return {self.kind: self.arguments}


def suggest(profile: Profile) -> list[Suggestion]:
    """What a version proposes: about the table, then column by column. Nothing where it has no rows."""
    if not profile.rows:
        return []
    found = [*_of_table(profile)]
    for column in profile.columns[:_COLUMNS]:
        found += _of_column(column, profile.rows)
    return found


def _of_table(profile: Profile) -> Iterator[Suggestion]:
    least = max(profile.rows // 2, 1)
    yield Suggestion(
        "expect_table_row_count_to_be_between",
        {"min_value": least},
        f"{profile.rows:,} rows; fewer than half of them would be a surprise",
    )
    names = [column.name for column in profile.columns]
    if len(names) <= _COLUMNS:
        yield Suggestion(
            "expect_table_columns_to_match_set",
            {"column_set": names, "exact_match": False},
            "these columns are there",
        )


def _of_column(column: ColumnProfile, rows: int) -> Iterator[Suggestion]:
    yield from _presence(column, rows)
    if _is_key(column):
        yield _of(
            "expect_column_values_to_be_unique", column, {}, "every value is another", warn=False
        )
    elif column.kind == "number":
        yield from _range(column)
    elif column.kind == "text":
        yield from _known_values(column, rows)
        yield from _same_length(column, rows)


def _presence(column: ColumnProfile, rows: int) -> Iterator[Suggestion]:
    """NaN is missing to the library."""
    kind, lacking = "expect_column_values_to_not_be_null", column.missing + (column.nans or 0)
    if not lacking:
        yield _of(kind, column, {}, "no value is missing", warn=False)
    elif lacking <= rows / 2:
        mostly = math.floor((rows - lacking) / rows * 20) / 20
        told = f"{lacking:,} of {rows:,} values are missing"
        yield _of(kind, column, {"mostly": mostly}, told)


def _is_key(column: ColumnProfile) -> bool:
    is_named = "identifier" in column.warnings
    is_whole = column.type.startswith(("int", "uint", "string", "large_string"))
    return is_named and is_whole and column.is_unique


def _range(column: ColumnProfile) -> Iterator[Suggestion]:
    """From a round number below the lowest to one above the highest; from zero on where none is below it."""
    low, high = _exact(column.lowest), _exact(column.highest)
    is_plain = column.type.startswith(("int", "uint", "double", "float64"))
    if not is_plain or column.infinities or low is None or high is None:
        return
    least = _exact(-_rounded(-low) if low < 0 else 0)
    most = _exact(_rounded(high) if high > 0 else 0)
    if least is not None and most is not None:
        bounds = {"min_value": least, "max_value": most}
        told = f"from {low:,} to {high:,}"
        yield _of("expect_column_values_to_be_between", column, bounds, told)


def _exact(value: object) -> float | None:
    """A number that a double holds as it stands."""
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _EXACT:
        return value
    return None


def _rounded(bound: float) -> float:
    """A number of two digits that is no smaller than one above zero."""
    step = 10.0 ** (math.floor(math.log10(bound)) - 1)
    round_one = float(f"{math.ceil(bound / step) * step:.12g}")
    found = max(round_one, bound)
    return int(found) if found == int(found) else found


def _known_values(column: ColumnProfile, rows: int) -> Iterator[Suggestion]:
    values = [top.exact for top in column.top]
    is_all = column.distinct == len(values) <= _FEW_VALUES
    is_text = all(isinstance(value, str) for value in values)
    if values and is_all and is_text and column.present(rows) >= _ROWS_A_VALUE * len(values):
        told = f"{len(values)} values in {column.present(rows):,} rows"
        wanted = {"value_set": sorted(values, key=str)}
        yield _of("expect_column_values_to_be_in_set", column, wanted, told)


def _same_length(column: ColumnProfile, rows: int) -> Iterator[Suggestion]:
    lengths = column.lengths
    if lengths is None or not lengths.least == lengths.most > 0:
        return
    if column.present(rows) >= _SAME_LENGTH_ROWS and (column.distinct or 0) > _FEW_VALUES:
        told = f"every text has {lengths.most} characters"
        wanted = {"value": lengths.most}
        yield _of("expect_column_value_lengths_to_equal", column, wanted, told)


def _of(
    kind: str, column: ColumnProfile, arguments: dict[str, Any], because: str, *, warn: bool = True
) -> Suggestion:
    severity = {"severity": "warn"} if warn else {}
    return Suggestion(kind, {"column": column.name, **arguments, **severity}, because)
