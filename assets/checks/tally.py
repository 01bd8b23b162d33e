"""How many values or rows meet a rule, added up batch by batch: memory holds the first that do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from assets.checks.report import SHOWN, Answer, map_report


@dataclass
class Tally:
    """What was seen so far.

    Args:
        counts_missing: whether a rule is about missing values too.
    """

    counts_missing: bool = False
    elements: int = 0
    present: int = 0
    unexpected: int = 0
    first: list[tuple[int, Any]] = field(default_factory=list)

    def add(self, elements: int, considered: Any, meets: pd.Series[Any]) -> None:
        """Takes a batch.

        Args:
            elements: how many it has, those that do not count included.
            considered: those that count, with their places as index.
            meets: which of them meet the rule.
        """
        self.elements += elements
        self.present += len(considered)
        failing = ~meets
        if isinstance(
            failing.dtype, pd.BooleanDtype
        ):  # neither met nor failed, beside a missing value
            failing = failing.fillna(value=False)
        odd = considered[failing.astype(bool)]
        self.unexpected += len(odd)
        if len(odd) and len(self.first) < SHOWN:
            self.first += _listed(odd[: SHOWN - len(self.first)])

    def answer(self, mostly: float) -> Answer:
        """Whether enough of them meet it, and the report."""
        count, failing = float(self.present), float(self.unexpected)
        passed = not count or (count - failing) / count >= mostly
        present = None if self.counts_missing else self.present
        return passed, map_report(self.elements, present, self.unexpected, self.first)


def _listed(odd: Any) -> list[tuple[int, Any]]:
    """Places and values; of a frame, each row by its names."""
    places = [int(place) for place in odd.index]
    if isinstance(odd, pd.DataFrame):
        return list(zip(places, odd.to_dict("records"), strict=True))
    return list(zip(places, odd, strict=True))
