"""Images: size from the header, and a thumbnail. One plugin of Pillow for each format that was found (T12)."""

from __future__ import annotations

import struct
import warnings
from typing import IO, cast

from PIL import Image, ImageOps, UnidentifiedImageError

from resources.formats.content_types import ContentType
from resources.media.facts import ImageFacts
from resources.media.parsers.image_ends import check_end
from resources.media.parsers.pictures import within
from resources.media.parsers.pixels import check_pixels
from resources.media.parsers.subject import PicturePlace, Subject
from resources.media.refusals import MediaRefusedError
from resources.sandbox.ranged_file import RangedFile

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_WEBP_EXIF = 0x08
_MOST_CHUNKS = 100

Image.init()  # all plugins now: later no other file can be read
Image.MAX_IMAGE_PIXELS = None  # judged by `check_pixels`, which knows the limit of the day


def probe(subject: Subject) -> ImageFacts:
    """Size as the image is shown, if it is there to its end.

    Raises:
        MediaRefusedError: it cannot be read, or bytes are missing.
    """
    if subject.found.reader == "WEBP":
        width, height, orientation = _webp_header(subject.file)
    else:
        image = _open(subject.file, subject.found)
        width, height = image.size
        orientation = _orientation(image)
    check_pixels(width, height, subject.pixels)
    check_end(subject.file, subject.found.reader, lambda: _open(subject.file, subject.found))
    if orientation in _SIDEWAYS:
        width, height = height, width
    return ImageFacts(subject.found.mime, subject.file.size, width, height)


def picture(subject: Subject, place: PicturePlace) -> bytes:
    """The image, smaller; of an animation or of several pages the first picture, or the one that is asked for."""
    image = _open(subject.file, subject.found)
    if place.number:
        image.seek(place.within(getattr(image, "n_frames", 1), "picture") or 0)
    check_pixels(*image.size, subject.pixels)
    if subject.found.reader == "JPEG":
        image.draft("RGB", (place.edge * 2, place.edge * 2))
    image.load()
    return within(ImageOps.exif_transpose(image), place.edge)


def _open(file: RangedFile, found: ContentType) -> Image.Image:
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd about it: what matters is raised
        try:
            return Image.open(cast("IO[bytes]", file), formats=[found.reader])
        except UnidentifiedImageError:
            raise MediaRefusedError(
                "object_unreadable", f"It begins as {found.mime} does and cannot be read as such"
            ) from None


def _orientation(image: Image.Image) -> int:
    """From EXIF where it is at hand and counts: a PNG that has it behind its pixels would be decoded for it.

    Of a TIFF Pillow tells the size as shown.
    """
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    found = image.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) else 1


def _webp_header(file: RangedFile) -> tuple[int, int, int]:
    """Width, height and orientation of a WebP, of which Pillow reads every byte to tell them."""
    file.seek(12)
    kind, _, body = file.read(4), file.read(4), file.read(10)
    if len(body) < 10:
        raise MediaRefusedError("object_unreadable", "It ends within its header")
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF, 1
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 1
    if kind == b"VP8X":
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
        return width, height, _webp_orientation(file) if body[0] & _WEBP_EXIF else 1
    raise MediaRefusedError("object_unreadable", "Its WebP header makes no sense")


def _webp_orientation(file: RangedFile) -> int:
    """From the chunk of EXIF, which stands behind the pixels: chunks are passed over."""
    place = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        header = file.read(8)
        if len(header) < 8:
            return 1
        length = int.from_bytes(header[4:], "little")
        if header[:4] == b"EXIF":
            exif = Image.Exif()
            exif.load(file.read(min(length, 1 << 20)))
            found = exif.get(_ORIENTATION, 1)
            return found if isinstance(found, int) else 1
        place += 8 + length + length % 2
    return 1
