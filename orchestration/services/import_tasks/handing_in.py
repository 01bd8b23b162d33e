"""Files of this machine handed in for a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from resources.import_tasks.definition import UploadedFile
from resources.stores.uploads import UploadStore

FILE_LIMIT = 50_000_000_000
"""Bytes of a file of this machine."""


@contextmanager
def handed_in(files: Sequence[Path]) -> Iterator[tuple[UploadedFile, ...]]:
    """Keeps copies of files while a task of them is made, which keeps them from then on; two of one name are numbered.

    What nobody had handed in before is let go of at the end: with the task goes the last of its bytes.

    Raises:
        InputError: there is no such file, it is none, or it is too large.
        StorageError: no space or no rights in the home folder.
    """
    uploads = UploadStore.open()
    names: set[str] = set()
    new: set[str] = set()
    kept = []
    try:
        for file in files:
            one = uploads.stage(file, limit=FILE_LIMIT)
            new |= {one.sha256} if one.is_new else set()
            kept.append(UploadedFile(one.sha256, _name(file.name, names), one.size_bytes))
        yield tuple(kept)
    finally:
        for sha256 in new:
            uploads.forget(sha256)


def _name(name: str, taken: set[str]) -> str:
    """The name itself, or with a number before its ending: `report (2).pdf`."""
    path, number, found = Path(name), 1, name
    while found in taken:
        number += 1
        found = f"{path.stem} ({number}){path.suffix}"
    taken.add(found)
    return found
