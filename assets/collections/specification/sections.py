"""What a specification may hold: its sections and flags, the members of their items, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resources.collections.items import MEDIA_FIELDS, MediaType

MOST_ITEMS = 500_000
MOST_URLS = 1_000_000
URL_BYTES = 16_384
TITLE_CHARACTERS = 300
ITEM_BYTES = 128 * 1024 * 1024
"""Of one item as it stands in the file; so much is held in memory."""

SKIP_FLAG, UPSERT_FLAG = "skip_duplicate_urls", "upsert_metadata"
FLAGS = (SKIP_FLAG, UPSERT_FLAG)

URL, TITLE, CREATE_VIDEO, METADATA = "objectUrl", "title", "createVideo", "clientMetadata"
NUMBERED = "objectUrl_"


@dataclass(frozen=True)
class Section:
    """One array of a JSON specification."""

    name: str
    type: MediaType
    media_member: str = ""
    """The member with media metadata; empty: it has none."""
    has_several: bool = False
    """Its items have numbered URLs and need a title."""
    has_create_video: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """What an item may hold, beside numbered URLs."""
        urls = () if self.has_several else (URL,)
        video = (CREATE_VIDEO,) if self.has_create_video else ()
        media = (self.media_member,) if self.media_member else ()
        return (*urls, TITLE, *video, METADATA, *media)


_ALL = (
    Section("videos", "video", "videoMetadata"),
    Section("images", "image", "imageMetadata"),
    Section("audio", "audio", "audioMetadata"),
    Section("image_groups", "image_group", has_several=True, has_create_video=True),
    Section("dicom_series", "dicom_series", has_several=True),
    Section("text", "text", "textMetadata"),
    Section("pdf", "pdf", "pdfMetadata"),
    Section("pdfs", "pdf", "pdfMetadata"),
    Section("nifti", "nifti"),
)
SECTIONS: Mapping[str, Section] = {section.name: section for section in _ALL}

NOT_TAKEN: Mapping[str, str] = {
    "scenes": "scenes (point clouds with images, cameras and poses, MCAP) are not taken",
    "scene": "scenes (point clouds with images, cameras and poses, MCAP) are not taken",
    "image_groups_from_items": "groups of items that are known already are not taken",
}
"""Sections that others know -> what is to be said of them."""

SPELLINGS: Mapping[str, str] = {
    "mimeType": "mime_type",
    "fileSize": "file_size",
    "sampleRate": "sample_rate",
    "bitDepth": "bit_depth",
    "numChannels": "num_channels",
    "numPages": "num_pages",
    "duration_seconds": "duration",
    "durationSeconds": "duration",
}
"""Other spellings of media metadata -> the names of `MEDIA_FIELDS`."""

TEXTS = frozenset({"mime_type", "codec"})
FRACTIONS = frozenset({"fps", "duration"})
"""Fields of media metadata by what they hold; the others are whole numbers."""
LARGEST = 2**63 - 1


def media_field(section: Section, member: str) -> str | None:
    """Which field of media metadata a member means; None: none."""
    name = SPELLINGS.get(member, member)
    return name if name in MEDIA_FIELDS.get(section.type, ()) else None
