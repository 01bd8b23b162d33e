"""Words that were cut at the end of a line: whether the hyphen belongs to the word is told by the other words of the document."""

from __future__ import annotations

import re
from collections.abc import Iterable

from resources.documents.parsers.pdf.lines import HYPHEN

_WORD = re.compile(r"\w[\w'’-]*")
_CUT = re.compile(rf"([^\W\d_][\w'’-]*){HYPHEN}[ \n]?([\w'’]+)")
_HALVES = re.compile(rf"[\w'’-]*{HYPHEN}[\w'’-]*")
_AT_END = re.compile(r"(?<=[^\W\d_])[-\u2010]$")
_LETTERS = re.compile(r"[a-zà-öø-ÿа-яα-ω]")


class KnownWords:
    """The words of a document."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words: set[str] = set()
        for text in texts:
            whole = _HALVES.sub(" ", text) if HYPHEN in text else text
            self._words.update(word.lower() for word in _WORD.findall(whole))

    def join(self, text: str) -> str:
        """The text with its cut words whole."""
        if HYPHEN not in text:
            return text
        return _CUT.sub(self._joined, text).replace(HYPHEN, "-")

    def _joined(self, found: re.Match[str]) -> str:
        first, second = found[1], found[2]
        if (first + second).lower() in self._words:
            return first + second
        if f"{first}-{second}".lower() in self._words or not _LETTERS.match(second):
            return f"{first}-{second}"
        is_compound = {first.lower(), second.lower()} <= self._words and len(first) > 3 < len(
            second
        )
        return f"{first}-{second}" if is_compound else first + second


def marked(text: str) -> str:
    """A line whose last word may be cut, with our mark for the hyphen."""
    return _AT_END.sub(HYPHEN, text)
