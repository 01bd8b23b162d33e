"""A JSON specification from its beginning to its end: its flags, and the items of its sections batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import msgspec

from assets.collections.specification.counts import SpecificationCounts
from assets.collections.specification.json_cursor import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    Elements,
    JsonCursor,
)
from assets.collections.specification.json_explain import explain_item
from assets.collections.specification.json_groups import GroupItems
from assets.collections.specification.json_items import FAULTS, GoodItems, SingleItems
from assets.collections.specification.problems import ProblemList, pointer
from assets.collections.specification.sections import (
    FLAGS,
    NOT_TAKEN,
    SECTIONS,
    SKIP_FLAG,
    UPSERT_FLAG,
    Section,
)
from resources.collections.items import ItemDraft
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.metadata_values import parse_json, shown


class JsonFile:
    """One pass over a file."""

    def __init__(
        self,
        blocks: Iterator[bytes],
        schema: MetadataSchema | None,
        problems: ProblemList,
        counts: SpecificationCounts,
    ) -> None:
        self._cursor = JsonCursor(blocks)
        self._schema = schema
        self._problems = problems
        self._counts = counts
        self._seen: set[str] = set()
        self.flags = dict.fromkeys(FLAGS, False)

    def read(self, *, with_drafts: bool) -> Iterator[list[ItemDraft]]:
        """The drafts, some thousand at a time; of a file with problems some are missing.

        Args:
            with_drafts: without them the file is only checked and counted.

        Raises:
            FileProblemError: the file cannot be read to its end.
        """
        cursor = self._cursor
        cursor.skip_mark()
        if cursor.peek() != OPEN_OBJECT:
            self._refuse_no_object()
            return
        for name in self._names():
            if (section := SECTIONS.get(name)) and cursor.peek() == OPEN_ARRAY:
                cursor.take(OPEN_ARRAY)
                yield from self._section(section, with_drafts=with_drafts)
            else:
                self._take_other(name)
        if cursor.peek() != -1:
            cursor.refuse("something stands behind the object")
        self._check_whole()

    def _names(self) -> Iterator[str]:
        """The object's members: each stands before its value, which is to be taken then."""
        cursor = self._cursor
        cursor.take(OPEN_OBJECT)
        if cursor.take(CLOSE_OBJECT):
            return
        while True:
            if cursor.peek() != QUOTE:
                cursor.refuse("a member's name in quotes is expected")
            name = str(self._parsed(cursor.take_scalar()))
            if not cursor.take(COLON):
                cursor.refuse("a colon is expected")
            if name in self._seen:
                cursor.refuse(f"the member {shown(name)} stands twice in the object")
            if len(self._seen) < len(SECTIONS) + len(FLAGS) or name in SECTIONS or name in FLAGS:
                self._seen.add(name)
            yield name
            if cursor.take(CLOSE_OBJECT):
                return
            if not cursor.take(COMMA):
                cursor.refuse("a comma or the end of the object is expected")

    def _take_other(self, name: str) -> None:
        at = pointer(name)
        begins = self._cursor.peek()
        value = self._skip()
        if name in SECTIONS:
            message = f"{name} is no array of items"
            self._problems.refuse(at, "section_not_array", message, f'Write "{name}": [...]')
        elif name not in FLAGS:
            if self._problems.wants("unknown_key"):
                self._problems.refuse(at, "unknown_key", *_unknown(name))
        elif begins in (OPEN_ARRAY, OPEN_OBJECT) or not isinstance(value, bool):
            found = shown(value) if begins not in (OPEN_ARRAY, OPEN_OBJECT) else "no single value"
            message = f"{name} is {found}: true or false is expected"
            self._problems.refuse(at, "flag_not_boolean", message, "Write it without quotes")
        else:
            self.flags[name] = value

    def _skip(self) -> Any:
        """Passes over a value; what a scalar is."""
        cursor = self._cursor
        if cursor.take(OPEN_ARRAY):
            self._skip_elements(b"[", b"]")
        elif cursor.take(OPEN_OBJECT):
            self._skip_elements(b"{", b"}")
        else:
            return self._parsed(cursor.take_scalar())
        return None

    def _skip_elements(self, opening: bytes, closing: bytes) -> None:
        def are_json(piece: bytes) -> bool | None:
            return _are_json(opening + piece + closing)

        for found in self._cursor.elements(are_json, closing=closing[0]):
            if isinstance(found, Elements):
                for text in found.texts:
                    self._parsed(opening + text + closing)

    def _parsed(self, text: bytes) -> Any:
        try:
            return parse_json(text.decode())
        except ValueError as error:
            self._cursor.refuse(_reason(error))

    def _section(self, section: Section, *, with_drafts: bool) -> Iterator[list[ItemDraft]]:
        reader = (GroupItems if section.has_several else SingleItems)(section, self._schema)
        number, at = 0, pointer(section.name)
        for found in self._cursor.elements(reader.decode):
            if isinstance(found, Elements):
                for text in found.texts:
                    drafts = self._take_one(text, reader, section, number, with_drafts=with_drafts)
                    number += 1
                    if drafts:
                        yield drafts
                yield []  # whoever gathers problems takes them now
            else:
                self._count(found, at, number)
                if with_drafts:
                    yield found.drafts(at, number)
                number += found.count

    def _take_one(
        self,
        text: bytes,
        reader: GroupItems | SingleItems,
        section: Section,
        number: int,
        *,
        with_drafts: bool,
    ) -> list[ItemDraft]:
        at = pointer(section.name)
        good = reader.decode(text)
        if good is not None:
            self._count(good, at, number)
            return good.drafts(at, number) if with_drafts else []
        try:
            found = explain_item(text, f"{at}/{number}", section, self._schema)
        except ValueError as error:
            self._cursor.refuse(f"{_reason(error)}, in item {at}/{number}")
        for problem in found.problems:
            self._problems.add_problem(problem)
        if found.draft is None:
            self._counts.add(section.type, 1, 0)
            self._problems.check_limits(self._counts)
            return []
        self._counts.add(found.draft.type, 1, len(found.draft.urls))
        if found.is_default:
            self._counts.create_video_default[found.draft.type] += 1
        for key in found.vectors:
            self._counts.add_vector(key, f"{at}/{number}")
        self._problems.check_limits(self._counts)
        return [found.draft]

    def _count(self, good: GoodItems, at: str, first: int) -> None:
        for kind, (items, urls) in good.url_counts.items():
            self._counts.add(kind, items, urls)
        self._counts.create_video_default.update(good.defaults)
        for place, key in good.vectors:
            self._counts.add_vector(key, f"{at}/{first + place}")
        self._problems.check_limits(self._counts)

    def _check_whole(self) -> None:
        if self.flags[UPSERT_FLAG] and not self.flags[SKIP_FLAG]:
            message = f"{UPSERT_FLAG} is true, and {SKIP_FLAG} is not"
            hint = f'Add "{SKIP_FLAG}": true; metadata of known items is replaced only then'
            self._problems.refuse(pointer(UPSERT_FLAG), "upsert_requires_skip", message, hint)
        if not self._counts.item_count:
            hint = f"Give at least one item in one of {', '.join(SECTIONS)}"
            self._problems.refuse("", "no_items", "the specification has no item", hint)

    def _refuse_no_object(self) -> None:
        begins = self._cursor.peek()
        if begins == -1:
            self._cursor.refuse("it is empty")
        self._skip()
        if self._cursor.peek() != -1:
            self._cursor.refuse("something stands behind the first value")
        message = "a specification is a JSON object"
        hint = 'Write {"images": [{"objectUrl": "s3://bucket/a.png"}]}'
        self._problems.refuse("", "spec_not_object", message, hint)


def _are_json(text: bytes) -> bool | None:
    """Whether members or elements are JSON together; None if that has to be found out one by one."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
        text.decode()
    except FAULTS:
        return None
    return True


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)[:100]


def _unknown(name: str) -> tuple[str, str]:
    known = [*SECTIONS, *FLAGS]
    if name.lower() in NOT_TAKEN:
        return f"{shown(name)}: {NOT_TAKEN[name.lower()]}", "Remove it"
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}"
    return f"the specification has no member {shown(name)}", hint
