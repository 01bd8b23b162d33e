"""Uploaded files as items of a task; a ZIP is its members."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from assets.collections.tasks.archive_items import OpenArchive
from resources.import_tasks.definition import UploadedFile, UploadSource
from resources.import_tasks.formats import format_of
from resources.import_tasks.sources import (
    FetchedFile,
    ItemRefusedError,
    KnownFile,
    SourceItem,
    Unchanged,
)
from resources.sources.whole_files import UPLOAD_SCHEME, WholeUploads, upload_item
from resources.stores.uploads import UploadStore, sha256_of

_ARCHIVE = "archive"


class UploadItems(WholeUploads):
    """Those of `WholeUploads`, and of an archive its members. What is wrong with an archive as a whole is found when it is listed, and is one item that fails.

    Args:
        definition: which files.
        uploads: those of the task.
        scratch: a folder for members of archives.
    """

    def __init__(self, definition: UploadSource, uploads: UploadStore, scratch: Path) -> None:
        super().__init__(definition, uploads)
        self._names = {file.sha256: file.name for file in definition.files}
        self._scratch = scratch
        self._archives: dict[str, OpenArchive] = {}
        self._lock = Lock()

    def list(self) -> Iterator[SourceItem]:
        """Each file; in the place of an archive its members."""
        for file in self._files:
            found = format_of(file.name)
            if found is not None and found.group == _ARCHIVE:
                yield from self._members(file)
            else:
                yield upload_item(file)

    @contextmanager
    def fetch(self, item: SourceItem, known: KnownFile | None) -> Iterator[FetchedFile | Unchanged]:
        """The file, or a copy of the member."""
        sha256, _, member = item.handle.partition("#")
        if not member:
            with super().fetch(item, known) as fetched:
                yield fetched
            return
        with TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "member"
            self._archive(sha256).copy(_number(member), path)
            yield FetchedFile(path, item.name, path.stat().st_size, sha256_of(path))

    def close(self) -> None:
        """Lets go of archives."""
        for archive in self._archives.values():
            archive.close()

    def _members(self, file: UploadedFile) -> Iterator[SourceItem]:
        try:
            members = list(self._archive(file.sha256).members())
        except ItemRefusedError:
            members = []
        if not members:
            # Told when it is fetched: an archive without a file, or one that is refused.
            reference = UPLOAD_SCHEME + file.name
            yield SourceItem(file.name, reference, file.size, handle=f"{file.sha256}#-1")
        for one in members:
            handle = (
                f"{file.sha256}#{one.number if one.rule is None else f'!{one.rule}!{one.message}'}"
            )
            # Two members may have one name: the refused one is told apart by its number.
            name = f"{file.name}/{one.path}" + ("" if one.rule is None else f" ({one.number})")
            yield SourceItem(name, UPLOAD_SCHEME + name, one.size, handle=handle)

    def _archive(self, sha256: str) -> OpenArchive:
        """Judged once a run; the upload stays where it is while its task is there."""
        with self._lock:
            if sha256 not in self._archives:
                with self._upload(sha256) as path:
                    self._archives[sha256] = OpenArchive(path, self._names[sha256])
            return self._archives[sha256]


def _number(member: str) -> int:
    """The place of a member, unless what is wrong with it was seen when it was listed.

    Raises:
        ItemRefusedError: see there.
    """
    if member.startswith("!"):
        _, rule, message = member.split("!", 2)
        raise ItemRefusedError(rule, message)
    number = int(member)
    if number < 0:
        raise ItemRefusedError("archive_refused", "the archive holds no file")
    return number
