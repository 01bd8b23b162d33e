"""What a filter sees of the value under a declared key: one plain value of the key's kind, or nothing where it does not fit.

`true` and `false` are no numbers, 1 and 1.0 are the same number, and a time is an instant whatever its zone (without one
it is UTC). The value itself stays in the metadata as it came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import astuple

from resources.collections.metadata_schema import (
    BEYOND_SINGLE,
    VARCHAR_LIMIT,
    KeyKind,
    MetadataKey,
)

Seen = bool | int | float | str | tuple[float, float]
Reading = Callable[[Any], "Seen | None"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PLACE = {"latitude", "longitude"}
_NUMBERS = {int, float}


def reading_of(key: MetadataKey) -> Reading:
    """How a value under `key` is read; the answer is None for what does not fit."""
    if key.kind == "enum":
        options = frozenset(key.options)
        return lambda value: value if type(value) is str and value in options else None
    if key.kind == "embedding":
        return lambda value: True if vector_of(value, key.size) is not None else None
    return _READINGS[key.kind]


def _plain_of(key: MetadataKey) -> Callable[[Sequence[Any]], bool]:
    """Whether the values of many items are what a filter sees of them, told of all at once: mostly they are."""
    if key.kind == "enum":
        known = {*key.options, None}
        return lambda values: set(map(type, values)) <= _TEXTS and known.issuperset(values)
    return _PLAIN.get(key.kind, lambda _: False)


def vector_of(value: Any, size: int) -> list[float] | None:
    """The vector of `size` numbers that `value` is, each finite in single precision."""
    if type(value) is not list or len(value) != size or not set(map(type, value)) <= _NUMBERS:
        return None
    if not all(map(BEYOND_SINGLE.__gt__, map(abs, value))):
        return None
    return list(map(float, value))


class MetadataReader:
    """Reads the values of some keys out of the metadata of many items, and touches nothing else in them.

    Args:
        keys: whose values are read, in this order.
    """

    def __init__(self, keys: Sequence[MetadataKey]) -> None:
        self._readings = [reading_of(key) for key in keys]
        self._plain = [_plain_of(key) for key in keys]
        names = {f"f{n}": key.name for n, key in enumerate(keys)}
        fields = [(field, Any, None) for field in names]
        record = msgspec.defstruct("Declared", fields, rename=names, gc=False)
        self._decode = msgspec.json.Decoder(record).decode
        self._nothing = record()

    def columns(self, metadata: Sequence[bytes | str | None]) -> list[list[Seen | None]]:
        """The values of each key, one an item: None where there is none that fits."""
        if not self._readings or not metadata:
            return [[] for _ in self._readings]
        records = [self._nothing if one is None else self._record(one) for one in metadata]
        columns = zip(*map(astuple, records), strict=True)
        return [
            list(column)
            if is_plain(column)
            else [None if value is None else read(value) for value in column]
            for read, is_plain, column in zip(self._readings, self._plain, columns, strict=True)
        ]

    def _record(self, metadata: bytes | str) -> msgspec.Struct:
        try:
            return self._decode(metadata)
        except (
            msgspec.DecodeError
        ):  # a number beyond what a float holds: JSON, and no value of ours
            return self._nothing


def instant_of(text: str) -> int | None:
    """An ISO 8601 time as microseconds since 1970 in UTC; one without a zone is UTC."""
    if not text.isascii():
        return None
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        since = aware - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    except (ValueError, OverflowError):
        return None


def uuid_of(text: str) -> str | None:
    """A UUID in its usual form: lower case, with hyphens."""
    return text.lower().removeprefix("urn:uuid:") if _UUID.fullmatch(text) else None


def _boolean(value: Any) -> bool | None:
    return value if type(value) is bool else None


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _datetime(value: Any) -> int | None:
    return instant_of(value) if type(value) is str else None


def _uuid(value: Any) -> str | None:
    return uuid_of(value) if type(value) is str else None


def _varchar(value: Any) -> str | None:
    return value if type(value) is str and len(value) <= VARCHAR_LIMIT else None


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _geospatial(value: Any) -> tuple[float, float] | None:
    if type(value) is not dict or value.keys() != _PLACE:
        return None
    latitude, longitude = _number(value["latitude"]), _number(value["longitude"])
    if latitude is None or longitude is None:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _are_numbers(values: Sequence[Any]) -> bool:
    return set(map(type, values)) == {float} and all(map(math.isfinite, values))


def _are_varchars(values: Sequence[Any]) -> bool:
    return set(map(type, values)) == {str} and max(map(len, values)) <= VARCHAR_LIMIT


_TEXTS = {str, type(None)}
_PLAIN: Mapping[KeyKind, Callable[[Sequence[Any]], bool]] = {
    "boolean": lambda values: set(map(type, values)) <= {bool, type(None)},
    "number": _are_numbers,
    "varchar": _are_varchars,
    "text": lambda values: set(map(type, values)) <= _TEXTS,
}
_READINGS: Mapping[KeyKind, Reading] = {
    "boolean": _boolean,
    "datetime": _datetime,
    "number": _number,
    "uuid": _uuid,
    "varchar": _varchar,
    "text": _text,
    "geospatial": _geospatial,
}
