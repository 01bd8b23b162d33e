"""What a look at a file tells, as the parent checks it: a worker's answer that does not fit is no answer.

The fields of single items are those of `MEDIA_FIELDS` (`resources/collections/items.py`), in that order.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_Count = Annotated[int, Meta(ge=1, le=2**40)]
_Pixels = Annotated[int, Meta(ge=1, le=2**31)]
_Bytes = Annotated[int, Meta(ge=0, le=2**60)]
_Seconds = Annotated[float, Meta(ge=0, le=1e9)]
_Mime = Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]{1,80}$")]
_Word = Annotated[str, Meta(max_length=64)]

FileType = Literal["image", "video", "audio", "text", "pdf", "nifti", "dicom"]
"""What one file of an item is announced to be."""


class ImageFacts(msgspec.Struct, frozen=True):
    """An image, as it is shown: with its EXIF orientation applied."""

    mime_type: _Mime
    file_size: _Bytes
    width: _Pixels
    height: _Pixels


class VideoFacts(msgspec.Struct, frozen=True):
    """A video. `fps` is frames by duration: the average where the rate varies."""

    fps: Annotated[float, Meta(gt=0, le=100_000)]
    duration: _Seconds
    width: _Pixels
    height: _Pixels
    file_size: _Bytes
    mime_type: _Mime


class AudioFacts(msgspec.Struct, frozen=True):
    """Sound. `bit_depth` is None where the coding has none, as MP3 and AAC do."""

    duration: _Seconds
    file_size: _Bytes
    mime_type: _Mime
    sample_rate: Annotated[int, Meta(ge=1, le=10_000_000)]
    bit_depth: Annotated[int, Meta(ge=1, le=64)] | None
    codec: _Word
    num_channels: Annotated[int, Meta(ge=1, le=1024)]


class TextFacts(msgspec.Struct, frozen=True):
    """A text."""

    file_size: _Bytes
    mime_type: _Mime


class PdfFacts(msgspec.Struct, frozen=True):
    """A PDF document."""

    file_size: _Bytes
    num_pages: _Count


class NiftiFacts(msgspec.Struct, frozen=True):
    """A NIfTI volume: voxels along each axis, and how many volumes (points in time)."""

    file_size: _Bytes
    mime_type: _Mime
    width: _Pixels
    height: _Pixels
    num_slices: _Pixels
    num_volumes: _Count
    voxel_size: tuple[float, float, float]


class DicomHeader(msgspec.Struct, frozen=True):
    """What one DICOM file says of itself, as far as a series is judged by it. Nothing of it names a patient."""

    study: _Word
    series: _Word
    instance: _Word
    sop_class: _Word
    has_patient: bool
    rows: Annotated[int, Meta(ge=0, le=2**16)]
    columns: Annotated[int, Meta(ge=0, le=2**16)]
    frames: Annotated[int, Meta(ge=-1, le=2**31)]
    """-1: it gives something that is no number."""
    position: Annotated[list[float], Meta(max_length=6)]
    orientation: Annotated[list[float], Meta(max_length=12)]
    spacing: Annotated[list[float], Meta(max_length=4)]
    thickness: float | None
    window_centers: Annotated[list[float], Meta(max_length=64)]
    window_widths: Annotated[list[float], Meta(max_length=64)]
    has_functional_groups: bool
    """Whether geometry is told for each frame instead of for the file."""


class SeriesFacts(msgspec.Struct, frozen=True):
    """Several files that are one item: an image group, an image sequence, a DICOM series."""

    mime_type: _Mime
    file_size: _Bytes
    num_files: _Count
    width: _Pixels | None
    """None: the images differ in size."""
    height: _Pixels | None
    num_frames: _Count | None = None
    """Of a DICOM series."""


Facts = ImageFacts | VideoFacts | AudioFacts | TextFacts | PdfFacts | NiftiFacts | DicomHeader
FACTS: dict[FileType, type[Facts]] = {
    "image": ImageFacts,
    "video": VideoFacts,
    "audio": AudioFacts,
    "text": TextFacts,
    "pdf": PdfFacts,
    "nifti": NiftiFacts,
    "dicom": DicomHeader,
}
