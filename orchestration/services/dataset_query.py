"""Which datasets a list shows, in which order, and where a page of it ends: filters, counts, sorting and cursors."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestration.services.dataset_list import ORIGINS, STATUSES, DatasetSummary
from resources.kernel.errors import InputError

PAGE = 50
LIMIT = 1_000
"""Most lines of a page."""

SORTS: Mapping[str, Callable[[DatasetSummary], Any]] = {
    "name": lambda d: d.name,
    "title": lambda d: d.title.casefold(),
    "origin": lambda d: ORIGINS.index(d.origin) if d.origin in ORIGINS else len(ORIGINS),
    "status": lambda d: STATUSES.index(d.status),
    "rows": lambda d: d.rows,
    "columns": lambda d: d.columns,
    "version": lambda d: d.version,
    "size": lambda d: d.size_bytes,
    "updated": lambda d: d.updated_at.timestamp() if d.updated_at else None,
}
"""What a list can be sorted by. Datasets that have no such value come last, whatever the direction."""


@dataclass(frozen=True)
class DatasetQuery:
    """What somebody wants to see; empty fields ask for nothing.

    Args:
        origins: any of these.
        statuses: any of these.
        search: a part of the name or the title, in any case.
        sort: one of `SORTS`.
        descending: largest first.
        limit: lines of a page.
        cursor: where the page before ended; empty for the first.
    """

    origins: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    search: str = ""
    sort: str = "name"
    descending: bool = False
    limit: int = PAGE
    cursor: str = ""

    @classmethod
    def of(cls, **given: Any) -> DatasetQuery:
        """The same, its words checked; `pipeline_output` and `pipeline-output` mean `pipeline output`.

        Raises:
            InputError: a word that there is not, or a limit out of bounds; lists those that there are.
        """
        origins = tuple(_word(text, ORIGINS, "origin") for text in given.pop("origins", ()))
        statuses = tuple(_word(text, STATUSES, "status") for text in given.pop("statuses", ()))
        query = cls(origins=origins, statuses=statuses, **given)
        _word(query.sort, tuple(SORTS), "column to sort by")
        if not 1 <= query.limit <= LIMIT:
            raise InputError(f"a page has 1 to {LIMIT} datasets, not {query.limit}")
        return query

    def has_words(self, found: DatasetSummary) -> bool:
        """Whether the name or the title has the text that is searched."""
        wanted = self.search.strip().casefold()
        return wanted in found.name.casefold() or wanted in found.title.casefold()

    def takes(self, found: DatasetSummary) -> bool:
        """Whether a dataset is wanted."""
        return self.has_words(found) and self._has_origin(found) and self._has_status(found)

    def _has_origin(self, found: DatasetSummary) -> bool:
        return not self.origins or found.origin in self.origins

    def _has_status(self, found: DatasetSummary) -> bool:
        return not self.statuses or found.status in self.statuses

    def counts(self, found: Iterable[DatasetSummary]) -> tuple[dict[str, int], dict[str, int]]:
        """How many a tick at each origin and at each status would show beside the other filters."""
        named = [d for d in found if self.has_words(d)]
        origins = Counter(d.origin for d in named if self._has_status(d))
        statuses = Counter(d.status for d in named if self._has_origin(d))
        return {o: origins[o] for o in ORIGINS}, {s: statuses[s] for s in STATUSES}


@dataclass(frozen=True)
class DatasetPage:
    """A page of the list."""

    items: tuple[DatasetSummary, ...]
    total: int
    """How many datasets the filters take, on all pages."""
    origins: Mapping[str, int]
    """How many of each origin; the filter by origin left aside."""
    statuses: Mapping[str, int]
    """How many of each status; the filter by status left aside."""
    next_cursor: str
    """Where the next page begins; empty on the last one."""
    as_of: datetime | None = None
    """When was looked at what is kept and recorded."""


def page_of(
    found: Sequence[DatasetSummary], query: DatasetQuery, *, as_of: datetime | None = None
) -> DatasetPage:
    """The page that a query asks for.

    A cursor names the last line of the page before, by its value and its name, so lines that come or go meanwhile
    move no other line.

    Raises:
        InputError: a cursor that this list never gave out, or gave out for another order.
    """
    wanted = in_order([d for d in found if query.takes(d)], query)
    after = _decode(query) if query.cursor else None
    rest = wanted if after is None else [d for d in wanted if _place(d, query) > after]
    items = tuple(rest[: query.limit])
    origins, statuses = query.counts(found)
    more = len(rest) > query.limit
    return DatasetPage(
        items, len(wanted), origins, statuses, _encode(items[-1], query) if more else "", as_of
    )


class _Reversed:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.value < self.value)

    def __gt__(self, other: _Reversed) -> bool:
        return bool(other.value > self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


def in_order(found: Sequence[DatasetSummary], query: DatasetQuery) -> list[DatasetSummary]:
    """The lines as the query sorts them; by name where they are alike."""
    return sorted(found, key=lambda d: _place(d, query))


def _place(found: DatasetSummary, query: DatasetQuery) -> tuple[Any, ...]:
    return _place_of(SORTS[query.sort](found), found.name, query)


def _place_of(value: Any, name: str, query: DatasetQuery) -> tuple[Any, ...]:
    if value is None:
        return (1, 0, name)
    return (0, _Reversed(value) if query.descending else value, name)


def _encode(last: DatasetSummary, query: DatasetQuery) -> str:
    told = [query.sort, query.descending, SORTS[query.sort](last), last.name]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _decode(query: DatasetQuery) -> tuple[Any, ...]:
    text = query.cursor
    try:
        told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        sort, descending, value, name = told
        kind = str if sort in ("name", "title") else (int, float)
        known = isinstance(name, str) and (value is None or isinstance(value, kind))
    except (ValueError, TypeError):
        known = False
    if not known or (sort, descending) != (query.sort, query.descending):
        raise InputError(
            "this cursor is not one of this list in this order",
            hint="Ask for the first page again, without a cursor",
        )
    return _place_of(value, name, query)


def _word(text: str, known: tuple[str, ...], what: str) -> str:
    word = text.replace("_", " ").replace("-", " ")
    if word not in known:
        raise InputError(f"there is no {what} {text[:80]!r}", hint=f"Known: {', '.join(known)}")
    return word
