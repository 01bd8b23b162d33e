"""Dates and times as text, far beyond what Python and Arrow print: PostgreSQL knows the years -4713 to 5874897."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_PERIOD_DAYS, _PERIOD_YEARS = 146_097, 400  # after which the calendar repeats itself
_PRINTED_DAYS = 11_000_000  # some 30,000 years around 1970: Arrow prints no more, or another year
_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def temporal_texts(column: pa.ChunkedArray | pa.Array) -> list[str | None]:
    """Values of any temporal type but durations as Arrow writes them; years of any length, none in place of a null."""
    kind = column.type
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        return list(column.cast(pa.string()).to_pylist())
    day = 1 if pa.types.is_date32(kind) else _A_DAY["ms" if pa.types.is_date64(kind) else kind.unit]
    width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    numbers = column.cast(width).to_pylist()
    periods = [_periods(n, day) for n in numbers]
    near = pa.array(
        [
            None if n is None else n - p * _PERIOD_DAYS * day
            for n, p in zip(numbers, periods, strict=True)
        ],
        width,
    )
    texts = pc.cast(near.cast(kind), pa.string()).to_pylist()
    return [
        text if not p else f"{int(text[:4]) + p * _PERIOD_YEARS}{text[4:]}"
        for text, p in zip(texts, periods, strict=True)
    ]


def _periods(number: int | None, day: int) -> int:
    """By how many periods a moment is to be moved towards us; 0 for one that Arrow prints."""
    far = number is not None and abs(number) > _PRINTED_DAYS * day
    return number // (_PERIOD_DAYS * day) if far and number is not None else 0
