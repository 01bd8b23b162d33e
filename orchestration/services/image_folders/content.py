"""Images on their way out: all of a version as a ZIP, and one by its path. Never in the web process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assets.image_folders.table import FolderImage
from orchestration.services.image_folders.images import show_image, to_images
from resources.formats.streams import StoredMember, stored_zip_chunks
from resources.kernel.keys import Key
from resources.stores.media.store import MediaStore
from resources.stores.tables import TableStore

_PIECE = 1 << 20
_SHOWN = ("png", "jpeg", "gif", "webp", "avif", "bmp")
"""Formats that browsers show; none of them can run anything."""
_KNOWN = (*_SHOWN, "tiff", "jp2")


@dataclass(frozen=True)
class ImagesDownload:
    """A ZIP on its way."""

    file_name: str
    version: int
    images: int
    chunks: Iterator[bytes]
    """The file. Close it when it is not taken to the end."""


@dataclass(frozen=True)
class ImageContent:
    """One image on its way."""

    file_name: str
    media_type: str
    is_shown: bool
    """Whether a browser may show it; else it saves it."""
    size_bytes: int
    sha256: str
    chunks: Iterator[bytes]


def download_images(store: TableStore, key: Key, version: int | None = None) -> ImagesDownload:
    """The images of a version as a ZIP: the same files, byte for byte, under the same names, in the order of these.

    The same version gives the same bytes. Each image is proven before its first byte goes out; an error later ends the
    pieces before the directory of the ZIP, which then opens nowhere.

    Raises:
        NotFoundError: no such version; `GoneError` when it has been removed.
    """
    table = store.read(key, version)
    number, images = table.version.number, to_images(table.to_table())
    members = _members(MediaStore.open(store.url), images)
    name = f"{key[-1]}-v{number}.zip"
    return ImagesDownload(name, number, len(images), stored_zip_chunks(members))


def open_image(store: TableStore, key: Key, path: str, version: int | None = None) -> ImageContent:
    """An image by its path.

    Raises:
        NotFoundError: no such image, or version; `GoneError` when the version has been removed.
    """
    image = show_image(store, key, path, version).image
    is_known = image.format in _KNOWN
    return ImageContent(
        file_name=path.rpartition("/")[2],
        media_type=f"image/{image.format}" if is_known else "application/octet-stream",
        is_shown=is_shown(image.format),
        size_bytes=image.size_bytes,
        sha256=image.sha256,
        chunks=_bytes_of(MediaStore.open(store.url), image.sha256),
    )


def is_shown(image_format: str) -> bool:
    """Whether browsers show images of a format."""
    return image_format in _SHOWN


def _members(media: MediaStore, images: Sequence[FolderImage]) -> Iterator[StoredMember]:
    for image in images:
        yield StoredMember(image.path, image.size_bytes, _bytes_of(media, image.sha256))


def _bytes_of(media: MediaStore, sha256: str) -> Iterator[bytes]:
    with media.read(sha256) as stream:
        while piece := stream.read(_PIECE):
            yield piece
