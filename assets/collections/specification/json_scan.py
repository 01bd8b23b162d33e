"""Where the elements of an array end, in a file that comes block by block: by its bytes, without parsing values.

**What holds.** In valid JSON the commas and the bracket found are exactly those of the array. In text that is not JSON they
mean nothing: each element is parsed afterwards, and one that is no JSON value shows it.

**What it costs.** A few passes of numpy over each byte, and some bytes for each quote, bracket and comma of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resources.formats.json.structure import find_quotes

_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("{"), ord("[")]] = 1
_STEPS[[ord("}"), ord("]")]] = -1
_IS_MARK = _STEPS != 0
_IS_MARK[ord(",")] = True
_COMMA = ord(",")


@dataclass(frozen=True)
class ElementEnds:
    """What a stretch of bytes holds.

    Args:
        places: the commas between elements, counted from the beginning of the stretch, and the bracket that closes the array.
        is_end: the last place is that bracket.
        depth: the deepest nesting reached.
        scanned: how many bytes were looked at; the others belong to the next stretch.
    """

    places: list[int]
    is_end: bool
    depth: int
    scanned: int


class ElementScanner:
    """Looks at stretches one after the other, from the beginning of an element."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_text = False

    def scan(self, data: bytes, *, is_last: bool) -> ElementEnds:
        """The next stretch."""
        data = data if is_last else _without_half_an_escape(data)
        shift = int(self._is_text)
        quotes = find_quotes(b'"' + data if shift else data) - shift
        content = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
        places = np.flatnonzero(_IS_MARK[content])
        places = places[np.searchsorted(quotes, places) % 2 == 0]
        self._is_text = len(quotes) % 2 == 1
        depths = self._depth + np.cumsum(_STEPS[content[places]], dtype=np.int64)
        closed = np.flatnonzero(depths < 0)[:1]
        is_end = len(closed) > 0
        if is_end:
            places, depths = places[: closed[0] + 1], depths[: closed[0] + 1]
        ends = places[(depths < 0) | ((depths == 0) & (content[places] == _COMMA))]
        deepest = int(depths.max(initial=self._depth))
        self._depth = int(depths[-1]) if len(depths) else self._depth
        return ElementEnds(ends.tolist(), is_end, deepest, len(data))


def _without_half_an_escape(data: bytes) -> bytes:
    run = len(data) - len(data.rstrip(b"\\"))
    return data[:-1] if run % 2 else data
