"""Component files written whole or not at all, whatever else reads or writes, and whenever the process dies.

A reader meanwhile finds the old file or the new one. The file is compared with what the change was made from
directly before it is replaced: an editor that saved meanwhile wins.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestration.services.definition_files.documents import DefinitionFile
from orchestration.services.definition_files.found import read_file
from resources.kernel.errors import ConflictError, StorageError


def write(before: DefinitionFile, after: DefinitionFile, root: Path) -> None:
    """Makes the file `before` into `after`: written, replaced, made, or removed.

    Args:
        before: what the change was made from; without text where there is no file yet.
        after: what it is to be; without text where the file is to go.
        root: the folder of the definitions, which stays whatever becomes empty below it.

    Raises:
        ConflictError: the file is not what it was.
        StorageError: it cannot be written.
    """
    path = before.path
    with _told(path):
        if not after.source.text:
            _check_unchanged(before)
            path.unlink()
            _remove_empty(path.parent, root)
        elif not before.source.text and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _put(before, after, is_new=True)
        else:
            _put(before, after, is_new=False)


def _put(before: DefinitionFile, after: DefinitionFile, *, is_new: bool) -> None:
    path = before.path
    # Names that begin with a dot are not read as definitions.
    descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(after.source.encode())
            file.flush()
            os.fchmod(file.fileno(), _mode(path, is_new=is_new))
            os.fsync(file.fileno())
        if is_new:
            os.link(scratch, path)  # refuses where another process has made the file meanwhile
        else:
            _check_unchanged(before)
            os.replace(scratch, path)  # noqa: PTH105 - as the steps around it
    except FileExistsError as error:
        raise _changed(path) from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(scratch)  # noqa: PTH108 - as above
    _sync_folder(path.parent)


def _mode(path: Path, *, is_new: bool) -> int:
    if not is_new:
        return path.stat().st_mode & 0o7777
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def _check_unchanged(before: DefinitionFile) -> None:
    if read_file(before.path).source != before.source:
        raise _changed(before.path)


def _changed(path: Path) -> ConflictError:
    return ConflictError(
        f"{path} was changed meanwhile; nothing was written",
        hint="Look at what it holds now, and change that",
        file=str(path),
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path, root: Path) -> None:
    """Folders that hold nothing any more; one that fills meanwhile stays."""
    with suppress(OSError):
        while folder != root and folder.is_relative_to(root):
            folder.rmdir()
            folder = folder.parent


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(
            f"{path} cannot be written: {reason}",
            hint="Check the permissions of the file and its folder, and that the disk is not full",
            file=str(path),
        ) from error
