"""Words that were cut at the end of a line: whether the hyphen belongs to the word is told by the other words of the document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from resources.documents.parsers.pdf.lines import HYPHEN

_WORD = re.compile(r"\w[\w'’-]*")
_CUT = re.compile(rf"([^\W\d_][\w'’-]*){HYPHEN}[ \n]?([\w'’]+)")
_HALVES = re.compile(rf"[\w'’-]*{HYPHEN}[\w'’-]*")
_LETTERS = re.compile(r"[a-zà-öø-ÿа-яα-ω]")


class KnownWords:
    """The words of a document."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    @cached_property
    def _words(self) -> set[str]:
        """All of them, gathered when the first one is asked for: most documents have no cut word."""
        words: set[str] = set()
        for text in self._texts:
            whole = _HALVES.sub(" ", text) if HYPHEN in text else text
            words.update(word.lower() for word in _WORD.findall(whole))
        return words

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
    is_cut = text[-1:] in ("-", "\u2010") and text[-2:-1].isalpha()
    return text[:-1] + HYPHEN if is_cut else text
