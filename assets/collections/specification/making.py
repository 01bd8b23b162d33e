"""Items -> specification files, the same to the byte for the same items; as many files as the limits ask for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from assets.collections.specification.csv_headings import TITLE_HEADINGS
from assets.collections.specification.making_items import (
    ListedObject,
    MakeOptions,
    PassedOver,
    plan_items,
)
from assets.collections.specification.sections import (
    CREATE_VIDEO,
    METADATA,
    MOST_ITEMS,
    MOST_URLS,
    NUMBERED,
    SECTIONS,
    SKIP_FLAG,
    TITLE,
    URL,
    Section,
)
from assets.collections.specification.source import Format
from resources.collections.items import ItemDraft, MediaType
from resources.kernel.errors import InputError

_CHUNK_BYTES = 64 * 1024
_HEADINGS = {kind: heading.capitalize() for heading, kind in reversed(list(TITLE_HEADINGS.items()))}


@dataclass(frozen=True)
class FileOptions:
    """How specification files are written.

    Args:
        format: JSON, or CSV, which has no place for metadata and flags.
        skip_duplicates: items that are known already are skipped.
        most_items: in one file; a new one is begun before more, and before more URLs than a file may have.
    """

    format: Format = "json"
    skip_duplicates: bool = False
    most_items: int = MOST_ITEMS


@dataclass(frozen=True)
class MadeFile:
    """One specification file.

    Args:
        items: in it.
        options: how it is written.
    """

    items: Sequence[ItemDraft]
    options: FileOptions

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, piece by piece; may be asked again."""
        write = _json_pieces if self.options.format == "json" else _csv_pieces
        held, size = [], 0
        for piece in write(self.items, self.options):
            held.append(piece)
            size += len(piece)
            if size >= _CHUNK_BYTES:
                yield b"".join(held)
                held, size = [], 0
        yield b"".join(held)


@dataclass(frozen=True)
class MadeSpecification:
    """What was made of a listing: files, and the objects that are in none."""

    files: Sequence[MadeFile]
    left_out: Sequence[PassedOver]


def make_specification(
    listing: Iterable[ListedObject], options: MakeOptions, files: FileOptions | None = None
) -> MadeSpecification:
    """Specification files for the objects of a listing; no file without an object.

    Args:
        listing: of any order; keys are held in memory.
        options: what to make of it.
        files: how to write it.

    Raises:
        InputError: the format has no place for what is asked for.
    """
    files = files or FileOptions()
    if files.format == "csv" and files.skip_duplicates:
        raise InputError(
            f"A CSV specification has no place for {SKIP_FLAG}",
            hint="Write JSON, or give the flag when the file is imported",
        )
    planned = plan_items(listing, options)
    left_out = list(planned.left_out)
    if files.format == "csv":
        left_out += [
            PassedOver(draft.urls[0], "its metadata: a CSV specification has no place for it")
            for draft in planned.items
            if draft.metadata is not None or draft.media is not None
        ]
    made = [MadeFile(items, files) for items in _split(planned.items, files.most_items)]
    return MadeSpecification(made, left_out)


def _split(items: Sequence[ItemDraft], most_items: int) -> Iterator[Sequence[ItemDraft]]:
    most = max(1, min(most_items, MOST_ITEMS))
    start = urls = 0
    for place, item in enumerate(items):
        if place - start == most or urls + len(item.urls) > MOST_URLS:
            yield items[start:place]
            start, urls = place, 0
        urls += len(item.urls)
    if start < len(items):
        yield items[start:]


def _json_pieces(items: Sequence[ItemDraft], options: FileOptions) -> Iterator[bytes]:
    """One item a line."""
    before = b"{"
    for section, drafts in _by_section(items):
        yield before + b'\n"%b": [' % section.name.encode()
        between = b"\n"
        for draft in drafts:
            yield between + msgspec.json.encode(_members(section, draft))
            between = b",\n"
        yield b"\n]"
        before = b","
    if options.skip_duplicates:
        yield before + b'\n"%b": true' % SKIP_FLAG.encode()
    yield b"\n}\n"


def _by_section(items: Sequence[ItemDraft]) -> Iterator[tuple[Section, list[ItemDraft]]]:
    left: dict[MediaType, list[ItemDraft]] = {}
    for item in items:
        kind: MediaType = "image_group" if item.type == "image_sequence" else item.type
        left.setdefault(kind, []).append(item)
    for section in SECTIONS.values():
        if drafts := left.pop(section.type, None):
            yield section, drafts


def _members(section: Section, draft: ItemDraft) -> dict[str, object]:
    members: dict[str, object] = {}
    if section.has_several:
        members[TITLE] = draft.title
        if section.has_create_video:
            members[CREATE_VIDEO] = draft.type == "image_sequence"
        members |= {f"{NUMBERED}{number}": url for number, url in enumerate(draft.urls)}
    else:
        members[URL] = draft.urls[0]
        if draft.title:
            members[TITLE] = draft.title
    if draft.metadata is not None:
        members[METADATA] = msgspec.Raw(draft.metadata)
    if draft.media is not None:
        members[section.media_member] = msgspec.Raw(draft.media)
    return members


def _csv_pieces(items: Sequence[ItemDraft], _: FileOptions) -> Iterator[bytes]:
    """A header row for each type, above its rows."""
    for section, drafts in _by_section(items):
        headings = ["ObjectURL", _HEADINGS[section.type]]
        yield _csv_rows([[*headings, "Create video"] if section.has_create_video else headings])
        for draft in drafts:
            video = ["true" if draft.type == "image_sequence" else "false"]
            more = video if section.has_create_video else []
            yield _csv_rows([[url, draft.title, *more] for url in draft.urls])


def _csv_rows(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
