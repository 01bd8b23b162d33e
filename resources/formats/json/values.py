"""Columns of JSON literals to typed columns: what has been seen of a column, the type that follows, the conversion.

JSON says itself what is a text, a number, a boolean. Numbers follow the typing rule of text formats, and exponents are
allowed: a column of numbers that neither a double of 15 digits nor a decimal holds is kept as its literals. So is a
column that mixes kinds, or that holds objects or arrays. Texts stay texts, also those that look like dates, and also
beside other kinds: one number among codes changes no code.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.json.non_finite import WORDS
from resources.formats.json.shapes import NO_SHAPE, BadLiteralError, LiteralShape, find_shapes
from resources.formats.json.trimming import trim
from resources.formats.text_types.doubles import are_shortest
from resources.formats.text_types.evidence import (
    DOUBLE_DIGITS,
    IS_TEXT,
    NO_VALUES,
    NUMBER,
    SPELLINGS,
    TEXT,
    Evidence,
    TextType,
    ValueKind,
    boolean,
)
from resources.formats.text_types.evidence import decide as decide_text
from resources.formats.text_types.numbers import text_bytes
from resources.formats.text_types.rule import convert, fit, parse_booleans

BOOLEAN = boolean(ValueKind.TRUE_FALSE)
LITERAL = TextType("text of JSON", pa.string())
"""Values as they stand in the file: objects and arrays, or kinds of which none is a text."""
MIXED = TextType("text of several kinds", pa.string())
"""Texts as they are, other values as they stand in the file."""
JSON = TextType("json", pa.string())
"""What a user asks for: every value as it stands in the file, texts with their quotes."""
_TEXTS = msgspec.json.Decoder(list[str])
_EXPONENTS = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
_SMALLEST = 1e-290  # nearer to zero a double has fewer than 15 digits
_QUOTE = ord('"')


@dataclass(frozen=True)
class SeenValues:
    """What the values of a column are. Merging in any order gives the same."""

    shapes: LiteralShape = NO_SHAPE
    numbers: Evidence = NO_VALUES

    def merge(self, other: SeenValues) -> SeenValues:
        """Both sets of values together."""
        return SeenValues(self.shapes | other.shapes, self.numbers.merge(other.numbers))

    @property
    def kind(self) -> TextType:
        """The type of a column of which this is all there is."""
        shapes = as_numbers(self.shapes)
        if shapes in (NO_SHAPE, LiteralShape.STRING):
            return TEXT
        if shapes == LiteralShape.BOOLEAN:
            return BOOLEAN
        if shapes == LiteralShape.NUMBER:
            found = decide_text(self.numbers)
            return LITERAL if found == TEXT else found
        return MIXED if shapes & LiteralShape.STRING else LITERAL

    def __str__(self) -> str:
        words = {
            LiteralShape.STRING: "texts",
            LiteralShape.NUMBER: "numbers",
            LiteralShape.BOOLEAN: "booleans",
            LiteralShape.NESTED: "objects or arrays",
            LiteralShape.NON_FINITE: "NaN or Infinity",
        }
        return " and ".join(word for shape, word in words.items() if shape in self.shapes)


NOTHING_SEEN = SeenValues()


def as_numbers(shapes: LiteralShape) -> LiteralShape:
    """The shapes, with what is no finite number counted as one."""
    if LiteralShape.NON_FINITE not in shapes:
        return shapes
    return (shapes & ~LiteralShape.NON_FINITE) | LiteralShape.NUMBER


def look_at(literals: pa.Array) -> SeenValues:
    """What the values of a column are.

    Raises:
        BadLiteralError: some literal is none.
    """
    shapes = find_shapes(literals)
    if as_numbers(shapes) == LiteralShape.NUMBER:
        return SeenValues(shapes, _examine_numbers(literals))
    if shapes == LiteralShape.STRING:
        decode_strings(literals)
    elif shapes == LiteralShape.BOOLEAN:
        _booleans(literals)
    return SeenValues(shapes)


def read_literals(literals: pa.Array, kind: TextType) -> tuple[pa.Array | None, SeenValues]:
    """The column as `kind`, or None if it is not of it; and what its values are.

    Raises:
        BadLiteralError: some literal is none.
    """
    shapes = find_shapes(literals)
    if not shapes:
        return pa.nulls(len(literals), kind.arrow), NOTHING_SEEN
    if kind in (MIXED, LITERAL):
        return _read_any(literals, kind, shapes), look_at(literals)
    if shapes == LiteralShape.STRING:
        return (decode_strings(literals) if kind == TEXT else None), SeenValues(shapes)
    if shapes == LiteralShape.BOOLEAN:
        values = _booleans(literals)
        return (values if kind == BOOLEAN else None), SeenValues(shapes)
    if as_numbers(shapes) == LiteralShape.NUMBER:
        values, seen = _read_numbers(literals, kind)
        return values, SeenValues(shapes, seen.numbers)
    return None, SeenValues(shapes)


def _read_any(literals: pa.Array, kind: TextType, shapes: LiteralShape) -> pa.Array | None:
    if kind == MIXED:
        return plain_texts(literals)
    return None if LiteralShape.STRING in shapes else literals


def _booleans(literals: pa.Array) -> pa.Array:
    values = parse_booleans(literals, SPELLINGS[ValueKind.TRUE_FALSE])
    if values is None:
        raise BadLiteralError
    return values


def _read_numbers(literals: pa.Array, kind: TextType) -> tuple[pa.Array | None, SeenValues]:
    found = (
        convert(literals, kind)
        if kind.kind in ValueKind.INTEGER | ValueKind.NUMBER and kind.kind
        else None
    )
    if found is not None:
        return found[0], SeenValues(LiteralShape.NUMBER, found[1])
    evidence = _examine_numbers(literals)
    exact = kind == NUMBER and decide_text(evidence) == NUMBER
    return (literals.cast(pa.float64()) if exact else None), SeenValues(
        LiteralShape.NUMBER, evidence
    )


def _examine_numbers(literals: pa.Array) -> Evidence:
    for kind in (ValueKind.INTEGER, ValueKind.NUMBER):
        found = fit(literals, kind)
        if found is not None:
            return found[1]
    words = pc.is_in(literals, pa.array(WORDS))
    if pc.any(words).as_py():
        finite = literals.filter(pc.invert(words)).drop_null()
        return Evidence(ValueKind.DOUBLE).merge(
            _examine_numbers(finite) if len(finite) else NO_VALUES
        )
    if not pc.all(pc.match_substring_regex(literals, _EXPONENTS)).as_py():
        raise BadLiteralError
    return _examine_exponents(literals)


def _examine_exponents(literals: pa.Array) -> Evidence:
    """Numbers some of which have an exponent: doubles, if the digits and the size of each allow it."""
    mantissas = pc.replace_substring_regex(literals, r"[-.]|[eE].*$", "")
    digits = pc.ascii_ltrim(mantissas, "0")
    most: int = pc.max(pc.binary_length(digits)).as_py()
    values = literals.cast(pa.float64())
    written_zero = pc.equal(digits, "")
    held = pc.or_(written_zero, pc.greater_equal(pc.abs(values), _SMALLEST))
    finite = pc.all(pc.is_finite(values)).as_py()
    is_short = most <= DOUBLE_DIGITS and finite and pc.all(held).as_py()
    return Evidence(ValueKind.DOUBLE) if is_short or are_shortest(literals, values) else IS_TEXT


def decode_strings(literals: pa.Array) -> pa.Array:
    """The texts that string literals stand for.

    Raises:
        BadLiteralError: one that is no string, or more than one.
    """
    data, bounds = text_bytes(literals)
    if (data == ord("\\")).any():
        return _unescape(literals)
    filled = np.diff(bounds) > 0
    ends = bounds[1:][filled]
    quotes = int(np.count_nonzero(data == _QUOTE))
    if quotes != 2 * len(ends) or (data[ends - 1] != _QUOTE).any():
        raise BadLiteralError
    return trim(literals, left=1, right=1)


def _unescape(literals: pa.Array) -> pa.Array:
    strings = literals.drop_null().to_pylist()
    try:
        texts = _TEXTS.decode("[" + ",".join(strings) + "]")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadLiteralError from error
    if len(texts) != len(strings):
        raise BadLiteralError
    if not literals.null_count:
        return pa.array(texts, pa.string())
    places = pc.subtract(pc.cumulative_sum(literals.is_valid().cast(pa.int64())), 1)
    return pa.array(texts, pa.string()).take(pc.if_else(literals.is_valid(), places, None))


def plain_texts(literals: pa.Array) -> pa.Array:
    """The texts that a given type is read from: of strings what they say, of other values how they are written."""
    data, bounds = text_bytes(literals)
    is_string = np.zeros(len(literals), np.bool_)
    filled = np.flatnonzero(np.diff(bounds) > 0)
    is_string[filled] = data[bounds[:-1][filled]] == _QUOTE
    if not is_string.any():
        return literals
    mask = pa.array(is_string)
    decoded = decode_strings(pc.if_else(mask, literals, None))
    return pc.if_else(mask, decoded, literals)
