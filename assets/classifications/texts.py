"""Stored values as the text a download writes; filters compare with the same text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def value_texts(values: pa.Array) -> pa.Array:
    """Texts of a column: integers and floats as they load again unchanged, text as it is; lists keep their elements."""
    if pa.types.is_floating(values.type):
        return pa.array(
            [None if value is None else repr(value) for value in values.to_pylist()], pa.string()
        )
    if pa.types.is_integer(values.type):
        return pc.cast(values, pa.string())
    return values
