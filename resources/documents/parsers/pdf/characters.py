"""What PDFium knows of the characters of a page: where they stand, and how heavy they are."""

from __future__ import annotations

import ctypes
from math import hypot
from typing import NamedTuple

import pypdfium2
from pypdfium2 import raw

_BOLD_WEIGHT = 600


class Box(NamedTuple):
    """A place on a page in points, from its lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom


class Characters:
    """The characters of a page."""

    def __init__(self, textpage: pypdfium2.PdfTextPage) -> None:
        self._page = textpage
        self._rectangle = raw.FS_RECTF()
        self._reference = ctypes.byref(self._rectangle)
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._point = (ctypes.byref(self._x), ctypes.byref(self._y))
        self._matrix = raw.FS_MATRIX()
        self._matrix_reference = ctypes.byref(self._matrix)
        self.text: str = textpage.get_text_range()
        """All of them, lines ending in CR LF."""
        self._is_plain = self.text.isascii() or max(self.text, default="") <= "\uffff"

    def number(self, place: int) -> int:
        """PDFium's number of the character at a place of the text."""
        if not self._is_plain:  # PDFium counts letters beyond the basic plane twice
            place += sum(character > "\uffff" for character in self.text[:place])
        found: int = raw.FPDFText_GetCharIndexFromTextIndex(self._page.raw, place)
        return max(found, 0)

    def box(self, place: int) -> Box:
        """Where the character at a place of the text stands, with the room of its font above and below."""
        return self.box_of(self.number(place))

    def box_of(self, number: int) -> Box:
        """Where a character stands."""
        raw.FPDFText_GetLooseCharBox(self._page.raw, number, self._reference)
        found = self._rectangle
        return Box(found.left, found.bottom, found.right, found.top)

    def origin(self, number: int) -> tuple[float, float]:
        """Where a character begins on its base line."""
        raw.FPDFText_GetCharOrigin(self._page.raw, number, *self._point)
        return self._x.value, self._y.value

    def size(self, number: int) -> float:
        """The size of a character's font in points of the page."""
        size: float = raw.FPDFText_GetFontSize(self._page.raw, number)
        if raw.FPDFText_GetMatrix(self._page.raw, number, self._matrix_reference):
            matrix = self._matrix
            size *= hypot(matrix.c, matrix.d)
        return size if size > 0 else max(self.box_of(number).height, 1.0)

    def is_bold(self, place: int) -> bool:
        """Whether a character is of a heavy font."""
        weight: int = raw.FPDFText_GetFontWeight(self._page.raw, self.number(place))
        return weight >= _BOLD_WEIGHT or "bold" in self._font(place).lower()

    def _font(self, place: int) -> str:
        buffer = ctypes.create_string_buffer(128)
        flags = ctypes.c_int()
        number = self.number(place)
        length = raw.FPDFText_GetFontInfo(self._page.raw, number, buffer, 128, ctypes.byref(flags))
        return buffer.value.decode("utf-8", "replace") if 0 < length <= 128 else ""

    def within(self, box: Box) -> str:
        """The text in a part of the page."""
        text: str = self._page.get_text_bounded(*box)
        return text
