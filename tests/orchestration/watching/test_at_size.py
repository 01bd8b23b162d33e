"""Buckets that take more than one tick to list (E39): counted calls, objects and runs instead of seconds.

`python -m benchmarks.object_sensor` measures the same with a million objects, in seconds and megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.watching import new_objects
from orchestration.watching.new_objects import WatchPolicy, find_new_objects
from resources.connectors.files.listing_progress import looked_up_to
from resources.connectors.folder.connector import FolderConnector
from tests.orchestration.watching.simulated_daemon import START, Bucket, Daemon

PAGE = 1000
OBJECTS = 12_000
POLICY = WatchPolicy(
    sensor="watch",
    scope="lake **",
    one_run_per="object",
    sweep_objects=4_000,
    include_existing=False,
)


@dataclass
class PagedBucket(Bucket):
    """Lists as an object store does, and counts its calls."""

    calls: int = 0

    def list_after(self, after):
        keys = sorted(key for key in self.objects if key > after)
        for start in range(0, max(len(keys), 1), PAGE):
            self.calls += 1
            page = keys[start : start + PAGE]
            for key in page:
                yield self.objects[key]
            if start + PAGE < len(keys):
                looked_up_to(page[-1])


@pytest.fixture
def bucket():
    bucket = PagedBucket()
    for i in range(OBJECTS):
        bucket.put(f"k{i:06}", "1")
    return bucket


@pytest.fixture
def daemon(bucket, tmp_path):
    return Daemon(bucket, tmp_path / "ledger.sqlite", POLICY)


def full_round(daemon, **events):
    """Ticks until a listing reached its end; what each did."""
    ticks = []
    while not ticks or not ticks[-1].is_complete:
        ticks.append(daemon.tick(**events))
    return ticks


def test_a_tick_lists_so_many_objects_and_the_next_goes_on(daemon, bucket):
    for _ in range(2):  # the first look, and any other
        before = bucket.calls
        ticks = full_round(daemon)
        assert [tick.listed for tick in ticks] == [4_000, 4_000, 4_000, 0]
        assert bucket.calls - before <= OBJECTS // PAGE + len(ticks)
    assert daemon.launched == []


def test_objects_that_come_while_it_lists_have_one_run_each(daemon, bucket):
    full_round(daemon)
    daemon.tick()
    late = [f"k{i:06}-late" for i in range(0, OBJECTS, 50)]
    for number, key in enumerate(late):
        bucket.put(key, "1", modified=-1e6 if number % 2 else 1e6)
    for _ in range(12):
        tick = daemon.tick()
        assert len(tick.requests) <= 100
    assert sorted(key for covered in daemon.covers.values() for key in covered) == late
    assert len(daemon.launched) == len(set(daemon.launched)) == len(late)


@pytest.mark.parametrize(
    "fault",
    [
        {"die_in_listing": 2_500},
        {"die_after_evaluation": True},
        {"die_at_run": 40},
        {"die_before_cursor": True},
    ],
    ids="+".join,
)
def test_died_in_the_middle_of_a_round(daemon, bucket, fault):
    """E43: between listing and cursor, with part of the bucket listed."""
    full_round(daemon)
    daemon.tick()
    late = [f"k{i:06}-late" for i in range(4_000, OBJECTS, 40)]
    for key in late:
        bucket.put(key, "1")
    daemon.tick()
    daemon.tick(**fault)
    daemon.stored_tick = None
    for _ in range(14):
        daemon.tick()
    assert {key: len(daemon.runs_of(key)) for key in late} == dict.fromkeys(late, 1)


@dataclass
class Clock:
    """Seconds that pass with each look at it."""

    reads: int = 0
    step: float = 0.5
    read: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        self.reads += 1
        return self.reads * self.step


@pytest.mark.parametrize("mode", ["tick", "object"])
@pytest.mark.parametrize("existing", [True, False])
def test_when_the_listing_ended_late_the_next_tick_asks(
    daemon, bucket, monkeypatch, mode, existing
):
    """Noting a run for a million objects takes long as well: not in the tick whose time is used up."""
    few = 2_000
    for key in list(bucket.objects)[few:]:
        del bucket.objects[key]
    monkeypatch.setattr(new_objects, "_MANY", few // 2)
    daemon.policy = replace(
        POLICY,
        one_run_per=mode,
        include_existing=existing,
        max_requests=few,
        sweep_objects=OBJECTS,
    )
    calls = bucket.calls
    slow = iter([0.0] * 4 + [11.0] * 100)  # seconds at each look at the clock
    late = daemon.evaluate(clock=lambda: next(slow))
    assert (late.listed, late.requests, late.is_complete) == (few, (), False)
    listed = bucket.calls
    asked = daemon.tick()
    assert bucket.calls == listed > calls
    assert asked.is_complete
    assert sum(request.objects for request in asked.requests) == (few if existing else 0)
    assert not daemon.tick().requests


@dataclass
class FolderWatch:
    """A sensor on a real folder, whose ticks last for some looks at the clock."""

    root: Path
    runs: list[str] = field(default_factory=list)
    ticks: int = 0
    cursor: str | None = None

    def tick(self, step: float = 0.0):
        connector = FolderConnector("lake", self.root)
        self.ticks += 1
        tick = find_new_objects(
            lambda after: connector.list_objects("**/*.csv", after=after),
            replace(POLICY, include_existing=True, sweep_seconds=30),
            ledger=self.root.with_suffix(".sqlite"),
            cursor=self.cursor,
            has_run=self.runs.__contains__,
            now=START + timedelta(seconds=30 * self.ticks),
            clock=Clock(step=step),
        )
        self.cursor = tick.cursor
        self.runs += [request.run_key for request in tick.requests]
        return tick


@pytest.fixture
def watch(tmp_path: Path):
    for i in range(200):
        folder = tmp_path / "lake" / f"{i:03}"
        folder.mkdir(parents=True)
        (folder / "note.txt").touch()
    (tmp_path / "lake" / "150" / "x.csv").touch()
    return FolderWatch(tmp_path / "lake")


def test_a_tick_ends_in_time_where_nothing_matches(watch):
    """A pattern that one file in many matches: the sensor still hears how far the listing came."""
    ticks = [watch.tick(step=0.5) for _ in range(4)]
    assert [tick.is_complete for tick in ticks] == [False, False, False, True]
    assert [tick.listed for tick in ticks] == [0, 0, 1, 0]
    assert len(watch.runs) == 1


def test_what_was_deleted_in_a_part_that_was_passed_is_noticed(watch):
    """It comes back later, the same but for its time: that is a new file, and has a run of its own."""
    found = watch.root / "150" / "x.csv"
    watch.tick()
    found.unlink()
    while not watch.tick(step=0.5).is_complete:
        pass
    found.touch()
    watch.tick()
    watch.tick()
    assert len(watch.runs) == 2
