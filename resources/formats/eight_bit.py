"""Which 8-bit encoding a file is in that is not UTF-8: said only where there is no doubt (E29).

Any bytes are text in some 8-bit encoding, so a wrong one is never noticed later. An answer is given only if the letters
beyond ASCII make words, the best candidate is far ahead of every other that reads them differently, and nothing speaks
for DOS or Macintosh encodings, whose letters stand where the usual ones have control characters. Whoever gets no
answer has to ask its user.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from resources.formats.compression import read_blocks
from resources.formats.files import SourceFile

_SAMPLE_BYTES = 256 * 1024
_LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BETWEEN_DIGITS = re.compile(rb"(?<=\d)\xa0(?=\d)")
_WORD = re.compile(r"\w*[^\W\x00-\x7f]\w*")
_FEWEST_WORDS = 3
_RIVAL = 0.5  # a candidate with more than this share of the best one's confidence must read the text alike
_ALPHABETS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257")
_NAMES = {f"windows-{name[2:]}": name for name in _ALPHABETS}
_CONTROLS = slice(0x80, 0xA0)
_NO_BREAK_SPACE = "\xa0"


def guess_encoding(file: SourceFile) -> tuple[str, str] | None:
    """The encoding of a file that is not UTF-8 and the reason; None if there is doubt. Reads all of it."""
    counts, sample = np.zeros(256, np.int64), b""
    for block in read_blocks(file):
        counts += np.bincount(np.frombuffer(block, np.uint8), minlength=256)
        if len(sample) < _SAMPLE_BYTES and not block.isascii():
            lines = b"\n".join(_LINE.findall(block))
            sample += lines[: _SAMPLE_BYTES - len(sample)]
    if counts[_CONTROLS].any() or counts[0] or _UTF8.search(sample):
        return None
    if not counts[0xA1:].any() and len(_BETWEEN_DIGITS.findall(sample)) == sample.count(b"\xa0"):
        return "cp1252", "no-break spaces between digits, and nothing else beyond ASCII"
    return _ask_chardet(sample)


def _ask_chardet(sample: bytes) -> tuple[str, str] | None:
    import chardet

    ranked = chardet.detect_all(sample, encoding_era=chardet.EncodingEra.MODERN_WEB)
    best = _NAMES.get(str(ranked[0]["encoding"]).lower()) if ranked else None
    if best is None:
        return None
    text = sample.decode(best, "replace")
    words = set(_WORD.findall(text))
    if len(words) < _FEWEST_WORDS or not _is_written_text(text):
        return None
    for rival in ranked[1:]:
        is_near = rival["confidence"] > ranked[0]["confidence"] * _RIVAL
        if is_near and _reads_otherwise(sample, str(rival["encoding"]), text):
            return None
    language = ranked[0].get("language") or "its language"
    return best, f"not UTF-8; {len(words):,} words with letters beyond ASCII read as {language}"


def _is_written_text(text: str) -> bool:
    """Whether everything beyond ASCII is a letter, or a space, and capitals do not stand within words."""
    beyond = {character for character in text if not character.isascii()}
    if any(not (c.isalpha() or c == _NO_BREAK_SPACE) for c in beyond):
        return False
    return not any(
        one.islower() and not other.isascii() and other.isupper() for one, other in pairwise(text)
    )


def _reads_otherwise(sample: bytes, encoding: str, text: str) -> bool:
    try:
        return sample.decode(encoding) != text
    except (UnicodeDecodeError, LookupError):
        return False
