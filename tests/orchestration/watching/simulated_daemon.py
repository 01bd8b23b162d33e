"""A bucket and a sensor daemon in memory, with every way in which they can go wrong (E42, E43, E44).

The daemon follows Dagster's own steps: evaluate, store the tick with its requests, submit each run unless a run with
that key was submitted, store the cursor. It can die between any two of them, resume the stored tick or not, be
stopped half-way by a user, and be evaluated for a test without any effect.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.watching.new_objects import WatchPolicy, WatchTick, find_new_objects
from resources.kernel.records import ObjectInfo

START = datetime(2026, 3, 1, tzinfo=UTC)


class Died(Exception):  # noqa: N818 - the process is gone
    """The daemon or its code server was killed."""


@dataclass
class Bucket:
    """Objects by key."""

    objects: dict[str, ObjectInfo] = field(default_factory=dict)

    def put(self, key: str, etag: str, modified: float = 0.0) -> None:
        """Writes an object; its time is whatever the writer says."""
        stamp = START + timedelta(seconds=modified)
        self.objects[key] = ObjectInfo(key, len(etag), etag, stamp)

    def list_after(self, after: str) -> Iterator[ObjectInfo]:
        """In order of key."""
        for key in sorted(self.objects):
            if key > after:
                yield self.objects[key]


@dataclass
class Daemon:
    """One sensor under Dagster's rules."""

    bucket: Bucket
    ledger: Path
    policy: WatchPolicy
    cursor: str | None = None
    now: datetime = START
    launched: list[str] = field(default_factory=list)
    """Run keys in the order of their runs."""
    created: set[str] = field(default_factory=set)
    """Run keys whose run exists and was not submitted: NOT_STARTED."""
    covers: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each run key was asked for: version by key."""
    order: list[str] = field(default_factory=list)
    """Run keys in the order in which they were first asked for."""
    stored_tick: tuple[list[str], str] | None = None

    def evaluate(
        self,
        *,
        die_after: int | None = None,
        stop_after: int | None = None,
        clock: Callable[[], float] | None = None,
    ) -> WatchTick:
        """The sensor's function; `die_after` objects of the listing the process dies, `stop_after` its time is up."""
        seen = 0

        def listing(after: str) -> Iterator[ObjectInfo]:
            nonlocal seen
            for item in self.bucket.list_after(after):
                if seen == die_after:
                    raise Died
                seen += 1
                yield item

        tick = find_new_objects(
            listing,
            self.policy,
            ledger=self.ledger,
            cursor=self.cursor,
            has_run=lambda key: key in self.launched,
            now=self.now,
            clock=clock
            or (lambda: 1e9 if stop_after is not None and seen >= stop_after > 0 else 0.0),
        )
        assert len(tick.requests) <= self.policy.max_requests
        assert len(tick.cursor) < 100
        self._remember(tick)
        return tick

    def tick(
        self,
        *,
        die_in_listing: int | None = None,
        die_after_evaluation: bool = False,
        die_at_run: int | None = None,
        run_was_created: bool = False,
        die_before_cursor: bool = False,
        stopped_at_run: int | None = None,
        sweep_stops_after: int | None = None,
    ) -> WatchTick | None:
        """One tick, or as much of it as happens before the daemon dies."""
        self.now += timedelta(seconds=30)
        try:
            tick = self.evaluate(die_after=die_in_listing, stop_after=sweep_stops_after)
        except Died:
            return None
        if die_after_evaluation:
            return None
        keys = [request.run_key for request in tick.requests]
        self.stored_tick = (keys, tick.cursor)
        for number, key in enumerate(keys):
            if number == die_at_run:
                if run_was_created and key not in self.launched:
                    self.created.add(key)
                return None
            if number == stopped_at_run:
                break  # stopped by a user: Dagster stores the cursor all the same
            self._submit(key)
        if die_before_cursor:
            return None
        self.cursor, self.stored_tick = tick.cursor, None
        return tick

    def resume(self) -> None:
        """What a daemon does first when it starts again within a day of the tick."""
        if self.stored_tick:
            keys, cursor = self.stored_tick
            for key in keys:
                self._submit(key)
            self.cursor, self.stored_tick = cursor, None

    def lose_ledger(self) -> None:
        """A container without a disk was replaced."""
        self.ledger.unlink(missing_ok=True)

    def runs_of(self, key: str) -> list[str]:
        """Versions of one object that runs were launched for, in the order in which they were asked for."""
        launched = set(self.launched)
        return [
            self.covers[run][key]
            for run in self.order
            if run in launched and key in self.covers[run]
        ]

    def _submit(self, key: str) -> None:
        if key not in self.launched:
            self.launched.append(key)
            self.created.discard(key)

    def _remember(self, tick: WatchTick) -> None:
        connection = sqlite3.connect(self.ledger)
        try:
            for request in tick.requests:
                if request.run_key not in self.covers:
                    rows = connection.execute(
                        "SELECT key, asked FROM objects WHERE run = ?", (request.run_key,)
                    )
                    self.covers[request.run_key] = dict(rows.fetchall())
                    assert len(self.covers[request.run_key]) == request.objects
                    self.order.append(request.run_key)
        finally:
            connection.close()
