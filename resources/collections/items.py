"""Items of collections: what a specification announces, what became of it, and by what it is known again.

An item is one file (an image, a video, an audio file, a text, a PDF, a NIfTI volume) or several in order (an image
group, an image sequence, a DICOM series). Its *identity* is its type with its URLs in order, within a folder of a
collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import msgspec

MediaType = Literal[
    "image",
    "video",
    "audio",
    "image_group",
    "image_sequence",
    "dicom_series",
    "text",
    "pdf",
    "nifti",
    "document",
    "page",
]
"""What an item is. Specifications announce none of `TASK_TYPES`."""

ItemState = Literal["pending", "ready", "failed"]
"""`pending`: registered, its objects were not looked at yet; `ready`; `failed`: with a rule and a reason."""

SEVERAL: frozenset[MediaType] = frozenset({"image_group", "image_sequence", "dicom_series"})
"""Types of which one item has several URLs, and needs a title."""

TASK_TYPES: frozenset[MediaType] = frozenset({"document", "page"})
"""Types that import tasks alone bring: files of text that are neither plain text nor PDF, and pages of the web."""

IDENTITY_BYTES = 16


class ItemDraft(msgspec.Struct, frozen=True, gc=False):
    """An item as a specification announces it, checked against every rule that needs no object."""

    at: str
    """Where it stands: a JSON pointer (`/images/2`), or the row of a CSV file (`17`)."""
    type: MediaType
    title: str
    urls: tuple[str, ...]
    media: bytes | None = None
    """Media metadata as compact JSON with the names of `MEDIA_FIELDS`; None: it has to be read from the objects."""
    metadata: bytes | None = None
    """Custom metadata as compact JSON, as `jsonb` would keep it; None: none was given."""

    @property
    def identity(self) -> bytes:
        """By what the item is known again; see `identity_of`."""
        return identity_of(self.type, self.urls)


class FileError(msgspec.Struct, frozen=True, gc=False):
    """One file of an item that cannot be had, or is not what it should be."""

    position: int
    """Which of the item's URLs, from 0."""
    url: str
    rule: str
    message: str


class ItemOutcome(msgspec.Struct, frozen=True, gc=False):
    """What an import found out about one item by looking at its objects."""

    item_id: int
    media: bytes | None = None
    """Media metadata as compact JSON, when it was read."""
    objects: bytes | None = None
    """What was kept of its bytes: a JSON array of SHA-256, in the order of its URLs; None: nothing was."""
    rule: str = ""
    """Rule id of what is wrong; empty: it is ready."""
    message: str = ""
    url: str = ""
    """The URL that the error is about."""
    files: tuple[FileError, ...] = ()
    """Each of its files that has an error, in order; empty: there is one error, the one above."""


MEDIA_FIELDS: dict[str, tuple[str, ...]] = {
    "image": ("mime_type", "file_size", "width", "height"),
    "video": ("fps", "duration", "width", "height", "file_size", "mime_type"),
    "audio": (
        "duration",
        "file_size",
        "mime_type",
        "sample_rate",
        "bit_depth",
        "codec",
        "num_channels",
    ),
    "text": ("file_size", "mime_type"),
    "pdf": ("file_size", "num_pages"),
}
"""Media metadata of single items: bytes, pixels, seconds, Hz, bits. All of them or none."""


def identity_of(kind: MediaType, urls: Sequence[str]) -> bytes:
    """16 bytes that are the same for the same type with the same URLs in the same order, and for nothing else.

    URLs hold no whitespace, so a line end between them cannot be part of one.
    """
    return blake2b("\n".join((kind, *urls)).encode(), digest_size=IDENTITY_BYTES).digest()
