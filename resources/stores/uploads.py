"""Files that people hand in, kept by their content until a run has taken them: a run's config holds the hash alone.

`<home>/uploads/<sha256>`; written under a name of its own and linked when whole, never through a symbolic link (T40).
The same bytes uploaded twice are one file. Files of more than 30 days ago go with the next upload: a run that
is tried again later says that its file is no longer there.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from resources.home import waybill_home
from resources.kernel.errors import GoneError, InputError, IntegrityError, StorageError

KEEP_SECONDS = 30 * 86_400

_CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Upload:
    """A file that is kept."""

    sha256: str
    size_bytes: int
    is_new: bool
    """Whether it was not here before."""


class UploadStore:
    """The uploads of a home folder.

    Args:
        folder: where they are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def open(cls) -> UploadStore:
        """The uploads in the home folder."""
        return cls(waybill_home() / "uploads")

    def stage(self, source: Path, *, limit: int) -> Upload:
        """Keeps a copy of a file.

        Args:
            source: a regular file.
            limit: most bytes that it may have.

        Raises:
            InputError: there is no such file, it is none, or it is too large.
            StorageError: no space or no rights in the home folder.
        """
        with open_regular(source) as stream:
            return self.take(stream, source.name, limit=limit)

    def take(self, stream: BinaryIO, name: str, *, limit: int) -> Upload:
        """Keeps what is read from a stream.

        Args:
            stream: at its beginning.
            name: of the file, for errors.
            limit: most bytes that it may have.

        Raises:
            InputError: it is too large.
            StorageError: no space or no rights in the home folder.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget_old()
            return self._copy(stream, name, limit)
        except OSError as error:
            raise self._unkept(error) from error

    def adopt(self, source: Path, sha256: str = "") -> Upload:
        """Keeps a file that nobody writes to any more as it is, by a second name of it: a thousand of them take no longer than their names.

        Args:
            source: a regular file of ours, in the same home folder.
            sha256: of its bytes, where it is known; whoever reads it proves it.

        Raises:
            InputError: there is no such file, or it is none.
            StorageError: no space or no rights in the home folder.
        """
        with open_regular(source) as stream:
            size = os.fstat(stream.fileno()).st_size
        known = sha256 or sha256_of(source)
        scratch = self._folder / f".{secrets.token_hex(8)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            os.link(source, scratch)
            os.utime(scratch)  # kept for as long as if it came today
            is_new = not self.has(known)
            scratch.replace(self._folder / known)
        except OSError as error:
            raise self._unkept(error) from error
        finally:
            scratch.unlink(missing_ok=True)  # of one file, `replace` does nothing
        return Upload(known, size, is_new)

    def has(self, sha256: str) -> bool:
        """Whether a file with this hash is kept; its bytes are not looked at."""
        return _SHA256.fullmatch(sha256) is not None and stat.S_ISREG(_mode(self._folder / sha256))

    def forget(self, sha256: str) -> None:
        """Lets go of a file that nobody takes from here any more; nothing where there is none."""
        if self.has(sha256):
            (self._folder / sha256).unlink(missing_ok=True)

    @contextmanager
    def read(self, sha256: str) -> Iterator[Path]:
        """The file with this hash, its bytes checked.

        Raises:
            GoneError: it is not here, or no longer.
            IntegrityError: its bytes are others by now.
        """
        if not _SHA256.fullmatch(sha256):
            raise InputError(f"{sha256[:80]!r} is no SHA-256 of an upload")
        path = self._folder / sha256
        if not stat.S_ISREG(_mode(path)):
            raise self._gone(sha256)
        if sha256_of(path) != sha256:
            raise IntegrityError(
                f"the upload {sha256[:12]} is damaged: its bytes have another SHA-256",
                hint="Hand the file in again",
                path=str(path),
            )
        yield path

    def link(self, sha256: str, target: Path) -> None:
        """Gives the file with this hash a second name, which stays when the first one is forgotten.

        Its bytes are not read: who takes them by the other name has them checked.

        Raises:
            GoneError: it is not here, or no longer.
            FileExistsError: there is a file of that name.
        """
        if not self.has(sha256):
            raise self._gone(sha256)
        path = self._folder / sha256
        try:
            os.link(path, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            partial = target.with_name(f".{target.name}")
            shutil.copyfile(path, partial)
            partial.replace(target)

    def _gone(self, sha256: str) -> GoneError:
        return GoneError(
            f"the upload {sha256[:12]} is not in {self._folder}",
            hint="Uploads are kept for 30 days on the machine that took them: hand the file in again",
        )

    def _unkept(self, error: OSError) -> StorageError:
        return StorageError(
            f"the upload cannot be kept in {self._folder}: {error.strerror}",
            hint="Free space there, or set WAYBILL_HOME to a folder that you may write to",
            path=str(self._folder),
        )

    def _copy(self, stream: BinaryIO, name: str, limit: int) -> Upload:
        scratch = self._folder / f".{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(os.open(scratch, flags, 0o600), "wb") as target:
                while chunk := stream.read(_CHUNK_BYTES):
                    size += len(chunk)
                    if size > limit:
                        raise too_large(name, limit)
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            is_new = not self.has(digest.hexdigest())
            self._publish(scratch, self._folder / digest.hexdigest())
        finally:
            scratch.unlink(missing_ok=True)
        return Upload(digest.hexdigest(), size, is_new)

    def _publish(self, scratch: Path, path: Path) -> None:
        # The newest copy takes the place of an older one, which may be damaged or about to be forgotten.
        scratch.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _forget_old(self) -> None:
        before = time.time() - KEEP_SECONDS
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # another upload forgets it too
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    Path(entry.path).unlink()


def _mode(path: Path) -> int:
    """The kind of file, links not followed; 0 when there is none."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def too_large(name: str, limit: int) -> InputError:
    """The refusal of a file of more than `limit` bytes."""
    return InputError(
        f"{name}: the file has more than {limit:,} bytes", hint="Split it", limit=limit, file=name
    )


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """A file of the user's for reading; a device or a pipe is refused instead of waited for.

    Raises:
        InputError: there is no such file, or it may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", hint="Check the path", path=str(path)
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is no file", hint="Give the path of a file", path=str(path))
    with os.fdopen(descriptor, "rb") as stream:
        yield stream
