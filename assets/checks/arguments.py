"""Arguments of an expectation that Great Expectations takes unchanged, so that they mean the same without it.

The library turns others into something first: `"5"` into 5.0, `true` into 1.0, text into a date.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_EXACT = 2**53
"""Up to here a float holds every integer: the library turns bounds into floats."""

Wanted = Mapping[str, Any]
"""Type by name; `[type]` is a list of it, a tuple is one of several; a name that ends with `?` may be left out."""

LENGTHS: Wanted = {"min_value?": int, "max_value?": int, "strict_min?": bool, "strict_max?": bool}
NUMBERS: Wanted = {**LENGTHS, "min_value?": (int, float), "max_value?": (int, float)}


def takes(given: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether the arguments are these and no others, each of exactly its type, and no number too large for a float."""
    allowed = {name.removesuffix("?"): kind for name, kind in wanted.items()}
    needed = {name for name in wanted if not name.endswith("?")}
    if not needed <= given.keys() <= allowed.keys():
        return False
    return all(_is(value, allowed[name]) for name, value in given.items()) and (
        0 <= given.get("mostly", 1) <= 1
    )


def _is(value: object, kind: Any) -> bool:
    if isinstance(kind, list):
        return isinstance(value, list) and all(_is(item, *kind) for item in value)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if type(value) not in kinds:
        return False
    return not isinstance(value, int | float) or (math.isfinite(value) and abs(value) <= _EXACT)


@dataclass(frozen=True)
class Bounds:
    """Bounds as the library takes them, of a number or of each value of a column."""

    low: float | None
    high: float | None
    strict_low: bool
    strict_high: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self | None:
        """Those of an expectation; None for none, or for bounds that exclude each other."""
        low, high = given.get("min_value"), given.get("max_value")
        there = [bound for bound in (low, high) if bound is not None]
        if not there or there[0] > there[-1]:
            return None
        return cls(low, high, given.get("strict_min", False), given.get("strict_max", False))

    def hold(self, value: Any) -> Any:
        """Whether a number lies between them; for a column, whether each value does."""
        above: Any = True
        if self.low is not None:
            above = value > float(self.low) if self.strict_low else value >= float(self.low)
        if self.high is None:
            return above
        below = value < float(self.high) if self.strict_high else value <= float(self.high)
        return below if self.low is None else above & below


def is_exact(value: Any) -> bool:
    """Whether a float can hold a number of this size."""
    return bool(abs(int(value)) <= _EXACT)
