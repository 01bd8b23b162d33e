"""The first value of a column that is against a type, and what is special about it: for errors and guesses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_LOOKED_AT = 200
_TYPED = (
    r"^\s*([+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?|\d{4}-\d\d-\d\d.*|[Tt]rue|[Ff]alse|TRUE|FALSE)\s*$"
)
_TRAITS = (
    (re.compile(r"\s.*|.*\s", re.DOTALL), "space around it"),
    (re.compile(r"-0"), "minus zero"),
    (re.compile(r"[+-]?0\d.*"), "leading zero"),
    (re.compile(r"\+\d.*"), "plus sign"),
    (re.compile(r"[+-]?[\d.]+[eE][+-]?\d+"), "exponent"),
    (re.compile(r"[+-]?(\.\d+|\d+\.)"), "no digit on one side of the point"),
    (
        re.compile(r"[+-]?[\d.]*,[\d.,]*"),
        "comma: `decimal_mark:` and `thousands_mark:` can settle it",
    ),
    (re.compile(r"[+-]?\d+(\.\d+)?"), "more digits than fit"),
    (re.compile(r"\d{4}-\d\d-\d\d.*"), "a date or timestamp unlike others"),
)
_SHOWN = 40


@dataclass(frozen=True)
class BadValue:
    """The first value of a stretch that is against a type."""

    index: int
    text: str

    @property
    def shown(self) -> str:
        """The value, shortened, as Python writes text."""
        return repr(self.text if len(self.text) <= _SHOWN else self.text[:_SHOWN] + "…")

    @property
    def trait(self) -> str:
        """What is special about it; empty if nothing that looks like a number or date."""
        return next((said for form, said in _TRAITS if form.fullmatch(self.text)), "")


def looks_typed(texts: pa.Array) -> bool:
    """Whether most of the first values could be meant as numbers, dates or booleans."""
    head = texts.slice(0, _LOOKED_AT).drop_null()
    matches = pc.sum(pc.match_substring_regex(head, _TYPED)).as_py() or 0
    return bool(matches * 2 > len(head))


def first_bad_value(texts: pa.Array, fits: Callable[[pa.Array], bool]) -> BadValue:
    """The first value for which `fits` fails, found by halving; `texts` as a whole must fail."""
    place = first_bad_place(texts, fits)
    return BadValue(place, str(texts[place].as_py()))


def first_bad_place(values: pa.Array, fits: Callable[[pa.Array], bool]) -> int:
    """The place of the first value for which `fits` fails, of a column of any type."""
    good, bad = 0, len(values)  # values[:good] fits, values[:bad] does not
    while bad - good > 1:
        middle = (good + bad) // 2
        if fits(values.slice(good, middle - good)):
            good = middle
        else:
            bad = middle
    return good
