"""Items of a JSON specification that are surely good, many at once: typed decoding, then a few looks at all of them.

**What holds.** Items that are taken here would be taken by `json_explain.py`, and give the same drafts. What is not surely
good is refused as a whole; the caller then gives the items one by one, and those that are refused alone to `json_explain.py`.
"""

from __future__ import annotations

import re
import types
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from assets.collections.specification.sections import (
    FRACTIONS,
    LARGEST,
    METADATA,
    SPELLINGS,
    TEXTS,
    TITLE,
    TITLE_CHARACTERS,
    URL,
    URL_BYTES,
    Section,
)
from assets.collections.specification.urls import are_good, default_title
from resources.collections.items import MEDIA_FIELDS, ItemDraft, MediaType
from resources.collections.metadata_frames import undeclared_vectors
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.metadata_values import all_fit

MOST_AT_ONCE = 2 * 1024**2
"""Bytes of items that are taken at once: compact metadata can have five times as many bytes, and 10 MB are allowed."""
FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ESCAPED_ASCII = re.compile(rb"\\u00[0-7]")
_LEVELS = 5

_encode = msgspec.json.encode


def _metadata_type() -> Any:
    """JSON of few levels: what is nested deeper goes the other way, which counts them."""
    scalar: Any = str | int | float | bool | None
    level = scalar
    for _ in range(_LEVELS - 1):
        level = scalar | _arrays(level) | _objects(level)
    return _objects(level)


def _arrays(inner: Any) -> Any:
    return types.GenericAlias(list, (inner,))


def _objects(inner: Any) -> Any:
    return types.GenericAlias(dict, (str, inner))


METADATA_TYPE = _metadata_type()


def is_doubtful(piece: bytes) -> bool:
    """Whether the bytes of items may hold a name that is reserved, or a character that no database keeps."""
    return (
        len(piece) > MOST_AT_ONCE
        or (b"$" in piece and b'"$' in piece)
        or b'"keyframes"' in piece
        or (b"\\" in piece and _ESCAPED_ASCII.search(piece) is not None)
    )


@dataclass
class GoodItems(ABC):
    """Items of which none breaks a rule.

    Args:
        count: how many.
        url_counts: items and URLs by type.
        defaults: items by type that were given no `createVideo`.
        vectors: place and key of each list of numbers that no schema declares.
    """

    count: int
    url_counts: Mapping[MediaType, tuple[int, int]]
    defaults: Mapping[MediaType, int]
    vectors: Sequence[tuple[int, str]]

    @abstractmethod
    def drafts(self, at: str, first: int) -> list[ItemDraft]:
        """Them all; the pointer to their section, and the number of the first one."""


class MetadataColumns:
    """Custom metadata of many items, looked at key by key."""

    def __init__(self, section: Section, schema: MetadataSchema | None) -> None:
        keys = [key for key in (schema.keys if schema else {}).values() if key.state == "active"]
        self._schema = schema
        self._keys = keys
        self._no_vectors = section.type == "video"

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self._keys)

    def all_fit(self, metadata: Sequence[Mapping[str, Any]]) -> bool:
        """Whether surely all of it fits the schema."""
        for key in self._keys:
            values = [one[key.name] for one in metadata if key.name in one]
            if self._no_vectors and key.kind == "embedding":
                if any(value is not None for value in values):
                    return False
            elif not all_fit(key, values):
                return False
        return True

    def vectors(self, metadata: Sequence[Mapping[str, Any] | None]) -> list[tuple[int, str]]:
        """See `GoodItems`."""
        return [
            (place, key)
            for place, one in enumerate(metadata)
            if one
            for key in undeclared_vectors(one, self._schema)
        ]


class SingleItems:
    """Reads items that have one URL each."""

    def __init__(self, section: Section, schema: MetadataSchema | None) -> None:
        self._section = section
        self._columns = MetadataColumns(section, schema)
        self._decoders = [msgspec.json.Decoder(_arrays(kind)) for kind in _item_types(section)]

    def decode(self, piece: bytes) -> GoodItems | None:
        """Items with the commas between them; None if one may not be good."""
        items = None if is_doubtful(piece) else self._decode_any(b"[" + piece + b"]")
        if items is None or not are_good([item.objectUrl for item in items]):
            return None
        vectors: list[tuple[int, str]] = []
        if self._columns.is_needed or b"[" in piece:
            metadata = [item.clientMetadata for item in items]
            if not self._columns.all_fit([one for one in metadata if one]):
                return None
            vectors = self._columns.vectors(metadata) if b"[" in piece else []
        return _GoodSingles(items, self._section, vectors)

    def _decode_any(self, text: bytes) -> list[Any] | None:
        """As the spelling that was right before, or as another one."""
        for place, decoder in enumerate(self._decoders):
            try:
                items: list[Any] = decoder.decode(text)
            except FAULTS:
                continue
            self._decoders.insert(0, self._decoders.pop(place))
            return items
        return None


class _GoodSingles(GoodItems):
    def __init__(
        self, items: list[Any], section: Section, vectors: Sequence[tuple[int, str]]
    ) -> None:
        count = len(items)
        super().__init__(count, {section.type: (count, count)}, {}, vectors)
        self._items, self._section = items, section

    def drafts(self, at: str, first: int) -> list[ItemDraft]:
        """See `GoodItems`."""
        kind, media_member = self._section.type, self._section.media_member
        plain = PLAIN_MEDIA.get(kind)
        drafts = []
        for number, item in enumerate(self._items, first):
            url, title, metadata = item.objectUrl, item.title, item.clientMetadata
            media = getattr(item, media_member) if plain else None
            drafts.append(
                ItemDraft(
                    f"{at}/{number}",
                    kind,
                    title if title and not title.isspace() else default_title(url),
                    (url,),
                    _encode(plain(*msgspec.structs.astuple(media))) if plain and media else None,
                    None if metadata is None else _encode(metadata),
                )
            )
        return drafts


def _field_type(name: str) -> Any:
    if name in TEXTS:
        return str
    if name in FRACTIONS:
        return Annotated[float, Meta(ge=0)]
    return Annotated[int, Meta(ge=0, le=LARGEST)]


def _media_types(section: Section) -> list[Any]:
    """One type for each usual spelling of the section's media metadata."""
    fields = MEDIA_FIELDS[section.type]
    others = {field: other for other, field in SPELLINGS.items() if field != "duration"}
    snake: dict[str, str] = {}
    camel = {field: others[field] for field in fields if field in others}
    spellings = [snake, camel]
    if section.type == "audio":
        spellings = [
            {**spelling, "duration": name}
            for spelling, names in (
                (snake, ("duration_seconds", "duration")),
                (camel, ("duration", "duration_seconds", "durationSeconds")),
            )
            for name in names
        ]
    return [
        msgspec.defstruct(
            f"{section.type}_media",
            [(field, _field_type(field)) for field in fields],
            rename=spelling,
            forbid_unknown_fields=True,
            gc=False,
        )
        for spelling in spellings
    ]


def _item_types(section: Section) -> list[Any]:
    title = Annotated[str, Meta(max_length=TITLE_CHARACTERS)] | None
    fields: list[Any] = [
        (URL, Annotated[str, Meta(max_length=URL_BYTES)]),
        (TITLE, title, None),
        (METADATA, METADATA_TYPE | None, None),
    ]
    media = (
        [[(section.media_member, kind | None, None)] for kind in _media_types(section)]
        if section.media_member
        else [[]]
    )
    return [
        msgspec.defstruct(section.type, [*fields, *one], forbid_unknown_fields=True, gc=False)
        for one in media
    ]


PLAIN_MEDIA: Mapping[str, Any] = {
    kind: msgspec.defstruct(
        f"{kind}_metadata", [(field, _field_type(field)) for field in fields], gc=False
    )
    for kind, fields in MEDIA_FIELDS.items()
}
"""Media metadata as it is kept, by type."""
