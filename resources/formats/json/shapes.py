"""What JSON literals are, told by their first characters."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import pyarrow as pa

from resources.formats.text_types.numbers import text_bytes


class LiteralShape(IntFlag):
    """What a literal is, by its first character."""

    STRING = 1
    NUMBER = 2
    BOOLEAN = 4
    NESTED = 8
    NON_FINITE = 16
    """`NaN`, `Infinity`, `-Infinity`: no JSON, and here only where `non_finite:` allows it."""


NO_SHAPE = LiteralShape(0)
SCALARS = (NO_SHAPE, LiteralShape.STRING, LiteralShape.NUMBER, LiteralShape.BOOLEAN)
_SHAPES = np.zeros(256, np.uint8)
_SHAPES[ord('"')] = LiteralShape.STRING
_SHAPES[[ord(c) for c in "-0123456789"]] = LiteralShape.NUMBER
_SHAPES[[ord(c) for c in "tf"]] = LiteralShape.BOOLEAN
_SHAPES[[ord(c) for c in "{["]] = LiteralShape.NESTED
_SHAPES[[ord(c) for c in "NI"]] = LiteralShape.NON_FINITE
_MINUS, _INFINITY = b"-I"


class BadLiteralError(Exception):
    """A literal that is no JSON value: the chunk was cut in wrong places."""


def find_shapes(literals: pa.Array) -> LiteralShape:
    """All shapes among the values, by their first characters.

    Raises:
        BadLiteralError: an empty literal, or one that begins as no value does.
    """
    data, bounds = text_bytes(literals)
    starts = bounds[:-1][np.diff(bounds) > 0]
    if len(starts) != len(literals) - literals.null_count:
        raise BadLiteralError
    found = np.flatnonzero(np.bincount(_SHAPES[data[starts]], minlength=1))
    if 0 in found:
        raise BadLiteralError
    shapes = LiteralShape(int(np.bitwise_or.reduce(found, initial=0)))
    if LiteralShape.NUMBER in shapes and (data == _INFINITY).any():
        behind = starts[data[starts] == _MINUS] + 1
        if (data[behind[behind < len(data)]] == _INFINITY).any():
            shapes |= LiteralShape.NON_FINITE
    return shapes
