"""From an uploaded ZIP to a published version of an image folder. Pure of Dagster: an upload, two stores, a report.

All or nothing: bytes of images go into the media store first, the table and the list of all objects that it refers to
after them, and the manifest, which alone makes a version, last. What a killed or refused import left behind is referred
to by nothing and collected. The upload that made the newest version, or one of the same bytes, is not read again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from assets.image_folders.declaration import NOUN, ORIGIN
from assets.image_folders.looking import ImageLooker, Unreadable
from assets.image_folders.table import (
    IMAGES,
    SCHEMA,
    FolderImage,
    ImagesRecord,
    batches_of,
    folder_of,
)
from resources.kernel.errors import GoneError, InputError, IntegrityError, NotFoundError
from resources.kernel.keys import Key
from resources.kernel.records import BatchStream, StoredVersion
from resources.media.prober import Prober, open_prober
from resources.media.unpacking import ImageArchive, open_image_archive, refused_members
from resources.scratch import ScratchFolder
from resources.sources.uploads import wanted_upload
from resources.stores.kept_uploads import KeptUpload, KeptUploads
from resources.stores.media.store import MediaStore
from resources.stores.tables import TableStore

RULES = (
    1  # grows when the same ZIP would be imported differently: the same upload is then read again
)
_TELL_SECONDS = 2.0


@dataclass(frozen=True)
class ImageOrder:
    """What to import where, and for whom."""

    name: str
    key: Key
    run_id: str
    attempt: int = 0
    upload: int = 0
    """Number of the upload that the run was started for; 0: the newest."""


@dataclass(frozen=True)
class ImageReport:
    """What an import did."""

    version: StoredVersion
    seconds: float
    unchanged: bool = False


def import_images(
    tables: TableStore,
    media: MediaStore,
    order: ImageOrder,
    tell: Callable[[str], None] = lambda _: None,
) -> ImageReport:
    """Imports the upload that is asked for, whole or not at all.

    An upload that is refused for what it holds loses its bytes: nothing of it is kept.

    Raises:
        NotFoundError: nothing was uploaded yet.
        GoneError: what was uploaded was refused before, and is not kept.
        InputError: it holds something that is no image; all of it is named.
        ParseError: it is no ZIP, damaged, or made to harm.
        StorageError: the store is full or forbidden.
    """
    started = time.monotonic()
    uploads, newest = KeptUploads(tables), newest_version(tables, order.key)
    upload = wanted_upload(uploads, order.name, asked=order.upload, imported=_imported(newest))
    known = _known(uploads, newest, upload, order)
    if known is not None:
        return ImageReport(known, time.monotonic() - started, unchanged=True)
    assert upload is not None  # noqa: S101 - for the type checker: `_known` raises
    (file,) = upload.files
    with uploads.local_file(upload, file.name) as path:
        try:
            with open_image_archive(path, file.name) as archive, open_prober() as prober:
                version = _Import(tables, media, order, tell).publish(upload, archive, prober)
        except InputError:
            uploads.discard(upload)
            raise
    uploads.release(order.name, imported=upload.number, keep=0)
    return ImageReport(version, time.monotonic() - started)


@dataclass(frozen=True)
class _Import:
    tables: TableStore
    media: MediaStore
    order: ImageOrder
    tell: Callable[[str], None]

    def publish(self, upload: KeptUpload, archive: ImageArchive, prober: Prober) -> StoredVersion:
        """Keeps all images, then makes them a version."""
        key, run_id, attempt = self.order.key, self.order.run_id, self.order.attempt
        record = ImagesRecord(folders=count_folders(image.path for image in archive.images))
        with (
            ScratchFolder("import") as scratch,
            self.media.writer(key, run_id=run_id, attempt=attempt) as keeper,
            self.tables.writer(key, run_id=run_id, attempt=attempt) as table,
        ):
            looker = ImageLooker(prober, keeper, scratch.path)
            images = self._taken(archive, looker, record)
            table.write(BatchStream(SCHEMA, batches_of(images)))
            return table.publish(
                {
                    "origin": ORIGIN,
                    "source": source_record(upload),
                    IMAGES: record.to_property(),
                    **keeper.claim(),
                }
            )

    def _taken(
        self, archive: ImageArchive, looker: ImageLooker, record: ImagesRecord
    ) -> Iterator[FolderImage]:
        """Images in their order, each told of its twin before it; at the end all that could not be read in one error."""
        first: dict[str, str] = {}
        unreadable: list[Unreadable] = []
        told_at, total = time.monotonic(), len(archive.images)
        for place, found in enumerate(looker.look_at_all(archive), start=1):
            if time.monotonic() - told_at >= _TELL_SECONDS or place == total:
                self.tell(f"{place:,} of {total:,} images")
                told_at = time.monotonic()
            if isinstance(found, Unreadable):
                unreadable.append(found)
                continue
            image = with_twin(found, first)
            record.add(image)
            yield image
        if unreadable:
            wrong = [(one.path, one.reason) for one in unreadable]
            raise refused_members(archive.name, wrong, total)


def source_record(upload: KeptUpload) -> dict[str, Any]:
    """Which upload a version was made of, as its manifest says it."""
    (file,) = upload.files
    return {
        "upload": upload.number,
        "uploaded_by": upload.by,
        "uploaded_at": upload.created_at.isoformat(),
        "files": [{"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}],
        "rules": RULES,
    }


def with_twin(image: FolderImage, first: dict[str, str]) -> FolderImage:
    """The image, told of the first one with the same bytes: in another version that may have been another one.

    Args:
        image: the next one in the order of paths.
        first: by SHA-256 the first image before it; grows.
    """
    twin = first.setdefault(image.sha256, image.path)
    told = None if twin == image.path else twin
    return image if image.duplicate_of == told else replace(image, duplicate_of=told)


def count_folders(paths: Iterable[str]) -> int:
    """How many folders hold images, or folders with images."""
    found: set[str] = set()
    for path in paths:
        folder = folder_of(path)
        while folder and folder not in found:
            found.add(folder)
            folder = folder_of(folder)
    return len(found)


def newest_version(tables: TableStore, key: Key) -> StoredVersion | None:
    """The newest version; None when its manifest is damaged too: the import then reads the upload again."""
    with suppress(IntegrityError):
        return tables.item(key).latest()
    return None


def _source(version: StoredVersion | None) -> Mapping[str, Any]:
    found = version.properties.get("source") if version is not None else None
    return found if isinstance(found, Mapping) else {}


def _imported(version: StoredVersion | None) -> int:
    number = _source(version).get("upload")
    return number if isinstance(number, int) else 0


def _known(
    uploads: KeptUploads,
    newest: StoredVersion | None,
    upload: KeptUpload | None,
    order: ImageOrder,
) -> StoredVersion | None:
    """The newest version, where it shows what was uploaded already; None where the upload is to be read.

    Raises:
        NotFoundError: there is no upload.
        GoneError: its bytes are not kept, and no version was made of them.
    """
    if upload is None and newest is not None:
        return newest  # import tasks alone have filled it
    if upload is None:
        raise NotFoundError(
            f"{NOUN} {order.name}: nothing was uploaded yet",
            hint=f"Upload a ZIP: waybill image-folder upload FILE.zip --name {order.name}",
        )
    source = _source(newest)
    hashes = [one.get("sha256") for one in source.get("files", ())]
    if newest is not None and source.get("rules") == RULES:
        if hashes == [file.sha256 for file in upload.files]:
            return newest
        if not order.upload and not uploads.has_bytes(upload):
            return newest  # what came after it was refused
    if not uploads.has_bytes(upload):
        raise GoneError(
            f"{NOUN} {order.name}: upload {upload.number} ({upload.files[0].name}) is not kept",
            hint="It was refused, or imported before: upload the ZIP again",
        )
    return None
