"""Filters against fields that exist: each value becomes one of the field's kind, each comparison an interval or a set.

A field is of the item (`type`, `state`, `title`, `folder`, `url`, `rule`, `attempts`, `import`, `import_task`, `id`, `created`,
`changed`), of its media (`media.width` ...), or a declared key; a key that is called like another field stands in quotes. `latitude` and
`longitude` behind a key of kind geospatial are numbers. What an item has no value for is not found by a comparison,
and is found by its opposite: `not lux > 3`, `lux != 3`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

import msgspec

from resources.collections.declared_values import instant_of, uuid_of
from resources.collections.filters import (
    And,
    Compared,
    Exists,
    Filter,
    FilterError,
    Not,
    OneOf,
    Or,
    Within,
    Word,
    parse_filter,
)
from resources.collections.items import MEDIA_FIELDS, ItemState, MediaType
from resources.collections.metadata_schema import KeyKind, MetadataSchema

Place = Literal["item", "media", "key"]
FieldKind = Literal[
    "text", "number", "whole", "boolean", "instant", "choice", "uuid", "lines", "presence"
]
Scalar = str | float | bool
_DAY = 86_400_000_000
_TEXTS_OF_MEDIA = frozenset({"mime_type", "codec"})
_KINDS: Mapping[KeyKind, FieldKind] = {
    "boolean": "boolean",
    "datetime": "instant",
    "number": "number",
    "uuid": "uuid",
    "varchar": "text",
    "text": "text",
    "enum": "choice",
    "embedding": "presence",
    "geospatial": "presence",
}
_ORDERED = frozenset({"number", "whole", "instant", "text"})
_SEARCHED = frozenset({"text", "choice", "lines"})


class ItemField(msgspec.Struct, frozen=True):
    """Something of an item that can be filtered by."""

    place: Place
    name: str
    """Of the key, of the member of the media metadata, or of the item's field."""
    kind: FieldKind
    choices: tuple[str, ...] = ()
    part: Literal["", "latitude", "longitude"] = ""


class Interval(msgspec.Struct, frozen=True):
    """The value lies between two; an end that is None is open."""

    field: ItemField
    low: Scalar | None = None
    high: Scalar | None = None
    has_low: bool = True
    """Whether `low` belongs to it."""
    has_high: bool = True


class Among(msgspec.Struct, frozen=True):
    """The value is one of some; of several lines one is."""

    field: ItemField
    values: tuple[Scalar, ...]


class Holds(msgspec.Struct, frozen=True):
    """The text holds one of some, where capital and small letters of ASCII are the same."""

    field: ItemField
    texts: tuple[str, ...]


class Present(msgspec.Struct, frozen=True):
    """There is a value that fits."""

    field: ItemField


class Negated(msgspec.Struct, frozen=True):
    """Everything else, what has no value included."""

    part: Condition


class Each(msgspec.Struct, frozen=True):
    """All of them."""

    parts: tuple[Condition, ...]


class Either(msgspec.Struct, frozen=True):
    """One of them at least."""

    parts: tuple[Condition, ...]


Condition = Interval | Among | Holds | Present | Negated | Each | Either

ITEM_FIELDS: Mapping[str, ItemField] = {
    field.name: field
    for field in (
        ItemField("item", "type", "choice", get_args(MediaType)),
        ItemField("item", "state", "choice", get_args(ItemState)),
        ItemField("item", "title", "text"),
        ItemField("item", "folder", "text"),
        ItemField("item", "url", "lines"),
        ItemField("item", "rule", "text"),
        ItemField("item", "attempts", "number"),
        ItemField("item", "import", "number"),
        ItemField("item", "import_task", "whole"),
        ItemField("item", "id", "number"),
        ItemField("item", "created", "instant"),
        ItemField("item", "changed", "instant"),
    )
}
MEDIA: Mapping[str, ItemField] = {
    name: ItemField("media", name, "text" if name in _TEXTS_OF_MEDIA else "number")
    for names in MEDIA_FIELDS.values()
    for name in names
}


def bind_filter(text: str, schema: MetadataSchema) -> Condition:
    """A filter as people write it, with the fields that there are.

    Raises:
        FilterError: it is none, names what is not there, or compares with what cannot be; with the place.
    """
    return _Binder(text, schema).bind(parse_filter(text))


def find_field(name: Word, schema: MetadataSchema) -> ItemField | None:
    """The field of a name; None when there is none."""
    if not name.is_quoted:
        if name.text in ITEM_FIELDS:
            return ITEM_FIELDS[name.text]
        if name.text.startswith("media.") and (found := MEDIA.get(name.text[6:])):
            return found
    if key := schema.active(name.text):
        return ItemField("key", key.name, _KINDS[key.kind], key.options)
    whole, _, part = name.text.rpartition(".")
    key = schema.active(whole)
    if key is None or key.kind != "geospatial":
        return None
    if part == "latitude":
        return ItemField("key", key.name, "number", part="latitude")
    return ItemField("key", key.name, "number", part="longitude") if part == "longitude" else None


def search_texts(text: str) -> tuple[str, ...]:
    """What `~` looks for: the text as it stands, small, in capitals and with capital initials, ASCII made small."""
    forms = (text, text.lower(), text.upper(), text.capitalize(), text.title())
    return tuple(dict.fromkeys(ascii_small(form) for form in forms))


def ascii_small(text: str) -> str:
    """Capital letters of ASCII made small, as both databases do it alike."""
    return text.translate(_SMALL)


_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class _Values(NamedTuple):
    """A value as an interval: one point, or a day."""

    low: Scalar
    after: Scalar | None = None
    """The first that lies behind it; None: it is a point."""


class _Binder:
    def __init__(self, text: str, schema: MetadataSchema) -> None:
        self._text = text
        self._schema = schema

    def bind(self, part: Filter) -> Condition:
        match part:
            case And(parts):
                return Each(tuple(map(self.bind, parts)))
            case Or(parts):
                return Either(tuple(map(self.bind, parts)))
            case Not(inner):
                return Negated(self.bind(inner))
            case _:
                return self._leaf(part)

    def _leaf(self, part: Exists | OneOf | Within | Compared) -> Condition:
        match part:
            case Exists(name):
                return Present(self._field(name))
            case OneOf(name, values):
                field = self._field(name)
                return self._among(field, [self._value(field, name, value) for value in values])
            case Within():
                return self._within(part)
            case Compared():
                return self._compared(part)

    def _field(self, name: Word) -> ItemField:
        field = find_field(name, self._schema)
        if field is not None:
            return field
        declared = sorted(k for k, key in self._schema.keys.items() if key.state == "active")
        keys = ", ".join(declared[:30]) + (", ..." if len(declared) > 30 else "")
        hint = f"Declared keys: {keys}" if declared else "No metadata key is declared"
        others = f"Of every item: {', '.join(ITEM_FIELDS)}, and media.width and the like"
        raise FilterError(
            self._text,
            name.at,
            f"{name.text!r} is not declared, so nothing can be filtered by it",
            hint=f"{hint}. {others}",
        )

    def _compared(self, part: Compared) -> Condition:
        field = self._field(part.field)
        if part.operator in {"~", "!~"}:
            found: Condition = self._holds(field, part)
        elif part.operator in {"=", "!="}:
            found = self._among(field, [self._value(field, part.field, part.value)])
        else:
            return self._ordered(field, part)
        return Negated(found) if part.operator in {"!=", "!~"} else found

    def _holds(self, field: ItemField, part: Compared) -> Condition:
        if field.kind not in _SEARCHED:
            raise self._refusal(field, part.field, "is no text to search in")
        if not part.value.text:
            raise FilterError(self._text, part.value.at, "an empty text is in everything")
        self._check_text(part.value)
        return Holds(field, search_texts(part.value.text))

    def _ordered(self, field: ItemField, part: Compared) -> Condition:
        self._check_ordered(field, part.field)
        value = self._value(field, part.field, part.value)
        behind = value.low if value.after is None else value.after
        if part.operator == "<":
            return Interval(field, high=value.low, has_high=False)
        if part.operator == ">=":
            return Interval(field, low=value.low)
        is_point = value.after is None
        if part.operator == "<=":
            return Interval(field, high=behind, has_high=is_point)
        return Interval(field, low=behind, has_low=not is_point)

    def _within(self, part: Within) -> Condition:
        field = self._field(part.field)
        self._check_ordered(field, part.field)
        low = None if part.low is None else self._value(field, part.field, part.low).low
        if part.high is None:
            return Interval(field, low=low)
        high = self._value(field, part.field, part.high)
        is_point = high.after is None
        return Interval(field, low, high.low if is_point else high.after, has_high=is_point)

    def _among(self, field: ItemField, values: list[_Values]) -> Condition:
        points = tuple(dict.fromkeys(value.low for value in values if value.after is None))
        parts: list[Condition] = [Among(field, points)] if points else []
        parts += [
            Interval(field, value.low, value.after, has_high=False)
            for value in values
            if value.after is not None
        ]
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _value(self, field: ItemField, name: Word, value: Word) -> _Values:
        if field.kind == "presence":
            raise self._refusal(field, name, "can only be asked whether it `exists`")
        self._check_text(value)
        if field.kind == "instant":
            return self._instant(name, value)
        if field.kind == "choice" and value.text not in field.choices:
            listed = ", ".join(field.choices[:20]) + (", ..." if len(field.choices) > 20 else "")
            raise FilterError(
                self._text,
                value.at,
                f"{value.text!r} is no value of {name.text!r}",
                hint=f"It has {listed}",
            )
        read, expected = _READINGS[field.kind]
        found = read(value.text)
        if found is None:
            raise self._misread(name, value, expected)
        return _Values(found)

    def _instant(self, name: Word, value: Word) -> _Values:
        found = instant_of(value.text)
        if found is None:
            raise self._misread(name, value, "a day or a time, such as 2026-11-30T09:40:00Z")
        return _Values(found, found + _DAY if len(value.text) <= 10 else None)

    def _misread(self, name: Word, value: Word, expected: str) -> FilterError:
        return FilterError(
            self._text, value.at, f"{name.text!r} is compared with {expected}, not {value.text!r}"
        )

    def _check_ordered(self, field: ItemField, name: Word) -> None:
        if field.kind not in _ORDERED:
            raise self._refusal(field, name, "has no order: only =, != and `in (...)` can be asked")

    def _check_text(self, value: Word) -> None:
        if "\0" in value.text or any("\ud800" <= c <= "\udfff" for c in value.text):
            raise FilterError(self._text, value.at, "a character that no text in a database has")

    def _refusal(self, field: ItemField, name: Word, reason: str) -> FilterError:
        return FilterError(self._text, name.at, f"{name.text!r} ({field.kind}) {reason}")


def _number(text: str) -> float | None:
    try:
        found = float(text.replace("_", "x"))
    except ValueError:
        return None
    return found if abs(found) <= 1.7976931348623157e308 else None


def _whole(text: str) -> int | None:
    """One that a number of a row can be."""
    is_whole = text.isascii() and text.isdecimal() and len(text) <= 10
    return int(text) if is_whole and int(text) < 2**31 else None


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


_READINGS: Mapping[FieldKind, tuple[Callable[[str], Scalar | None], str]] = {
    "text": (str, "a text"),
    "lines": (str, "a URL"),
    "choice": (str, "a value"),
    "number": (_number, "a number"),
    "whole": (_whole, "a whole number"),
    "boolean": (_boolean, "true or false"),
    "uuid": (uuid_of, "a UUID"),
}
