"""Associations as a matrix and as a list: which method, in which order, of which columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resources.profiles.record import Association, Method, Profile

MOST_COLUMNS = 30
"""Of a matrix: more cannot be read, and the list has them all."""
MIXED = "mixed"
"""Each pair by the method that fits its types: Spearman's for numbers, which sees what is not linear too."""
ORDERS = ("together", "position", "name", "strength")
_LEVELS = 5
_FITTING: tuple[Method, ...] = ("spearman", "cramers_v", "correlation_ratio", "pearson")


@dataclass(frozen=True)
class Matrix:
    """Columns against each other.

    Args:
        columns: names, in the order wanted.
        cells: the association of two of them, by both names; both ways round.
        left_out: how many columns there was no room for: those that go least with any other.
    """

    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Association]
    left_out: int = 0


def matrix_of(
    profile: Profile,
    method: str = MIXED,
    order: str = "together",
    by: str = "",
    *,
    pairs: Sequence[Association] | None = None,
) -> Matrix:
    """The matrix of a profile.

    Args:
        profile: of the table.
        method: one of the record's, or `MIXED`.
        order: one of `ORDERS`.
        by: a column: the others stand in the order in which they go with it.
        pairs: what `chosen` gave, if somebody has asked.
    """
    cells = _cells(chosen(profile, method) if pairs is None else pairs)
    strengths = _strengths(cells)
    ranked = sorted(strengths, key=lambda name: -strengths[name])
    kept = ([by] if by in strengths else []) + [name for name in ranked if name != by]
    columns = _in_order(profile, kept[:MOST_COLUMNS], cells, strengths, order, by)
    return Matrix(tuple(columns), cells, max(len(kept) - MOST_COLUMNS, 0))


def chosen(profile: Profile, method: str = MIXED) -> list[Association]:
    """The associations by one method, the strongest first; of `MIXED` one of each pair."""
    if method != MIXED:
        found = [one for one in profile.associations if one.method == method]
    else:
        best: dict[tuple[str, str], Association] = {}
        for one in profile.associations:
            old = best.get((one.a, one.b))
            if old is None or _FITTING.index(one.method) < _FITTING.index(old.method):
                best[one.a, one.b] = one
        found = list(best.values())
    return sorted(found, key=lambda one: -abs(one.value))


def methods_of(profile: Profile) -> list[Method]:
    """The methods that the profile has values of."""
    used = {one.method for one in profile.associations}
    return [method for method in ("pearson", *_FITTING[:3]) if method in used]


def between(profile: Profile, a: str, b: str) -> list[Association]:
    """What there is between two columns, by each method."""
    return [one for one in profile.associations if {one.a, one.b} == {a, b}]


def of_column(profile: Profile, name: str) -> list[Association]:
    """What a column goes together with, the strongest first."""
    return [one for one in chosen(profile) if name in (one.a, one.b)]


def level(value: float) -> str:
    """The class of a cell: how strong, and which way."""
    step = min(round(abs(value) * _LEVELS), _LEVELS)
    return "m0" if not step else f"{'m' if value > 0 else 'n'}{step}"


def _cells(found: Sequence[Association]) -> dict[tuple[str, str], Association]:
    return {pair: one for one in found for pair in ((one.a, one.b), (one.b, one.a))}


def _strengths(cells: Mapping[tuple[str, str], Association]) -> dict[str, float]:
    """How strongly each column goes with that other with which it goes most."""
    found: dict[str, float] = {}
    for (a, _), one in cells.items():
        found[a] = max(found.get(a, 0.0), abs(one.value))
    return found


def _in_order(
    profile: Profile,
    kept: list[str],
    cells: Mapping[tuple[str, str], Association],
    strengths: Mapping[str, float],
    order: str,
    by: str,
) -> list[str]:
    def with_it(name: str) -> float:
        one = cells.get((by, name))
        return -abs(one.value) if one else 0.0

    if by in kept:
        return [by, *sorted((name for name in kept if name != by), key=with_it)]
    if order == "name":
        return sorted(kept, key=str.casefold)
    if order == "strength":
        return sorted(kept, key=lambda name: -strengths[name])
    if order == "position":
        wanted = set(kept)
        return [column.name for column in profile.columns if column.name in wanted]
    return _together(kept, cells)


def _together(kept: Sequence[str], cells: Mapping[tuple[str, str], Association]) -> list[str]:
    """Each beside the one that it goes with most of those that are left: blocks come to stand along the diagonal."""
    left = list(kept)
    placed: list[str] = []
    while left:
        last = placed[-1] if placed else left[0]
        strengths = {name: abs(cells[last, name].value) for name in left if (last, name) in cells}
        best = max(left, key=lambda name: strengths.get(name, -1.0)) if placed else left[0]
        placed.append(best)
        left.remove(best)
    return placed
