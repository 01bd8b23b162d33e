"""Items of several URLs that are surely good, many at once: image groups and sequences, DICOM series. As `json_items.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec

from assets.collections.specification.json_items import (
    FAULTS,
    METADATA_TYPE,
    GoodItems,
    MetadataColumns,
    is_doubtful,
)
from assets.collections.specification.sections import (
    CREATE_VIDEO,
    METADATA,
    NUMBERED,
    TITLE,
    TITLE_CHARACTERS,
    URL_BYTES,
    Section,
)
from assets.collections.specification.urls import are_good
from resources.collections.items import ItemDraft, MediaType
from resources.collections.metadata_schema import MetadataSchema

_MOST_SHAPES = 256
_LONGEST_SHAPE = 1000

_encode = msgspec.json.encode
_METADATA_TYPES = frozenset({dict, type(None)})
_DECODER = msgspec.json.Decoder(list[METADATA_TYPE])


_Urls = tuple[str, ...]


class GroupItems:
    """Reads items that have numbered URLs."""

    def __init__(self, section: Section, schema: MetadataSchema | None) -> None:
        self._section = section
        self._columns = MetadataColumns(section, schema)
        self._shapes: dict[tuple[str, ...], Callable[[Any], _Urls] | None] = {}

    def decode(self, piece: bytes) -> GoodItems | None:
        """See `json_items.SingleItems`."""
        items = None if is_doubtful(piece) else _decoded(piece)
        if items is None or not self._members_are_good(items):
            return None
        urls = self._urls(items)
        metadata = [item.get(METADATA) for item in items]
        if urls is None or not self._columns.all_fit([one for one in metadata if one]):
            return None
        vectors = self._columns.vectors(metadata) if b"[" in piece else []
        return _GoodGroups(items, urls, self._section, vectors)

    def _members_are_good(self, items: list[dict[str, Any]]) -> bool:
        titles: list[Any] = [item.get(TITLE) for item in items]
        return (
            set(map(type, titles)) == {str}
            and max(map(len, titles)) <= TITLE_CHARACTERS
            and all(titles)
            and not any(title.isspace() for title in titles)
            and {type(item.get(METADATA)) for item in items} <= _METADATA_TYPES
            and {type(item.get(CREATE_VIDEO, False)) for item in items} == {bool}
        )

    def _urls(self, items: list[dict[str, Any]]) -> list[_Urls] | None:
        """The URLs of each, in order; None if some may not be good."""
        takers = [self._taker(tuple(item)) for item in items]
        if None in takers:
            return None
        urls = [taker(item) for taker, item in zip(takers, items, strict=True) if taker]
        flat = list(chain.from_iterable(urls))
        is_text = set(map(type, flat)) == {str}
        return urls if is_text and max(map(len, flat)) <= URL_BYTES and are_good(flat) else None

    def _taker(self, members: tuple[str, ...]) -> Callable[[Any], _Urls] | None:
        """What takes the URLs out of an item with these members; None if they are not as they should be."""
        if members not in self._shapes:
            names = self._ordered(members)
            taker = _taker_of(names) if names else None
            if len(members) <= _LONGEST_SHAPE and len(self._shapes) < _MOST_SHAPES:
                self._shapes[members] = taker
            return taker
        return self._shapes[members]

    def _ordered(self, members: tuple[str, ...]) -> tuple[str, ...] | None:
        others = [name for name in members if not name.startswith(NUMBERED)]
        expected = [f"{NUMBERED}{number}" for number in range(len(members) - len(others))]
        is_good = expected and set(others) <= set(self._section.members)
        return tuple(expected) if is_good and set(expected) <= set(members) else None


def _decoded(piece: bytes) -> list[dict[str, Any]] | None:
    try:
        items: list[dict[str, Any]] = _DECODER.decode(b"[" + piece + b"]")
    except FAULTS:
        return None
    return items


def _taker_of(names: tuple[str, ...]) -> Callable[[Any], _Urls]:
    if len(names) == 1:
        return lambda item: (item[names[0]],)
    return itemgetter(*names)


class _GoodGroups(GoodItems):
    def __init__(
        self,
        items: list[dict[str, Any]],
        urls: list[_Urls],
        section: Section,
        vectors: Sequence[tuple[int, str]],
    ) -> None:
        self._items, self._urls = items, urls
        self._types = [
            "image_sequence" if item.get(CREATE_VIDEO) else section.type for item in items
        ]
        counts = Counter(self._types)
        sizes: Counter[MediaType] = Counter()
        for kind, one in zip(self._types, urls, strict=True):
            sizes[kind] += len(one)
        default = sum(CREATE_VIDEO not in item for item in items) if section.has_create_video else 0
        super().__init__(
            len(items),
            {kind: (counts[kind], sizes[kind]) for kind in counts},
            {section.type: default} if default else {},
            vectors,
        )

    def drafts(self, at: str, first: int) -> list[ItemDraft]:
        """See `GoodItems`."""
        rows = zip(self._items, self._types, self._urls, strict=True)
        return [
            ItemDraft(
                f"{at}/{number}",
                kind,
                item[TITLE],
                urls,
                None,
                None if item.get(METADATA) is None else _encode(item[METADATA]),
            )
            for number, (item, kind, urls) in enumerate(rows, first)
        ]
