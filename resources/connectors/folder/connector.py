"""A folder as a bucket: the files below one root, under keys with `/` between parts.

Here: listing, reading and replacing files without ever leaving the root (T19, T40). Not here: what a file holds
(`resources/formats`), and which keys a pattern selects (`files/key_patterns.py`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from resources.connectors.base import FileConnector
from resources.connectors.files.addresses import FolderAddresses
from resources.connectors.files.key_patterns import KeyPattern, check_key, folder_prefix, is_hidden
from resources.connectors.files.listing_progress import BEYOND, looked_up_to
from resources.connectors.files.os_errors import translate_os_error
from resources.connectors.files.skipped import Skipped
from resources.connectors.folder.replacement import is_partial, replace_file
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import (
    InputError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)
from resources.kernel.records import BrowseEntry, CheckReport, ObjectInfo, TellStep

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""0001-01-01 and 9999-12-31: what a `datetime` holds; a file system stores any 64-bit number."""


class FolderConnector(FileConnector):
    """The files below `root`.

    An etag is made of size, modification time in nanoseconds and inode: it changes when a file is written or replaced.
    Symlinks to files count when they stay below the root; symlinked folders are listed only when the pattern names
    them literally, so that no file is listed for ever or from elsewhere.

    Args:
        name: the user's name for the connector.
        root: the folder; it has to exist when it is used.
    """

    kind: ClassVar[str] = "folder"
    fetches: ClassVar[bool] = False
    settle_seconds: ClassVar[int] = 10

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = Path(root).absolute()
        self.addresses = FolderAddresses(self.root)

    def __repr__(self) -> str:
        return f"FolderConnector(name={self.name!r}, root={str(self.root)!r})"

    def check(self, tell: TellStep | None = None) -> CheckReport:
        """Whether the root is there, may be listed, and may be written to."""
        facts = {"folder": str(self.root), "user": f"uid {os.geteuid()}"}
        stages = Stages(tell)
        stages.enter("folder")
        try:
            stages.done(f"{self._real_root()} is there")
            stages.enter("rights")
            with os.scandir(self.root) as entries:
                facts["empty"] = "no" if next(entries, None) else "yes"
        except OSError as error:
            refused = translate_os_error(error, f"connector {self.name!r}: list", self.root)
            return stages.refused(str(refused), facts)
        except WaybillError as error:
            return stages.refused(str(error), facts)
        can_write = os.access(
            self.root, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
        )
        facts["writable"] = "yes" if can_write else "no"
        rights = "can be read and written" if can_write else "can be read, not written"
        stages.done(f"{rights} by {facts['user']}")
        return stages.answered(f"folder {self.root} {rights}", facts)

    def browse(
        self, path: str = "", *, limit: int = 1000, after: str = ""
    ) -> Iterator[BrowseEntry]:
        """Folders and files directly below the folder `path`; a symlinked folder inside the root is one.

        Raises:
            NotFoundError: no such folder.
            InputError: a path that leads out of the root.
            ConnectorAuthError: a folder that may not be read.
        """
        prefix = folder_prefix(path)
        root = self._real_root()
        if prefix and not self._is_folder(prefix[:-1]):
            raise NotFoundError(
                f"connector {self.name!r}: no folder {path!r} in {root}",
                hint="Browse the folder above it",
                key=path,
            )
        skipped = Skipped()
        keys = sorted(key for key in self._browsable(prefix, skipped) if key > after)
        entries = (self._browsed(key, skipped) for key in keys)
        yield from itertools.islice(filter(None, entries), limit)
        skipped.report(self.name, path)

    def list_objects(self, pattern: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """The files that match, in ascending order of key; folder by folder, so memory holds one folder's names.

        What cannot be an object (a symlink that leaves the root, a pipe, a name that is no Unicode) is left
        out; one warning in the log says how many and why.

        Raises:
            ConfigError: a pattern that makes no sense.
            NotFoundError: the root is not there.
            ConnectorAuthError: a folder that may not be read.
        """
        selection = KeyPattern(pattern)
        self._real_root()
        if selection.is_key:
            return self._list_one(selection, after)
        if selection.folder:
            with contextlib.suppress(NotFoundError):  # nothing to list there, which is no error
                self._existing(selection.folder)
        return self._walk(selection, after)

    def stat(self, key: str) -> ObjectInfo:
        """The file at `key`.

        Raises:
            NotFoundError: there is none, or it is no regular file.
            InputError: a key that leads out of the root.
        """
        return self._info(key, self._existing(key))

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:  # noqa: ARG002 - nothing is copied
        """The file itself; proves on leaving that size, modification time and inode are still those listed (E40)."""
        path = self._existing(item.key)
        self._prove_unchanged(item, path)
        try:
            yield path
        except Exception as error:
            # What the reader stumbled over may be the change itself: then the change is what to report.
            self._prove_unchanged(item, path, cause=error)
            raise
        self._prove_unchanged(item, path)

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Copies `source` beside its target and renames it there: readers see the old file or the new one (2d).

        Raises:
            InputError: a key that leads out of the root, or names a folder.
            StorageError: disk full, quota, read-only: the old file stays (E7, E58).
            ConnectorAuthError: permission denied.
        """
        root = self._real_root()
        path = root / check_key(key)
        if is_partial(path.name):
            raise InputError(
                f"connector {self.name!r}: {key!r} is a name kept for files being written",
                hint="Choose another name",
            )
        try:
            self._make_folder(path.parent, root)
            return _describe(key, replace_file(path, source))
        except OSError as error:
            raise translate_os_error(error, f"connector {self.name!r}: write", path) from error

    def _real_root(self) -> Path:
        try:
            real = Path(os.path.realpath(self.root, strict=True))
        except OSError as error:
            raise translate_os_error(error, f"connector {self.name!r}: open", self.root) from error
        if not real.is_dir():
            raise NotFoundError(
                f"connector {self.name!r}: {self.root} is not a folder",
                hint="Give a folder as `root:`",
            )
        return real

    def _existing(self, key: str) -> Path:
        """The real path of the file at `key`, proven to be below the root."""
        root = self._real_root()
        check_key(key)
        try:
            path = Path(os.path.realpath(root / key, strict=True))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _no_such(self, key) from error
        except OSError as error:
            raise translate_os_error(error, f"connector {self.name!r}: open", root / key) from error
        if not path.is_relative_to(root):
            raise InputError(
                f"connector {self.name!r}: {key!r} is a symlink that leaves the folder {self.root}",
                hint="Put the file itself into the folder, or declare a connector for where it is",
                key=key,
            )
        return path

    def _is_folder(self, key: str) -> bool:
        try:
            return self._existing(key).is_dir()
        except NotFoundError:
            return False

    def _browsable(self, prefix: str, skipped: Skipped) -> Iterator[str]:
        """Keys directly below a folder that is there, those of folders ending in `/`, in no order."""
        try:
            with os.scandir(self.root / prefix) as entries:
                for entry in entries:
                    key = prefix + entry.name
                    if is_hidden(entry.name):
                        continue
                    if not _is_unicode(entry.name):
                        skipped.add(key, "its name is not valid Unicode")
                    elif entry.is_dir():
                        yield key + "/"
                    else:
                        yield key
        except OSError as error:
            raise translate_os_error(
                error, f"connector {self.name!r}: list", self.root / prefix
            ) from error

    def _browsed(self, key: str, skipped: Skipped) -> BrowseEntry | None:
        name = key.removesuffix("/").rpartition("/")[2]
        if not key.endswith("/"):
            info = self._listed(key, skipped)
            if info is None:
                return None
            return BrowseEntry(
                name, "object", key, size_bytes=info.size_bytes, modified_at=info.modified_at
            )
        try:
            self._existing(key[:-1])
        except InputError:
            skipped.add(key, "a symlink that leaves the folder")
            return None
        except NotFoundError:
            return None  # removed since its folder was read
        return BrowseEntry(name, "folder", key)

    def _info(self, key: str, path: Path) -> ObjectInfo:
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _no_such(self, key) from error
        except OSError as error:
            raise translate_os_error(error, f"connector {self.name!r}: look at", path) from error
        if not stat.S_ISREG(found.st_mode) or is_partial(path.name):
            raise _no_such(self, key)
        return _describe(key, found)

    def _prove_unchanged(
        self, item: ObjectInfo, path: Path, cause: Exception | None = None
    ) -> None:
        found = self._info(item.key, path)
        if found.etag != item.etag:
            raise SourceChangedError(
                f"connector {self.name!r}: file {item.key!r} changed while it was read"
                f" ({item.size_bytes} bytes when listed, {found.size_bytes} bytes now)",
                hint="Try again when the file is complete; writers should rename finished files into place",
                key=item.key,
            ) from cause

    def _list_one(self, selection: KeyPattern, after: str) -> Iterator[ObjectInfo]:
        if selection.text <= after:
            return
        with contextlib.suppress(NotFoundError):  # a key that is not there is an empty listing
            yield self.stat(selection.text)

    def _walk(self, selection: KeyPattern, after: str) -> Iterator[ObjectInfo]:
        skipped = Skipped()
        pending = [self._entries(selection.folder, skipped)]
        folders: list[str] = []
        while pending:
            key = next(pending[-1], None)
            if key is None:
                pending.pop()
                if folders and (end := folders.pop() + BEYOND) > after:
                    looked_up_to(end)
            elif key.endswith("/"):
                folder = key[:-1]
                is_past = key < after and not after.startswith(key)
                if not is_past and selection.may_match_below(folder):
                    pending.append(self._entries(folder, skipped))
                    folders.append(key)
            elif key > after and selection.matches(key):
                info = self._listed(key, skipped)
                if info:
                    yield info
        skipped.report(self.name, selection.text)

    def _entries(self, folder: str, skipped: Skipped) -> Iterator[str]:
        """Keys directly in `folder`, those of folders ending in `/`, in the order of the keys below them."""
        try:
            path = self._existing(folder) if folder else self._real_root()
            with os.scandir(path) as entries:
                names = [
                    entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
                    for entry in entries
                    if not is_partial(entry.name)
                ]
        except (NotFoundError, NotADirectoryError, FileNotFoundError):
            return  # removed meanwhile, or never there: nothing to list
        except InputError:
            skipped.add(folder, "a symlink that leaves the folder, or a key that is too long")
            return
        except OSError as error:
            raise translate_os_error(
                error, f"connector {self.name!r}: list", self.root / folder
            ) from error
        names.sort()
        for name in names:
            key = f"{folder}/{name}" if folder else name
            if _is_unicode(name):
                yield key
            else:
                skipped.add(key, "its name is not valid Unicode")

    def _listed(self, key: str, skipped: Skipped) -> ObjectInfo | None:
        path = self.root / key
        try:
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode):
                return _describe(key, found)
            if stat.S_ISLNK(found.st_mode):
                return self._info(key, self._existing(key))
            skipped.add(key, "not a regular file")
        except FileNotFoundError:
            return None  # deleted since its folder was read
        except OSError as error:
            raise translate_os_error(error, f"connector {self.name!r}: look at", path) from error
        except InputError:
            skipped.add(key, "a symlink that leaves the folder")
        except NotFoundError:
            skipped.add(key, "a symlink to no regular file")
        return None

    def _make_folder(self, folder: Path, root: Path) -> None:
        existing = folder
        while not os.path.lexists(existing):
            existing = existing.parent
        if not Path(os.path.realpath(existing)).is_relative_to(root):
            raise InputError(
                f"connector {self.name!r}: {str(existing)!r} is a symlink that leaves the folder {self.root}",
                hint="Nothing is written outside of the connector's folder",
            )
        folder.mkdir(parents=True, exist_ok=True)


def _no_such(connector: FolderConnector, key: str) -> NotFoundError:
    return NotFoundError(
        f"connector {connector.name!r}: no file {key!r} in {connector.root}",
        hint="It was never there, or has been moved or deleted since it was listed",
        key=key,
    )


def _is_unicode(name: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in name)


def _describe(key: str, found: os.stat_result) -> ObjectInfo:
    second = min(max(found.st_mtime_ns // 1_000_000_000, _FIRST_SECOND), _LAST_SECOND)
    micros = found.st_mtime_ns // 1000 % 1_000_000
    return ObjectInfo(
        key=key,
        size_bytes=found.st_size,
        etag=f"{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ino:x}",
        modified_at=datetime.fromtimestamp(second, UTC).replace(microsecond=micros),
    )
