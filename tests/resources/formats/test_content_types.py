"""What a file is by its first bytes."""

from __future__ import annotations

import gzip
import struct

import pytest

from resources.formats.content_types import content_type_of


def mime(data, size=None):
    return content_type_of(data, size or len(data)).mime


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0\0\0\x18ftypmp42" + bytes(40), "video/mp4"),
        (b"\0\0\0\x18ftypqt  " + bytes(40), "video/quicktime"),
        (b"\0\0\0\x18ftypM4A " + bytes(40), "audio/mp4"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "image/heic"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + bytes(9), "image/avif"),
        (b"\0\0\x10\0moov" + bytes(40), "video/quicktime"),
        (b"\x1aE\xdf\xa3\x01\0\0\0B\x82\x84webm", "video/webm"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0ACONanih", "application/octet-stream"),
        ((b"G" + bytes(187)) * 6, "video/mp2t"),
        (b"\xff\xfb\x90\x64" + bytes(400), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(400), "audio/aac"),
        (b"ID3\x04" + bytes(100), "audio/mpeg"),
        (bytes(128) + b"DICM" + bytes(20), "application/dicom"),
        (struct.pack("<HHI", 8, 5, 10) + b"ISO_IR 100", "application/dicom"),
        (struct.pack("<HH", 8, 5) + b"CS\x0a\0ISO_IR 100", "application/dicom"),
        (gzip.compress(b"x", mtime=0), "application/gzip"),
        (b"MZ\x90\0\x03", "application/x-msdownload"),
        (b"MZ are letters as good as any", "text/plain"),
        (b"BZh9 is no archive", "text/plain"),
        (b"GIF is a format", "text/plain"),
        (b"\xef\xbb\xbfword", "text/plain"),
        (b"\xff\xfew\0o\0r\0d\0", "text/plain"),
        (b"\xfe\xff\0w\0o\0r\0d", "text/plain"),
        ("Слово и дело".encode("cp1251") * 20, "text/plain"),
        (b"\x80\x81\x82\x83", "application/octet-stream"),
        (b"word\0word", "application/octet-stream"),
        (b" <!-- x --><SVG onload=alert(1)>", "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg><svg/>', "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "application/xml"),
        (b"\n\n<!doctype HTML><p>", "text/html"),
        (b"\n%PDF-1.7\n", "application/pdf"),
        (b"junk\n%PDF-1.7\n\xe2\xe3\0", "application/pdf"),
        (b"A file begins with %PDF-1.7, then", "text/plain"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"", "application/x-empty"),
        (b"\0", "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_first_bytes_tell(data, expected):
    assert mime(data) == expected


def test_a_letter_that_is_cut_by_the_end_of_the_first_bytes_is_no_mistake():
    data = ("x" * 4095 + "ß").encode()[:4096]
    assert mime(data, 10_000) == "text/plain"
