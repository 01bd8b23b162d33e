"""What is worth a look in a column, from its figures alone."""

from __future__ import annotations

from collections.abc import Callable

from resources.profiles.record import ColumnProfile, WarningCode

_FEW_ROWS = 20
"""Below, hardly a column has values that repeat."""
_IMBALANCED = 0.95
_SKEWED = 10
_LONG_TEXT = 10_000
_IDENTIFIER_CHARACTERS = 64


def warnings_of(column: ColumnProfile, rows: int, spelling: str = "") -> tuple[WarningCode, ...]:
    """The warnings of a column, in the order of `record.WARNINGS`.

    Args:
        column: its figures.
        rows: of the table.
        spelling: `numbers` or `dates`, of texts that all spell such.
    """
    found = [code for code, holds in _RULES if holds(column, rows)]
    if spelling:
        found.append("numbers_as_text" if spelling == "numbers" else "dates_as_text")
    return tuple(found)


def _is_imbalanced(column: ColumnProfile, rows: int) -> bool:
    is_varied = (column.distinct or 0) > 1 and rows >= _FEW_ROWS
    return is_varied and bool(column.top) and column.top[0].rows > _IMBALANCED * rows


def _is_identifier(column: ColumnProfile, rows: int) -> bool:
    """Whole numbers in a row without a gap, or short texts of one word: all different."""
    if not column.is_unique or rows < _FEW_ROWS:
        return False
    if column.kind == "text":
        is_short = column.lengths is not None and column.lengths.most <= _IDENTIFIER_CHARACTERS
        return is_short and not any(" " in top.value for top in column.top)
    lowest, highest = column.lowest, column.highest
    is_whole = "int" in column.type and lowest is not None and highest is not None
    return is_whole and int(highest) - int(lowest) + 1 == column.distinct  # type: ignore[arg-type]


def _is_unique(column: ColumnProfile, rows: int) -> bool:
    return column.is_unique and rows >= _FEW_ROWS and not _is_identifier(column, rows)


def _is_mostly_single(column: ColumnProfile, rows: int) -> bool:
    present = column.present(rows)
    is_varied = column.kind == "text" and present >= _FEW_ROWS and not column.is_unique
    return is_varied and 2 * (column.once or 0) > present


_RULES: list[tuple[WarningCode, Callable[[ColumnProfile, int], bool]]] = [
    ("all_missing", lambda c, rows: rows > 0 and c.missing == rows),
    ("mostly_missing", lambda c, rows: rows / 2 < c.missing < rows),
    ("constant", lambda c, rows: c.distinct == 1 and c.present(rows) > 1),
    ("imbalanced", _is_imbalanced),
    ("identifier", _is_identifier),
    ("unique", _is_unique),
    ("high_cardinality", _is_mostly_single),
    ("blank_texts", lambda c, _: bool(c.blanks)),
    (
        "long_texts",
        lambda c, _: c.kind == "text" and c.lengths is not None and c.lengths.most > _LONG_TEXT,
    ),
    ("skewed", lambda c, _: c.skew is not None and abs(c.skew) > _SKEWED),
    ("many_zeros", lambda c, rows: c.zeros is not None and 2 * c.zeros > rows),
    ("infinities", lambda c, _: bool(c.infinities)),
    ("nans", lambda c, _: bool(c.nans)),
]
