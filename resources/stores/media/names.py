"""Names of objects, and sorted lists of them that are looked into without being read into memory."""

from __future__ import annotations

import hashlib
import io
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from mmap import mmap

from resources.kernel.errors import InputError, IntegrityError

OBJECTS = "media/objects"
_NAME = re.compile(r"([0-9a-f]{64})-([0-9a-f]{6})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LINE = 72
_CHECK = b"sha256 "


@dataclass(frozen=True, slots=True)
class MediaObject:
    """Bytes in the media store."""

    sha256: str
    size_bytes: int
    name: str
    """Its file name; two of one content can exist, see the docstring of the package."""

    @property
    def path(self) -> str:
        """Where it lies in the storage."""
        return f"{folder_of(self.sha256)}/{self.name}"


def folder_of(sha256: str) -> str:
    """The folder of all objects whose hashes begin alike: one of 256."""
    return f"{OBJECTS}/{sha256[:2]}"


def object_name(sha256: str, epoch: int) -> str:
    """The name of an object: its content, and the newest list of condemned names when it was given."""
    return f"{sha256}-{epoch:06x}"


def parse_name(name: str) -> tuple[str, int] | None:
    """Hash and epoch of an object's name; None for any other file."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2], 16)) if match else None


def checked_sha256(text: str) -> str:
    """`text` itself if it is a hash as names hold it.

    Raises:
        InputError: it is none.
    """
    if not _SHA256.fullmatch(text):
        raise InputError(
            f"{text[:80]!r} is no SHA-256 of an object", hint="Give 64 hexadecimal digits"
        )
    return text


class NameList:
    """Sorted names, a line of 72 bytes each: half a million are 36 MB, in a file or in memory."""

    def __init__(self, lines: bytes | mmap) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines) // _LINE

    def __iter__(self) -> Iterator[str]:
        return map(self._at, range(len(self)))

    def __contains__(self, name: str) -> bool:
        i = bisect_left(range(len(self)), name, key=self._at)
        return i < len(self) and self._at(i) == name

    def beginning(self, prefix: str) -> list[str]:
        """The names that begin with `prefix`."""
        first = bisect_left(range(len(self)), prefix, key=self._at)
        last = bisect_left(range(len(self)), f"{prefix}~", lo=first, key=self._at)
        return self._lines[first * _LINE : last * _LINE].decode().splitlines()

    def _at(self, i: int) -> str:
        return self._lines[i * _LINE : (i + 1) * _LINE - 1].decode()


def encode_names(names: Iterable[str]) -> bytes:
    """The lines of a list of names that come in order."""
    lines = io.BytesIO()  # joined, each line would be an object of its own for a while
    for name in names:
        lines.write(f"{name}\n".encode())
    return lines.getvalue()


def encode_sealed(names: Iterable[str]) -> bytes:
    """The same with a last line that proves the others."""
    lines = encode_names(names)
    return lines + _check_line(lines)


def decode_sealed(data: bytes, where: str) -> NameList:
    """A list that `encode_sealed` wrote.

    Raises:
        IntegrityError: it is cut off or was changed.
    """
    lines = data[:-_LINE]
    if data[-_LINE:] != _check_line(lines):
        raise IntegrityError(
            f"The list {where} is damaged: its last line does not fit the others",
            hint="Restore it from a backup, or remove it while no run and no collection is at work",
            path=where,
        )
    return NameList(lines)


def _check_line(lines: bytes) -> bytes:
    return _CHECK + hashlib.sha256(lines).hexdigest().encode() + b"\n"
