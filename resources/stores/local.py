"""Versions in a local or NFS folder: hard links make a file appear whole and once; fsync makes it last.

fsspec's own `mode="create"` on local files asks whether a file exists and then opens it: a race, and not
atomic. It is not used here (2a).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from resources.kernel.errors import StorageError
from resources.stores.storage import (
    TEMPORARY,
    FoundFile,
    LocalFile,
    Mark,
    Storage,
    sizes_in,
    storage_error,
)

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_REMEMBERED = 20_000
_SETTLED_NS = 2_000_000_000
"""Coarsest clock of a file system that is met: FAT, NFS 2."""


class LocalStorage(Storage):
    """A folder of this machine or of a network mount."""

    is_local: ClassVar[bool] = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = str(root)

    def names(self, folder: str) -> list[str]:
        """See `Storage.names`."""
        with _translated(self.root / folder, "listing"):
            try:
                return os.listdir(self.root / folder)  # noqa: PTH208 - names only, no Path for each of 10,000 files
            except FileNotFoundError:
                return []
            except NotADirectoryError:
                if not self.root.is_dir():
                    raise  # no store at all must not look like one without versions
                return []

    def read_many(self, paths: Iterable[str], first_bytes: int | None = None) -> dict[str, bytes]:
        """See `Storage.read_many`."""
        found = {}
        for path in paths:
            with (
                _translated(self.root / path, "reading"),
                contextlib.suppress(FileNotFoundError),
                (self.root / path).open("rb") as file,
            ):
                found[path] = file.read(first_bytes)
        return found

    def create(self, path: str, data: bytes) -> bool:
        """Temporary file, fsync, hard link, fsync of the folder: whole and exclusive also on NFS (2a)."""
        target = self.root / path
        with _translated(target, "writing"):
            _make_folders(target.parent)
            temporary = target.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
            try:
                _write_durably(temporary, data)
                linked = _link(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
            if linked:
                _sync_folder(target.parent)
            return linked

    def claim_folder(self, path: str) -> bool:
        """See `Storage.claim_folder`."""
        folder = self.root / path
        with _translated(folder, "creating"):
            _make_folders(folder.parent)
            try:
                folder.mkdir()
            except FileExistsError:
                return False
            _sync_folder(folder.parent)
            return True

    def staging_folder(self, path: str) -> Path:
        """The data folder itself: files are written in place; no reader looks before the manifest names them."""
        return self.root / path

    def store(self, path: str, local: Path, sha256: str, *, is_read: bool = True) -> None:
        """See `Storage.store`."""
        with _translated(local, "writing"):
            with local.open("rb+") as file:
                os.fsync(file.fileno())
                state = _fingerprint(os.fstat(file.fileno()))
            _sync_folder(local.parent)
        if is_read:
            _VERIFIED.remember(self.root / path, state, sha256)

    def listing(self, folder: str, prefix: str = "") -> list[FoundFile]:
        """See `Storage.listing`."""
        found = []
        with _translated(self.root / folder, "listing"), contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self.root / folder):
                if entry.name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):
                        stat = entry.stat()
                        found.append(FoundFile(entry.name, stat.st_size, _time(stat.st_mtime)))
        return found

    def folders(self, folder: str) -> list[str]:
        """See `Storage.folders`."""
        with _translated(self.root / folder, "listing"), contextlib.suppress(FileNotFoundError):
            return [
                e.name for e in os.scandir(self.root / folder) if e.is_dir(follow_symlinks=False)
            ]
        return []

    def place(self, path: str, local: Path, *, replace: bool = False) -> None:
        """fsync, hard link (or a rename over what is there), fsync of the folder."""
        target = self.root / path
        with _translated(target, "writing"):
            with local.open("rb+") as file:
                os.fsync(file.fileno())
            _make_folders(target.parent)
            if replace:
                local.replace(target)
            else:
                _link(local, target)
                local.unlink()
            _sync_folder(target.parent)  # also where another made it: it may not have come as far

    def read_range(self, path: str, start: int, length: int) -> bytes | None:
        """See `Storage.read_range`."""
        with _translated(self.root / path, "reading"):
            try:
                with (self.root / path).open("rb") as file:
                    file.seek(start)
                    return file.read(length)
            except FileNotFoundError:
                return None

    @contextmanager
    def local_file(self, path: str, sha256: str) -> Iterator[LocalFile | None]:
        """The file itself; hashed once a process as long as size, times and inode stay (bit rot: E53)."""
        target = self.root / path
        with _translated(target, "reading"):
            found = _inspect(target, sha256)
        yield found

    def data_folders(self, path: str) -> dict[str, datetime]:
        """See `Storage.data_folders`."""
        found: dict[str, datetime] = {}
        with _translated(self.root / path, "listing"), contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self.root / path):
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        found[entry.name] = _newest(Path(entry.path))
        return found

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""
        with _translated(self.root / path, "removing"):
            (self.root / path).unlink(missing_ok=True)

    def remove_folder(self, path: str) -> int:
        """See `Storage.remove_folder`."""
        freed = sum(sizes_in(self, path).values())
        with _translated(self.root / path, "removing"), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.root / path)
        return freed

    def remove_unfinished(self, item: str, before: datetime) -> None:
        """Temporary files of manifests whose writer was killed before it could unlink them."""
        folder = self.root / item / "v"
        for name in self.names(f"{item}/v"):
            if not name.startswith(TEMPORARY):
                continue
            with _translated(folder / name, "removing"), contextlib.suppress(FileNotFoundError):
                if _time((folder / name).stat().st_mtime) <= before:
                    (folder / name).unlink()

    def marks(self, items: Sequence[str]) -> dict[str, Mark]:
        """The times of their folders of manifests, in which a file comes or goes with each change."""
        with _translated(self.root, "listing"):
            young = time.time_ns() - _SETTLED_NS
            return {item: _mark(f"{self.root}/{item}/v", young) for item in items}

    def items(self, prefix: str) -> list[str]:
        """See `Storage.items`."""
        start = self.root / prefix if prefix else self.root
        found = []
        for folder, subfolders, _ in os.walk(start, onerror=_raise_listing):
            relative = Path(folder).relative_to(self.root).as_posix()
            path = "" if relative == "." else relative
            if path and "v" in subfolders and self._has_manifest(f"{path}/v"):
                found.append(path)
                subfolders[:] = [name for name in subfolders if name not in {"v", "data"}]
            subfolders.sort()
        return sorted(found)

    def _has_manifest(self, folder: str) -> bool:
        return any(name.endswith(".json") for name in self.names(folder))


def _mark(folder: str, young: int) -> Mark:
    try:
        found = os.stat(folder)  # noqa: PTH116 - no Path for each of 10,000 folders
    except FileNotFoundError:
        return Mark("")
    # A second change within the same tick of the file system's clock shows no other time.
    return Mark(
        f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}", found.st_ctime_ns < young
    )


class _Verified:
    """Which files this process has hashed, and in what state they were."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, tuple[tuple[int, ...], str]] = OrderedDict()

    def remember(self, path: Path, state: tuple[int, ...], sha256: str) -> None:
        self._known[path] = (state, sha256)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def sha256(self, path: Path, state: tuple[int, ...]) -> str | None:
        known = self._known.get(path)
        return known[1] if known and known[0] == state else None


_VERIFIED = _Verified()


def _inspect(path: Path, expected: str) -> LocalFile | None:
    try:
        with path.open("rb") as file:
            state = _fingerprint(os.fstat(file.fileno()))
            digest = _VERIFIED.sha256(path, state)
            if digest is None:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if digest == expected:
                    _VERIFIED.remember(path, state, digest)
            return LocalFile(path, state[0], digest)
    except FileNotFoundError:
        return None


def _fingerprint(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _newest(folder: Path) -> datetime:
    times = [entry.stat().st_mtime for entry in os.scandir(folder)]
    return _time(max(times, default=folder.stat().st_mtime))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _link(temporary: Path, target: Path) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise StorageError(
            f"{target.parent}: this store cannot create a file exclusively;"
            " datasets would be unsafe here",
            hint="Its file system lacks hard links: keep datasets on a local disk, NFS, S3 or GCS",
            path=str(target.parent),
        ) from error
    return True


def _make_folders(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _in_the_way(error, path) or storage_error(error, path, doing) from error


def _in_the_way(error: OSError, path: Path) -> StorageError | None:
    """A file where the store needs a folder."""
    if error.errno not in (errno.ENOTDIR, errno.EEXIST):
        return None
    found = next((parent for parent in (path, *path.parents) if parent.is_file()), None)
    if found is None:
        return None
    return StorageError(
        f"the store needs a folder where {found} is a file",
        hint="Point the store (WAYBILL_STORE) to a folder, or move the file",
        path=str(found),
    )


def _raise_listing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise storage_error(error, error.filename or "", "listing") from error
