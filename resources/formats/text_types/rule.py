"""The rule applied to a column: what it could be (`examine`), and whether it is what was planned (`fit`)."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.text_types.doubles import are_shortest, parse_doubles
from resources.formats.text_types.evidence import (
    DOUBLE_DIGITS,
    DOUBLE_FRACTION,
    IS_TEXT,
    NO_VALUES,
    NOTHING,
    SPELLINGS,
    TRIED,
    Evidence,
    TextType,
    ValueKind,
)
from resources.formats.text_types.numbers import Decimals, measure_decimals, parse_integers
from resources.formats.text_types.temporal import parse_by_format, parse_dates, parse_timestamps


@dataclass(frozen=True)
class TypingRule:
    """Settings of the rule. A given format replaces the ISO forms of its type."""

    decimal_mark: str = "."
    thousands_mark: str | None = None
    date_format: str | None = None
    timestamp_format: str | None = None

    def hasplain_numbers(self) -> bool:
        """Whether numbers are written as Arrow reads them."""
        return self.decimal_mark == "." and self.thousands_mark is None


ISO = TypingRule()
Fit = tuple[pa.Array, Evidence]


def examine(texts: pa.Array, rule: TypingRule = ISO) -> Evidence:
    """Everything that all values of a column can be read as. The slow way: tries each kind."""
    if texts.null_count == len(texts):
        return NO_VALUES
    found = (
        fit(texts, kind, rule) for kind in TRIED
    )  # integers first: their evidence says NUMBER too
    return next((evidence for _, evidence in filter(None, found)), IS_TEXT)


def fit(texts: pa.Array, kind: ValueKind, rule: TypingRule = ISO) -> Fit | None:
    """The column read as one kind, if every value is of it: int64, double, boolean, date or timestamp.

    A column of numbers comes back as doubles whatever its digits: the evidence says whether they hold the values.
    """
    if ValueKind.INTEGER in kind:
        return _fit_integers(texts, rule)
    if ValueKind.NUMBER in kind:
        return _fit_numbers(texts, rule, pa.float64())
    values = _fit_other(texts, kind, rule)
    return None if values is None else (values, Evidence(kind))


def convert(texts: pa.Array, column_type: TextType, rule: TypingRule = ISO) -> Fit | None:
    """The column as its planned type with the evidence found on the way, or None if some value does not fit it."""
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), column_type.arrow), NO_VALUES
    if column_type.kind == NOTHING:
        return texts, IS_TEXT
    if ValueKind.NUMBER in column_type.kind:
        return _fit_numbers(texts, rule, column_type.arrow)
    return fit(texts, column_type.kind, rule)


def _fit_integers(texts: pa.Array, rule: TypingRule) -> Fit | None:
    plain = plain_numbers(texts, rule)
    found = None if plain is None else parse_integers(plain)
    if found is None:
        return None
    kinds = ValueKind.INTEGER | ValueKind.NUMBER
    if found.digits <= DOUBLE_DIGITS:
        kinds |= ValueKind.DOUBLE
    return found.values, Evidence(kinds, found.digits, significant_digits=found.digits)


def _fit_numbers(texts: pa.Array, rule: TypingRule, arrow_type: pa.DataType) -> Fit | None:
    plain = plain_numbers(texts, rule)
    if plain is None:
        return None
    extent = measure_decimals(plain)
    if extent is None:
        values = parse_doubles(plain) if arrow_type == pa.float64() else None
        return None if values is None else (values, Evidence(ValueKind.DOUBLE))
    try:
        values = plain.cast(arrow_type)
    except pa.ArrowInvalid:
        return None
    # Where decimals are planned some value is none of a double: the others need no look.
    is_double = arrow_type == pa.float64() and _gives_digits_back(plain, values, extent)
    kinds = ValueKind.NUMBER | ValueKind.DOUBLE if is_double else ValueKind.NUMBER
    return values, Evidence(
        kinds, extent.integer_digits, extent.fraction_digits, extent.significant_digits
    )


def _gives_digits_back(texts: pa.Array, values: pa.Array, extent: Decimals) -> bool:
    if extent.fraction_digits > DOUBLE_FRACTION:
        return False
    return extent.significant_digits <= DOUBLE_DIGITS or are_shortest(texts, values)


def plain_numbers(texts: pa.Array, rule: TypingRule) -> pa.Array | None:
    """The column with `.` as decimal mark and without thousands marks; None if its marks are out of place."""
    if rule.hasplain_numbers():
        return texts
    mark, thousands = f"\\x{{{ord(rule.decimal_mark):x}}}", rule.thousands_mark
    groups = rf"|\d{{1,3}}(\x{{{ord(thousands):x}}}\d{{3}})+" if thousands else ""
    written = pc.match_substring_regex(texts, rf"^-?(\d+{groups})({mark}\d+)?$")
    if not pc.all(written).as_py():
        return None
    if thousands:
        texts = pc.replace_substring(texts, thousands, "")
    return pc.replace_substring(texts, rule.decimal_mark, ".")


def _fit_other(texts: pa.Array, kind: ValueKind, rule: TypingRule) -> pa.Array | None:
    if kind in SPELLINGS:
        return parse_booleans(texts, SPELLINGS[kind])
    if kind is ValueKind.DATE:
        if rule.date_format is not None:
            return parse_by_format(texts, rule.date_format, pa.date32())
        return parse_dates(texts)
    arrow_type = pa.timestamp("us", "UTC" if kind is ValueKind.TIMESTAMPTZ else None)
    if rule.timestamp_format is not None:
        return parse_by_format(texts, rule.timestamp_format, arrow_type)
    return parse_timestamps(texts, arrow_type)


def parse_booleans(texts: pa.Array, spelling: tuple[str, str]) -> pa.Array | None:
    """The column as booleans if every value is one of the two texts `(true, false)`, else None."""
    true, false = (pc.equal(texts, text) for text in spelling)
    known = true.true_count + false.true_count
    return true if known == len(texts) - texts.null_count else None
