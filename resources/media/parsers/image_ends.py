"""Whether an image is there to its end, told by a few bytes of it: headers say how long it is, or how it ends.

What its end leaves open is decided by all of its bytes: a JPEG with a film behind it, as telephones make them, is whole. Such files are rare, so that an image costs a block of bytes on average.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from PIL import Image, TiffImagePlugin

from resources.media.refusals import MediaRefusedError
from resources.sandbox.ranged_file import RangedFile

_TAIL = 512
"""Bytes of the end that are looked at: some programs fill the last sector."""
_FILLING = b"\0\r\n \x1a"
_MOST_BOXES = 1_000
_EIGHTH = 8

Open = Callable[[], Image.Image]
"""Opens the image anew."""


def check_end(file: RangedFile, kind: str, reopen: Open) -> None:
    """Refuses an image that is cut off.

    Args:
        file: the image.
        kind: Pillow's name of its format.
        reopen: for those of which all has to be read.

    Raises:
        MediaRefusedError: bytes are missing.
    """
    check = _CHECKS.get(kind)
    if check is not None:
        check(file, reopen)


def _cut_off(told: str) -> MediaRefusedError:
    return MediaRefusedError("object_unreadable", f"It is cut off: {told}")


def _check_length(file: RangedFile, length: int) -> None:
    if length > file.size:
        raise _cut_off(f"its header tells of {length:,} bytes, it has {file.size:,}")


def _read(file: RangedFile, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)


def _tail(file: RangedFile) -> bytes:
    return _read(file, max(file.size - _TAIL, 0), _TAIL).rstrip(_FILLING)


def _check_jpeg(file: RangedFile, reopen: Open) -> None:
    if not _tail(file).endswith(b"\xff\xd9"):
        _check_pixels_are_there(reopen)


def _check_png(file: RangedFile, reopen: Open) -> None:
    if not _read(file, max(file.size - 8, 0), 8).startswith(b"IEND"):
        _check_pixels_are_there(reopen)


def _check_pixels_are_there(reopen: Open) -> None:
    """Decodes all of it, a JPEG at an eighth of its size: every byte is read all the same, and Pillow tells what is missing."""
    image = reopen()
    image.draft("L", (image.width // _EIGHTH, image.height // _EIGHTH))
    image.load()


def _check_gif(file: RangedFile, _: Open) -> None:
    """Some programs leave the last byte of a GIF out: then its blocks have to end where the file does."""
    if _tail(file).endswith(b";") or _gif_blocks_end(file):
        return
    raise _cut_off("it ends within a picture")


def _gif_blocks_end(file: RangedFile) -> bool:
    place = 13 + _table_bytes(_read(file, 10, 1)[0])
    while place < file.size:
        kind = _read(file, place, 10)
        if kind[0] == 0x3B:
            return True
        if kind[0] == 0x21:
            place += 2
        elif kind[0] == 0x2C and len(kind) == 10:
            place += 11 + _table_bytes(kind[9])
        else:
            return False
        while (length := _byte_at(file, place)) > 0:
            place += 1 + length
        if length < 0:
            return False
        place += 1
    return place == file.size


def _table_bytes(flags: int) -> int:
    """Of the colours that follow."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _byte_at(file: RangedFile, place: int) -> int:
    return _read(file, place, 1)[0] if place < file.size else -1


def _check_webp(file: RangedFile, _: Open) -> None:
    _check_length(file, int.from_bytes(_read(file, 4, 4), "little") + 8)


def _check_bmp(file: RangedFile, _: Open) -> None:
    header = _read(file, 0, 34)
    if len(header) < 34 or int.from_bytes(header[14:18], "little") < 40:
        return  # older than lengths that can be told
    offset, width, height, bits, packing = struct.unpack("<10xI4xii2xHI", header)
    if packing in (0, 3):
        _check_length(file, offset + (abs(width) * bits + 31) // 32 * 4 * abs(height))


def _check_tiff(file: RangedFile, reopen: Open) -> None:
    """Where its strips or tiles lie stands in its directory."""
    image = reopen()
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    for places, lengths in ((273, 279), (324, 325)):
        found = zip(image.tag_v2.get(places, ()), image.tag_v2.get(lengths, ()), strict=False)
        _check_length(file, max((place + length for place, length in found), default=0))


def _check_boxes(file: RangedFile, _: Open) -> None:
    """Every box of a JPEG 2000 says how long it is."""
    if _read(file, 0, 4) == b"\xff\x4f\xff\x51":  # the bare stream of a JPEG 2000
        return
    place = 0
    for _number in range(_MOST_BOXES):
        header = _read(file, place, 16)
        if len(header) < 8:
            return
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:  # to the end, or nonsense that the parser has to judge
            return
        place += length
        _check_length(file, place)


_CHECKS: Mapping[str, Callable[[RangedFile, Open], None]] = {
    "JPEG": _check_jpeg,
    "MPO": _check_jpeg,
    "PNG": _check_png,
    "GIF": _check_gif,
    "WEBP": _check_webp,
    "BMP": _check_bmp,
    "TIFF": _check_tiff,
    "JPEG2000": _check_boxes,
}
