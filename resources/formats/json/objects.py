"""Objects one after another, each over any lines or several on one: pretty-printed dumps, Kinesis Firehose, `jq` output."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from resources.formats.json.non_finite import replace_non_finite
from resources.formats.json.structure import find_depths
from resources.kernel.errors import ParseError

_BLANK = b" \t\r\n"
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(_BLANK)] = True


def begins_with_whole_lines(head: bytes, *, lines: bool) -> bool:
    """Whether the first object of a file ends on the line that it begins on, with nothing behind it there.

    A file that is said to be JSON Lines counts as such unless its first object proves the contrary.
    """
    places, depths = find_depths(head)
    ends = places[depths == 0]
    if not len(ends):
        return lines or b"\n" not in head
    first, rest = head[: int(ends[0]) + 1], head[int(ends[0]) + 1 :]
    alone = b"\n" not in first and not rest.lstrip(b" \t\r").startswith(b"{")
    return alone or not _is_json(first)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(replace_non_finite(data, "null").data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


class ObjectCutter:
    """Cuts whole objects off the front of what is there, as the elements of an array."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.line = 1
        """On which `waiting` begins."""
        self.waiting = b""

    def cut(self, blocks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
        """Objects with commas between them, and the line on which they begin; None of them is cut.

        Raises:
            ParseError: something else between them, or the end within one.
        """
        for block in blocks:
            self.waiting += block
            found = self._take()
            if found is not None:
                yield found
            else:
                yield b"", self.line
        if self.waiting.strip(_BLANK):
            raise ParseError(
                "the file ends before its last object does",
                file=self._file,
                line=self.line,
                hint="It is cut off, or a bracket or quote is missing: correct it or send it again",
            )

    def _take(self) -> tuple[bytes, int] | None:
        places, depths = find_depths(self.waiting)
        ends = places[depths == 0]
        if not len(ends):
            return None
        end = int(ends[-1]) + 1
        before = np.concatenate([[0], depths[:-1]])
        starts = places[(depths == 1) & (before == 0) & (places < end)]
        content = np.frombuffer(self.waiting, np.uint8)[:end]
        self._check_between(content, starts, ends)
        data = np.insert(content, ends[:-1] + 1, ord(",")).tobytes()
        line = self.line
        self.line += self.waiting.count(b"\n", 0, end)
        self.waiting = self.waiting[end:]
        return data, line

    def _check_between(self, content: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> None:
        steps = np.zeros(len(content) + 1, np.int8)
        steps[starts] += 1
        steps[ends + 1] -= 1
        odd = np.flatnonzero((np.cumsum(steps[:-1]) == 0) & ~_IS_BLANK[content])
        lists = starts[content[starts] != ord("{")]
        bad = min([*odd[:1], *lists[:1]], default=None)
        if bad is None and len(starts) == len(ends):
            return
        place = 0 if bad is None else int(bad)
        raise ParseError(
            f"expected an object, found {chr(content[place])!r}",
            file=self._file,
            line=self.line + self.waiting.count(b"\n", 0, place),
            hint="Records are objects: one on each line, one after another, or in one array",
        )
