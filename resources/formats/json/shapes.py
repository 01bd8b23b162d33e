"""What JSON literals are, told by their first characters."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import pyarrow as pa

from resources.formats.text_types.numbers import text_bytes


class Shape(IntFlag):
    """What a literal is, by its first character."""

    STRING = 1
    NUMBER = 2
    BOOLEAN = 4
    NESTED = 8


NO_SHAPE = Shape(0)
SCALARS = (NO_SHAPE, Shape.STRING, Shape.NUMBER, Shape.BOOLEAN)
_SHAPES = np.zeros(256, np.uint8)
_SHAPES[ord('"')] = Shape.STRING
_SHAPES[[ord(c) for c in "-0123456789"]] = Shape.NUMBER
_SHAPES[[ord(c) for c in "tf"]] = Shape.BOOLEAN
_SHAPES[[ord(c) for c in "{["]] = Shape.NESTED


class BadLiteralError(Exception):
    """A literal that is no JSON value: the chunk was cut in wrong places."""


def find_shapes(literals: pa.Array) -> Shape:
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
    return Shape(int(np.bitwise_or.reduce(found, initial=0)))
