"""The columns of a profile as a list: by kind, by warning, by name, sorted, a page at a time; and two profiles compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestration.services.paging import Page, paged
from resources.profiles.record import WARNINGS, ColumnProfile, Kind, Profile, WarningCode

PAGE_COLUMNS = 100
_SORTS: dict[str, Callable[[ColumnProfile], Any]] = {
    "position": lambda column: column.position,
    "name": lambda column: column.name.casefold(),
    "type": lambda column: column.type,
    "missing": lambda column: column.missing,
    "distinct": lambda column: column.distinct,
    "mean": lambda column: column.mean,
    "warnings": lambda column: len(column.warnings),
}
SORTS = tuple(_SORTS)


@dataclass(frozen=True)
class ColumnsWanted:
    """Which columns, and in which order.

    Args:
        kind: only these; all by default.
        warning: only with this one; `any` for those that have some.
        search: part of the name, whatever its case.
        sort: one of `SORTS`; with a hyphen before it the greatest first.
        cursor: of a later page.
    """

    kind: str = ""
    warning: str = ""
    search: str = ""
    sort: str = "position"
    cursor: str = ""

    @property
    def key(self) -> str:
        """What they are sorted by; an unknown one counts as the position."""
        given = self.sort.removeprefix("-")
        return given if given in _SORTS else "position"


def list_columns(profile: Profile, wanted: ColumnsWanted) -> Page[ColumnProfile]:
    """A page of the columns.

    Raises:
        InputError: no cursor of this list.
    """
    found = [column for column in profile.columns if _is_wanted(column, wanted)]
    value = _SORTS[wanted.key]
    return paged(
        found,
        lambda column: (value(column), column.position),
        cursor=wanted.cursor or None,
        limit=PAGE_COLUMNS,
        descending=wanted.sort.startswith("-"),
    )


def _is_wanted(column: ColumnProfile, wanted: ColumnsWanted) -> bool:
    if wanted.kind and column.kind != wanted.kind:
        return False
    if wanted.warning == "any" and not column.warnings:
        return False
    if wanted.warning not in ("", "any") and wanted.warning not in column.warnings:
        return False
    return wanted.search.casefold() in column.name.casefold()


def kinds_of(profile: Profile) -> list[tuple[Kind, int]]:
    """How many columns of each kind there are, the most first."""
    return Counter(column.kind for column in profile.columns).most_common()


def warnings_of(profile: Profile) -> list[tuple[WarningCode, int]]:
    """How many columns have each warning, in the order of the record."""
    found = Counter(code for column in profile.columns for code in column.warnings)
    return [(code, found[code]) for code in WARNINGS if found[code]]


@dataclass(frozen=True)
class ComparedColumn:
    """A column in two versions; None where a version has none of this name."""

    name: str
    here: ColumnProfile | None
    there: ColumnProfile | None
    differs: tuple[str, ...]
    """In what: `new`, `gone`, or which figures."""


def compare_columns(here: Profile, there: Profile) -> list[ComparedColumn]:
    """The columns of both, those that differ first, then in the order of `here`."""
    theirs = {column.name: column for column in there.columns}
    own = {column.name for column in here.columns}
    found = [
        ComparedColumn(one.name, one, other, _differences(one, other, here, there))
        for one in here.columns
        for other in (theirs.get(one.name),)
    ]
    gone = [ComparedColumn(c.name, None, c, ("gone",)) for c in there.columns if c.name not in own]
    return sorted([*found, *gone], key=lambda one: not one.differs)


def _differences(
    one: ColumnProfile, other: ColumnProfile | None, here: Profile, there: Profile
) -> tuple[str, ...]:
    if other is None:
        return ("new",)
    shares = (one.missing * there.rows, other.missing * here.rows)  # of different numbers of rows
    pairs = [
        ("type", one.type, other.type),
        ("missing", *shares),
        ("different values", one.distinct, other.distinct),
        ("range", (one.lowest, one.highest), (other.lowest, other.highest)),
        ("mean", one.mean, other.mean),
        ("distribution", one.distribution, other.distribution),
    ]
    return tuple(label for label, a, b in pairs if a != b)
