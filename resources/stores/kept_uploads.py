"""Files that were uploaded for datasets, kept in the store beside them until and as long as somebody wants them.

`<root>/uploads/<dataset>/` is an item like any other: an upload is a version of it, its files are named by the manifest,
each with its SHA-256. So an upload is whole or not there on every kind of store, a retry with the same id keeps nothing
twice, and what a killed process left is collected. The names that users gave stand in the manifest; files in the
store have names of our own (T7).

Bytes may go before their record: `release` removes them once they were imported and nobody wants them any longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from resources.kernel.errors import GoneError, IntegrityError, NotFoundError
from resources.kernel.records import StoredFile, StoredVersion
from resources.stores.storage import storage_error
from resources.stores.uploads import open_regular
from resources.stores.versions import VersionedItem, VersionStore

FOLDER = "uploads"
HISTORY = 100
"""Uploads of a dataset that stay on record, with their bytes or without."""
_CHUNK_BYTES = 1 << 20
_MANY, _SEALERS = 16, 4
"""Of more files than that, several at once are made sure of or sent to a bucket: each waits more than it works."""


@dataclass(frozen=True)
class KeptFile:
    """A file of an upload."""

    name: str
    """As its user called it."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class KeptUpload:
    """What was uploaded at once: one file, or several that make one table."""

    dataset: str
    number: int
    upload_id: str
    files: tuple[KeptFile, ...]
    by: str
    """Who uploaded it."""
    created_at: datetime
    version: StoredVersion

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return self.version.size_bytes

    def stored(self, name: str) -> StoredFile:
        """Where a file lies.

        Raises:
            NotFoundError: there is none of this name.
        """
        if name not in self._stored:
            raise NotFoundError(
                f"upload {self.number} of dataset {self.dataset} has no file {name!r}"
            )
        return self._stored[name]

    @cached_property
    def _stored(self) -> dict[str, StoredFile]:
        names = (file.name for file in self.files)
        return dict(zip(names, self.version.files, strict=True))


@dataclass(frozen=True)
class GivenFile:
    """A file to keep."""

    name: str
    path: Path
    may_link: bool = False
    """Nobody writes to it any more: where file systems allow it, its bytes are not written a second time."""
    sha256: str = ""
    """Of its bytes, where that is known; else they are read. Whoever reads what is kept makes sure of it."""


class KeptUploads:
    """The uploads of all datasets of a store."""

    def __init__(self, store: VersionStore) -> None:
        self._store = store

    def keep(
        self,
        dataset: str,
        files: Sequence[GivenFile],
        *,
        upload_id: str,
        by: str,
        tell: Callable[[int], None] = lambda _: None,
    ) -> KeptUpload:
        """Keeps files as the newest upload of a dataset; the same id again finds what it kept.

        Args:
            dataset: its name.
            files: at least one.
            upload_id: a name for this upload, of letters, digits, `-`.
            by: who uploads.
            tell: hears how many more bytes were taken.

        Raises:
            InputError: a file that is not there or may not be read.
            StorageError: the store is full or forbidden; nothing is kept then.
        """
        sealers = _SEALERS if len(files) > _MANY else 1
        with self._item(dataset).publisher(upload_id, sealers=sealers) as publisher:
            for position, file in enumerate(files):
                target = publisher.new_file(f"file-{position:05d}")
                _take(file, target, tell)
                publisher.seal(target, sha256=file.sha256)
            version = publisher.publish(
                properties={"names": _apart([file.name for file in files]), "by": by}
            )
        return _upload(dataset, version)

    def newest(self, dataset: str) -> KeptUpload | None:
        """The newest upload of a dataset; None when there is none.

        Raises:
            IntegrityError: its record is damaged.
        """
        version = self._item(dataset).latest()
        return _upload(dataset, version) if version is not None else None

    def find(self, dataset: str, number: int) -> KeptUpload | None:
        """An upload by its number; None when it is not on record any longer."""
        return next((one for one in self.all(dataset) if one.number == number), None)

    def all(self, dataset: str) -> list[KeptUpload]:
        """The uploads on record, newest first."""
        return [_upload(dataset, version) for version in reversed(self._item(dataset).versions())]

    def has_bytes(self, upload: KeptUpload) -> bool:
        """Whether the files are still there."""
        return self._item(upload.dataset).has_files(upload.version)

    def is_local(self, upload: KeptUpload) -> bool:
        """Whether its files lie on this machine."""
        return self._item(upload.dataset).keeps_local_files

    @contextmanager
    def local_file(self, upload: KeptUpload, name: str) -> Iterator[Path]:
        """A file of an upload as a local one, size and SHA-256 checked.

        Raises:
            NotFoundError: the upload has no such file.
            GoneError: its bytes are not kept any longer.
            IntegrityError: it is damaged (E53).
        """
        stored = upload.stored(name)
        item = self._item(upload.dataset)
        with ExitStack() as stack:
            try:
                path = stack.enter_context(item.local_file(upload.version, stored))
            except (IntegrityError, NotFoundError) as error:
                if item.has_files(upload.version):  # asked of many files only where one is missing
                    raise
                raise GoneError(
                    f"dataset {upload.dataset}: the bytes of upload {upload.number} ({name}) are not kept any longer",
                    hint="Upload the file again; `keep_uploads:` says how many stay once they were imported",
                ) from error
            yield path

    def release(self, dataset: str, *, imported: int, keep: int) -> None:
        """Removes the bytes of uploads that were imported or superseded, but for the newest `keep`.

        What came after the one that was imported stays whatever `keep` says: nobody has read it yet.
        """
        item = self._item(dataset)
        done = [version for version in item.versions() if version.number <= imported]
        item.drop_files(done[: max(len(done) - keep, 0)])
        item.collect(HISTORY)

    def discard(self, upload: KeptUpload) -> None:
        """Removes the bytes of one upload, of which nothing can be made; that there was one stays on record."""
        self._item(upload.dataset).drop_files([upload.version])

    def forget(self, dataset: str, but: Callable[[], Collection[str]] = tuple) -> None:
        """Removes the bytes of all uploads of a dataset; that there were some stays on record.

        Args:
            dataset: whose.
            but: asked when the uploads are known: ids of those whose bytes stay.
        """
        item = self._item(dataset)
        found = item.versions()
        wanted = set(but())
        item.drop_files([version for version in found if version.run_id not in wanted])

    def _item(self, dataset: str) -> VersionedItem:
        return self._store.item((FOLDER, dataset))


def _upload(dataset: str, version: StoredVersion) -> KeptUpload:
    names = version.properties.get("names")
    shown = [str(name) for name in names] if isinstance(names, list) else []
    return KeptUpload(
        dataset=dataset,
        number=version.number,
        upload_id=version.run_id,
        files=tuple(
            KeptFile(name, file.size_bytes, file.sha256)
            for name, file in zip(shown, version.files, strict=True)
        ),
        by=str(version.properties.get("by", "")),
        created_at=version.created_at,
        version=version,
    )


def _apart(names: Sequence[str]) -> list[str]:
    """The names, each once: files of one name come from several folders of a user."""
    found: dict[str, None] = {}
    for name in names:
        stem, dot, ending = name.partition(".")
        turn, one = 1, name
        while one in found:
            turn += 1
            one = f"{stem} ({turn}){dot}{ending}"
        found[one] = None
    return list(found)


def _take(file: GivenFile, target: Path, tell: Callable[[int], None]) -> None:
    if file.may_link:
        try:
            os.link(file.path, target)
        except (
            OSError
        ):  # another disk, or a file system without links: the copy below tells what is wrong
            target.unlink(missing_ok=True)
        else:
            tell(target.stat().st_size)
            return
    with open_regular(file.path) as source:
        try:
            with target.open("xb") as out:
                while chunk := source.read(_CHUNK_BYTES):
                    out.write(chunk)
                    tell(len(chunk))
        except OSError as error:
            raise storage_error(error, target, "writing") from error
