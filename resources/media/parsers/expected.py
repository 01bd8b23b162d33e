"""What a file was announced to be, and the error of one that is something else."""

from __future__ import annotations

from resources.formats.content_types import ContentKind
from resources.media.facts import FileType
from resources.media.refusals import MediaRefusedError

KINDS: dict[FileType, frozenset[ContentKind]] = {
    "image": frozenset({"image"}),
    "video": frozenset({"moving"}),
    "audio": frozenset({"moving"}),
    "text": frozenset({"text", "markup"}),
    "pdf": frozenset({"pdf"}),
    "nifti": frozenset({"nifti", "gzip"}),
    "dicom": frozenset({"dicom"}),
}
"""Announced -> what its content may look like."""
_WORDS: dict[FileType, str] = {
    "image": "an image",
    "video": "a video",
    "audio": "an audio file",
    "text": "a text",
    "pdf": "a PDF document",
    "nifti": "a NIfTI volume",
    "dicom": "a DICOM file",
}


def mismatch(announced: FileType, found: str) -> MediaRefusedError:
    """The error of a file that is of another kind, in the words of the requirement."""
    return MediaRefusedError(
        "object_type_mismatch", f"Expected {_WORDS[announced]}, got a file of type {found}"
    )
