"""A JSON file from its beginning to its end, in bounded memory: the members of its object, and the elements of their arrays.

Arrays are given out in stretches of whole elements. Where a stretch may be cut is guessed by what stands between two
elements, and proved by decoding what lies before the cut: if that is a list of whole values, the comma behind it is one
of the array. A guess that fails is replaced by a look at all brackets (`json_scan.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from assets.collections.specification.json_scan import ElementScanner
from assets.collections.specification.problems import refuse_file
from assets.collections.specification.sections import ITEM_BYTES

MOST_NESTED = 500
"""Arrays and objects within each other; a file with more is not read."""
_BLANK = b" \t\r\n"
_BLANKS = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"', re.DOTALL)
_WORD = re.compile(rb"[^\s,\]}\"\[{:]+")
_FIRST_KEY = re.compile(rb'\s*\{\s*"[^"\\]*"\s*:')
_LONGEST_WORD = 16 * 1024**2
_MOST_AT_ONCE = 8 * 1024**2
_MOST_MISSES = 16
QUOTE, COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = b'",:[]{}'

T = TypeVar("T")


@dataclass(frozen=True)
class Elements:
    """Elements of an array that could not be decoded together, each as it stands in the file."""

    texts: list[bytes]


class JsonCursor:
    """Where the reading of a file stands."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._data = b""
        self._at = 0
        self._before = 0
        self._is_last = False

    @property
    def place(self) -> int:
        """How many bytes of the file were taken."""
        return self._before + self._at

    def refuse(self, found: str, *, behind: int = 0) -> NoReturn:
        """The file is not JSON at the place that was reached.

        Raises:
            FileProblemError: json_syntax.
        """
        place = self.place + behind + 1
        refuse_file("", "json_syntax", f"the file is not JSON: {found} (byte {place:,})")

    def skip_mark(self) -> None:
        """Skips a byte-order mark of UTF-8, which spreadsheets and editors of Windows write."""
        self._ensure(4)
        head = self._data[:4]
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
            refuse_file("", "json_syntax", "the file is UTF-16 or UTF-32", "Save it as UTF-8")
        if head.startswith(b"\xef\xbb\xbf"):
            self._at = 3

    def peek(self) -> int:
        """The next byte that is not blank, which is then the next one; -1 at the end."""
        while True:
            found = _BLANKS.match(self._data, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._data):
                return self._data[self._at]
            if not self._more():
                return -1

    def take(self, byte: int) -> bool:
        """Takes this byte, if it comes next."""
        if self.peek() != byte:
            return False
        self._at += 1
        return True

    def take_scalar(self) -> bytes:
        """A string, number or word as it stands; what it is must be found out by parsing it."""
        pattern = _STRING if self.peek() == QUOTE else _WORD
        while True:
            found = pattern.match(self._data, self._at)
            is_whole = found and (found.end() < len(self._data) or pattern is _STRING)
            if found and (is_whole or not self._more()):
                self._at = found.end()
                return found[0]
            if not found and (len(self._data) - self._at > _LONGEST_WORD or not self._more()):
                self.refuse("no value, or one that does not end")

    def elements(
        self, decode: Callable[[bytes], T | None], *, closing: int = CLOSE_ARRAY
    ) -> Iterator[T | Elements]:
        """The elements of an array whose opening bracket was taken, up to and with the closing one.

        Args:
            decode: elements with their commas -> what is made of them; None if they have to be looked at one by one.
            closing: of an object its members are given in the same way, as they stand.

        Raises:
            FileProblemError: json_syntax, item_too_large.
        """
        if self.take(closing):
            return
        boundary, misses, is_open = b"", 0, True
        while is_open:
            if boundary and (guessed := self._guess(boundary)):
                decoded = decode(self._data[self._at : guessed])
                if decoded is not None:
                    self._at = guessed + 1  # the comma behind it
                    yield decoded
                    continue
                misses += 1
            texts, is_open = self._cut(closing)
            boundary = _boundary(texts) if misses < _MOST_MISSES else b""
            decoded = decode(b",".join(texts)) if len(texts) > 1 else None
            yield decoded if decoded is not None else Elements(texts)

    def _guess(self, boundary: bytes) -> int:
        """Where the comma between the last two elements at hand may be; 0 if that cannot be told."""
        found = self._data.rfind(boundary, self._at)
        if found < 0 and self._more():
            found = self._data.rfind(boundary, self._at)
        return self._data.index(b",", found) if found >= 0 else 0

    def _cut(self, closing: int) -> tuple[list[bytes], bool]:
        """The next elements, and whether the array goes on behind them."""
        scanner, scanned = ElementScanner(), self._at
        while True:
            found = scanner.scan(self._data[scanned:], is_last=self._is_last)
            if found.depth > MOST_NESTED:
                self.refuse(f"it is nested deeper than {MOST_NESTED} levels")
            ends = [scanned + place for place in found.places]
            if ends:
                return self._taken(ends, closing if found.is_end else None), not found.is_end
            if len(self._data) - self._at > ITEM_BYTES:
                size = f"more than {ITEM_BYTES // 1024**2} MiB"
                refuse_file("", "item_too_large", f"an item has {size}", "Split it")
            scanned += found.scanned - self._at
            if not self._more():  # else what is held begins at 0
                self.refuse("the file ends within it", behind=len(self._data) - self._at)

    def _taken(self, ends: list[int], closing: int | None) -> list[bytes]:
        starts = [self._at, *(end + 1 for end in ends[:-1])]
        texts = [self._data[start:end] for start, end in zip(starts, ends, strict=True)]
        blank = next((n for n, text in enumerate(texts) if not text.strip(_BLANK)), None)
        if blank is not None:
            self.refuse("a comma without a value", behind=ends[blank] - self._at)
        if closing is not None and self._data[ends[-1]] != closing:
            self.refuse("brackets that do not match", behind=ends[-1] - self._at)
        self._at = ends[-1] + 1
        return texts

    def _ensure(self, size: int) -> None:
        while len(self._data) - self._at < size and self._more():
            pass

    def _more(self) -> bool:
        """Takes in as much again as is held, up to a limit; False at the end of the file."""
        held = self._data[self._at :]
        wanted = min(len(held), _MOST_AT_ONCE)
        fresh: list[bytes] = []
        for block in self._blocks:
            fresh.append(block)
            wanted -= len(block)
            if wanted <= 0:
                break
        if not fresh:
            self._is_last = True
            return False
        self._before += self._at
        self._at = 0
        self._data = b"".join([held, *fresh])
        return True


def _boundary(texts: list[bytes]) -> bytes:
    """What stands between the last two elements: the end of one, the comma, and the other's first name."""
    if len(texts) < 2:
        return b""
    before, behind = texts[-2], texts[-1]
    begun = _FIRST_KEY.match(behind)
    tail = before[len(before.rstrip(_BLANK)) - 1 :]
    return tail + b"," + begun[0] if begun and tail[:1] == b"}" else b""
