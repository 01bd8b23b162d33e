"""What custom metadata may hold: what both databases keep as JSON, and what a schema says of its keys.

Numbers with a fraction or an exponent are doubles, as in every program that reads JSON; whole numbers keep all their
digits. Of several members of one name the last one counts. Half a surrogate pair and the character U+0000 are refused:
`jsonb` has no form for them. What is reserved for frames is `metadata_frames.py`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, NoReturn

import msgspec

from resources.collections.metadata_schema import BEYOND_SINGLE, VARCHAR_LIMIT, MetadataKey
from resources.collections.rules import ItemRule

METADATA_BYTES = 10_485_760
"""Of an item's custom metadata as compact JSON."""
METADATA_DEPTH = 100
"""Objects and arrays within each other; SQLite reads 1,000, msgspec as many as the stack holds."""
VECTOR_LIKE = 8
"""Numbers from which on a list under an undeclared key is probably meant as an embedding."""

_LARGEST = 1.7976931348623157e308
_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN = 60
_NUMBERS: frozenset[Any] = frozenset({int, float})

Path = tuple[str, ...]


class MetadataProblem(NamedTuple):
    """One thing that is wrong with metadata, and the members that lead to it."""

    path: Path
    rule: ItemRule
    message: str
    hint: str = ""


class BeyondDouble(NamedTuple):
    """A number that no double holds, as it stands in the text."""

    literal: str


def parse_json(text: str) -> Any:
    """One JSON value, the last of several members of one name; numbers that no double holds are `BeyondDouble`.

    Raises:
        ValueError: it is not JSON; `NaN` and `Infinity` are not.
        RecursionError: nested deeper than Python's stack.
    """
    return _DECODER.decode(text)


def _whole(literal: str) -> int | BeyondDouble:
    try:
        return int(literal)
    except ValueError:  # more digits than Python turns into a number
        return BeyondDouble(literal)


def _double(literal: str) -> float | BeyondDouble:
    value = float(literal)
    return BeyondDouble(literal) if math.isinf(value) else value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(
    parse_int=_whole, parse_float=_double, parse_constant=_refuse_constant, strict=True
)


def check_storable(value: object) -> Iterator[MetadataProblem]:
    """What no database keeps: texts with U+0000 or half a surrogate pair, numbers beyond a double, too deep nesting.

    Level by level, so that nothing that is nested can exhaust the stack.
    """
    level: list[tuple[Path, object]] = [((), value)]
    for depth in count(1):
        inner: list[tuple[Path, object]] = []
        for path, one in level:
            if depth > METADATA_DEPTH and isinstance(one, dict | list):
                yield _too_deep(path)
                return
            yield from _check_scalar(path, one)
            inner.extend(_members(path, one))
        if not inner:
            return
        level = inner


def _too_deep(path: Path) -> MetadataProblem:
    return MetadataProblem(
        path[:1],
        "client_metadata_too_large",
        f"it is nested deeper than {METADATA_DEPTH} levels",
        "Flatten it: dots may be part of a key, such as `camera.lens.serial`",
    )


def _members(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name), inner
    elif type(value) is list:
        for place, inner in enumerate(value):
            if inner.__class__ not in _NUMBERS:  # a vector has thousands of them, all good
                yield (*path, str(place)), inner


def _check_scalar(path: Path, value: object) -> Iterator[MetadataProblem]:
    if isinstance(value, str):
        if reason := unkept_text(value):
            yield MetadataProblem(path, "client_metadata_nul", f"the text holds {reason}", _REMOVE)
    elif isinstance(value, BeyondDouble):
        yield MetadataProblem(
            path,
            "metadata_type_mismatch",
            f"the number {_short(value.literal)} is beyond what a double holds",
            "Give it as text",
        )
    elif isinstance(value, dict):
        for name in value:
            if reason := unkept_text(name):
                yield MetadataProblem(
                    (*path, name), "client_metadata_nul", f"the key holds {reason}", _REMOVE
                )


_REMOVE = "Remove it: PostgreSQL has no form for it"


def unkept_text(text: str) -> str:
    """Why a database would not keep a text; empty: it would."""
    if "\0" in text:
        return "the character U+0000"
    return "half a surrogate pair" if _SURROGATE.search(text) else ""


def compact(value: object) -> bytes:
    """Storable metadata as compact JSON."""
    return msgspec.json.encode(value)


def check_value(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    """Whether a value is what its key declares; null is no value, and fits any. Paths begin at the value."""
    if value is not None and not isinstance(value, BeyondDouble):
        yield from _CHECKS[key.kind](key, value)


def all_fit(key: MetadataKey, values: Sequence[object]) -> bool:
    """Whether surely all values fit; False if some may not. As `check_value`, for many at once."""
    present = [value for value in values if value is not None]
    return not present or _MANY.get(key.kind, _each_fits)(key, present)


def _mismatch(key: MetadataKey, value: object, expected: str) -> MetadataProblem:
    return MetadataProblem(
        (),
        "metadata_type_mismatch",
        f"{key.name!r} is declared as {key.kind}: expected {expected}, got {shown(value)}",
        "Correct the value, or give the key another type in the schema",
    )


def _check_boolean(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not isinstance(value, bool):
        yield _mismatch(key, value, "true or false")


def _check_number(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not _is_number(value):
        yield _mismatch(key, value, "a number that a double holds")


def _is_number(value: Any) -> bool:
    return value.__class__ in _NUMBERS and -_LARGEST <= value <= _LARGEST


def _check_text(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not isinstance(value, str):
        yield _mismatch(key, value, "a text")


def _check_varchar(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not isinstance(value, str):
        yield _mismatch(key, value, "a text")
    elif len(value) > VARCHAR_LIMIT:
        yield MetadataProblem(
            (),
            "metadata_value_too_long",
            f"{key.name!r} has {len(value):,} characters, a varchar has at most {VARCHAR_LIMIT:,}",
            "Shorten it, or give the key the type text",
        )


def _check_datetime(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not isinstance(value, str) or not _is_datetime(value):
        yield _mismatch(key, value, "date and time of ISO 8601, such as 2026-11-30T09:40:00Z")


def _is_datetime(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text.isascii()


def _check_uuid(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        yield _mismatch(key, value, "a UUID, such as 123e4567-e89b-12d3-a456-426614174000")


def _check_enum(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if not isinstance(value, str):
        yield _mismatch(key, value, "one of its options")
    elif value not in key.options:
        listed = ", ".join(key.options[:20]) + (", ..." if len(key.options) > 20 else "")
        yield MetadataProblem(
            (),
            "enum_value_unknown",
            f"{shown(value)} is no option of {key.name!r}",
            f"Its options are {listed}. Take one of them, or add the option to the schema",
        )


def _check_embedding(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    if type(value) is not list:
        yield MetadataProblem(
            (), "embedding_not_numeric", f"{key.name!r} is no list of numbers: {shown(value)}"
        )
        return
    for place, number in enumerate(value):
        if not _is_number(number) or abs(number) >= BEYOND_SINGLE:
            yield MetadataProblem(
                (str(place),),
                "embedding_not_numeric",
                f"{key.name!r} holds {shown(number)}, which is no number of a vector",
                "Vectors are kept in single precision: up to 3.4e38",
            )
            return
    if len(value) != key.size:
        yield MetadataProblem(
            (),
            "embedding_size_mismatch",
            f"{key.name!r} has {len(value):,} numbers, {key.size:,} are declared",
        )


def _check_geospatial(key: MetadataKey, value: object) -> Iterator[MetadataProblem]:
    limits = {"latitude": 90, "longitude": 180}
    is_good = isinstance(value, dict) and value.keys() == limits.keys()
    if not is_good or not all(
        value[name].__class__ in _NUMBERS and -limit <= value[name] <= limit  # type: ignore[index]
        for name, limit in limits.items()
    ):
        expected = "latitude from -90 to 90 and longitude from -180 to 180"
        yield _mismatch(key, value, f'{expected}, such as {{"latitude": 52.5, "longitude": 13.4}}')


_CHECKS: Mapping[str, Callable[[MetadataKey, object], Iterator[MetadataProblem]]] = {
    "boolean": _check_boolean,
    "datetime": _check_datetime,
    "number": _check_number,
    "uuid": _check_uuid,
    "varchar": _check_varchar,
    "text": _check_text,
    "enum": _check_enum,
    "embedding": _check_embedding,
    "geospatial": _check_geospatial,
}


def _each_fits(key: MetadataKey, values: Sequence[Any]) -> bool:
    check = _CHECKS[key.kind]
    return all(next(check(key, value), None) is None for value in values)


def _are_booleans(_: MetadataKey, values: Sequence[Any]) -> bool:
    return set(map(type, values)) == {bool}


def _are_numbers(_: MetadataKey, values: Sequence[Any]) -> bool:
    are_numbers = set(map(type, values)) <= _NUMBERS
    return are_numbers and min(values) >= -_LARGEST and max(values) <= _LARGEST


def _are_texts(_: MetadataKey, values: Sequence[Any]) -> bool:
    return set(map(type, values)) == {str}


def _are_varchars(_: MetadataKey, values: Sequence[Any]) -> bool:
    return set(map(type, values)) == {str} and max(map(len, values)) <= VARCHAR_LIMIT


def _are_options(key: MetadataKey, values: Sequence[Any]) -> bool:
    return set(map(type, values)) == {str} and set(values) <= set(key.options)


def _are_vectors(key: MetadataKey, values: Sequence[Any]) -> bool:
    return (
        set(map(type, values)) == {list}
        and set(map(len, values)) == {key.size}
        and all(map(_is_vector, values))
    )


def _is_vector(values: list[Any]) -> bool:
    are_numbers = set(map(type, values)) <= _NUMBERS
    return are_numbers and min(values) > -BEYOND_SINGLE and max(values) < BEYOND_SINGLE


_MANY: Mapping[str, Callable[[MetadataKey, Sequence[Any]], bool]] = {
    "boolean": _are_booleans,
    "number": _are_numbers,
    "varchar": _are_varchars,
    "text": _are_texts,
    "enum": _are_options,
    "embedding": _are_vectors,
}


def is_vector_like(value: object) -> bool:
    """A list of numbers that is long enough to be meant as an embedding."""
    return type(value) is list and len(value) >= VECTOR_LIKE and set(map(type, value)) <= _NUMBERS


def shown(value: object) -> str:
    """A value in a message: on one line, and short."""
    if isinstance(value, BeyondDouble):
        return _short(value.literal)
    if isinstance(value, dict):
        return "an object"
    if type(value) is list:
        return f"an array of {len(value):,}"
    if isinstance(value, str) and len(value) > _SHOWN:
        value = value[:_SHOWN] + "…"
    return _short(json.dumps(value, ensure_ascii=bool(_SURROGATE.search(str(value)))))


def _short(text: str) -> str:
    return text if len(text) <= 2 * _SHOWN else text[: 2 * _SHOWN] + "…"
