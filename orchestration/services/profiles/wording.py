"""Figures of a profile as people read them. Plain text: whoever shows it escapes it."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.services.hidden_characters import spelled
from resources.profiles.record import (
    WARNINGS,
    ColumnProfile,
    Method,
    Profile,
    TimeUnit,
    Value,
    WarningCode,
)

NOTHING = "\N{EN DASH}"
METHODS: dict[Method, str] = {
    "pearson": "Pearson's correlation",
    "spearman": "Spearman's correlation",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio",
}
KINDS = {
    "number": "numbers",
    "text": "texts",
    "boolean": "true or false",
    "time": "dates and times",
    "nested": "lists and records",
    "binary": "bytes",
}
_SHORT_NAMES: dict[WarningCode, str] = {
    "numbers_as_text": "numbers as text",
    "dates_as_text": "dates as text",
    "nans": "NaN",
}


def count(number: int | None) -> str:
    """A count with its thousands apart."""
    return NOTHING if number is None else f"{number:,}"


def share(part: int, whole: int) -> str:
    """A part in hundredths of a whole; never 0 of something, never 100 of less than all."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "<0.1 %"
    if part < whole and percent > 99.9:
        return ">99.9 %"
    return f"{percent:.1f}".removesuffix(".0") + " %"


def figure(value: Value | None) -> str:
    """A figure: whole numbers with their thousands apart, others with six digits, exact texts as they are."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.6g}"
    return spelled(value)


def warning_name(code: WarningCode) -> str:
    """A warning in two words; `WARNINGS` has the sentence."""
    return _SHORT_NAMES.get(code, code.replace("_", " "))


def warning_text(code: WarningCode) -> str:
    """What a warning says."""
    return WARNINGS[code]


def moment(value: Value, unit: TimeUnit) -> str:
    """The edge of a bin of time, no longer than its unit asks for."""
    date, _, clock = str(value).partition(" ")
    if "-" not in date[1:]:  # a time of day
        return date[:5] if unit in ("hour", "minute") else date
    if unit in ("year", "decade", "century", "millennium"):
        return date.rsplit("-", 2)[0]
    if unit == "month":
        return date.rsplit("-", 1)[0]
    if unit == "day" or not clock:
        return date
    return f"{date} {clock[:5] if unit in ('hour', 'minute') else clock.rstrip('Z')}"


def summary_of(profile: Profile) -> list[tuple[str, str]]:
    """The figures of the table as a whole, sizes apart."""
    cells = profile.rows * len(profile.columns)
    return [
        ("Rows", count(profile.rows)),
        ("Columns", count(len(profile.columns))),
        ("Missing cells", part_of(profile.missing_cells, cells)),
        (
            "Repeated rows",
            "not counted"
            if profile.duplicate_rows is None
            else part_of(profile.duplicate_rows, profile.rows),
        ),
    ]


def part_of(part: int, whole: int) -> str:
    """A count, and which part of the whole it is."""
    return f"{part:,} ({share(part, whole)})" if part else "0"


def figures_of(column: ColumnProfile, rows: int) -> list[tuple[str, str]]:
    """All figures of a column, each with what it is called; those that do not apply are left out."""
    return [(label, text) for label, text in _figures(column, rows) if text != NOTHING]


def _figures(column: ColumnProfile, rows: int) -> Iterator[tuple[str, str]]:
    present = column.present(rows)
    yield "Type", column.type
    yield "Values", count(present)
    yield "Missing", part_of(column.missing, rows)
    yield "Different values", count(column.distinct)
    yield "Values that occur once", count(column.once)
    yield "Lowest", figure(column.lowest)
    yield "Highest", figure(column.highest)
    yield "Mean", figure(column.mean)
    yield "Standard deviation", figure(column.std)
    yield "Skewness", figure(column.skew)
    counted = [
        ("Zeros", column.zeros),
        ("Negative", column.negatives),
        ("Infinite", column.infinities),
        ("NaN", column.nans),
        ("True", column.trues),
        ("Blank", column.blanks),
    ]
    for label, number in counted:
        yield label, NOTHING if number is None else part_of(number, present)
    if column.lengths is not None:
        lengths = column.lengths
        yield (
            _UNITS.get(column.kind, "Length"),
            (f"{lengths.least:,} to {lengths.most:,}, {figure(round(lengths.mean, 2))} on average"),
        )


_UNITS = {"text": "Characters", "binary": "Bytes", "nested": "Elements"}
