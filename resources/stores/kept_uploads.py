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
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from resources.kernel.errors import GoneError, IntegrityError, NotFoundError
from resources.kernel.records import StoredFile, StoredVersion
from resources.stores.stamps import holds, stamp_of
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
    stamp: str = ""
    """How the file stood when its bytes were hashed, where it was kept without being read."""


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
        return self.version.files[self._position(name)]

    def stamp(self, name: str) -> str:
        """How a file stood when it was hashed; empty where that is not known.

        Raises:
            NotFoundError: there is none of this name.
        """
        return self.files[self._position(name)].stamp

    def _position(self, name: str) -> int:
        if name not in self._positions:
            raise NotFoundError(
                f"upload {self.number} of dataset {self.dataset} has no file {name!r}"
            )
        return self._positions[name]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {file.name: position for position, file in enumerate(self.files)}


@dataclass(frozen=True)
class GivenFile:
    """A file to keep."""

    name: str
    path: Path
    may_link: bool = False
    """Nobody writes to it any more: where file systems allow it, its bytes are not written a second time."""
    sha256: str = ""
    """Of its bytes, where that is known; else they are read. Whoever reads what is kept makes sure of it."""
    stamp: str = ""
    """How the file stood of which this is the hash; see `resources/stores/stamps.py`."""


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
        sealers, stamps = _SEALERS if len(files) > _MANY else 1, list[str]()
        with self._item(dataset).publisher(upload_id, sealers=sealers) as publisher:
            for position, file in enumerate(files):
                target = publisher.new_file(f"file-{position:05d}")
                _take(file, target, tell)
                stamps.append(file.stamp if stamp_of(target.stat()) == file.stamp else "")
                publisher.seal(target, sha256=file.sha256)
            names = _apart([file.name for file in files])
            known = {"stamps": stamps} if any(stamps) else {}
            version = publisher.publish(properties={"names": names, "by": by, **known})
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
        """A file of an upload as a local one, proven by its size and SHA-256, or by how it stands since it was hashed.

        Raises:
            NotFoundError: the upload has no such file.
            GoneError: its bytes are not kept any longer.
            IntegrityError: it is damaged (E53).
        """
        upload.stored(name)
        item = self._item(upload.dataset)
        with ExitStack() as stack:
            try:
                path = stack.enter_context(_proven(item, upload, name))
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

    def forget(
        self,
        dataset: str,
        but: Callable[[], Collection[str]] = tuple,
        *,
        since: datetime | None = None,
    ) -> None:
        """Removes the bytes of all uploads of a dataset; that there were some stays on record.

        Args:
            dataset: whose.
            but: asked when the uploads are known: ids of those whose bytes stay.
            since: those of uploads that were kept from then on stay as well.
        """
        item = self._item(dataset)
        found = [one for one in item.versions() if since is None or one.created_at < since]
        wanted = set(but())
        item.drop_files([version for version in found if version.run_id not in wanted])

    def _item(self, dataset: str) -> VersionedItem:
        return self._store.item((FOLDER, dataset))


def _upload(dataset: str, version: StoredVersion) -> KeptUpload:
    names = version.properties.get("names")
    shown = [str(name) for name in names] if isinstance(names, list) else []
    kept = version.properties.get("stamps")
    stamps = [str(stamp) for stamp in kept] if isinstance(kept, list) else [""] * len(shown)
    return KeptUpload(
        dataset=dataset,
        number=version.number,
        upload_id=version.run_id,
        files=tuple(
            KeptFile(name, file.size_bytes, file.sha256, stamp)
            for name, file, stamp in zip(shown, version.files, stamps, strict=True)
        ),
        by=str(version.properties.get("by", "")),
        created_at=version.created_at,
        version=version,
    )


def _proven(item: VersionedItem, upload: KeptUpload, name: str) -> AbstractContextManager[Path]:
    """A file of an upload: read and hashed, unless it stands as it did when it was hashed."""
    stored, stamp = upload.stored(name), upload.stamp(name)
    if stamp and item.keeps_local_files:
        path = item.looking.path(upload.version, stored)
        if holds(stamp, upload.created_at, path):
            return _unread(item, upload, stored, path)
    return item.local_file(upload.version, stored)


@contextmanager
def _unread(
    item: VersionedItem, upload: KeptUpload, stored: StoredFile, path: Path
) -> Iterator[Path]:
    """The file itself; proves on leaving that nobody wrote to it meanwhile."""
    before = stamp_of(path.stat())
    yield path
    if path.exists() and stamp_of(path.stat()) != before:
        raise item.looking.damaged(upload.version, stored, "it was written to while it was read")


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
