"""Files that were received for a task: kept by their content from then on, each under a name of its own.

They come by a form or in pieces (`services/uploads`). Here they get a second name by their hash, so that a thousand files are kept
as quickly as one; what they were received as is forgotten when the task is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestration.services.home import Home
from orchestration.services.import_tasks.file_names import FileNames
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from resources.import_tasks.definition import MOST_FILES, UploadedFile
from resources.kernel.errors import ConflictError, InputError, NotFoundError
from resources.stores.uploads import UploadStore, sha256_of


@dataclass(frozen=True)
class ReceivedFiles:
    """Files that were received for one task, looked at and not kept yet.

    Args:
        files: as the task's definition has them.
        paths: where each is; None of one that a task has taken already.
        upload_ids: what they were received as.
    """

    files: tuple[UploadedFile, ...]
    paths: tuple[Path | None, ...]
    upload_ids: tuple[str, ...]

    def keep(self) -> frozenset[str]:
        """Hands them in by their content; the hashes of those that nobody had handed in before.

        Raises:
            StorageError: no room for them.
        """
        store, new = UploadStore.open(), set()
        for file, path in zip(self.files, self.paths, strict=True):
            if path is not None:
                kept = store.adopt(path, file.sha256)
                new |= {kept.sha256} if kept.is_new else set()
        return frozenset(new)

    def forget(self, home: Home, handed_in: Iterable[str]) -> None:
        """Lets go of what was received and handed in, once the task has it: with the task goes the last of their bytes.

        What is known of an upload stays for a day, should a request come twice.
        """
        uploads = IncomingUploads(home)
        for upload_id in self.upload_ids:
            with suppress(NotFoundError):
                uploads.forget_bytes(upload_id)
        self.take_back(handed_in)

    def take_back(self, handed_in: Iterable[str]) -> None:
        """Lets go of what was handed in alone: no task came of it, and what was received may become another one."""
        store = UploadStore.open()
        for sha256 in handed_in:
            store.forget(sha256)


def received_files(home: Home, project: str, upload_ids: Sequence[str]) -> ReceivedFiles:
    """The files of these uploads, in their order.

    Args:
        home: where they were received.
        project: the one that they were sent to.
        upload_ids: which.

    Raises:
        NotFoundError: no such upload in this project.
        ConflictError: one is still on its way, or was taken by something else.
        InputError: more files than a task takes.
    """
    ids = tuple(dict.fromkeys(upload_ids))
    if len(ids) > MOST_FILES:
        raise InputError(
            f"{len(ids):,} files: a task takes at most {MOST_FILES:,}",
            hint="Make several tasks, or pack the files into a ZIP",
            limit=MOST_FILES,
        )
    uploads, names = IncomingUploads(home), FileNames()
    found = [_received(uploads, one, project) for one in ids]
    files = tuple(
        UploadedFile(sha256, names.own(state.filename), state.offset) for state, sha256, _ in found
    )
    return ReceivedFiles(files, tuple(path for _, _, path in found), ids)


def _received(
    uploads: IncomingUploads, upload_id: str, project: str
) -> tuple[Incoming, str, Path | None]:
    try:
        state, path = uploads.received(upload_id, project)
    except ConflictError as error:
        if error.facts.get("state") != "imported":
            raise
        state = uploads.state(upload_id, project)
        if not state.sha256:
            raise
        return state, state.sha256, None  # by a task: this one, where the request comes twice
    return state, state.sha256 or sha256_of(path), path
