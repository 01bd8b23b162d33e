"""Files of this machine handed in for a task."""

from __future__ import annotations

from pathlib import Path

from resources.import_tasks.definition import UploadedFile
from resources.stores.uploads import UploadStore

FILE_LIMIT = 50_000_000_000
"""Bytes of a file of this machine."""


def hand_in(files: list[Path]) -> tuple[UploadedFile, ...]:
    """Keeps copies of files, so that the task has them however long it waits; two of one name are numbered.

    Raises:
        InputError: there is no such file, it is none, or it is too large.
        StorageError: no space or no rights in the home folder.
    """
    uploads = UploadStore.open()
    names: set[str] = set()
    kept = []
    for file in files:
        one = uploads.stage(file, limit=FILE_LIMIT)
        kept.append(UploadedFile(one.sha256, _name(file.name, names), one.size_bytes))
    return tuple(kept)


def _name(name: str, taken: set[str]) -> str:
    """The name itself, or with a number before its ending: `report (2).pdf`."""
    path, number, found = Path(name), 1, name
    while found in taken:
        number += 1
        found = f"{path.stem} ({number}){path.suffix}"
    taken.add(found)
    return found
