"""Dates and timestamps in a column of text: ISO forms, or a format that was given."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.text_types.numbers import text_bytes

_DATE_LENGTH = len("2024-02-29")
_SHORTEST_TIMESTAMP = len("2024-02-29 13:45")
_YEAR_ONE = pa.scalar(datetime(1, 1, 1), pa.timestamp("us"))  # noqa: DTZ001 - naive on purpose
_NOT_IN_ARROW = ("%f", "%z", "%Z", "%j", "%U", "%W", "%c", "%x", "%X", "%p", "%I")


def parse_dates(texts: pa.Array) -> pa.Array | None:
    """The column as date32 if every value is an ISO date of the years 0001 to 9999, else None."""
    data, _ = text_bytes(texts)
    if len(data) != _DATE_LENGTH * (len(texts) - texts.null_count):
        return None
    try:
        values = texts.cast(pa.date32())
    except pa.ArrowInvalid:
        return None
    return values if _years_exist(values) else None


def parse_timestamps(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The column as `kind` (microseconds, with or without UTC) if every value is an ISO timestamp of that sort.

    Arrow also takes a bare date, or a date and an hour, for a timestamp; the rule does not.
    """
    _, bounds = text_bytes(texts)
    lengths = np.diff(bounds)
    if ((lengths < _SHORTEST_TIMESTAMP) & (lengths > 0)).any():
        return None
    try:
        values = texts.cast(kind)
    except pa.ArrowInvalid:
        return None
    return values if _years_exist(values) else None


def _years_exist(values: pa.Array) -> bool:
    """ISO has a year 0000, which neither Python nor most databases can hold (E34)."""
    earliest = pc.min(values).cast(pa.timestamp("us"))
    exist: bool | None = pc.greater_equal(earliest, _YEAR_ONE).as_py()
    return exist is not False


def parse_by_format(texts: pa.Array, pattern: str, kind: pa.DataType) -> pa.Array | None:
    """The column as `kind` if every value follows the `strptime` pattern, else None.

    Arrow's own parser is fast and takes 31 February for 2 March: what it does not print back as it was is read by
    Python, each different text once.
    """
    fast = None if any(code in pattern for code in _NOT_IN_ARROW) else _parse_fast(texts, pattern)
    if fast is None:
        fast = _parse_distinct(texts, pattern)
    if fast is None or not _years_exist(fast):
        return None
    return _as_kind(fast, kind)


def _parse_fast(texts: pa.Array, pattern: str) -> pa.Array | None:
    try:
        values = pc.strptime(texts, format=pattern, unit="s")
        printed = pc.strftime(values, format=pattern)
    except pa.ArrowInvalid:
        return None
    same = pc.all(pc.equal(printed, texts)).as_py()
    return values.cast(pa.timestamp("us")) if same else None


def _parse_distinct(texts: pa.Array, pattern: str) -> pa.Array | None:
    encoded = texts.dictionary_encode()
    try:
        parsed = [datetime.strptime(text, pattern) for text in encoded.dictionary.to_pylist()]  # noqa: DTZ007 - the pattern decides
    except ValueError:
        return None
    aware = [moment.tzinfo is not None for moment in parsed]
    if any(aware) and not all(aware):
        return None
    kind = pa.timestamp("us", "UTC") if any(aware) else pa.timestamp("us")
    moments = [moment.astimezone(UTC) if moment.tzinfo else moment for moment in parsed]
    return pa.array(moments, kind).take(encoded.indices)


def _as_kind(values: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """`values` as `kind` unless that loses something: a time of day, or which time zone is meant."""
    if values.type == kind:
        return values
    if pa.types.is_timestamp(kind) or values.type.tz is not None:
        return None
    days = values.cast(kind)
    return days if days.cast(values.type).equals(values) else None
