"""How a text shows its encoding: by a byte order mark, or by NUL bytes where UTF-16 of western text has them."""

from __future__ import annotations

import codecs

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HIGH_SHARE = 0.5  # of the high bytes of UTF-16
NUL_SHARE = 0.2
"""UTF-16 of western text is half NUL bytes; UTF-8 has hardly any."""


def marked_encoding(head: bytes) -> tuple[str, int]:
    """The encoding by the mark that a text begins with, and how long that is; nothing where there is none."""
    mark, codec = next(((m, c) for m, c in _MARKS if head.startswith(m)), (b"", ""))
    return codec, len(mark)


def bare_utf16(head: bytes) -> str:
    """Which UTF-16 a text without a mark is: every second byte of western text is NUL, and no other one. Empty: neither."""
    if head.count(0) <= len(head) * NUL_SHARE:
        return ""
    for codec, high, low in (
        ("utf-16-le", head[1::2], head[0::2]),
        ("utf-16-be", head[0::2], head[1::2]),
    ):
        if 0 not in low and high.count(0) > len(high) * _HIGH_SHARE:
            return codec
    return ""
