"""One pass over a listing beside the ledger, both in order of key: what is new, unchanged or gone.

Memory is a page of the ledger and a page of the listing, whatever their length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from orchestration.pipelines.object_ledger import Known, ObjectLedger
from resources.kernel.errors import IntegrityError
from resources.kernel.records import ObjectInfo

_FLUSH_ROWS = 2000
_LOOK_AT_CLOCK_EVERY = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def digest_of(key: str, version: str) -> bytes:
    """16 bytes that stand for one version of one key."""
    return blake2b(f"{key}\0{version}".encode(), digest_size=16).digest()


class Sweep:
    """Brings the ledger up to a listing, as far as it was read.

    The ledger's facts say where the next sweep goes on (`after`), and at the end of a listing what all of it was like
    (`digest`, `newest`).

    Args:
        book: the ledger, in its transaction.
        settle_seconds: how long an etag has to stay the same.
        now: the time of this look, seconds since 1970.
    """

    def __init__(self, book: ObjectLedger, *, settle_seconds: float, now: float) -> None:
        self.listed = 0
        self.is_complete = False
        self._book = book
        self._settle = settle_seconds
        self._now = now
        self._fresh: list[tuple[str, str, int, float]] = []
        self._looked: list[tuple[float, str]] = []
        self._back: list[tuple[str | None, str | None, str]] = []
        self._gone: list[tuple[float, str]] = []

    def run(
        self, listing: Iterable[ObjectInfo], after: str, should_stop: Callable[[], bool]
    ) -> None:
        """Reads `listing`, which begins after the key `after`, to its end or until `should_stop`.

        Raises:
            IntegrityError: keys that do not ascend: the merge would take objects for gone.
        """
        total = int(self._book.fact("partial digest", "0") if after else "0", 16)
        newest = int(self._book.fact("partial newest", "0") if after else "0")
        rows = self._book.known_after(after)
        row, reached = next(rows, None), after
        for item in listing:
            if reached and item.key <= reached:
                raise IntegrityError(
                    f"a listing is out of order: {item.key[:100]!r} after {reached[:100]!r}",
                    hint="The connector has to list in ascending order of key",
                )
            reached = item.key
            while row is not None and row.key < item.key:
                self._miss(row)
                row = next(rows, None)
            known = None
            if row is not None and row.key == item.key:
                known, row = row, next(rows, None)
            modified = (item.modified_at - _EPOCH) // _MICROSECOND
            self._take(item, f"{item.etag}@{modified}", known)
            total += int.from_bytes(digest_of(item.key, item.etag), "big")
            newest = max(newest, modified)
            self.listed += 1
            if self.listed % _LOOK_AT_CLOCK_EVERY == 0 and should_stop():
                self._stop(reached, total, newest)
                return
        while row is not None:
            self._miss(row)
            row = next(rows, None)
        self._finish(total, newest)

    def _take(self, item: ObjectInfo, version: str, known: Known | None) -> None:
        if known is not None and known[1:] == (version, None, None, known[4], known[5], None):
            return  # seen, and nothing else about it: nearly all of a bucket, nearly always
        if known is None:
            self._fresh.append((item.key, version, item.size_bytes, self._now))
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
            self._fresh.append((item.key, version, item.size_bytes, self._now))
        if len(self._fresh) + len(self._looked) + len(self._back) >= _FLUSH_ROWS:
            self._flush()

    def _miss(self, row: Known) -> None:
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

    def _stop(self, reached: str, total: int, newest: int) -> None:
        self._flush()
        self._book.set_fact("after", reached)
        self._book.set_fact("partial digest", f"{total % 2**128:032x}")
        self._book.set_fact("partial newest", str(newest))

    def _finish(self, total: int, newest: int) -> None:
        self._flush()
        self.is_complete = True
        self._book.set_fact("after", "")
        self._book.set_fact("digest", f"{total % 2**128:032x}")
        self._book.set_fact("newest", str(newest))


def _is_same(held: str, item: ObjectInfo, version: str, known: Known) -> bool:
    """Whether a listed object is the version held.

    The etag decides. A key that was away and comes back with another modification time was written anew: whoever
    read in between has seen a place without it.
    """
    return held == version or (known.missing is None and held.rpartition("@")[0] == item.etag)
