"""What a file is, told by its first bytes. Its name counts for nothing.

Only what is listed here reaches a parser, and only the one parser that is meant for it: FFmpeg and Pillow would otherwise try
dozens, play lists with addresses of other files among them.
"""

from __future__ import annotations

import re
import struct
from typing import Literal

from msgspec import Struct

ContentKind = Literal[
    "image", "moving", "pdf", "dicom", "nifti", "gzip", "text", "markup", "other", "empty"
]
"""`moving`: sound, pictures or both; `markup`: text that browsers would run (HTML, SVG)."""

HEAD = 4096


class ContentType(Struct, frozen=True):
    """What was found."""

    kind: ContentKind
    mime: str
    reader: str = ""
    """Pillow's name of the format, or FFmpeg's."""


_Row = tuple[int, bytes, ContentKind, str, str]
_SIGNATURES: tuple[_Row, ...] = (
    (0, b"\xff\xd8\xff", "image", "image/jpeg", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "image", "image/png", "PNG"),
    (0, b"GIF87a", "image", "image/gif", "GIF"),
    (0, b"GIF89a", "image", "image/gif", "GIF"),
    (0, b"II*\0", "image", "image/tiff", "TIFF"),
    (0, b"MM\0*", "image", "image/tiff", "TIFF"),
    (0, b"II+\0\x08\0", "image", "image/tiff", "TIFF"),
    (0, b"MM\0+\0\x08", "image", "image/tiff", "TIFF"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image", "image/jp2", "JPEG2000"),
    (0, b"\xffO\xffQ\0", "image", "image/jp2", "JPEG2000"),
    (0, b"\xff\n", "other", "image/jxl", ""),
    (0, b"\0\0\0\x0cJXL ", "other", "image/jxl", ""),
    (0, b"8BPS", "other", "image/vnd.adobe.photoshop", ""),
    (0, b"\x1aE\xdf\xa3", "moving", "video/x-matroska", "matroska"),
    (0, b"OggS", "moving", "video/ogg", "ogg"),
    (0, b"FLV\x01", "moving", "video/x-flv", "flv"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "moving", "video/x-ms-wmv", "asf"),
    (0, b"\0\0\x01\xba", "moving", "video/mpeg", "mpeg"),
    (0, b"\0\0\x01\xb3", "moving", "video/mpeg", "mpegvideo"),
    (0, b"ID3\x02", "moving", "audio/mpeg", "mp3"),
    (0, b"ID3\x03", "moving", "audio/mpeg", "mp3"),
    (0, b"ID3\x04", "moving", "audio/mpeg", "mp3"),
    (0, b"fLaC", "moving", "audio/flac", "flac"),
    (0, b"#!AMR", "moving", "audio/amr", "amr"),
    (128, b"DICM", "dicom", "application/dicom", ""),
    (344, b"n+1\0", "nifti", "application/x-nifti", ""),
    (344, b"ni1\0", "other", "application/x-nifti-pair", ""),
    (4, b"n+2\0\r\n\x1a\n", "nifti", "application/x-nifti", ""),
    (0, b"\x1f\x8b\x08", "gzip", "application/gzip", ""),
    (0, b"PK\x03\x04", "other", "application/zip", ""),
    (0, b"PK\x05\x06", "other", "application/zip", ""),
    (0, b"Rar!\x1a\x07", "other", "application/vnd.rar", ""),
    (0, b"7z\xbc\xaf\x27\x1c", "other", "application/x-7z-compressed", ""),
    (4, b"1AY&SY", "other", "application/x-bzip2", ""),
    (0, b"\xfd7zXZ\0", "other", "application/x-xz", ""),
    (0, b"\x28\xb5\x2f\xfd", "other", "application/zstd", ""),
    (257, b"ustar", "other", "application/x-tar", ""),
    (0, b"PAR1", "other", "application/vnd.apache.parquet", ""),
    (0, b"SQLite format 3\0", "other", "application/vnd.sqlite3", ""),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "other", "application/x-ole-storage", ""),
    (0, b"{\\rtf", "other", "application/rtf", ""),
    (0, b"\x7fELF", "other", "application/x-executable", ""),
)
"""Where a mark stands, the mark, what it tells: kind, type, and who reads it."""
_PDF = b"%PDF-"
_PDF_WITHIN = 1024
"""Readers of PDF look for its mark so far; whatever else is told by its very first bytes comes before that."""
_MARKUP = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|script|svg|\?xml|!doctype\s+svg)", re.IGNORECASE | re.DOTALL)  # fmt: skip
_SVG = re.compile(rb"<svg[\s>]|<!doctype\s+svg", re.IGNORECASE)
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|script)", re.IGNORECASE)
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_EARLY_ELEMENT, _SHORT_VALUE = 0x60, 128
_SURELY_TEXT = 128
"""Bytes among which some control character stands if they are no text."""
_CONTROLS = bytes(set(range(32)) - {7, 8, 9, 10, 12, 13, 27})
_MP4_BOXES = (b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_AVIF = ContentType("image", "image/avif", "AVIF")
_HEIF = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"heim", b"heis")
_UNKNOWN = ContentType("other", "application/octet-stream")


def content_type_of(head: bytes, size: int) -> ContentType:
    """What a file is.

    Args:
        head: its first bytes, `HEAD` of them or more, or all.
        size: how many it has.
    """
    if size == 0:
        return ContentType("empty", "application/x-empty")
    for offset, mark, kind, mime, reader in _SIGNATURES:
        if head.startswith(mark, offset):
            return _matroska(head) if reader == "matroska" else ContentType(kind, mime, reader)
    found_by_structure = _riff(head) or _iso_media(head) or _without_mark(head)
    if found_by_structure is not None:
        return found_by_structure
    pdf = ContentType("pdf", "application/pdf")
    if head.lstrip(b"\xef\xbb\xbf\0\t\r\n ").startswith(_PDF):
        return pdf
    text = _text(head, is_whole=len(head) >= size)
    if text is None and _PDF in head[:_PDF_WITHIN]:
        return pdf
    return text or _loose_frames(head) or _UNKNOWN


def _matroska(head: bytes) -> ContentType:
    mime = "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    return ContentType("moving", mime, "matroska")


def _riff(head: bytes) -> ContentType | None:
    """Containers of chunks: RIFF, its big brother RF64, and AIFF."""
    if head[:4] in (b"RIFF", b"RF64"):
        return {
            b"WEBP": ContentType("image", "image/webp", "WEBP"),
            b"WAVE": ContentType("moving", "audio/wav", "wav"),
            b"AVI ": ContentType("moving", "video/x-msvideo", "avi"),
        }.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return ContentType("moving", "audio/aiff", "aiff")
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return ContentType("image", "image/bmp", "BMP")
    return None


def _iso_media(head: bytes) -> ContentType | None:
    """MP4 and its many relatives, still images among them."""
    box, brand = head[4:8], head[8:12]
    if box in _MP4_BOXES:
        return ContentType("moving", "video/quicktime", "mov")
    if box != b"ftyp":
        return None
    if brand in (b"avif", b"avis"):
        return _AVIF
    if brand in _HEIF:
        length = int.from_bytes(head[:4], "big")
        is_avif = b"avif" in head[16 : min(length, HEAD)]
        return _AVIF if is_avif else ContentType("other", "image/heic")
    if brand in (b"M4A ", b"M4B "):
        return ContentType("moving", "audio/mp4", "mov")
    mime = {b"qt  ": "video/quicktime", b"M4V ": "video/x-m4v"}.get(brand, "video/mp4")
    return ContentType("moving", "video/3gpp" if brand[:2] == b"3g" else mime, "mov")


def _without_mark(head: bytes) -> ContentType | None:
    """Transport streams, told by a byte that comes again and again; DICOM data without its preamble."""
    for step, start in ((188, 0), (192, 4)):
        places = range(start, min(len(head), start + step * 5), step)
        if len(places) >= 3 and all(head[place] == 0x47 for place in places):
            return ContentType("moving", "video/mp2t", "mpegts")
    if head[:2] == b"MZ" and b"\0" in head[:64]:
        return ContentType("other", "application/x-msdownload")
    return ContentType("dicom", "application/dicom") if _is_bare_dicom(head) else None


def _is_bare_dicom(head: bytes) -> bool:
    """Whether it begins with one of the first elements of a data set, its type spelled out or not."""
    if len(head) < 8:
        return False
    group, element, length = struct.unpack("<HHI", head[:8])
    if group not in (2, 8) or element > _EARLY_ELEMENT:
        return False
    return length <= _SHORT_VALUE or (head[4:6].isalpha() and head[4:6].isupper())


def _loose_frames(head: bytes) -> ContentType | None:
    """MP3 and AAC without a header of the file: a first frame whose fields make sense."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return ContentType("moving", "audio/aac", "aac")
    makes_sense = head[1] & 0x06 and head[1] & 0x18 != 0x08 and head[2] >> 4 not in (0, 15)
    return ContentType("moving", "audio/mpeg", "mp3") if makes_sense else None


def _text(head: bytes, *, is_whole: bool) -> ContentType | None:
    """Text of any encoding that shows itself: UTF-8, UTF-16 with its mark, or eight bits without control characters."""
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    if _MARKS.get(mark, "").startswith("utf-16"):
        whole = head[len(mark) : len(head) // 2 * 2]
        plain = whole.decode(_MARKS[mark], "replace").encode()
    else:
        plain = head[len(mark) :]
    if plain.translate(None, _CONTROLS) != plain or not _is_written(plain, is_whole=is_whole):
        return None
    if _MARKUP.match(plain):
        if _SVG.search(plain):
            return ContentType("markup", "image/svg+xml")
        return ContentType("markup", "text/html" if _HTML.search(plain) else "application/xml")
    return ContentType("text", "text/plain")


def _is_written(plain: bytes, *, is_whole: bool) -> bool:
    """Whether it is UTF-8, or text of eight bits: long without a control character, or mostly ASCII."""
    try:
        plain.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not is_whole:
            return True
        high = sum(byte >= 0x80 for byte in plain)
        return len(plain) >= _SURELY_TEXT or high * 3 < len(plain)
    return True
