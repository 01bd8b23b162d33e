"""Which datasets a list shows, in which order, and where a page of it ends: filters, counts and order; pages are cut by `paging.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestration.services.dataset_list import ORIGINS, STATUSES, DatasetSummary
from orchestration.services.paging import LIMIT, check_limit, paged
from resources.kernel.errors import InputError

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
    """What is to be seen; empty fields ask for nothing.

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
    limit: int = LIMIT
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
        check_limit(query.limit)
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
    next: str | None
    """Cursor of the page after it; None at the end."""
    total: int
    """How many datasets the filters take, on all pages."""
    origins: Mapping[str, int]
    """How many of each origin; the filter by origin left aside."""
    statuses: Mapping[str, int]
    """How many of each status; the filter by status left aside."""
    as_of: datetime | None = None
    """When was looked at what is kept and recorded."""
    problem: str = ""
    """Why no newer look was possible; empty when it was."""


def page_of(
    found: Sequence[DatasetSummary],
    query: DatasetQuery,
    *,
    as_of: datetime | None = None,
    problem: str = "",
) -> DatasetPage:
    """The page that a query asks for.

    Raises:
        InputError: no cursor of a list.
    """
    wanted = [d for d in found if query.takes(d)]
    page = paged(
        wanted,
        lambda d: _place(d, query),
        cursor=query.cursor or None,
        limit=query.limit,
        descending=query.descending,
    )
    origins, statuses = query.counts(found)
    return DatasetPage(page.items, page.next, len(wanted), origins, statuses, as_of, problem)


def in_order(found: Sequence[DatasetSummary], query: DatasetQuery) -> list[DatasetSummary]:
    """All that a query takes, in its order."""
    wanted = [d for d in found if query.takes(d)]
    order = sorted(wanted, key=lambda d: d.name)
    value = SORTS[query.sort]
    there = [d for d in order if value(d) is not None]
    there.sort(key=value, reverse=query.descending)
    return there + [d for d in order if value(d) is None]


def _place(found: DatasetSummary, query: DatasetQuery) -> tuple[Any, ...]:
    return SORTS[query.sort](found), found.name


def _word(text: str, known: tuple[str, ...], what: str) -> str:
    word = text.replace("_", " ").replace("-", " ")
    if word not in known:
        raise InputError(f"there is no {what} {text[:80]!r}", hint=f"Known: {', '.join(known)}")
    return word
