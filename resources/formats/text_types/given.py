"""Types given in `types:`: spellings are read freely as long as the value stays the same; nothing else is accepted.

Unlike the rule for guesses, leading zeros, plus signs and exponents are fine here: the user said that these are numbers.
`number` is a double and takes the nearest one; `decimal(p,s)` is exact or an error.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.text_types.evidence import (
    DATE,
    DECIMAL_DIGITS,
    INTEGER,
    NUMBER,
    TEXT,
    TIMESTAMP,
    TIMESTAMP_NS,
    TIMESTAMPTZ,
    TIMESTAMPTZ_NS,
    TextType,
    ValueKind,
    boolean,
    decimal,
)
from resources.formats.text_types.numbers import text_bytes
from resources.formats.text_types.rule import (
    TypingRule,
    convert,
    parse_booleans,
    plain_numbers,
)
from resources.kernel.errors import ConfigError

BOOLEAN = boolean(ValueKind.TRUE_FALSE)
_NAMED = {
    t.name: t
    for t in (
        INTEGER,
        NUMBER,
        BOOLEAN,
        DATE,
        TIMESTAMP,
        TIMESTAMPTZ,
        TIMESTAMP_NS,
        TIMESTAMPTZ_NS,
        TEXT,
    )
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_SPELLINGS = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("1", "0"))
_ZONE_NAME = r" ?(UTC|GMT)$"  # BigQuery and many logs write it so
_ISO_MINUTES = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d"  # Arrow takes a bare date, or one with an hour, too
_NINE = ord("9")


def parse_type(text: str, *, where: str) -> TextType:
    """A type by its name: integer, number, decimal(p,s), boolean, date, timestamp, timestamptz, timestamp(ns), timestamptz(ns) or text.

    Raises:
        ConfigError: any other name; lists the known ones.
    """
    name = text.strip().lower()
    if name in _NAMED:
        return _NAMED[name]
    found = _DECIMAL.fullmatch(name)
    if found and 1 <= int(found[1]) <= DECIMAL_DIGITS and int(found[2]) <= int(found[1]):
        return decimal(int(found[1]), int(found[2]))
    known = ", ".join([*_NAMED, "decimal(precision,scale) of at most 38 digits"])
    raise ConfigError(f"{where}: unknown type {text!r}", hint=f"Known: {known}", type=text)


def read_given(texts: pa.Array, column_type: TextType, rule: TypingRule) -> pa.Array | None:
    """The column as the given type, or None if some value does not fit it."""
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), column_type.arrow)
    if column_type == BOOLEAN:
        folded = pc.utf8_lower(texts)
        found = (parse_booleans(folded, spelling) for spelling in _SPELLINGS)
        return next((values for values in found if values is not None), None)
    if column_type.kind in ValueKind.INTEGER | ValueKind.NUMBER and column_type != TEXT:
        return _read_numbers(texts, column_type, rule)
    if column_type.kind == ValueKind.TIMESTAMPTZ:
        texts = pc.replace_substring_regex(texts, _ZONE_NAME, "Z")
    if column_type in (TIMESTAMP_NS, TIMESTAMPTZ_NS):
        return _read_nanoseconds(texts, column_type)
    found_fit = convert(texts, column_type, rule)
    return None if found_fit is None else found_fit[0]


def _read_nanoseconds(texts: pa.Array, column_type: TextType) -> pa.Array | None:
    if not pc.all(pc.match_substring_regex(texts, _ISO_MINUTES)).as_py():
        return None
    try:
        return texts.cast(column_type.arrow)
    except pa.ArrowInvalid:
        return None


def _read_numbers(texts: pa.Array, column_type: TextType, rule: TypingRule) -> pa.Array | None:
    plain = plain_numbers(texts, rule)
    if plain is None:
        return None
    plain = pc.replace_substring_regex(plain, r"^\+(\d)", r"\1")
    if column_type == INTEGER and text_bytes(plain)[0].max() > _NINE:  # Arrow reads hexadecimal
        return None
    try:
        values = plain.cast(column_type.arrow)
    except pa.ArrowInvalid:
        return None
    return None if column_type == NUMBER and _has_overflow(values, plain) else values


def _has_overflow(values: pa.Array, texts: pa.Array) -> bool:
    """Whether a number became infinite that was not written so."""
    infinite = pc.sum(pc.is_inf(values)).as_py()
    written = pc.sum(pc.match_substring(texts, "inf", ignore_case=True)).as_py()
    return bool(infinite != written)
