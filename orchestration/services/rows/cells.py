"""Values as people and programs are shown them: exact, null told apart from empty, cut where they are huge.

JSON has whole numbers, texts, booleans, null, lists and objects; the rest is text: decimals and times in full, `nan` and
`inf`, bytes as `0x` and hexadecimal digits. Lists and structs keep their shape as long as they are short.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from resources.kernel.temporal_text import temporal_texts

CUT_AT = 300
"""Characters of a value that are shown unless more are asked for."""
WHOLE = 1 << 62


@dataclass(frozen=True)
class Cut:
    """A value of which the beginning alone is shown."""

    row: int
    """Place in the page, from 0."""
    column: int
    """Place among its columns, from 0."""
    length: int
    """Of the whole value."""
    unit: str
    """`characters` or `bytes`; of a nested value those of its JSON text."""


def shown_rows(table: pa.Table, cut_at: int) -> tuple[list[list[Any]], tuple[Cut, ...]]:
    """Rows of a page with each value as JSON has it, and which of them were cut.

    Args:
        table: few rows.
        cut_at: most characters of a value.
    """
    columns, cuts = [], []
    for place, column in enumerate(table.columns):
        values = []
        for row, whole in enumerate(json_values(column)):
            value, length = _shortened(whole, cut_at)
            values.append(value)
            if length is not None:
                unit = "bytes" if isinstance(whole, bytes) else "characters"
                cuts.append(Cut(row, place, length, unit))
        columns.append(values)
    rows = [list(row) for row in zip(*columns, strict=True)]
    return rows, tuple(sorted(cuts, key=lambda cut: (cut.row, cut.column)))


def _shortened(value: Any, cut_at: int) -> tuple[Any, int | None]:
    """A value for display, and its whole length where it is cut."""
    if isinstance(value, bytes):
        shown = max(cut_at // 2 - 1, 1)
        text = f"0x{value[:shown].hex()}"
        return (text, None) if len(value) <= shown else (f"{text}…", len(value))
    if isinstance(value, str):
        return (value, None) if len(value) <= cut_at else (value[:cut_at] + "…", len(value))
    if not isinstance(value, (list, dict)):
        return value, None
    plain = with_hex(value)
    text = json.dumps(plain, ensure_ascii=False)
    return (plain, None) if len(text) <= cut_at else (text[:cut_at] + "…", len(text))


def with_hex(value: Any) -> Any:
    """A nested value with the bytes in it as text."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, list):
        return [with_hex(item) for item in value]
    if isinstance(value, dict):
        return {key: with_hex(item) for key, item in value.items()}
    return value


def json_values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Each value of a column as JSON can hold it, but for bytes, which stay bytes."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [value for chunk in chunks for value in _values(chunk)]


def _values(array: pa.Array) -> Sequence[Any]:
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _values(array.storage)
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode())
    for belongs, convert in _CONVERT:
        if belongs(kind):
            return convert(array)
    return list(array.to_pylist())


def _texts(array: pa.Array) -> list[Any]:
    return [None if value is None else str(value) for value in array.to_pylist()]


def _decimals(array: pa.Array) -> list[Any]:
    return [None if value is None else f"{value:f}" for value in array.to_pylist()]


def _floats(array: pa.Array) -> list[Any]:
    return [
        value if value is None or math.isfinite(value) else str(value)
        for value in map(_as_float(array.type), array.to_pylist())
    ]


def _as_float(kind: pa.DataType) -> Callable[[Any], float | None]:
    """Narrow numbers as they are written, not as a double shows them: 0.1, not 0.10000000149011612."""
    if pa.types.is_float64(kind):
        return lambda value: value
    import numpy as np

    narrow = np.float32 if pa.types.is_float32(kind) else np.float16
    return lambda value: None if value is None else float(str(narrow(value)))


def _spans(array: pa.Array) -> list[Any]:
    """`1 day, 2:00:00.000003`, of any length."""
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": None}[array.type.unit]
    if factor is None:
        return _texts(array.cast(pa.int64()))
    numbers = array.cast(pa.int64()).to_pylist()
    return [None if n is None else _span_text(n * factor) for n in numbers]


def _span_text(microseconds: int) -> str:
    days, rest = divmod(microseconds, 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    clock += f".{fraction:06}" if fraction else ""
    return f"{days} {'day' if abs(days) == 1 else 'days'}, {clock}" if days else clock


def _lists(array: pa.Array) -> list[Any]:
    return [None if scalar.values is None else _values(scalar.values) for scalar in array]


def _structs(array: pa.Array) -> list[Any]:
    names = [array.type.field(place).name for place in range(array.type.num_fields)]
    members = [_values(array.field(place)) for place in range(array.type.num_fields)]
    rows: Iterator[tuple[Any, ...]] = (
        zip(*members, strict=True) if members else iter([()] * len(array))
    )
    return [
        dict(zip(names, row, strict=True)) if valid else None
        for row, valid in zip(rows, array.is_valid().to_pylist(), strict=True)
    ]


def _maps(array: pa.Array) -> list[Any]:
    """Pairs in order: keys need be neither texts nor different."""
    found: list[Any] = []
    for scalar in array:
        entries = scalar.values
        if entries is None:
            found.append(None)
            continue
        pairs = zip(_values(entries.field(0)), _values(entries.field(1)), strict=True)
        found.append([list(pair) for pair in pairs])
    return found


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


_CONVERT: list[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], list[Any]]]] = [
    (pa.types.is_floating, _floats),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_duration, _spans),
    (pa.types.is_temporal, lambda array: list(temporal_texts(array))),
    (pa.types.is_interval, _texts),
    (pa.types.is_map, _maps),
    (_is_list, _lists),
    (pa.types.is_struct, _structs),
]
