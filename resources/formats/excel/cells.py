"""Cells of Excel as Python values, to columns of Arrow: what has been seen, the type that follows, the conversion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto

import pyarrow as pa

EXACT_INTEGERS = 2**53
"""Excel keeps numbers as doubles: beyond this not every integer is one."""
_EMPTY = ""
_EXCEL_YEAR, _MARCH = 1900, 3
_SECONDS_A_MINUTE, _MINUTES_AN_HOUR = 60, 60


class CellKind(Flag):
    """What cells of a column hold."""

    INTEGER = auto()
    FRACTION = auto()
    TEXT = auto()
    BOOLEAN = auto()
    DATE = auto()
    TIMESTAMP = auto()
    TIME = auto()
    DURATION = auto()


NO_CELLS = CellKind(0)
_WORDS = {
    CellKind.INTEGER | CellKind.FRACTION: "numbers",
    CellKind.TEXT: "texts",
    CellKind.BOOLEAN: "booleans",
    CellKind.DATE | CellKind.TIMESTAMP: "dates",
    CellKind.TIME: "times of day",
    CellKind.DURATION: "durations",
}
_KINDS: dict[type, CellKind] = {
    str: CellKind.TEXT,
    bool: CellKind.BOOLEAN,
    dt.date: CellKind.DATE,
    dt.datetime: CellKind.TIMESTAMP,
    dt.time: CellKind.TIME,
    dt.timedelta: CellKind.DURATION,
}
_NUMBERS = CellKind.INTEGER | CellKind.FRACTION
DAYS = CellKind.DATE | CellKind.TIMESTAMP


@dataclass(frozen=True)
class ColumnKind:
    """The type of a column of which `seen` is all there is."""

    seen: CellKind

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that holds all cells."""
        exact = {
            CellKind.INTEGER: pa.int64(),
            CellKind.BOOLEAN: pa.bool_(),
            CellKind.DATE: pa.date32(),
            CellKind.TIME: pa.time64("us"),
        }
        if self.seen in exact:
            return exact[self.seen]
        if self.seen and self.seen in _NUMBERS:
            return pa.float64()
        return pa.timestamp("us") if self.seen and self.seen in DAYS else pa.string()

    @property
    def is_mixed(self) -> bool:
        """Whether cells become text that are none in Excel."""
        return self.arrow == pa.string() and self.seen not in (NO_CELLS, CellKind.TEXT)

    def __str__(self) -> str:
        return " and ".join(words for kind, words in _WORDS.items() if kind & self.seen)


def look_at_cells(cells: Sequence[object]) -> CellKind:
    """What the cells hold; empty ones do not count."""
    seen = NO_CELLS
    for kind in set(map(type, cells)):
        if kind in (float, int):
            seen |= _look_at_numbers(
                [
                    cell
                    for cell in cells
                    if isinstance(cell, float | int) and not isinstance(cell, bool)
                ]
            )
        elif kind is str:
            seen |= CellKind.TEXT if any(type(cell) is str and cell for cell in cells) else NO_CELLS
        else:
            seen |= _KINDS.get(kind, CellKind.TEXT)
    return seen


def _look_at_numbers(numbers: list[float]) -> CellKind:
    whole = [number for number in numbers if _is_whole(number)]
    seen = CellKind.INTEGER if whole else NO_CELLS
    return seen if len(whole) == len(numbers) else seen | CellKind.FRACTION


def _is_whole(number: float) -> bool:
    return (
        -EXACT_INTEGERS <= number <= EXACT_INTEGERS
        and float(number).is_integer()
        and not (number == 0 and str(number).startswith("-"))
    )


def has_days_before_march_1900(cells: Sequence[object]) -> bool:
    """Whether some date is one of the sixty days that Excel counts wrongly."""
    return any(
        isinstance(cell, dt.date) and cell.year == _EXCEL_YEAR and cell.month < _MARCH
        for cell in cells
    )


def convert_cells(cells: Sequence[object], kind: pa.DataType) -> pa.Array:
    """The cells as a column of a type that holds them all."""
    filled = [None if cell == _EMPTY else cell for cell in cells]
    if kind == pa.string():
        return pa.array([None if cell is None else show(cell) for cell in filled], kind)
    if kind == pa.int64():
        return pa.array([None if cell is None else int(cell) for cell in filled], kind)  # type: ignore[call-overload]
    if pa.types.is_timestamp(kind):
        return pa.array([_moment(cell) for cell in filled], kind)
    return pa.array(filled, kind)


def _moment(cell: object) -> object:
    """Midnight comes as a bare date."""
    if type(cell) is dt.date:
        return dt.datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - Excel knows no time zone
    return cell


def show(cell: object) -> str:
    """A cell as text: numbers with all their digits, dates in ISO form, booleans as Excel shows them."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float | int):
        return str(int(cell)) if _is_whole(cell) else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):
        return _show_duration(cell)
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


def _show_duration(cell: dt.timedelta) -> str:
    seconds = cell // dt.timedelta(seconds=1)
    minutes, second = divmod(seconds, _SECONDS_A_MINUTE)
    hours, minute = divmod(minutes, _MINUTES_AN_HOUR)
    fraction = f".{cell.microseconds:06d}" if cell.microseconds else ""
    return f"{hours}:{minute:02d}:{second:02d}{fraction}"
