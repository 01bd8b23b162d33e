"""The images of a version: by folder and page, and one with its twins. Reads the table, so never in the web process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from assets.image_folders.table import FolderImage
from orchestration.services.paging import LIMIT, check_limit, decode_cursor, encode_cursor
from resources.kernel.errors import InputError, NotFoundError
from resources.kernel.keys import Key
from resources.stores.tables import TableStore


@dataclass(frozen=True)
class SubFolder:
    """A folder directly below the one that is shown."""

    path: str
    images: int
    """In it and below it."""


@dataclass(frozen=True)
class ImagesQuery:
    """Which images are wanted.

    Args:
        folder: those below it; all when empty.
        only: whether folders in the folder are left out.
        search: part of the path, in any case.
        version: number of the version; the newest when None.
        cursor: `next` of the page before.
        limit: most images of the page; all when None.
    """

    folder: str = ""
    only: bool = False
    search: str = ""
    version: int | None = None
    cursor: str = ""
    limit: int | None = LIMIT


@dataclass(frozen=True)
class ImagePage:
    """A page of images, in the order of their paths."""

    version: int
    items: tuple[FolderImage, ...]
    next: str | None
    """Cursor of the page after it; None at the end."""
    total: int
    """How many there are in all, on whatever page."""
    folders: tuple[SubFolder, ...]
    """Directly below the folder that was asked for."""


@dataclass(frozen=True)
class ImageDetail:
    """An image and its neighbours."""

    version: int
    image: FolderImage
    twins: tuple[str, ...]
    """Other images with the same bytes."""
    before: str | None
    """The image before it in its folder."""
    after: str | None


def list_images(store: TableStore, key: Key, query: ImagesQuery) -> ImagePage:
    """A page of a version's images.

    Raises:
        InputError: no cursor of this list; a limit out of bounds.
        NotFoundError: no such version, or no such folder in it; `GoneError` when the version has been removed.
    """
    if query.limit is not None:
        check_limit(query.limit)
    after = _place(query.cursor)
    table = store.read(key, query.version)
    below = _below(table.to_table(), query.folder)
    if query.folder and not below.num_rows:
        raise NotFoundError(
            f"image folder {key[-1]}: version {table.version.number} has no folder {query.folder[:200]!r}"
        )
    wanted = _wanted(below, query)
    rest = wanted.filter(pc.greater(wanted["path"], after)) if after is not None else wanted
    shown = to_images(rest.slice(0, query.limit))
    more = rest.num_rows > len(shown)
    return ImagePage(
        version=table.version.number,
        items=shown,
        next=encode_cursor([shown[-1].path]) if more else None,
        total=wanted.num_rows,
        folders=_folders(below, query.folder),
    )


def show_image(store: TableStore, key: Key, path: str, version: int | None = None) -> ImageDetail:
    """One image.

    Raises:
        NotFoundError: no such image, or version; `GoneError` when the version has been removed.
    """
    table = store.read(key, version)
    rows = table.to_table()
    found = to_images(rows.filter(pc.equal(rows["path"], path)))
    if not found:
        raise NotFoundError(
            f"image folder {key[-1]}: version {table.version.number} has no image {path[:200]!r}",
            hint=f"`waybill image-folder files {key[-1]}` lists them",
        )
    (image,) = found
    twins = rows.filter(pc.equal(rows["sha256"], image.sha256))["path"].to_pylist()
    beside = rows.filter(pc.equal(rows["folder"], image.folder))["path"].to_pylist()
    place = beside.index(path)
    return ImageDetail(
        version=table.version.number,
        image=image,
        twins=tuple(other for other in twins if other != path),
        before=beside[place - 1] if place else None,
        after=beside[place + 1] if place + 1 < len(beside) else None,
    )


def to_images(rows: pa.Table) -> tuple[FolderImage, ...]:
    """Rows of a table of images."""
    return tuple(FolderImage(**row) for row in rows.to_pylist())


def _below(rows: pa.Table, folder: str) -> pa.Table:
    if not folder:
        return rows
    own, inner = pc.equal(rows["folder"], folder), pc.starts_with(rows["folder"], f"{folder}/")
    return rows.filter(pc.or_(own, inner))


def _wanted(below: pa.Table, query: ImagesQuery) -> pa.Table:
    if query.only:
        below = below.filter(pc.equal(below["folder"], query.folder))
    if query.search:
        below = below.filter(pc.match_substring(below["path"], query.search, ignore_case=True))
    return below


def _folders(below: pa.Table, folder: str) -> tuple[SubFolder, ...]:
    start = f"{folder}/" if folder else ""
    counted: Counter[str] = Counter()
    for found in pc.value_counts(below["folder"]).to_pylist():
        if found["values"] != folder:
            name = found["values"][len(start) :].partition("/")[0]
            counted[start + name] += found["counts"]
    return tuple(SubFolder(path, count) for path, count in sorted(counted.items()))


def _place(cursor: str) -> str | None:
    if not cursor:
        return None
    found = decode_cursor(cursor)
    if len(found) == 1 and isinstance(found[0], str):
        return found[0]
    raise InputError(f"{cursor[:60]!r} is no cursor of this list", hint="Take `next` as it is")
