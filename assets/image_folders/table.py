"""The table of an image folder: a row an image, in the order of paths; and what a manifest records of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import msgspec
import pyarrow as pa

from resources.kernel.records import StoredVersion

IMAGES = "images"
"""The property of a version that holds an `ImagesRecord`."""
FIRST = 4
"""Images that a list shows of each folder."""
SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("folder", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("width", pa.int64(), nullable=False),
        pa.field("height", pa.int64(), nullable=False),
        pa.field("duplicate_of", pa.string()),
    ]
)
MEANINGS: Mapping[str, str] = {
    "path": "Folders and name, as in the ZIP",
    "folder": "The folders alone; empty at the top",
    "sha256": "Of the file's bytes",
    "size_bytes": "Of the file",
    "format": "By its content: png, jpeg, gif, webp, tiff, bmp, avif or jp2",
    "width": "In pixels, as it is shown",
    "height": "In pixels, as it is shown",
    "duplicate_of": "The first image with the same bytes; null where there is none before",
}
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class FolderImage:
    """An image of a folder."""

    path: str
    folder: str
    sha256: str
    size_bytes: int
    format: str
    width: int
    height: int
    duplicate_of: str | None = None


@dataclass(frozen=True)
class FirstImage:
    """One of those that a list shows."""

    path: str
    sha256: str


@dataclass
class ImagesRecord:
    """What is known of all images of a version without reading its table."""

    count: int = 0
    size_bytes: int = 0
    folders: int = 0
    duplicates: int = 0
    first: list[FirstImage] = field(default_factory=list)

    def add(self, image: FolderImage) -> None:
        """Counts one more; folders are counted by who knows them all."""
        self.count += 1
        self.size_bytes += image.size_bytes
        self.duplicates += image.duplicate_of is not None
        if len(self.first) < FIRST:
            self.first.append(FirstImage(image.path, image.sha256))

    def to_property(self) -> dict[str, Any]:
        """As a manifest holds it."""
        return asdict(self)

    @classmethod
    def of(cls, version: StoredVersion) -> Self:
        """What the manifest of a version records."""
        return msgspec.convert(version.properties.get(IMAGES, {}), cls)


def folder_of(path: str) -> str:
    """The folders of a path."""
    return path.rpartition("/")[0]


def batches_of(images: Iterable[FolderImage]) -> Iterator[pa.RecordBatch]:
    """Images as rows of the table, some thousand at a time."""
    rows: list[dict[str, Any]] = []
    for image in images:
        rows.append(asdict(image))
        if len(rows) == _BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(rows, SCHEMA)
            rows = []
    if rows:
        yield pa.RecordBatch.from_pylist(rows, SCHEMA)
