"""One pass over a listing beside the ledger, both in order of key: what is new, unchanged or gone.

Memory is a page of the ledger and a page of the listing, whatever their length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from orchestration.watching.object_ledger import KnownObject, ObjectLedger
from resources.connectors.files.listing_progress import ListingStopped, stopping_when
from resources.kernel.errors import IntegrityError
from resources.kernel.records import ObjectInfo

_FLUSH_ROWS = 2000
_LOOK_AT_CLOCK_EVERY = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def digest_of(key: str, version: str) -> bytes:
    """16 bytes that stand for one version of one key."""
    return blake2b(f"{key}\0{version}".encode(), digest_size=16).digest()


def version_of(item: ObjectInfo) -> str:
    """What a listing says of one version of an object: `<etag>@<modification time in microseconds>`."""
    return f"{item.etag}@{_modified(item)}"


def _modified(item: ObjectInfo) -> int:
    return (item.modified_at - _EPOCH) // _MICROSECOND


class Sweep:
    """Brings the ledger up to a listing, as far as it was read.

    The ledger's facts say where the next sweep goes on (`after`), and at the end of a listing what all of it was like
    (`digest`, `newest`).

    Args:
        book: the ledger, in its transaction.
        settle_seconds: how long an etag has to stay the same.
        clock_doubt_seconds: how far modification times may be off this machine's clock; None when they tell nothing.
        now: the time of this look, seconds since 1970.
    """

    def __init__(
        self,
        book: ObjectLedger,
        *,
        settle_seconds: float,
        now: float,
        clock_doubt_seconds: float | None = None,
    ) -> None:
        self.listed = 0
        self.is_complete = False
        self._book = book
        self._settle = settle_seconds
        self._doubt = clock_doubt_seconds
        self._now = now
        self._fresh: list[tuple[str, str, int, float, float]] = []
        self._looked: list[tuple[float, str]] = []
        self._back: list[tuple[str | None, str | None, str]] = []
        self._gone: list[tuple[float, str]] = []
        self._total, self._newest, self._reached = 0, 0, ""
        self._rows: Iterator[KnownObject] = iter(())
        self._row: KnownObject | None = None

    def run(
        self, listing: Iterable[ObjectInfo], after: str, should_stop: Callable[[], bool]
    ) -> None:
        """Reads `listing`, which begins after the key `after`, to its end or until `should_stop`.

        That is asked now and then, also while the listing passes keys that do not match.

        Raises:
            IntegrityError: keys that do not ascend: the merge would take objects for gone.
        """
        self._total = int(self._book.fact("partial digest", "0") if after else "0", 16)
        self._newest = int(self._book.fact("partial newest", "0") if after else "0")
        self._reached = after
        self._rows = self._book.known_after(after)
        self._row = next(self._rows, None)
        try:
            with stopping_when(lambda _key: should_stop()):
                for item in listing:
                    self._merge(item)
                    if self.listed % _LOOK_AT_CLOCK_EVERY == 0 and should_stop():
                        raise ListingStopped(item.key)
        except ListingStopped as stopped:
            self._reached = max(self._reached, stopped.key)
            self._miss_while(lambda row: row.key <= self._reached)
            self._stop()
            return
        self._miss_while(lambda _row: True)
        self._finish()

    def _merge(self, item: ObjectInfo) -> None:
        if self._reached and item.key <= self._reached:
            raise IntegrityError(
                f"a listing is out of order: {item.key[:100]!r} after {self._reached[:100]!r}",
                hint="The connector has to list in ascending order of key",
            )
        self._reached = item.key
        self._miss_while(lambda row: row.key < item.key)
        known = None
        if self._row is not None and self._row.key == item.key:
            known, self._row = self._row, next(self._rows, None)
        modified = (item.modified_at - _EPOCH) // _MICROSECOND
        self._take(item, f"{item.etag}@{modified}", known)
        self._total += int.from_bytes(digest_of(item.key, item.etag), "big")
        self._newest = max(self._newest, modified)
        self.listed += 1

    def _miss_while(self, is_passed: Callable[[KnownObject], bool]) -> None:
        while self._row is not None and is_passed(self._row):
            self._miss(self._row)
            self._row = next(self._rows, None)

    def _take(self, item: ObjectInfo, version: str, known: KnownObject | None) -> None:
        if known is not None and known[1:] == (version, None, None, known[4], known[5], None):
            return  # seen, and nothing else about it: nearly all of a bucket, nearly always
        if known is None:
            self._fresh.append(self._first_seen(item, version, known))
        elif known.waiting is not None and _is_same(known.waiting, item, version, known):
            looked, first = known.looked or 0, known.first_seen or 0
            if looked - first < self._settle:
                self._looked.append((self._now, item.key))
        elif known.asked is not None and _is_same(known.asked, item, version, known):
            if known.waiting is not None or known.missing is not None or known.asked != version:
                self._back.append((known.seen, version, item.key))
        elif (
            known.asked is None
            and known.seen is not None
            and _is_same(known.seen, item, version, known)
        ):
            if known.waiting is not None or known.missing is not None or known.seen != version:
                self._back.append((version, None, item.key))
        else:
            self._fresh.append(self._first_seen(item, version, known))
        if len(self._fresh) + len(self._looked) + len(self._back) >= _FLUSH_ROWS:
            self._flush()

    def _first_seen(
        self, item: ObjectInfo, version: str, known: KnownObject | None
    ) -> tuple[str, str, int, float, float]:
        """A new version, with the time since which it has surely been as it is."""
        since = self._now
        if known is None and self._doubt is not None:  # one that was seen otherwise may still grow
            since = min(since, item.modified_at.timestamp() + self._doubt)
        return item.key, version, item.size_bytes, since, self._now

    def _miss(self, row: KnownObject) -> None:
        if row.missing is None:
            self._gone.append((self._now, row.key))
        if len(self._gone) >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._book.wait(self._fresh)
        self._book.looked_again(self._looked)
        self._book.settled_back(self._back)
        self._book.miss(self._gone)
        for changes in (self._fresh, self._looked, self._back, self._gone):
            changes.clear()

    def _stop(self) -> None:
        self._flush()
        self._book.set_fact("after", self._reached)
        self._book.set_fact("partial digest", f"{self._total % 2**128:032x}")
        self._book.set_fact("partial newest", str(self._newest))

    def _finish(self) -> None:
        self._flush()
        self.is_complete = True
        self._book.set_fact("after", "")
        self._book.set_fact("digest", f"{self._total % 2**128:032x}")
        self._book.set_fact("newest", str(self._newest))


def _is_same(held: str, item: ObjectInfo, version: str, known: KnownObject) -> bool:
    """Whether a listed object is the version held.

    The etag decides. A key that was away and comes back with another modification time was written anew: a
    reader in between has seen a place without it.
    """
    return held == version or (known.missing is None and held.rpartition("@")[0] == item.etag)
