"""What a place must offer to keep versions in: few operations, each whole or not at all.

`local.py` and `remote.py` implement it; `versions.py` speaks of nothing else. Paths here are texts relative to
the store's root with `/` between parts. Missing things are `None` or `False`, never an error: the callers
above know what a missing file means. Nothing about manifests or tables belongs here.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from resources.kernel.errors import StorageError, WaybillError

TEMPORARY = ".tmp-"
"""How names of files begin that are not whole yet."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class Storage(ABC):
    """A folder or a bucket where files appear whole, once, and are never changed."""

    is_local: ClassVar[bool]
    """Whether `local_file` hands out the store's own files, which stay."""

    url: str
    """The root as the operator wrote it, for messages."""

    def locate(self, path: str) -> str:
        """The full name of `path`, for messages."""
        return f"{self.url.rstrip('/')}/{path}"

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Names of the files directly in `folder`, in no order; none when there is no such folder."""

    @abstractmethod
    def read_many(self, paths: Iterable[str], first_bytes: int | None = None) -> dict[str, bytes]:
        """Content of small files, or how they begin; those that are gone are left out."""

    @abstractmethod
    def create(self, path: str, data: bytes) -> bool:
        """Writes a small file if there is none at `path`: whole, durable, or not at all (2a).

        Returns:
            False when `path` was taken.

        Raises:
            StorageError: this place cannot promise that (E52), is full (E8) or forbidden (E58).
        """

    @abstractmethod
    def claim_folder(self, path: str) -> bool:
        """Creates the folder `path` for the caller alone; False when it exists already."""

    @abstractmethod
    def staging_folder(self, path: str) -> Path:
        """A local folder to write the files of the data folder `path` into."""

    def release_staging(self, folder: Path) -> None:  # noqa: B027 - nothing to do where files lie in place
        """Gives a staging folder back."""

    @abstractmethod
    def store(self, path: str, local: Path, sha256: str, *, is_read: bool = True) -> None:
        """Makes a finished file in the staging folder durable under `path`, size checked.

        `sha256` is what the caller computed from the bytes it means; with `is_read` it has just read them from `local`.
        """

    @abstractmethod
    def listing(self, folder: str, prefix: str = "") -> list[FoundFile]:
        """Files directly in `folder` whose names begin with `prefix`, in no order."""

    @abstractmethod
    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in `folder`, in no order."""

    @abstractmethod
    def place(self, path: str, local: Path, *, replace: bool = False) -> None:
        """Moves a finished file of a staging folder to `path`: whole, durable, or not at all.

        For files whose names say their content. What lies there already stays or is the same bytes, unless it is
        to be replaced.
        """

    @abstractmethod
    def read_range(self, path: str, start: int, length: int) -> bytes | None:
        """`length` bytes from `start`, fewer where the file ends; None when there is no file."""

    @abstractmethod
    def local_file(self, path: str, sha256: str) -> AbstractContextManager[LocalFile | None]:
        """The file at `path` as a local one while the context lives; None when it is gone."""

    @abstractmethod
    def data_folders(self, path: str) -> dict[str, datetime]:
        """Folders directly in `path` with the time of their newest file (or their own, when empty)."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Removes a file; a missing one is fine."""

    @abstractmethod
    def remove_folder(self, path: str) -> int:
        """Removes a folder with all its files; returns the bytes freed."""

    @abstractmethod
    def remove_unfinished(self, item: str, before: datetime) -> None:
        """Removes what killed writers of `item` left half-written and invisible since `before`."""

    @abstractmethod
    def marks(self, items: Sequence[str]) -> dict[str, Mark]:
        """A mark for each item, without a look into any file."""

    @abstractmethod
    def items(self, prefix: str) -> list[str]:
        """Folders under `prefix` that hold a manifest, in order."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one state of an item's versions from another."""

    text: str
    """Changes whenever a version is made or removed; empty when there never was one."""
    is_settled: bool = True
    """False while a change may still come to pass without the text showing it: look again."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as a listing shows it."""

    name: str
    size_bytes: int
    modified_at: datetime


def sizes_in(storage: Storage, folder: str) -> dict[str, int]:
    """Name and size in bytes of every file directly in `folder`."""
    return {file.name: file.size_bytes for file in storage.listing(folder)}


class LocalFile:
    """A file of the store on a local path, with what was found in it.

    Attributes:
        path: where it can be read while its context lives.
        size_bytes: as found.
        sha256: of the bytes as found.
    """

    __slots__ = ("path", "sha256", "size_bytes")

    def __init__(self, path: Path, size_bytes: int, sha256: str) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.sha256 = sha256


def storage_error(error: OSError, where: str | os.PathLike[str], doing: str) -> WaybillError:
    """What an operating system's refusal means to the operator (E7, E8, E58).

    Args:
        error: as caught.
        where: the path concerned.
        doing: the attempt, to follow "while": `writing`, `reading`.
    """
    place = os.fspath(where)
    if error.errno in _FULL:
        return StorageError(
            f"No space left (or a quota or size limit reached) while {doing} {place}",
            hint="Free space or raise the quota, then run it again: earlier versions are untouched",
            path=place,
        )
    if error.errno in _FORBIDDEN:
        return StorageError(
            f"Permission denied for user {_user()} while {doing} {place}",
            hint="Give this user the right, or point the store to a folder it owns",
            path=place,
            user=_user(),
        )
    reason = (error.strerror or str(error) or type(error).__name__)[:160]
    return StorageError(
        f"The store failed while {doing} {place}: {reason}",
        hint="Earlier versions are untouched; check the disk or the mount, then run it again",
        path=place,
    )


def _user() -> str:
    import pwd

    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
