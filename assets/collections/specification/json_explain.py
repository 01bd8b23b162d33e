"""One item of a JSON specification, looked at member by member: everything that is wrong with it, or its draft.

Slower by a factor of ten than `json_items.py`, which it does not use: an item that both take becomes the same draft.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any

from assets.collections.specification.json_media import read_media
from assets.collections.specification.problems import pointer
from assets.collections.specification.sections import (
    CREATE_VIDEO,
    METADATA,
    NUMBERED,
    SECTIONS,
    TITLE,
    TITLE_CHARACTERS,
    URL,
    Section,
)
from assets.collections.specification.urls import Fault, default_title, url_faults
from resources.collections.items import ItemDraft, MediaType
from resources.collections.metadata_frames import check_metadata, normalised, undeclared_vectors
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.metadata_values import (
    METADATA_BYTES,
    check_storable,
    compact,
    parse_json,
    shown,
    unkept_text,
)
from resources.collections.rules import ItemRule, Problem

MOST_OF_ITEM = 1_000
"""Problems that are told of one item, more or less."""
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_MEDIA_MEMBERS: Mapping[str, str] = {
    section.media_member: section.type for section in SECTIONS.values() if section.media_member
}


@dataclass(frozen=True)
class Explained:
    """What one item is.

    Args:
        draft: None if something is wrong.
        problems: in the order of its members; those that are missing come last.
        is_default: `createVideo` was not given where it may be.
        vectors: keys of lists of numbers that no schema declares.
    """

    draft: ItemDraft | None
    problems: tuple[Problem, ...] = ()
    is_default: bool = False
    vectors: tuple[str, ...] = ()


def explain_item(
    text: bytes, at: str, section: Section, schema: MetadataSchema | None
) -> Explained:
    """Reads one item.

    Args:
        text: as it stands in the file.
        at: the pointer to it.
        section: where it stands.
        schema: what custom metadata is held against.

    Raises:
        ValueError: it is not JSON, or not UTF-8.
    """
    value = parse_json(text.decode())
    if not isinstance(value, dict):
        message = f"an item is an object, not {shown(value)}"
        return Explained(None, (Problem(at, "item_not_object", message),))
    return _Item(value, at, section, schema).explained()


class _Item:
    def __init__(
        self, item: dict[str, Any], at: str, section: Section, schema: MetadataSchema | None
    ) -> None:
        self._item, self._at, self._section, self._schema = item, at, section, schema
        self._problems: list[Problem] = []
        self._places: dict[int, str] = {}
        self._media: bytes | None = None
        self._metadata: bytes | None = None

    def explained(self) -> Explained:
        for name, value in self._item.items():
            if len(self._problems) >= MOST_OF_ITEM:
                break
            self._take(name, value)
        else:
            self._check_missing()
        if self._problems:
            return Explained(None, tuple(self._problems))
        metadata = self._item.get(METADATA) or {}
        return Explained(
            self._draft(),
            is_default=self._section.has_create_video and CREATE_VIDEO not in self._item,
            vectors=tuple(undeclared_vectors(metadata, self._schema)),
        )

    def _add(self, name: str, rule: ItemRule, message: str, hint: str = "") -> None:
        self._problems.append(Problem(self._at + pointer(name), rule, message, hint))

    def _take(self, name: str, value: object) -> None:
        if name in self._section.members:
            takers: Mapping[str, Callable[[object], None]] = {
                URL: self._take_url,
                TITLE: self._take_title,
                CREATE_VIDEO: self._take_create_video,
                METADATA: self._take_metadata,
                self._section.media_member: self._take_media,
            }
            takers[name](value)
        elif self._section.has_several and name.startswith(NUMBERED):
            self._take_numbered(name, value)
        else:
            self._add(name, "unknown_item_field", *self._unknown(name))

    def _take_url(self, value: object) -> None:
        for fault in url_faults(value):
            self._add(URL, *fault)

    def _take_numbered(self, name: str, value: object) -> None:
        number = name.removeprefix(NUMBERED)
        if _NUMBER.fullmatch(number):
            self._places[int(number)] = name
        else:
            message = (
                f"{shown(number)} is no place in a group: 0, 1, 2 ... are, without leading zeros"
            )
            self._add(name, "group_index_invalid", message)
        for fault in url_faults(value):
            self._add(name, *fault)

    def _take_title(self, value: object) -> None:
        if value is not None:
            for fault in title_faults(value):
                self._add(TITLE, *fault)

    def _take_create_video(self, value: object) -> None:
        if not isinstance(value, bool):
            message = f"createVideo is {shown(value)}: true or false is expected"
            self._add(CREATE_VIDEO, "create_video_not_boolean", message)

    def _take_media(self, value: object) -> None:
        member = self._section.media_member
        self._media, problems = read_media(value, self._section)
        for path, rule, message in problems:
            at = self._at + pointer(member, *path)
            self._problems.append(Problem(at, rule, message))

    def _take_metadata(self, value: object) -> None:
        if value is None:
            return
        if not isinstance(value, dict):
            message = f"custom metadata is an object, not {shown(value)}"
            self._add(METADATA, "client_metadata_not_object", message)
            return
        unkept = list(islice(check_storable(value), MOST_OF_ITEM))
        checked = check_metadata(value, self._section.type, self._schema)
        found = unkept or list(islice(checked, MOST_OF_ITEM))
        for path, rule, message, hint in found:
            at = self._at + pointer(METADATA, *path)
            self._problems.append(Problem(at, rule, message, hint))
        if not unkept:
            self._keep_metadata(value, is_good=not found)

    def _keep_metadata(self, value: dict[str, Any], *, is_good: bool) -> None:
        size = len(compact(value))
        if size > METADATA_BYTES:
            message = (
                f"custom metadata has {size:,} bytes as compact JSON, at most {METADATA_BYTES:,}"
                " are kept"
            )
            hint = "Keep what is large as a file of its own, and its URL here"
            self._add(METADATA, "client_metadata_too_large", message, hint)
        elif is_good:
            self._metadata = compact(normalised(value))

    def _check_missing(self) -> None:
        if not self._section.has_several:
            if URL not in self._item:
                hint = "Give the object's URL, such as s3://bucket/a.png"
                self._add(URL, "url_missing", "the item has no objectUrl", hint)
            return
        title = self._item.get(TITLE)
        if title is None or (isinstance(title, str) and (not title or title.isspace())):
            message = "a group or series needs a title: none can be told from several URLs"
            self._add(TITLE, "title_required", message)
        self._check_places()

    def _check_places(self) -> None:
        if not self._places:
            if not any(name.startswith(NUMBERED) for name in self._item):
                message = f"the item has no URL: {NUMBERED}0, {NUMBERED}1 ... are expected"
                self._problems.append(Problem(self._at, "group_no_urls", message))
            return
        missing = next(n for n in range(len(self._places) + 1) if n not in self._places)
        if missing < len(self._places):
            message = f"{NUMBERED}{missing} is missing: {self._places[max(self._places)]} is there"
            hint = "Number the URLs from 0 without a gap"
            self._problems.append(Problem(self._at, "group_index_gap", message, hint))

    def _unknown(self, name: str) -> tuple[str, str]:
        members = self._section.members
        kind = self._section.name
        if name == URL:
            return f"items of {kind} have several URLs", f"Write {NUMBERED}0, {NUMBERED}1 ..."
        if name.startswith(NUMBERED):
            return f"items of {kind} have one URL", f"Write {URL}"
        if name in _MEDIA_MEMBERS:
            return f"{name} belongs to items of type {_MEDIA_MEMBERS[name]}", ""
        near = get_close_matches(name.lower(), [m.lower() for m in members], n=1, cutoff=0.7)
        meant = next((m for m in members if near and m.lower() == near[0]), "")
        suggestion = f"Did you mean {meant}?" if meant else f"Known: {', '.join(members)}"
        return f"items of {kind} have no member {shown(name)}", suggestion

    def _draft(self) -> ItemDraft:
        title = self._item.get(TITLE)
        if self._section.has_several:
            urls = tuple(self._item[self._places[n]] for n in range(len(self._places)))
        else:
            urls = (self._item[URL],)
        if not title or title.isspace():
            title = default_title(urls[0])
        return ItemDraft(self._at, self._type(), title, urls, self._media, self._metadata)

    def _type(self) -> MediaType:
        return "image_sequence" if self._item.get(CREATE_VIDEO) else self._section.type


def title_faults(title: object) -> Iterator[Fault]:
    """What is wrong with a title that was given: rule, message, and what to do."""
    if not isinstance(title, str):
        yield "title_not_string", f"the title is {shown(title)}: a text is expected", ""
        return
    if len(title) > TITLE_CHARACTERS:
        message = f"the title has {len(title):,} characters, at most {TITLE_CHARACTERS} are kept"
        yield "title_too_long", message, ""
    if reason := unkept_text(title):
        yield "title_not_string", f"the title holds {reason}, which no database keeps", "Remove it"
