"""A look at each image of a ZIP: what it is, and its bytes into the store, several at once and in bounded memory.

Members are unpacked one after the other, since a ZIP is one stream; a few of them wait in memory, or on disk where they
are large, while parsers look at them and the store takes them.
"""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Protocol, cast

import msgspec

from assets.image_folders.table import FolderImage, folder_of
from resources.media.facts import ImageFacts
from resources.media.prober import Prober
from resources.media.unpacking import PackedImage
from resources.stores.media.writer import MediaWriter

_THREADS = 8
_AHEAD = 12
"""Images that wait at most."""
_IN_MEMORY = 4 * 1024 * 1024
"""Bytes of an image up to which it waits in memory."""
_CHUNK_BYTES = 1 << 20
_facts = msgspec.json.Decoder(ImageFacts).decode


@dataclass(frozen=True)
class Unreadable:
    """A file that begins like an image and is none that can be read."""

    path: str
    reason: str


class Images(Protocol):
    """Images that are looked at together: those of a ZIP, or a single one."""

    images: list[PackedImage]

    def streams(self) -> Iterator[tuple[PackedImage, BinaryIO]]:
        """Each image with a stream of its bytes, which is good until the next one is asked for."""


class _SpooledSource:
    """An image that waits, read by range. Asked from one thread at a time."""

    def __init__(self, image: PackedImage, spooled: IO[bytes]) -> None:
        self.name = image.path
        self.size = image.size
        self._spooled = spooled

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, fewer only at the end."""
        self._spooled.seek(start)
        return self._spooled.read(length)


@dataclass(frozen=True)
class ImageLooker:
    """What it takes to look at an image.

    Args:
        prober: looks into it.
        writer: keeps its bytes.
        scratch: where large images wait.
    """

    prober: Prober
    writer: MediaWriter
    scratch: Path

    def look_at_all(self, archive: Images) -> Iterator[FolderImage | Unreadable]:
        """Every image, in the order of their paths; whether one has a twin is not told here.

        Raises:
            ParseError: a member is damaged, or not what the directory of the archive said.
            StorageError: the store, or the disk, is full or forbidden.
        """
        waiting: deque[Future[FolderImage | Unreadable]] = deque()
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="image") as pool:
            for image, stream in archive.streams():
                waiting.append(pool.submit(self._look, image, _spooled(stream, self.scratch)))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _look(self, image: PackedImage, spooled: IO[bytes]) -> FolderImage | Unreadable:
        with spooled:
            media = _media(self.prober, image, spooled)
            if isinstance(media, Unreadable):
                return media
            facts = _facts(media)
            return FolderImage(
                path=image.path,
                folder=folder_of(image.path),
                sha256=self._keep(image, spooled),
                size_bytes=image.size,
                format=facts.mime_type.removeprefix("image/"),
                width=facts.width,
                height=facts.height,
            )

    def _keep(self, image: PackedImage, spooled: IO[bytes]) -> str:
        """Its bytes are written only where the store has no such object."""
        spooled.seek(0)
        sha256 = hashlib.file_digest(cast("io.BytesIO", spooled), "sha256").hexdigest()
        known = self.writer.keep_known(sha256)
        if known is None or known.size_bytes != image.size:
            spooled.seek(0)
            self.writer.keep(cast("BinaryIO", spooled))
        return sha256


def unreadable_first(archive: Images, prober: Prober, scratch: Path) -> list[Unreadable]:
    """The images that come before the first one that can be read; nothing is kept.

    Args:
        archive: whose images.
        prober: looks into them.
        scratch: where large images wait.

    Raises:
        ParseError: a member is damaged, or not what the directory of the archive said.
    """
    found: list[Unreadable] = []
    for image, stream in archive.streams():
        with _spooled(stream, scratch) as spooled:
            media = _media(prober, image, spooled)
        if not isinstance(media, Unreadable):
            break
        found.append(media)
    return found


def _media(prober: Prober, image: PackedImage, spooled: IO[bytes]) -> bytes | Unreadable:
    looked = prober.look("image", [_SpooledSource(image, spooled)])
    if looked.media is not None:
        return looked.media
    reason = looked.problems[0].message.rstrip(".")
    return Unreadable(image.path, f"it cannot be read ({reason})")


def _spooled(stream: BinaryIO, scratch: Path) -> IO[bytes]:
    spooled: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY, dir=str(scratch))  # noqa: SIM115 - who asked closes it
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            spooled.write(chunk)
    except BaseException:
        spooled.close()
        raise
    return spooled
