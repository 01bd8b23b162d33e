"""What drift is judged by: methods, thresholds, columns that are left out. Pure: no input or output."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from resources.drift.record import DriftMethod, Subject
from resources.kernel.errors import InputError

AskedMethod = Literal["auto", "wasserstein", "psi", "ks", "jensen_shannon", "chi_square"]

LEAST_ROWS = 100
"""Distributions of fewer values say little."""
MISSING_POINTS = 5.0
"""Percentage points that the share of missing values may change by."""

THRESHOLDS: Mapping[DriftMethod, float] = {
    "wasserstein": 0.1,
    "psi": 0.2,
    "ks": 0.1,
    "jensen_shannon": 0.1,
    "chi_square": 0.1,
}
METHODS: tuple[DriftMethod, ...] = get_args(DriftMethod)
_OF_ANY: frozenset[DriftMethod] = frozenset({"psi", "jensen_shannon", "chi_square"})
_DEFAULT: Mapping[Subject, DriftMethod] = {
    "numbers": "wasserstein",
    "times": "wasserstein",
    "lengths": "wasserstein",
    "categories": "jensen_shannon",
}


@dataclass(frozen=True)
class ColumnRule:
    """How one column is judged."""

    method: AskedMethod = "auto"
    threshold: float | None = None
    """None: that of the method."""


@dataclass(frozen=True)
class DriftSettings:
    """How the columns of two versions are judged."""

    columns: Mapping[str, ColumnRule] = field(default_factory=dict)
    """By name; all others as their type suggests."""
    ignore: frozenset[str] = frozenset()
    share: float | None = None
    """The part of the compared columns that may drift, from 0 to 1; None: none may."""
    missing_points: float = MISSING_POINTS

    def method_of(self, name: str, subject: Subject) -> tuple[DriftMethod, float]:
        """The method and the threshold for a column of which `subject` is compared.

        Raises:
            InputError: the method that is asked for is for numbers, and the column holds none.
        """
        rule = self.columns.get(name, ColumnRule())
        method = _DEFAULT[subject] if rule.method == "auto" else rule.method
        if subject == "categories" and method not in _OF_ANY:
            raise InputError(
                f"drift of column {name!r}: {method} compares numbers, and it holds categories",
                hint=f"Use {', '.join(sorted(_OF_ANY))}, or leave the method out",
                column=name,
            )
        return method, THRESHOLDS[method] if rule.threshold is None else rule.threshold

    def check_names(self, known: Collection[str]) -> None:
        """That the columns that are named are there.

        Args:
            known: the columns of both sides together.

        Raises:
            InputError: some are not.
        """
        unknown = sorted({*self.columns, *self.ignore} - set(known))
        if unknown:
            raise InputError(
                f"drift: there is no column {_listed(map(repr, unknown))}",
                hint=f"Columns are {_listed(known)}",
                columns=unknown,
            )


def _listed(names: Iterable[str]) -> str:
    found = [*names]
    more = f" and {len(found) - 30:,} more" if len(found) > 30 else ""
    return ", ".join(found[:30]) + more
