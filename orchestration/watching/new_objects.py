"""Which objects of a listing are new, and which runs to ask for: the sensor's logic, without Dagster (R8, E39, E42, E43).

**What holds.** Every version of an object that a listing shows, and that is still there when it is asked for, gets
exactly one run: 0 missed, 0 doubled. Times are never compared between objects, so late objects, equal or wrong
modification times and skewed clocks change nothing. What counts is the pair of key and etag. A file that is old already
when it is seen first need not settle; one that is young settles by looking at it again.

**Why a ledger and not the cursor.** To know what is new one has to know what is not: an exact answer needs an entry an
object. Dagster stores the cursor anew with every tick, so a million entries there would be gigabytes a day; a high-water
mark would be small, and miss every late object. So the entries stand in a local SQLite file (`object_ledger.py`), which
is written only where something changed, and memory stays flat because listing and ledger are merged in order of key.

**Why that is safe.** A request is written to the ledger before Dagster hears of it, and its objects count as seen only
when a run with its run key exists. Until then every tick asks again under the same key, which Dagster makes one run of.
So it does not matter whether a tick died before or after its listing, its requests or its cursor, whether the
sensor was stopped half-way, or evaluated in the UI for a test.

**When the ledger is lost** (a container without a disk of its own), the cursor holds a digest of everything that was
there when all of it had runs: the same digest means that nothing is new. Else single objects are recognised by their run
keys, and one run for a whole tick is due anyway since something changed.

**Time.** Listing stops after `sweep_seconds` and goes on at the next tick where it stopped, so that a tick ends in time
however large the bucket is. Asking for a run for very many objects takes long too: when the listing ended late, the next tick
asks, without listing first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Literal

from orchestration.watching.object_ledger import ObjectLedger, ObjectsRequest, Waiting, open_ledger
from orchestration.watching.object_sweep import Sweep, digest_of
from resources.kernel.records import ObjectInfo

ListAfter = Callable[[str], Iterable[ObjectInfo]]
"""Objects with keys greater than the one given, in ascending order of key."""

MISSING_DAYS = 30
"""How long an object that is no longer listed is remembered: it may come back as it was, from a drive that was away."""

_MANY = 50_000
_FIRST_KEYS = 10
_RECOGNISED_AT_ONCE = 1000
_KEY_SHOWN = 80
_CURSOR = re.compile(r"1 (?P<scope>[0-9a-f]{16}) (?P<digest>[0-9a-f]{32}) (?P<newest>-?\d{1,20})")


@dataclass(frozen=True)
class WatchPolicy:
    """What a sensor watches and how.

    Attributes:
        sensor: the sensor's name; run keys begin with it.
        scope: what is listed (connector and pattern). Another scope begins anew.
        one_run_per: `tick`: one run for all new objects together, as a dataset reads its whole glob anyway; `object`:
            one run each.
        include_existing: whether what is there at the first look counts as new.
        settle_seconds: an object counts only when its etag has stayed the same for so long, by this machine's clock.
        clock_doubt_seconds: how far the times that objects show may be off that clock: a new one that is older than both
            together counts at the first look. None: times tell nothing.
        objects_per_run: most objects of a run, whose keys its request then names; 0: any number, and they are not named.
        max_requests: most requests of one tick; the rest comes with the next ones (E39).
        sweep_seconds: longest time to list in one tick; Dagster ends ticks after 60 s.
        sweep_objects: most objects to list in one tick: a thousand calls of an object store, which answers 1,000 keys each.
    """

    sensor: str
    scope: str
    one_run_per: Literal["tick", "object"] = "tick"
    include_existing: bool = True
    settle_seconds: float = 0
    clock_doubt_seconds: float | None = None
    objects_per_run: int = 0
    max_requests: int = 100
    sweep_seconds: float = 30
    sweep_objects: int = 990_000


@dataclass(frozen=True)
class WatchTick:
    """What one look found.

    Attributes:
        requests: runs to ask for now, at most `max_requests`.
        cursor: the text for Dagster to keep, some 70 characters.
        listed: objects listed in this tick.
        waiting: new objects that no run has been asked for yet: they settle, or come with the next ticks.
        is_complete: the listing reached its end, and what it showed was dealt with.
    """

    requests: tuple[ObjectsRequest, ...]
    cursor: str
    listed: int
    waiting: int
    is_complete: bool

    @property
    def summary(self) -> str:
        """One line for the sensor's page."""
        new = sum(request.objects for request in self.requests)
        parts = [f"{self.listed} objects listed", f"{new} new" if new else "nothing new"]
        if self.waiting:
            parts.append(f"{self.waiting} waiting")
        if not self.is_complete:
            parts.append("listing goes on at the next tick")
        return ", ".join(parts)


def find_new_objects(
    list_after: ListAfter,
    policy: WatchPolicy,
    *,
    ledger: Path,
    cursor: str | None,
    has_run: Callable[[str], bool],
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> WatchTick:
    """One tick: looks for new objects, notes them, and returns the runs to ask for.

    Args:
        list_after: lists the objects whose keys are greater than the one given, in ascending order of key.
        policy: what counts.
        ledger: path of the sensor's own ledger file.
        cursor: what the last tick returned, None at the first one.
        has_run: whether a run of this sensor with that run key was submitted. A run that was only created
            (`NOT_STARTED`) does not count: Dagster submits it when it is asked for again.
        now: the time of the tick, aware; used for settling and forgetting only.
        clock: seconds that never go back.

    Raises:
        ConflictError: another tick of the sensor is under way.
        StorageError: the ledger cannot be used.
        ConnectorError: what the listing raises; nothing has changed then.
    """
    started = clock()
    with open_ledger(ledger, policy.scope) as book:
        tick = _Tick(book, policy, has_run)
        tick.begin(cursor)
        again = tick.ask_again()
        sweep = _sweep(book, policy, now)
        if not book.fact("put off"):
            after = book.fact("after")
            sweep.run(list_after(after), after, should_stop=tick.time_is_up(started, clock, sweep))
            is_late = clock() - started > policy.sweep_seconds / 3
            if sweep.is_complete and is_late and book.count_waiting() > _MANY:
                book.set_fact("put off", "yes")
                return tick.result(again, sweep.listed, is_complete=False)
        is_complete = sweep.is_complete or bool(book.fact("put off"))
        book.set_fact("put off", "")
        if is_complete:
            tick.end_of_sweep(now.timestamp())
        requests = [*again, *tick.ask(policy.max_requests - len(again), is_complete)]
        if policy.objects_per_run:
            requests = [replace(one, keys=book.keys_of(one.run_key)) for one in requests]
        if is_complete and not book.count_waiting() and not book.requests():
            book.set_fact("quiet", f"{book.fact('digest')} {book.fact('newest')}")
        return tick.result(requests, sweep.listed, is_complete=is_complete)


def _sweep(book: ObjectLedger, policy: WatchPolicy, now: datetime) -> Sweep:
    return Sweep(
        book,
        settle_seconds=policy.settle_seconds,
        clock_doubt_seconds=policy.clock_doubt_seconds,
        now=now.timestamp(),
    )


class _Tick:
    def __init__(
        self, book: ObjectLedger, policy: WatchPolicy, has_run: Callable[[str], bool]
    ) -> None:
        self._book = book
        self._policy = policy
        self._has_run = has_run
        self._scope = blake2b(policy.scope.encode(), digest_size=8).hexdigest()

    def begin(self, cursor: str | None) -> None:
        """In an empty ledger, notes what the cursor still knows of a lost one."""
        if self._book.fact("phase"):
            return
        self._book.set_fact("phase", "first look")
        self._book.set_fact("may have had runs", "yes")
        found = _CURSOR.fullmatch(
            cursor or ""
        )  # anything else is no cursor of ours: it tells nothing
        if found and found["scope"] == self._scope:
            self._book.set_fact("lost", f"{found['digest']} {found['newest']}")

    def ask_again(self) -> list[ObjectsRequest]:
        """Requests that have no run yet; those that have are settled."""
        asked = self._book.requests()
        proven = [request.run_key for request in asked if self._has_run(request.run_key)]
        self._book.confirm(proven)
        open_ = [request for request in asked if request.run_key not in set(proven)]
        return open_[: self._policy.max_requests]

    def time_is_up(
        self, started: float, clock: Callable[[], float], sweep: Sweep
    ) -> Callable[[], bool]:
        """Whether this tick has listed long enough, or enough."""
        deadline = started + self._policy.sweep_seconds
        most = self._policy.sweep_objects
        return lambda: clock() >= deadline or sweep.listed >= most

    def result(
        self, requests: Sequence[ObjectsRequest], listed: int, *, is_complete: bool
    ) -> WatchTick:
        """What the tick hands over."""
        waiting = self._book.count_waiting()
        return WatchTick(tuple(requests), self.cursor(), listed, waiting, is_complete)

    def end_of_sweep(self, now: float) -> None:
        """Forgets what is long gone; decides what the first complete look makes of what was there."""
        self._book.forget_missing(now - MISSING_DAYS * 86_400)
        if self._book.fact("phase") != "first look":
            return
        self._book.set_fact("phase", "watching")
        digest, _, newest = self._book.fact("lost").partition(" ")
        if digest and digest == self._book.fact("digest"):
            self._book.take_for_seen()
        elif not self._policy.include_existing:
            self._book.take_for_seen(int(newest) if newest else None)

    def ask(self, budget: int, is_complete: bool) -> list[ObjectsRequest]:
        """New requests, noted in the ledger; none before the first complete look."""
        if budget <= 0 or self._book.fact("phase") == "first look":
            return []
        if self._policy.one_run_per == "object":
            return self._ask_for_each(budget)
        return list(self._for_many(budget)) if is_complete else []

    def cursor(self) -> str:
        """Scope, digest and newest time of the last look at which everything had its run."""
        digest, _, newest = self._book.fact("quiet").partition(" ")
        return f"1 {self._scope} {digest or '0' * 32} {newest or 0}"

    def _for_many(self, budget: int) -> Iterator[ObjectsRequest]:
        """One request for all, or one for each lot of them."""
        settle, was_first = self._policy.settle_seconds, self._book.fact("may have had runs")
        while budget and (lot := self._next_lot()) is not None:
            self._book.set_fact("may have had runs", "")
            request, last = lot
            if was_first and self._has_run(request.run_key):
                # The same objects had their run before the ledger was lost.
                self._book.take_some_for_seen("", last, settle)
                continue
            request = replace(request, run_key=self._unused(request.run_key))
            self._book.ask(request, "", last, settle)
            yield request
            budget -= 1

    def _next_lot(self) -> tuple[ObjectsRequest, str] | None:
        """A request for objects that have settled, as many as a run takes; with the key of the last one."""
        settle, most = self._policy.settle_seconds, self._policy.objects_per_run
        count, size, first_keys, hasher, last = 0, 0, [], blake2b(digest_size=16), ""
        for found in islice(self._book.waiting(settle), most or None):
            last = found.key
            hasher.update(digest_of(found.key, found.version))
            count += 1
            size += found.size
            if count <= _FIRST_KEYS:
                first_keys.append(found.key)
        if not count:
            return None
        run_key = f"{self._policy.sensor}:{count} objects@{hasher.hexdigest()}"
        return ObjectsRequest(run_key, count, size, tuple(first_keys)), last

    def _ask_for_each(self, budget: int) -> list[ObjectsRequest]:
        requests: list[ObjectsRequest] = []
        settle = self._policy.settle_seconds
        candidates = list(islice(self._book.waiting(settle), budget + _RECOGNISED_AT_ONCE))
        for found in candidates:
            if len(requests) == budget:
                break
            run_key = self._run_key_of(found)
            if found.seen is None and self._has_run(run_key):
                # It had its run before the ledger was lost.
                self._book.take_some_for_seen(found.key, found.key, settle)
                continue
            request = ObjectsRequest(self._unused(run_key), 1, found.size, (found.key,))
            self._book.ask(request, found.key, found.key, settle)
            requests.append(request)
        return requests

    def _run_key_of(self, found: Waiting) -> str:
        shown = found.key if len(found.key) <= _KEY_SHOWN else "..." + found.key[-_KEY_SHOWN:]
        plain = shown if shown.isprintable() else ascii(shown)
        return f"{self._policy.sensor}:{plain}@{digest_of(found.key, found.version).hex()}"

    def _unused(self, run_key: str) -> str:
        """`run_key`, numbered when there was such a run: a file was put back as it was before a change."""
        number, candidate = 1, run_key
        while self._book.is_asked(candidate) or self._has_run(candidate):
            number += 1
            candidate = f"{run_key}#{number}"
        return candidate
