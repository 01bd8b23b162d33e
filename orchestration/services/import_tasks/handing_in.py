"""Files of this machine handed in for a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestration.services.import_tasks.file_names import FileNames
from resources.import_tasks.definition import UploadedFile
from resources.stores.uploads import UploadStore

FILE_LIMIT = 50_000_000_000
"""Bytes of a file of this machine."""


@contextmanager
def handed_in(files: Sequence[Path]) -> Iterator[tuple[UploadedFile, ...]]:
    """Copies of files, for a task that is made within: it has them from then on, however long it waits.

    Behind it they are let go of, so that with the task the last of their bytes goes, and nothing is left where no task was
    made. What others had handed in before stays. Two files of one name are numbered.

    Raises:
        InputError: there is no such file, it is none, or it is too large.
        StorageError: no space or no rights in the home folder.
    """
    uploads, names = UploadStore.open(), FileNames()
    kept: list[UploadedFile] = []
    new: set[str] = set()
    try:
        for file in files:
            one = uploads.stage(file, limit=FILE_LIMIT)
            new |= {one.sha256} if one.is_new else set()
            kept.append(UploadedFile(one.sha256, names.own(file.name), one.size_bytes))
        yield tuple(kept)
    finally:
        for sha256 in new:
            uploads.forget(sha256)
