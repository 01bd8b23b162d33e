"""`NaN`, `Infinity` and `-Infinity`, which Python and others write although JSON has no such values.

They are taken out before a chunk is read as JSON, and put back into the literals of their columns: everything else is
checked as always. What is put in their place are numbers that the chunk does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.json.structure import find_quotes

NonFinite = Literal["error", "null", "number"]
WORDS = ("NaN", "Infinity", "-Infinity")
_TOKEN = re.compile(rb"(?<![^\s:,\[])(?:NaN|-?Infinity)(?![^\s,\]}])")
_EXPONENT = 99_000


@dataclass(frozen=True)
class FiniteText:
    """Data without such values, and what stands for them in it."""

    data: bytes
    places: Mapping[str, str]
    """The word, by what stands in its place."""

    def restore(self, literals: Mapping[str, pa.Array]) -> Mapping[str, pa.Array]:
        """The words as they stood in the file."""
        if not self.places:
            return literals
        restored = {}
        for name, column in literals.items():
            for place, word in self.places.items():
                column = pc.replace_substring(column, place, word)  # noqa: PLW2901
            restored[name] = column
        return restored


def replace_non_finite(data: bytes, policy: NonFinite) -> FiniteText:
    """Takes such values out, outside of texts, as null or to be put back."""
    if policy == "error" or (b"NaN" not in data and b"Infinity" not in data):
        return FiniteText(data, {})
    found = [*_TOKEN.finditer(data)]
    quotes = find_quotes(data)
    inside = np.searchsorted(quotes, [match.start() for match in found]) % 2
    places = dict.fromkeys(WORDS, "null") if policy == "null" else _free_numbers(data)
    parts, end = [], 0
    for match, is_text in zip(found, inside, strict=True):
        if not is_text:
            parts += [data[end : match.start()], places[match[0].decode()].encode()]
            end = match.end()
    back = {} if policy == "null" else {place: word for word, place in places.items()}
    return FiniteText(b"".join([*parts, data[end:]]), back)


def _free_numbers(data: bytes) -> dict[str, str]:
    exponent = _EXPONENT
    while b"e-%d" % exponent in data:
        exponent += 1
    return {word: f"{digit}e-{exponent}" for digit, word in enumerate(WORDS, 1)}
