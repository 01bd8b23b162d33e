"""What an item's page shows of it: which pictures there are to leaf through, moments of a video, facts, what to do about an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestration.services.collections.items import ShownItem
from resources.collections.items import TASK_TYPES
from resources.collections.metadata_frames import frames_of
from resources.collections.metadata_schema import MetadataSchema

Viewer = Literal["picture", "video", "audio", "text"]
MOMENTS_SHOWN = 60
_HINTS: Mapping[str, str] = {
    "object_not_found": "Put the object where the URL says, or correct the URL in a new specification; then retry the import",
    "object_forbidden": "Give the connector's credentials the right to read it; then retry the import",
    "object_type_mismatch": "Announce it as what it is, in a section of that type",
    "object_unreadable": "Replace the file by one that is whole; then retry the import",
    "object_changed": "It was replaced while it was read: retry the import",
    "url_not_allowed": "Name the connector that the URL leads into in `connectors:`, or correct the URL",
    "dicom_inconsistent": "Mend the files that are named, or leave them out of the series; then retry the import",
}


@dataclass(frozen=True)
class LeafPlace:
    """Where one of an item's pictures is.

    Args:
        file: which of its files.
        place: which page, slice or frame of that file; None: the file is one picture.
    """

    file: int
    place: int | None = None


@dataclass(frozen=True)
class Moment:
    """A key frame of a video."""

    label: str
    """As the metadata names it: a frame's number, or a second."""
    milliseconds: int
    metadata: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """When it is shown."""
        return self.milliseconds / 1000


def viewer_of(item: ShownItem) -> Viewer:
    """How an item is looked at."""
    if item.type in TASK_TYPES:
        return "text"
    if item.type in ("video", "audio", "text"):
        return item.type
    return "picture"


def leaf_count(item: ShownItem) -> int | None:
    """How many pictures there are to leaf through; None: nobody has looked."""
    media = item.media or {}
    if item.type == "pdf":
        return _whole(media.get("num_pages"))
    if item.type == "nifti":
        slices, volumes = (_whole(media.get(name)) for name in ("num_slices", "num_volumes"))
        return slices * (volumes or 1) if slices else None
    if item.type == "dicom_series" and len(item.urls) == 1:
        return _whole(media.get("num_frames")) or 1
    return len(item.urls)


def leaf_at(item: ShownItem, number: int) -> LeafPlace:
    """Where the picture with a number is, from 1 on."""
    if item.type in ("pdf", "nifti") or (item.type == "dicom_series" and len(item.urls) == 1):
        return LeafPlace(0, number - 1)
    return LeafPlace(number - 1)


def first_leaf(item: ShownItem) -> int:
    """The picture that is shown first: of a series or a volume the one in the middle."""
    count = leaf_count(item) or 1
    if item.type not in ("dicom_series", "nifti"):
        return 1
    volumes = _whole((item.media or {}).get("num_volumes")) or 1
    return count // volumes // 2 + 1


def leaf_word(item: ShownItem) -> str:
    """What one of the pictures is."""
    return {"pdf": "page", "nifti": "slice", "dicom_series": "slice"}.get(item.type, "picture")


def moments_of(item: ShownItem) -> list[Moment]:
    """The key frames that the metadata of a video names, in order. A frame's number means the time it has at an even rate."""
    if item.type != "video" or not item.metadata:
        return []
    frames, fps = frames_of(item.metadata), (item.media or {}).get("fps")
    by_number = frames.keyframe_mode == "frame"
    if by_number and not (isinstance(fps, (int, float)) and fps > 0):
        return []
    rate = float(fps) if by_number and fps is not None else 1.0
    found = [
        Moment(place, round(float(place) / rate * 1000), metadata)
        for place, metadata in frames.frames.items()
    ]
    return sorted(found, key=lambda one: one.milliseconds)[:MOMENTS_SHOWN]


def declared_values(item: ShownItem, schema: MetadataSchema) -> list[tuple[str, Any]]:
    """The values of declared keys, in order of name; vectors are too long to be read."""
    metadata = item.metadata or {}
    return [
        (key.name, metadata[key.name])
        for key in sorted(schema.keys.values(), key=lambda one: one.name)
        if key.state == "active" and key.kind != "embedding" and key.name in metadata
    ]


def hint_of(item: ShownItem) -> str:
    """What to do about an item that failed."""
    return _HINTS.get(item.rule, "Correct it in a new specification") if item.rule else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
