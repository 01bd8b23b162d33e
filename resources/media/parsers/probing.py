"""Which parser a file is given to, and whether it is what was announced."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from resources.formats.content_types import HEAD, content_type_of
from resources.media.facts import Facts, FileType
from resources.media.parsers.expected import KINDS, mismatch
from resources.media.parsers.subject import PicturePlace, Subject
from resources.media.refusals import MediaRefusedError
from resources.media.requests import FramesWanted, PictureRequest, VideoPicture
from resources.sandbox.ranged_file import RangedFile

_PARSERS: dict[FileType, str] = {
    "image": "images",
    "video": "moving",
    "audio": "moving",
    "text": "texts",
    "pdf": "pdfs",
    "nifti": "niftis",
    "dicom": "dicoms",
}


def load(announced: FileType) -> ModuleType:
    """The module that reads such files. Each costs up to a second of processor time: it is loaded when it is needed."""
    return import_module(f"{__package__}.{_PARSERS[announced]}")


def probe(file: RangedFile, announced: FileType, pixels: int) -> Facts:
    """What is in a file.

    Raises:
        MediaRefusedError: it is something else than announced, or breaks a limit.
    """
    parser = load(announced)
    facts: Facts = parser.probe(_subject(file, announced, pixels))
    return facts


def picture(file: RangedFile, asked: PictureRequest) -> bytes | None:
    """A picture of a file; None: it has none.

    Raises:
        MediaRefusedError: see `probe`; it has no such page or slice.
    """
    parser = load(asked.announced)
    subject = _subject(file, asked.announced, asked.pixels)
    made: bytes | None = parser.picture(subject, PicturePlace(asked.place, asked.edge))
    return made


def frames_of(file: RangedFile, wanted: FramesWanted, pixels: int) -> Iterator[VideoPicture]:
    """Frames of a video.

    Raises:
        MediaRefusedError: see `probe`.
    """
    parser = load("video")
    pictures: Iterator[VideoPicture] = parser.frames_of(_subject(file, "video", pixels), wanted)
    yield from pictures


def _subject(file: RangedFile, announced: FileType, pixels: int) -> Subject:
    """The file with what it is by its content.

    Raises:
        MediaRefusedError: that is not what was announced.
    """
    found = content_type_of(_head(file), file.size)
    if found.kind == "other" and found.mime.startswith(f"{announced}/"):
        raise MediaRefusedError("object_unreadable", f"Files of type {found.mime} cannot be read")
    if found.kind not in KINDS[announced]:
        raise mismatch(
            announced, "nothing: it has no byte" if found.kind == "empty" else found.mime
        )
    return Subject(file, found, announced, pixels)


def _head(file: RangedFile) -> bytes:
    if len(file.head) < min(HEAD, file.size):
        file.seek(0)
        return file.read(HEAD)
    return file.head
