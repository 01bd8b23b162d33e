"""A ZIP of images, member by member: what is safe, what is an image, and nothing else (T7-T11, D2, D7).

The directory of the archive is judged as a whole before a byte is unpacked: how many members, how large, where their names lead.
Then the first bytes of each member are looked at. All members that are no images, or whose names cannot be
kept, are named in one error (E54); archives in archives are among them and are not opened. Nothing is
written to disk here: who takes the images gets streams, which end as long as the directory said, with
the checksum that it said.
"""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import msgspec

from resources.formats.archives import MAX_ENTRIES, check_directory, check_sizes
from resources.formats.content_types import HEAD, content_type_of
from resources.formats.files import SourceFile
from resources.formats.unpacking import UnpackBudget
from resources.kernel.errors import InputError, ParseError
from resources.kernel.foreign_text import one_line

MAX_UNPACKED_GB = 10
_MOST_PATH, _MOST_PART = 1024, 255
"""Bytes of a path, and of one name in it: what file systems hold."""
_LISTED = 20
_UTF8_NAME = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LEFT_OUT = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|\._[^/]*$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)  # fmt: skip
"""What macOS and Windows put into archives beside what people meant."""
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(\..*)?", re.IGNORECASE)
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
_END_ROOM = 22 + 65_535 + 20 + 56
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, RuntimeError)  # fmt: skip


class PackedImage(msgspec.Struct, frozen=True):
    """An image in an archive."""

    path: str
    """Its folders and name, with `/` between them, in Unicode's composed form (NFC)."""
    size: int
    mime_type: str


class ImageArchive:
    """An archive that holds images alone. Made by `open_image_archive`."""

    def __init__(
        self,
        name: str,
        opened: zipfile.ZipFile,
        members: Sequence[tuple[PackedImage, zipfile.ZipInfo]],
    ) -> None:
        self.images = [image for image, _ in members]
        """In the order of their paths."""
        self.name = name
        """As who sent it calls it."""
        self._opened = opened
        self._members = members
        self._source: IO[bytes] | None = None

    def streams(self) -> Iterator[tuple[PackedImage, io.BufferedReader]]:
        """Each image with a stream of its bytes, which is good until the next one is asked for.

        Raises:
            ParseError: from the stream too: a member is damaged, or not what the directory says.
        """
        for image, info in self._members:
            with _told(self.name, image.path):
                self._source = self._opened.open(info)
            yield image, io.BufferedReader(_Checked(self.name, image, self._source))
            self._source.close()

    def close(self) -> None:
        """Closes the member that is read just now."""
        if self._source is not None:
            self._source.close()


@contextmanager
def open_image_archive(path: Path, name: str) -> Iterator[ImageArchive]:
    """An archive of images, judged as a whole.

    Args:
        path: the file.
        name: as who sent it calls it.

    Raises:
        ParseError: no ZIP, damaged, encrypted, or made to harm.
        InputError: it holds something that is no image, or no image at all.
    """
    file = SourceFile(name, path, UnpackBudget(max_gb=MAX_UNPACKED_GB))
    _check_count(file)
    with _told(name, ""):
        opened = zipfile.ZipFile(path)
    with opened:
        archive = _judged(file, opened)
        with closing(archive):
            yield archive


def _judged(file: SourceFile, opened: zipfile.ZipFile) -> ImageArchive:
    infos = opened.infolist()
    check_directory(file, infos)
    members = [info for info in infos if not _is_left_out(info)]
    check_sizes(file, members)
    return ImageArchive(file.name, opened, _images(file.name, opened, members))


def _images(
    name: str, opened: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]
) -> list[tuple[PackedImage, zipfile.ZipInfo]]:
    paths = [_path(info) for info in members]
    wrong = [*_twins(paths), *_folders_that_are_files(paths)]
    images = []
    for info, path in zip(members, paths, strict=True):
        mime, reason = _look(name, opened, info)
        reason = bad_path(path) or reason
        if reason:
            wrong.append((path, reason))
        images.append((PackedImage(path, info.file_size, mime), info))
    if wrong:
        raise refused_members(name, sorted(set(wrong)), len(members))
    if not images:
        raise InputError(f"{name} holds no image", hint="Pack the images into it", file=name)
    return sorted(images, key=lambda member: member[0].path)


def _look(archive: str, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[str, str]:
    """Type of a member by its first bytes, and why it cannot be taken."""
    if info.compress_type not in _METHODS:
        return "", "packed by an unusual method"
    with _told(archive, info.filename), opened.open(info) as source:
        found = content_type_of(source.read(HEAD), info.file_size)
    if found.kind == "image":
        return found.mime, ""
    return found.mime, "empty" if found.kind == "empty" else f"no image but {found.mime}"


def _is_left_out(info: zipfile.ZipInfo) -> bool:
    path = _path(info)
    return path.endswith("/") or bool(_LEFT_OUT.search(path))


def _path(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: composed, with `/`, and UTF-8 where a program forgot to say so, as that of macOS does."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):  # it may be of another encoding, or of that of the standard
            name = name.encode("cp437").decode()
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def bad_path(path: str) -> str:
    """Why a path cannot be kept and given back on every system."""
    parts = path.split("/")
    if not path.isprintable():
        return "its name holds control characters"
    if any(part.strip(". ") == "" or part != part.rstrip(". ") for part in parts):
        return "its name has a part that is empty, or ends in a dot or space"
    if any(_RESERVED.fullmatch(part) for part in parts):
        return "its name is reserved on Windows"
    if len(path.encode()) > _MOST_PATH or any(len(part.encode()) > _MOST_PART for part in parts):
        return "its name is too long"
    return ""


def _twins(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names that are one name where case does not count."""
    first: dict[str, str] = {}
    for path in paths:
        other = first.get(folded_path(path))
        if other is None:
            first[folded_path(path)] = path
        else:
            yield path, f"the same name as {other!r} where case does not count"


def _folders_that_are_files(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    files = {folded_path(path) for path in paths}
    for path in paths:
        parents = (path[: match.start()] for match in re.finditer("/", path))
        if any(folded_path(parent) in files for parent in parents):
            yield path, "a folder of its name is a file too"


def folded_path(path: str) -> str:
    """The path as it is told apart from others: neither by case nor by how its letters are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def refused_members(name: str, wrong: Sequence[tuple[str, str]], count: int) -> InputError:
    """The refusal of an archive for some of its members.

    Args:
        name: of the archive.
        wrong: path and reason of each.
        count: how many members it has in all.
    """
    listed = "; ".join(f"{one_line(path, 80)!r}: {reason}" for path, reason in wrong[:_LISTED])
    more = f"; and {len(wrong) - _LISTED:,} more" if len(wrong) > _LISTED else ""
    return InputError(
        f"{name}: {len(wrong):,} of {count:,} files cannot be taken: {listed}{more}",
        hint="An image folder holds images alone: leave the others out, and rename what is named here",
        file=name,
        members=[{"path": one_line(path, 300), "reason": reason} for path, reason in wrong[:1000]],
    )


def _check_count(file: SourceFile) -> None:
    """Refuses an archive of too many members before its directory is read, which would fill the memory.

    Raises:
        ParseError: see there.
    """
    size = file.path.stat().st_size
    with file.path.open("rb") as opened:
        opened.seek(max(size - _END_ROOM, 0))
        tail = opened.read(_END_ROOM)
    counts = [0]
    at = tail.rfind(_END)
    if 0 <= at <= len(tail) - 12:
        counts.append(*struct.unpack("<H", tail[at + 10 : at + 12]))
    at = tail.rfind(_END64)
    if 0 <= at <= len(tail) - 40:
        counts.append(*struct.unpack("<Q", tail[at + 32 : at + 40]))
    most = max(count for count in counts if count != 0xFFFF or len(counts) < 3)
    if most > MAX_ENTRIES:
        raise ParseError(
            f"refused: it has {most:,} entries, at most {MAX_ENTRIES:,} are read",
            file=file.name,
            hint="Send it in several archives",
        )


class _Checked(io.RawIOBase):
    """A member's bytes; what is wrong with them is told by its name."""

    def __init__(self, archive: str, image: PackedImage, source: IO[bytes]) -> None:
        self._archive = archive
        self._image = image
        self._source = source
        self._left = image.size

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """The next bytes."""
        view = memoryview(cast("bytearray", buffer)).cast("B")
        with _told(self._archive, self._image.path):
            data = self._source.read(len(view))
        self._left -= len(data)
        if (not data and len(view) and self._left) or self._left < 0:
            raise ParseError(
                f"member {self._image.path!r} is not as long as the directory says",
                file=self._archive,
                hint="Pack it again",
            )
        view[: len(data)] = data
        return len(data)


@contextmanager
def _told(archive: str, member: str) -> Iterator[None]:
    """What `zipfile` raises, with the name of the member."""
    try:
        yield
    except _DAMAGED as error:
        what = f"member {member!r} " if member else ""
        raise ParseError(
            f"{what}cannot be unpacked ({one_line(str(error), 120)})",
            file=archive,
            hint="The archive is damaged, cut off or encrypted: pack it again",
        ) from error
