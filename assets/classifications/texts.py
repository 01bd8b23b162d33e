"""Stored values as the text a download writes; regular expressions are compared with the same text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def value_texts(values: pa.Array) -> pa.Array:
    """Texts of a column: numbers in their shortest form that loads again unchanged, text as it is; lists as they are."""
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        return pc.cast(values, pa.string())
    return values
