"""Bytes of a text, in whatever encoding, as text."""

from __future__ import annotations

import codecs
import re

from resources.documents.parsers.gathering import Gathered
from resources.formats.text_marks import bare_utf16, marked_encoding
from resources.sandbox.ranged_file import RangedFile

_HEAD_BYTES = 64 * 1024
_USUAL = "cp1252"  # what Windows programs of western Europe write; every byte is some letter in it
_SURE = 0.5
_BEYOND_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


def read_all(file: RangedFile) -> bytes:
    """All bytes of a file."""
    file.seek(0)
    return file.readall() or b""


def read_text(file: RangedFile, gathered: Gathered) -> str:
    """All of a text file; its encoding is noted unless it is UTF-8."""
    text, encoding = decoded(read_all(file))
    if encoding != "utf-8":
        gathered.more("encoding", encoding)
    return text


def decoded(data: bytes, declared: str = "") -> tuple[str, str]:
    """Text and its encoding: by a mark, as declared, UTF-8 if it is that, or the likeliest one.

    Args:
        data: all bytes.
        declared: what the document or its transport says, which is often wrong.
    """
    codec, mark = marked_encoding(data)
    codec = codec or bare_utf16(data[:_HEAD_BYTES])
    candidates = [codec] if codec else [*_known(declared), "utf-8"]
    for candidate in candidates:
        try:
            return data[mark:].decode(candidate), candidate
        except UnicodeDecodeError:
            continue
    if codec.startswith("utf-16"):  # cut in the midst of a character
        return data[mark:].decode(codec, "replace"), codec
    likely = _likeliest(data)
    return data.decode(likely, "replace"), likely


def _known(declared: str) -> list[str]:
    """The encoding by Python's name, if it is known; browsers take Latin-1 for cp1252."""
    try:
        name = codecs.lookup(declared.strip()).name if declared.strip() else ""
    except LookupError:
        return []
    if name.startswith("utf-16"):
        return []  # it would have been told by its bytes
    return [_USUAL if name in ("iso8859-1", "ascii") else name] if name else []


def _likeliest(data: bytes) -> str:
    import chardet

    sample = b"\n".join(_BEYOND_ASCII.findall(data[: _HEAD_BYTES * 8]))[:_HEAD_BYTES]
    found = chardet.detect(sample, encoding_era=chardet.EncodingEra.MODERN_WEB)
    name, confidence = found["encoding"], found["confidence"]
    if not name or confidence < _SURE:
        return _USUAL
    return (_known(str(name)) or [_USUAL])[0]
