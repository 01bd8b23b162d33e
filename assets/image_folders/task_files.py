"""A task of ZIPs and single images into an image folder: what is new joins the images that are there, as the folder's next version.

Each file of the task comes in whole or not at all. A ZIP is held against the rules of an upload, and its images keep their paths; a
single image is called as its file. One whose path is taken replaces that image; one whose bytes the folder has under another
path is left out, unless the task asks for it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from assets.image_folders.declaration import ORIGIN
from assets.image_folders.importing import (
    RULES,
    ImageOrder,
    ImageReport,
    count_folders,
    newest_version,
    with_twin,
)
from assets.image_folders.looking import ImageLooker, Images, Unreadable
from assets.image_folders.table import IMAGES, SCHEMA, FolderImage, ImagesRecord, batches_of
from assets.task_run import TaskRun
from resources.formats.archives import is_zip
from resources.formats.content_types import HEAD, content_type_of
from resources.import_tasks.sources import ItemRefusedError
from resources.kernel.errors import InputError, ParseError, WaybillError
from resources.kernel.records import BatchStream, StoredVersion
from resources.media.prober import open_prober
from resources.media.unpacking import (
    PackedImage,
    bad_path,
    folded_path,
    open_image_archive,
    refused_members,
)
from resources.sources.uploads import TASK
from resources.sources.whole_files import BroughtFile
from resources.stores.catalog.import_tasks.records import ItemResult
from resources.stores.media.store import MediaStore
from resources.stores.media.writer import MediaWriter
from resources.stores.tables import TableStore

_NAMED = 100


class OneImage:
    """A file that is an image.

    Args:
        name: what it is called in the folder.
        path: where it is.

    Raises:
        InputError: it is none, or its name cannot be kept.
    """

    def __init__(self, name: str, path: Path) -> None:
        with path.open("rb") as opened:
            size = path.stat().st_size
            found = content_type_of(opened.read(HEAD), size)
        if found.kind != "image":
            what = "has 0 bytes" if found.kind == "empty" else f"is no image but {found.mime}"
            raise InputError(f"{name} {what}", file=name)
        called = unicodedata.normalize("NFC", name)
        if reason := bad_path(called):
            raise InputError(f"{name[:200]!r}: {reason}", file=name)
        self.name = name
        self.images = [PackedImage(called, size, found.mime)]
        self._path = path

    def streams(self) -> Iterator[tuple[PackedImage, BinaryIO]]:
        """The image with a stream of its bytes."""
        with self._path.open("rb") as opened:
            yield self.images[0], opened


class _Folder:
    """The images of the next version, by their paths."""

    def __init__(self, images: Mapping[str, FolderImage]) -> None:
        self.images = dict(images)
        self._called = {folded_path(path): path for path in self.images}
        self._with_bytes: dict[str, str] = {}
        for path in sorted(self.images):
            self._with_bytes.setdefault(self.images[path].sha256, path)
        self.is_changed = False

    def check(self, images: list[FolderImage], name: str) -> None:
        """Refuses images whose names are those of others but for case.

        Raises:
            ItemRefusedError: see there; names the first.
        """
        for image in images:
            other = self._called.get(folded_path(image.path), image.path)
            if other != image.path:
                raise ItemRefusedError(
                    "name_not_allowed",
                    f"{name}: {image.path[:200]!r} is {other[:200]!r} where case does not count",
                )

    def twin(self, image: FolderImage) -> str:
        """The path under which the folder has the bytes of an image, if it is another one; else empty."""
        found = self._with_bytes.get(image.sha256, "")
        return found if found != image.path else ""

    def take(self, images: list[FolderImage]) -> tuple[int, int]:
        """Puts images into the folder; how many were not there, and how many took the place of others."""
        created = updated = 0
        for image in images:
            known = self.images.get(image.path)
            if known is not None and known.sha256 == image.sha256:
                continue
            created, updated = created + (known is None), updated + (known is not None)
            self.images[image.path] = image
            self._called[folded_path(image.path)] = image.path
            self._with_bytes.setdefault(image.sha256, image.path)
        self.is_changed |= bool(created or updated)
        return created, updated


def import_image_files(
    run: TaskRun, tables: TableStore, media: MediaStore, order: ImageOrder
) -> ImageReport:
    """Brings the files of a task into an image folder, and writes down what became of each.

    Raises:
        WaybillError: a file that is refused, where that is the end of all; it is named at its item. Or what all files share.
    """
    run.list_files()
    newest = newest_version(tables, order.key)
    folder = _Folder(_images_of(tables, order, newest))
    is_own = _is_of(newest, run)
    results: list[ItemResult] = []
    with (
        media.writer(order.key, run_id=order.run_id, attempt=order.attempt) as keeper,
        open_prober() as prober,
    ):
        looker = ImageLooker(prober, keeper, run.scratch)
        for file in run.take(run.wanted()):
            try:
                images = _look(looker, file, run.check)
                folder.check(images, file.item.name)
            except WaybillError as error:
                run.refuse(file.item, error, _rule(error))
            else:
                results.append(_result(run, folder, file, images, is_own=is_own))
        version = newest
        if folder.is_changed or newest is None:
            version = _publish(run, tables, order, newest, folder, keeper)
    run.settle(results)
    assert version is not None  # noqa: S101 - for the type checker: the newest one, or a new one
    return ImageReport(version, 0.0, unchanged=not folder.is_changed)


def _look(looker: ImageLooker, file: BroughtFile, check: Callable[[], None]) -> list[FolderImage]:
    """All images of a file, with their bytes kept.

    Raises:
        InputError: one cannot be read: names all that cannot.
        ParseError: a ZIP that is damaged or made to harm.
    """
    name = file.item.name
    opened: AbstractContextManager[Images]
    if is_zip(file.path):
        opened = open_image_archive(file.path, name)
    else:
        opened = nullcontext(OneImage(name, file.path))
    images, unreadable = [], []
    with opened as archive:
        for found in looker.look_at_all(archive):
            check()
            if isinstance(found, Unreadable):
                unreadable.append((found.path, found.reason))
            else:
                images.append(found)
        if unreadable:
            raise refused_members(name, unreadable, len(archive.images))
    return images


def _result(
    run: TaskRun, folder: _Folder, file: BroughtFile, images: list[FolderImage], *, is_own: bool
) -> ItemResult:
    """Takes the images of a file into the folder; what a killed run of the same task had taken is its own."""
    takes_twins = run.task.definition.options.on_duplicate == "new_version"
    twin = folder.twin(images[0]) if len(images) == 1 and not is_zip(file.path) else ""
    if twin and not takes_twins and images[0].path not in folder.images:
        return file.result("skipped", "duplicate", message=f"the folder has its bytes as {twin}")
    created, updated = folder.take(images)
    if not (created or updated) and not is_own:
        return file.result("skipped", "unchanged")
    message = f"{len(images):,} images: {created:,} new, {updated:,} replaced"
    return file.result("done", "updated" if updated and not created else "created", message=message)


def _publish(
    run: TaskRun,
    tables: TableStore,
    order: ImageOrder,
    newest: StoredVersion | None,
    folder: _Folder,
    keeper: MediaWriter,
) -> StoredVersion:
    for image in folder.images.values():
        keeper.keep_known(image.sha256)  # those of the version before are of this one too
        run.check()
    if not folder.images:
        raise InputError(
            f"image folder {order.name}: the task brings no image",
            hint="The list of its failures says why",
        )
    record = ImagesRecord(folders=count_folders(folder.images))
    first: dict[str, str] = {}

    def images() -> Iterator[FolderImage]:
        for path in sorted(folder.images):
            image = with_twin(folder.images[path], first)
            record.add(image)
            yield image

    with tables.writer(order.key, run_id=order.run_id, attempt=order.attempt) as table:
        table.write(BatchStream(SCHEMA, batches_of(images())))
        return table.publish(
            {
                "origin": ORIGIN,
                "source": _source_record(run, newest),
                IMAGES: record.to_property(),
                **keeper.claim(),
            }
        )


def _source_record(run: TaskRun, newest: StoredVersion | None) -> dict[str, Any]:
    """Which task a version was made by; the upload that was imported last stays known, so that it does not come back."""
    before = _source_of(newest)
    items = run.items.page(run.task.id, limit=_NAMED)
    return {
        "upload": before.get("upload", 0),
        "uploaded_by": run.task.asked_by,
        "uploaded_at": run.task.created_at.isoformat(),
        TASK: run.task.id,
        "files": [
            {"name": item.name, "size_bytes": item.size or 0, "sha256": ""} for item in items
        ],
        "rules": RULES,
    }


def _images_of(
    tables: TableStore, order: ImageOrder, version: StoredVersion | None
) -> dict[str, FolderImage]:
    if version is None:
        return {}
    rows = tables.read(order.key, version.number).to_table().to_pylist()
    return {row["path"]: FolderImage(**row) for row in rows}


def _is_of(version: StoredVersion | None, run: TaskRun) -> bool:
    return bool(_source_of(version).get(TASK) == run.task.id)


def _source_of(version: StoredVersion | None) -> dict[str, Any]:
    found: Any = version.properties.get("source", {}) if version is not None else {}
    return dict(found)


def _rule(error: WaybillError) -> str:
    if isinstance(error, ParseError):
        return "archive_refused"
    return "unreadable" if "members" in error.facts else "type_mismatch"
