"""Bytes of a web page as text: by its byte order mark, the header of the answer, its own `meta`, or a guess, in that order.

Labels mean what browsers take them for (WHATWG Encoding): `latin-1` is Windows' superset of it, `shift_jis` too.
"""

from __future__ import annotations

import codecs
import re

from resources.formats.decoding import stands_among_latin

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_BYTES = 4_096
_META = re.compile(rb"""<meta\s[^>]{0,512}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""")
_SAMPLE_BYTES = 256 * 1024
_TAKEN_FOR = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf-16": "utf-16-le",
}
"""Codecs as Python calls them -> what browsers read with."""
_KNOWN = frozenset((
    "utf-8", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6",
    "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-10", "iso8859-11", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp866", "cp874", "koi8-r", "koi8-u",
    "mac-roman", "mac-cyrillic", "tis-620", "gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc_jp", "iso2022_jp", "shift_jis",
    "cp932", "euc_kr", "cp949", "utf-16",
))  # fmt: skip
_OTHER_NAMES = {
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "ks_c_5601-1987": "cp949",
    "x-x-big5": "big5hkscs",
    "unicode": "utf-16-le",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "macintosh": "mac-roman",
    "x-mac-roman": "mac-roman",
    "dos-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
}


def codec_of(label: str) -> str:
    """The codec that a label on the web means; empty when it means none that pages are written in."""
    plain = label.strip().strip("\"'").lower()
    if plain in _OTHER_NAMES:
        return _OTHER_NAMES[plain]
    try:
        name = codecs.lookup(plain).name
    except (LookupError, ValueError):
        return ""
    return _TAKEN_FOR.get(name, name) if name in _KNOWN else ""


def decode_page(data: bytes, announced: str = "") -> str:
    """The text of a page. A label that its bytes contradict is passed over; what no encoding explains is replaced by `U+FFFD`.

    Args:
        data: all of its bytes.
        announced: the charset of the answer's `Content-Type`.
    """
    for mark, codec in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    labels = [codec_of(announced), _meta(data), "utf-8"]
    for codec in filter(None, labels):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    named = next(filter(None, labels[:2]), "")
    if named and _nearly(data, named):
        return data.decode(named, "replace")
    return data.decode(_guess(data), "replace")


def _meta(data: bytes) -> str:
    """What the page says of itself; one that could be read so far is not in UTF-16."""
    found = _META.search(data[:_META_BYTES]) or _XML.search(data[:_META_BYTES])
    codec = codec_of(found[1].decode()) if found else ""
    return "utf-8" if codec.startswith("utf-16") else codec


def _nearly(data: bytes, codec: str) -> bool:
    """Whether few bytes only do not fit: one broken character in a page says nothing about the others."""
    text = data[:_SAMPLE_BYTES].decode(codec, "replace")
    return text.count("\ufffd") * 200 < len(text)


def _guess(data: bytes) -> str:
    import chardet

    sample = data[:_SAMPLE_BYTES]
    if stands_among_latin(sample):
        return "cp1252"  # letters with accents within words of western Europe, not words of another alphabet
    return codec_of(str(chardet.detect(sample)["encoding"] or "")) or "cp1252"
