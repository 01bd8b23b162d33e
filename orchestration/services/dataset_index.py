"""Lines of the list, at hand for a process that is asked often: a look at what has changed, not at everything.

What a look costs:

| | nothing has changed | k datasets have changed |
|---|---|---|
| Dagster's records, in its own folder | the times of four files | two short queries, and the records of k assets and runs |
| store in a folder | the time of each dataset's folder of manifests; no file is read | k listings and manifests |
| store in a bucket | at most every 30 s one listing, a thousand files a request | 2k requests |
| titles | one query | one query |

A look is taken when a list is asked for and the last one is more than a second ago. So a version that another process
makes in a local store shows within that second. Of a bucket, whatever Dagster's records tell shows
as soon; only versions that no run of this instance made wait for the next listing. Bucket and records elsewhere are looked at
on a thread beside the answers; `as_of` says how old the view is. What is damaged without a trace in the folder's time
shows when all is looked at anew, every ten minutes, and on the dataset's own page at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestration.services.dataset_list import (
    DatasetEntry,
    DatasetSummary,
    DatasetTitle,
    Found,
    Tried,
    find_newest,
    summary_of,
)
from resources.kernel.errors import WaybillError
from resources.kernel.keys import Key
from resources.stores.storage import Mark
from resources.stores.versions import VersionStore

FRESH_SECONDS = 1.0
LISTING_SECONDS = 30.0
WHOLE_SECONDS = 600.0
_READERS = 16
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatasetView:
    """What a look has found."""

    items: tuple[DatasetSummary, ...]
    """In order of name."""
    as_of: datetime
    """When the look began."""
    problem: str = ""
    """Why the newest look failed, and this one is older; empty when it did not."""


@dataclass
class _Known:
    """What is known of the store."""

    marks: dict[Key, Mark] = field(default_factory=dict)
    found: dict[Key, Found] = field(default_factory=dict)
    listed_at: float = -1e9
    whole_at: float = -1e9


class DatasetIndex:
    """The lines of a project's datasets.

    Args:
        store: where datasets are kept.
        states: what became of the last try to make each of some datasets.
        titles: what people call them.
        is_quick: whether a look takes milliseconds: store and records are in folders of this machine. Else it is taken on a
            thread of its own, but for the first.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        store: VersionStore,
        states: Callable[[Sequence[DatasetEntry]], Mapping[Key, Tried]],
        titles: Callable[[], Mapping[Key, DatasetTitle]],
        *,
        is_quick: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._states, self._titles = store, states, titles
        self._is_quick, self._clock = is_quick, clock
        self._lock = threading.Lock()
        self._known = _Known()
        self._tried: Mapping[Key, Tried] = {}
        self._named: Mapping[Key, DatasetTitle] = {}
        self._entries: Sequence[DatasetEntry] = ()
        self._view: DatasetView | None = None
        self._looked_at = -1e9

    def view(self, entries: Sequence[DatasetEntry]) -> DatasetView:
        """The lines of these datasets, not older than a second, or as old as `as_of` says.

        Raises:
            WaybillError: the first look fails.
        """
        view = self._view
        if view is None or entries is not self._entries:
            with self._lock:
                return self._look(entries)
        if self._clock() - self._looked_at >= FRESH_SECONDS:
            return self._renewed(entries, view)
        return view

    def forget(self) -> None:
        """The next view begins with a look: something was changed by this process."""
        self._looked_at = -1e9

    def _renewed(self, entries: Sequence[DatasetEntry], old: DatasetView) -> DatasetView:
        """A new view if no other thread is making one and it is quick; the old one meanwhile."""
        if not self._lock.acquire(blocking=False):
            return old
        if self._is_quick:
            try:
                return self._look_or_keep(entries, old)
            finally:
                self._lock.release()
        threading.Thread(
            target=self._look_beside, args=(entries, old), name="dataset-index", daemon=True
        ).start()
        return old

    def _look_beside(self, entries: Sequence[DatasetEntry], old: DatasetView) -> None:
        try:
            self._look_or_keep(entries, old)
        finally:
            self._lock.release()

    def _look_or_keep(self, entries: Sequence[DatasetEntry], old: DatasetView) -> DatasetView:
        try:
            return self._look(entries)
        except WaybillError as error:
            _logger.warning("the list of datasets is from %s: %s", old.as_of, error)
            self._looked_at = self._clock()
            self._view = DatasetView(old.items, old.as_of, str(error))
            return self._view

    def _look(self, entries: Sequence[DatasetEntry]) -> DatasetView:
        as_of, now = datetime.now(UTC), self._clock()
        tried = self._states(entries)  # first: what it saw made is in the store then
        titles = self._titles()
        keys = [entry.key for entry in entries]
        remarked = self._remarked(keys, now)
        changed = [key for key in keys if key in remarked or self._is_news(key, tried)]
        self._read(changed, empty=self._empty(remarked))
        if self._view is not None and self._is_same(entries, tried, titles) and not changed:
            view = DatasetView(self._view.items, as_of)
        else:
            found = self._known.found
            lines = [
                summary_of(e, found.get(e.key), tried.get(e.key), titles.get(e.key))
                for e in entries
            ]
            view = DatasetView(tuple(sorted(lines, key=lambda line: line.name)), as_of)
        self._entries, self._tried, self._named = entries, tried, titles
        self._looked_at, self._view = now, view
        return view

    def _is_same(
        self,
        entries: Sequence[DatasetEntry],
        tried: Mapping[Key, Tried],
        titles: Mapping[Key, DatasetTitle],
    ) -> bool:
        return entries is self._entries and tried == self._tried and titles == self._named

    def _is_news(self, key: Key, tried: Mapping[Key, Tried]) -> bool:
        return key not in self._known.found or tried.get(key) != self._tried.get(key)

    def _remarked(self, keys: Collection[Key], now: float) -> set[Key]:
        """Those whose mark is another than before, or may be by now; none when it is not yet time to look at marks."""
        known = self._known
        is_whole = now - known.whole_at >= WHOLE_SECONDS
        if not self._is_quick and not is_whole and now - known.listed_at < LISTING_SECONDS:
            return set()
        before = {} if is_whole else known.marks
        known.marks, known.listed_at = self._store.marks(keys), now
        if is_whole:
            known.whole_at = now
        return {
            key
            for key, mark in known.marks.items()
            if key not in before or before[key].text != mark.text or not before[key].is_settled
        }

    def _empty(self, remarked: Collection[Key]) -> set[Key]:
        """Those that the store was just seen to hold nothing of."""
        return {key for key in remarked if self._known.marks[key] == Mark("")}

    def _read(self, keys: Sequence[Key], *, empty: Collection[Key]) -> None:
        known = self._known
        there = [key for key in keys if key not in empty]
        try:
            if self._is_quick or len(there) < 2:
                found = [find_newest(self._store, key) for key in there]
            else:
                with ThreadPoolExecutor(_READERS) as pool:
                    found = list(pool.map(lambda key: find_newest(self._store, key), there))
        except WaybillError:
            known.whole_at = -1e9  # of what was not read nothing is known
            raise
        known.found.update(dict.fromkeys(empty))
        known.found.update(zip(there, found, strict=True))
