"""Where bytes of media come from: any place that can be read by range."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class RangeSource(Protocol):
    """One object that can be read by range. Errors of reading it are passed on as they are.

    It is asked from one thread at a time.
    """

    @property
    def name(self) -> str:
        """As a person knows it, for messages; nothing is concluded from it but which kind of text a text is."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, fewer only at the end of the object."""


class LocalSource:
    """A file of this machine.

    Args:
        path: where it is.
        name: what it is called in messages; the last part of the path when left out.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self._path = path
        self.name = name or path.name
        self.size = path.stat().st_size

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, fewer only at the end of the file."""
        with self._path.open("rb") as opened:
            opened.seek(start)
            return opened.read(length)


class BytesSource:
    """Bytes at hand."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self.name = name
        self.size = len(data)

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, fewer only at the end."""
        return self._data[start : start + length]
