"""The members of an uploaded ZIP as items (T7 to T11): the directory is judged before a byte is unpacked.

An archive that is made to harm, damaged or encrypted is one item that fails. A member whose name cannot be kept, or is that of
another one but for case, fails alone. Archives within archives are not opened.
"""

from __future__ import annotations

import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from resources.formats.archives import check_directory, check_sizes, copy_member
from resources.formats.files import SourceFile
from resources.formats.unpacking import UnpackBudget, check_room
from resources.import_tasks.rules import TaskRule
from resources.import_tasks.sources import ItemRefusedError
from resources.kernel.errors import ParseError

MAX_UNPACKED_GB = 10
_LONGEST_NAME = 1_024
_LEFT_OUT = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
"""What macOS and Windows put into archives beside what people meant."""
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
    RuntimeError,
    OSError,
)


class Member(NamedTuple):
    """A file in an archive."""

    number: int
    """Its place in the directory."""
    path: str
    """Its folders and name, composed (NFC), with `/` between them."""
    size: int
    rule: TaskRule | None = None
    """Why it cannot be taken."""
    message: str = ""


class OpenArchive:
    """An archive that was judged; many threads may take members.

    Args:
        path: where it lies.
        name: as its sender calls it.

    Raises:
        ItemRefusedError: it is damaged, encrypted or made to harm.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._file = SourceFile(name, path, UnpackBudget(max_gb=MAX_UNPACKED_GB))
        try:
            self._opened = zipfile.ZipFile(path)
        except _DAMAGED as error:
            raise _damaged(name, error) from error
        try:
            self._infos = self._opened.infolist()
            check_directory(self._file, self._infos)
            check_sizes(self._file, self._infos)
        except ParseError as error:
            self.close()
            raise ItemRefusedError("archive_refused", error.message) from error

    def close(self) -> None:
        """Lets go of the file."""
        self._opened.close()

    def members(self) -> Iterator[Member]:
        """Its files, in the order of its directory, without what systems put there by themselves."""
        seen: dict[str, str] = {}
        for number, info in enumerate(self._infos):
            path = unicodedata.normalize("NFC", info.filename.replace("\\", "/"))
            if path.endswith("/") or any(part in _LEFT_OUT or part.startswith("._") for part in path.casefold().split("/")):  # fmt: skip
                continue
            rule, message = _judged(path, seen)
            yield Member(number, path, info.file_size, rule, message)

    def copy(self, number: int, target: Path) -> None:
        """Unpacks a member.

        Raises:
            ItemRefusedError: it is damaged, or not as long as the directory says.
            StorageError: no room for it.
        """
        info = self._infos[number]
        check_room(target.parent, info.file_size)
        try:
            copy_member(self._opened, info, self._file, target)
        except ParseError as error:
            raise ItemRefusedError("archive_refused", error.message) from error
        except _DAMAGED as error:
            raise _damaged(f"{self._file.name}/{info.filename}", error) from error


def _judged(path: str, seen: dict[str, str]) -> tuple[TaskRule | None, str]:
    twin = seen.setdefault(unicodedata.normalize("NFC", path.casefold()), path)
    if twin != path:
        return "name_not_allowed", f"its name is that of {twin!r} where case does not count"
    if not path.isprintable() or len(path.encode()) > _LONGEST_NAME:
        return "name_not_allowed", "its name holds control characters, or is too long"
    return None, ""


def _damaged(name: str, error: Exception) -> ItemRefusedError:
    text = " ".join(str(error).split())[:120]
    return ItemRefusedError("archive_refused", f"{name}: it cannot be unpacked ({text})")
