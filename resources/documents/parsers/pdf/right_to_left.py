"""Lines of Arabic, Hebrew and their like: their letters are put in order by where they stand.

PDF files hold such lines as they are drawn, some from the left and some from the right, some with letters of another order than
their words. Where each letter stands is certain; so the line is taken from right to left, and numbers and foreign words in it
from left to right, as they are written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from resources.documents.parsers.pdf.characters import Box, Characters

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LAM, _ALEFS = "\u0644", "\u0622\u0623\u0625\u0627"
_SPACE_SHARE = 0.2
"""A gap of so many heights is a space."""
_LEAST_SPACE = 0.5
"""Points."""


class _Letter(NamedTuple):
    text: str
    box: Box

    @property
    def middle(self) -> float:
        return (self.box.left + self.box.right) / 2


def has_right_to_left(text: str) -> bool:
    """Whether there is a letter of such a script in a text."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def line_from_places(characters: Characters, start: int, end: int) -> tuple[str, Box]:
    """A line and its place, put together from the places of its letters."""
    letters = _letters(characters, start, end)
    if not letters:
        return "", Box(0, 0, 0, 0)
    box = Box(
        min(one.box.left for one in letters),
        min(one.box.bottom for one in letters),
        max(one.box.right for one in letters),
        max(one.box.top for one in letters),
    )
    ordered = sorted(letters, key=lambda one: -one.middle)
    return unicodedata.normalize("NFKC", _written(_with_spaces(ordered))).strip(), box


def _letters(characters: Characters, start: int, end: int) -> list[_Letter]:
    """The letters of a line and the spaces that are in the file; marks stay with their letter, letters in one glyph together."""
    found: list[_Letter] = []
    for place in range(start, end):
        character = characters.text[place]
        if character in "\r\n\x02\ufffe\u200e\u200f":
            continue
        box = characters.box(place)
        if character.isspace() and box.right - box.left < _LEAST_SPACE:
            continue  # PDFium's own, where it saw room
        if found and (unicodedata.combining(character) or box == found[-1].box):
            text = found[-1].text
            is_ligature = character == _LAM and text in _ALEFS
            found[-1] = _Letter(
                character + text if is_ligature else text + character, found[-1].box
            )
        else:
            found.append(_Letter(character, box))
    return found


def _with_spaces(letters: Sequence[_Letter]) -> list[str]:
    """The letters from right to left, with spaces where there is room for one."""
    texts = [letters[0].text]
    height = max(one.box.height for one in letters)
    for before, letter in pairwise(letters):
        room = before.box.left - letter.box.right
        is_space = before.text.isspace() or letter.text.isspace()
        if room > _SPACE_SHARE * height and not is_space:
            texts.append(" ")
        texts.append(letter.text)
    return texts


def _written(texts: Sequence[str]) -> str:
    """Numbers and foreign words turned round: they are written from left to right."""
    parts: list[str] = []
    for is_foreign, group in groupby(_directions(texts), key=lambda one: one[1]):
        run = [text for text, _ in group]
        parts += reversed(run) if is_foreign else run
    return "".join(parts)


def _directions(texts: Sequence[str]) -> list[tuple[str, bool]]:
    """Each text with whether it runs from left to right; what has no direction takes that of both its neighbours if it is one."""
    kinds = [_direction(text) for text in texts]
    result = []
    for place, (text, kind) in enumerate(zip(texts, kinds, strict=True)):
        if kind == "N":
            before = next((one for one in reversed(kinds[:place]) if one != "N"), "R")
            after = next((one for one in kinds[place + 1 :] if one != "N"), "R")
            kind = "L" if before == after == "L" else "R"  # noqa: PLW2901 - the same, decided
        result.append((text, kind == "L"))
    return result


def _direction(text: str) -> str:
    kind = unicodedata.bidirectional(text[0])
    if kind in ("R", "AL", "NSM"):
        return "R"
    return "L" if kind in ("L", "EN", "AN") else "N"
