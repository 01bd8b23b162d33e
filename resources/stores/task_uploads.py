"""Uploads that belong to import tasks: a folder a task, with links to what was uploaded, until the task is deleted.

A link shares the bytes with `<home>/uploads`, which forgets after 30 days and which other imports take from: what one lets go
of stays with the other. The folder of a task that is gone, or was never made because its maker was killed, is removed by `sweep`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from resources.home import waybill_home
from resources.kernel.errors import StorageError
from resources.stores.uploads import UploadStore

_YOUNG_SECONDS = 3_600
"""A folder as young as this may be of a task that is being made."""


class TaskUploads:
    """The uploads of all tasks of a home folder.

    Args:
        folder: where they are; made when first needed.
        uploads: where files are handed in.
    """

    def __init__(self, folder: Path, uploads: UploadStore) -> None:
        self._folder = folder
        self._uploads = uploads

    @classmethod
    def open(cls) -> TaskUploads:
        """Those in the home folder."""
        return cls(waybill_home() / "import-uploads", UploadStore.open())

    def keep(self, task_id: int, hashes: Iterable[str]) -> None:
        """Keeps what was handed in for as long as the task is there.

        Raises:
            GoneError: it is not here, or no longer.
            StorageError: no space or no rights in the home folder.
        """
        own = self._folder / str(task_id)
        try:
            own.mkdir(parents=True, exist_ok=True)
            for sha256 in hashes:
                if not (
                    own / sha256
                ).is_file():  # asked again: it may no longer be where it was handed in
                    with suppress(FileExistsError):
                        self._uploads.link(sha256, own / sha256)
        except OSError as error:
            raise StorageError(
                f"the uploads of import task {task_id} cannot be kept in {own}: {error.strerror}",
                hint="Free space there, or set WAYBILL_HOME to a folder that you may write to",
            ) from error

    def of(self, task_id: int) -> UploadStore:
        """The files of a task, each by its SHA-256."""
        return UploadStore(self._folder / str(task_id))

    def remove(self, task_id: int) -> None:
        """Lets go of all files of a task."""
        shutil.rmtree(self._folder / str(task_id), ignore_errors=True)

    def sweep(self, tasks: Collection[int]) -> list[int]:
        """Removes the folders of tasks that are not among `tasks`; says of which."""
        removed = []
        before = time.time() - _YOUNG_SECONDS
        for entry in os.scandir(self._folder) if self._folder.is_dir() else ():
            is_other = entry.name.isdecimal() and int(entry.name) not in tasks
            with suppress(FileNotFoundError):
                if is_other and entry.stat(follow_symlinks=False).st_mtime < before:
                    self.remove(int(entry.name))
                    removed.append(int(entry.name))
        return removed
