"""The bytes of an item's file on their way to a browser: which part of them, and as what they may be shown.

A file comes from strangers. What it is is told by its content, never by its name or by what was announced; only what no browser
runs may be shown in place, and everything else (HTML, SVG, XML, archives, programs) is a download.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.services.asking.question import Streamed
from orchestration.services.collections.item_media import MediaObjects
from orchestration.services.collections.thumbnails import ObjectRef
from resources.formats.content_types import HEAD, content_type_of
from resources.scratch import ScratchFolder
from resources.sources.object_urls import OpenObject

SHOWN_IN_PLACE = frozenset(
    {
        *("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"),
        *(
            "video/mp4",
            "video/webm",
            "video/ogg",
            "video/quicktime",
            "video/x-m4v",
            "video/x-matroska",
        ),
        *(
            "audio/mpeg",
            "audio/wav",
            "audio/ogg",
            "audio/flac",
            "audio/mp4",
            "audio/aac",
            "audio/aiff",
        ),
        "text/plain",
    }
)
"""Types that a browser shows or plays and does not run. Whatever is not listed is bytes to be saved."""
SAVED_AS = {"application/pdf", "application/dicom", "image/tiff", "image/jp2"}
"""Further types that may be named; their files are saved, since a reader of documents runs what is in them."""
_FIRST_BYTES, _MOST_BYTES = 256 * 1024, 4 * 1024 * 1024
"""Of one read: the first is small, so that a picture begins at once; then each is twice as long."""


@dataclass(frozen=True)
class WantedPart:
    """Which bytes are wanted.

    Args:
        first: the first of them; None: the last `last` ones, or all.
        last: the last of them; of a part at the end their number; None: to the end.
        if_range: the ETag that the part has to be of; another one, and all bytes come.
        known: ETags of what the client has.
    """

    first: int | None = None
    last: int | None = None
    if_range: str = ""
    known: tuple[str, ...] = ()

    def within(self, size: int) -> tuple[int, int] | None:
        """Start and length; None: there is no such part."""
        if self.first is None:
            count = size if self.last is None else min(self.last, size)
            return (size - count, count) if count or self.last is None else None
        if self.first >= size:
            return None
        end = size if self.last is None else min(self.last + 1, size)
        return self.first, end - self.first

    @property
    def is_whole(self) -> bool:
        """Whether all bytes are wanted."""
        return self.first is None and self.last is None


@dataclass(frozen=True)
class ContentHead:
    """What comes, before the bytes."""

    status: int
    """200, 206, 304 or 416."""
    media_type: str
    is_shown: bool
    """Whether a browser may show it in place."""
    file_name: str
    etag: str
    """Empty: nothing tells whether it is still the same."""
    size: int
    """Of all of it."""
    start: int = 0
    length: int = 0


def read_content(
    objects: Callable[[Path], MediaObjects], of: ObjectRef, part: WantedPart
) -> Streamed[ContentHead]:
    """A part of a file.

    Args:
        objects: opens the files of items; it is given a folder for what has to be fetched whole.
        of: which file.
        part: which bytes of it.

    Raises:
        NotFoundError: it is not there.
        WaybillError: whatever keeps it from being read.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("media"))
        opened = stack.enter_context(objects(scratch.path).open(of))
        head = _head_of(of, opened, part)
        return Streamed(head, _chunks(stack.pop_all(), opened, head))


def _head_of(of: ObjectRef, opened: OpenObject, part: WantedPart) -> ContentHead:
    etag = _etag(of, opened)
    first = opened.read_range(0, min(HEAD, opened.size)) if opened.size else b""
    media_type, is_shown = shown_as(first, opened.size)
    head = ContentHead(200, media_type, is_shown, of.name, etag, opened.size, 0, opened.size)
    if etag and (etag in part.known or "*" in part.known):
        return replace(head, status=304, length=0)
    if part.is_whole or (part.if_range and part.if_range != etag):
        return head
    place = part.within(opened.size)
    if place is None:
        return replace(head, status=416, length=0)
    return replace(head, status=206, start=place[0], length=place[1])


def shown_as(first: bytes, size: int) -> tuple[str, bool]:
    """As what type a file is sent, and whether it may be shown in place.

    Args:
        first: its first bytes.
        size: how many it has.
    """
    mime = content_type_of(first, size).mime
    if mime == "text/plain":
        return f"text/plain; charset={_charset(first, is_whole=len(first) >= size)}", True
    if mime in SHOWN_IN_PLACE:
        return mime, True
    return mime if mime in SAVED_AS else "application/octet-stream", False


def _charset(first: bytes, *, is_whole: bool) -> str:
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        first.decode()
    except UnicodeDecodeError as error:
        is_cut = error.reason == "unexpected end of data" and not is_whole
        return "utf-8" if is_cut else "iso-8859-1"
    return "utf-8"


def _etag(of: ObjectRef, opened: OpenObject) -> str:
    if of.sha256:
        return f'"{of.sha256}"'
    if not opened.etag:
        return ""
    seen = f"{opened.etag} {opened.size}".encode()
    return f'"{hashlib.blake2b(seen, digest_size=16).hexdigest()}"'


def _chunks(stack: ExitStack, opened: OpenObject, head: ContentHead) -> Iterator[bytes]:
    with stack:
        at, end, step = head.start, head.start + head.length, _FIRST_BYTES
        while at < end:
            chunk = opened.read_range(at, min(step, end - at))
            yield chunk
            at += len(chunk)
            step = min(step * 2, _MOST_BYTES)
