"""Doubles as programs write them: in the shortest form that gives the same double again, with an exponent or without.

Python, Java, Spark, JavaScript and DuckDB write so. Of such a text nothing is lost in a double: the digits come back.
Only the exponents of these programs count, since `1E5` and `12e4567` are names more often than numbers.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.text_types.numbers import text_bytes

_WRITTEN = (
    r"^-?(?:(?:0|[1-9]\d*)(?:\.\d+)?"
    r"|[1-9](?:\.\d+)?e(?:[+-]\d{2,3}|-[7-9])"  # Python and C, JavaScript
    r"|[1-9]\.\d+E-?\d{1,3})$"  # Java, Spark
)
_BYTES = np.zeros(256, np.bool_)
_BYTES[list(b"0123456789.+-eE")] = True
_HIGHEST = ord("e")
_LONG = r"^-?[\d.]{17,}$"
_PADDED = r"\.\d+0$|^-?\d+0$|\d{17}\.0$"


def parse_doubles(texts: pa.Array) -> pa.Array | None:
    """The column as doubles if every value is a double as programs write it, and some has an exponent; else None."""
    data, _ = text_bytes(texts)
    if not len(data) or data.max() > _HIGHEST or not _BYTES[data].all():
        return None
    if not pc.all(pc.match_substring_regex(texts, _WRITTEN)).as_py():
        return None
    values = texts.cast(pa.float64())
    return values if are_shortest(texts, values) else None


def are_shortest(texts: pa.Array, values: pa.Array) -> bool:
    """Whether each double, written in its shortest form, has the digits of its text.

    Both stand for numbers that round to the same double, so with the same digits they are the same number. Zeros that
    pad a long text are digits, too: `1.0000000000000000` is no double's shortest form.

    Args:
        texts: plain decimals, or numbers with an exponent.
        values: the same as float64.
    """
    padded = pc.and_(
        pc.match_substring_regex(texts, _LONG), pc.match_substring_regex(texts, _PADDED)
    )
    if pc.any(padded).as_py():
        return False
    same = pc.equal(_digits(texts), _digits(values.cast(pa.string())))
    return pc.all(same).as_py() is not False


def _digits(texts: pa.Array) -> pa.Array:
    mantissas = pc.replace_substring_regex(texts, r"[eE].*$", "")
    plain = pc.replace_substring(pc.ascii_ltrim(mantissas, "-"), ".", "")
    return pc.ascii_trim(plain, "0")
