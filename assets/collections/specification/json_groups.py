"""Items of several URLs that are surely good, many at once: image groups and sequences, DICOM series. As `json_items.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

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
_DECODER = msgspec.json.Decoder(list[METADATA_TYPE])


class _Group(NamedTuple):
    type: MediaType
    title: str
    urls: Sequence[str]
    metadata: Mapping[str, Any] | None
    is_default: bool


class GroupItems:
    """Reads items that have numbered URLs."""

    def __init__(self, section: Section, schema: MetadataSchema | None) -> None:
        self._section = section
        self._columns = MetadataColumns(section, schema)
        self._shapes: dict[tuple[str, ...], tuple[str, ...] | None] = {}

    def decode(self, piece: bytes) -> GoodItems | None:
        """See `json_items.SingleItems`."""
        if is_doubtful(piece):
            return None
        try:
            groups = [self._group(item) for item in _DECODER.decode(b"[" + piece + b"]")]
        except FAULTS:
            return None
        good = [group for group in groups if group is not None]
        if len(good) < len(groups) or not _urls_are_good(good):
            return None
        metadata = [group.metadata for group in good]
        if not self._columns.all_fit([one for one in metadata if one]):
            return None
        return _GoodGroups(good, self._columns.vectors(metadata) if b"[" in piece else [])

    def _group(self, item: dict[str, Any]) -> _Group | None:
        names = self._names(tuple(item))
        title, metadata = item.get(TITLE), item.get(METADATA)
        if names is None or type(title) is not str or not _is_title(title):
            return None
        is_video = item.get(CREATE_VIDEO, False)
        if type(is_video) is not bool or not (metadata is None or type(metadata) is dict):
            return None
        urls = itemgetter(*names)(item) if len(names) > 1 else (item[names[0]],)
        kind = "image_sequence" if is_video else self._section.type
        is_default = self._section.has_create_video and CREATE_VIDEO not in item
        return _Group(kind, title, urls, metadata, is_default)

    def _names(self, members: tuple[str, ...]) -> tuple[str, ...] | None:
        """The members that hold URLs, in order; None if members are not as they should be."""
        if len(members) > _LONGEST_SHAPE or len(self._shapes) >= _MOST_SHAPES:
            return self._shapes.get(members) or self._ordered(members)
        if members not in self._shapes:
            self._shapes[members] = self._ordered(members)
        return self._shapes[members]

    def _ordered(self, members: tuple[str, ...]) -> tuple[str, ...] | None:
        others = [name for name in members if not name.startswith(NUMBERED)]
        expected = [f"{NUMBERED}{number}" for number in range(len(members) - len(others))]
        is_good = expected and set(others) <= set(self._section.members)
        return tuple(expected) if is_good and set(expected) <= set(members) else None


def _is_title(title: str) -> bool:
    return 0 < len(title) <= TITLE_CHARACTERS and not title.isspace()


def _urls_are_good(groups: Sequence[_Group]) -> bool:
    urls = [url for group in groups for url in group.urls]
    is_text = set(map(type, urls)) == {str}
    return is_text and max(map(len, urls)) <= URL_BYTES and are_good(urls)


class _GoodGroups(GoodItems):
    def __init__(self, groups: list[_Group], vectors: Sequence[tuple[int, str]]) -> None:
        items = Counter(group.type for group in groups)
        urls: Counter[MediaType] = Counter()
        for group in groups:
            urls[group.type] += len(group.urls)
        url_counts = {kind: (items[kind], urls[kind]) for kind in items}
        defaults = Counter(group.type for group in groups if group.is_default)
        super().__init__(len(groups), url_counts, defaults, vectors)
        self._groups = groups

    def drafts(self, at: str, first: int) -> list[ItemDraft]:
        """See `GoodItems`."""
        return [
            ItemDraft(
                f"{at}/{number}",
                group.type,
                group.title,
                tuple(group.urls),
                None,
                None if group.metadata is None else _encode(group.metadata),
            )
            for number, group in enumerate(self._groups, first)
        ]
