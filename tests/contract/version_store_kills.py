"""kill -9 and races at every version store (R1-R4, E9, E15, E16, E51).

An implementation's test class inherits `VersionStoreKillContract` and supplies two fixtures: `open_store`, which opens
the same store anew, in a forked child too, and `steps`, the functions before and after which a process is killed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resources.stores.manifest import Manifest
from resources.stores.versions import VersionedItem
from tests.contract.version_store import (
    KEY,
    NOW,
    Open,
    assert_whole,
    data_folders,
    named_folders,
    publish,
)
from tests.faults import Child, Target, count_steps, kill_at, wait_until


@pytest.mark.kill
class VersionStoreKillContract:
    """kill -9 and races."""

    rounds = 20
    kills = 100
    polls = 500
    overtakings = 25
    stride = 1
    collect_stride = 1
    """Take every so-manieth step: `after` one request is `before` the next where nothing lies between."""

    @pytest.fixture
    def open_store(self) -> Open:
        raise NotImplementedError("the implementation's test class supplies the store")

    @pytest.fixture
    def steps(self) -> list[Target]:
        raise NotImplementedError("the implementation's test class supplies the fault points")

    @pytest.fixture
    def item(self, open_store: Open) -> VersionedItem:
        return open_store().item(KEY)

    def test_killed_at_every_step_the_old_version_stays_and_a_retry_publishes_once(
        self, open_store: Open, item: VersionedItem, steps: list[Target]
    ):
        publish(item, "warm")

        def body(run_id: str) -> Callable[[], None]:
            return lambda: (publish(open_store().item(KEY), run_id), None)[1]

        names = count_steps(body("traced"), steps)
        assert len(names) >= 12
        for step, name in list(enumerate(names))[self.stride - 1 :: self.stride]:
            before = item.latest()
            run_id = f"run-{step}"
            outcome = kill_at(body(run_id), steps, step)
            assert outcome.killed, f"step {step} ({name}) was not reached"
            after = item.latest()
            assert before is not None
            assert after is not None
            assert after == before or after.run_id == run_id, f"killed {name}"
            assert_whole(item, before)
            assert_whole(item, after)
            assert len(data_folders(item) - named_folders(item)) <= 1
            publish(item, run_id, attempt=1)
            assert [v.run_id for v in item.versions()].count(run_id) == 1, f"retry after {name}"
            item.collect(keep=2, grace=NOW)
            assert data_folders(item) == named_folders(item)

    def test_collection_killed_at_every_step_leaves_whole_versions(
        self, open_store: Open, item: VersionedItem, steps: list[Target]
    ):
        def fill() -> None:
            while len(numbers := item.numbers()) < 3:
                publish(item, f"run-{max(numbers, default=0)}")

        def body() -> None:
            open_store().item(KEY).collect(keep=1, grace=NOW)

        fill()
        names = count_steps(body, steps)
        for step, name in list(enumerate(names))[self.collect_stride - 1 :: self.collect_stride]:
            fill()
            if not kill_at(body, steps, step).killed:
                continue
            numbers = item.numbers()
            assert numbers == list(range(numbers[0], numbers[-1] + 1)), f"a hole after {name}"
            for version in item.versions():
                assert_whole(item, version)
        body()
        assert len(item.numbers()) == 1
        assert data_folders(item) == named_folders(item)

    def test_random_kills_under_a_polling_reader(self, open_store: Open, item: VersionedItem):
        """R1, R2: no poll sees anything but a whole version, and the version never goes back."""
        publish(item, "run-start")
        started = time.monotonic()
        publish(item, "run-timed")
        usual = time.monotonic() - started
        reader = Child(lambda: _poll(open_store().item(KEY), "the-end", self.polls))
        dice = random.Random(7)
        runs: dict[int, str] = {}
        for i in range(0, self.kills, 4):
            writers = [
                Child(lambda run=run: publish(open_store().item(KEY), f"run-{run}").number)
                for run in range(i, i + 4)
            ]
            for writer in writers:
                time.sleep(dice.uniform(0, 1.3 * usual))
                writer.kill()
            for writer in writers:
                writer.wait()
            runs.update((version.number, version.run_id) for version in item.versions())
            item.collect(keep=3, grace=NOW)
        publish(item, "the-end")
        answer = reader.wait().answer
        assert answer["bad"] == []
        assert answer["polls"] >= self.polls
        assert len(set(runs.values())) == len(runs), "a run published twice"
        assert sorted(runs) == list(range(1, len(runs) + 1)), "a number was skipped or reused"
        item.collect(keep=1, grace=NOW)
        assert data_folders(item) == named_folders(item)

    def test_four_copies_of_a_run_publish_once(self, open_store: Open, item: VersionedItem):
        """R3, E16."""
        publish(item, "first")
        for turn in range(self.rounds):
            run_id = f"run-{turn}"
            copies = [
                Child(lambda run_id=run_id: publish(open_store().item(KEY), run_id).number)
                for _ in range(4)
            ]
            outcomes = [copy.wait() for copy in copies]
            assert [outcome.status for outcome in outcomes] == [0] * 4
            assert len({outcome.answer for outcome in outcomes}) == 1
        assert item.numbers() == list(range(1, self.rounds + 2))
        for version in item.versions():
            assert_whole(item, version)
        assert data_folders(item) == named_folders(item)

    def test_eight_writers_publish_eight_versions(self, open_store: Open, item: VersionedItem):
        """R4, E15."""
        writers = [
            Child(lambda i=i: publish(open_store().item(KEY), f"run-{i}").number) for i in range(8)
        ]
        outcomes = [writer.wait() for writer in writers]
        assert [outcome.status for outcome in outcomes] == [0] * 8
        assert sorted(outcome.answer for outcome in outcomes) == list(range(1, 9))
        for version in item.versions():
            assert_whole(item, version)

    def test_readers_survive_a_collector_without_grace(
        self, open_store: Open, item: VersionedItem, tmp_path: Path
    ):
        """E51: publish and collect in turns while another process reads the newest."""
        publish(item, "run-start")
        polls = tmp_path / "polls"
        polls.touch()
        reader = Child(lambda: _poll(open_store().item(KEY), "the-end", 20, polls))
        for i in range(self.overtakings):
            # A reader that is overtaken five times in one poll gives up, as it should: stay near it.
            wait_until(lambda i=i: polls.stat().st_size * 2 >= i)
            publish(item, f"run-{i}")
            item.collect(keep=1, grace=NOW)
        publish(item, "the-end")
        assert reader.wait().answer["bad"] == []


def _poll(
    item: VersionedItem, until_run: str, at_least: int, progress: Path | None = None
) -> dict[str, Any]:
    """Reads the newest version over and over until a run's is seen and enough was read."""
    bad: list[str] = []
    polls, newest = 0, 0

    def check(found: Manifest) -> Manifest:
        if found.number != newest or polls % 5 == 0:  # files of a known version: now and then
            assert_whole(item, found)
        return found

    while True:
        try:
            version = item.read_latest(check)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is the finding
            bad.append(f"{type(error).__name__}: {error}")
            continue
        finally:
            polls += 1
            if progress is not None:
                progress.write_bytes(bytes(polls))
        if version.number < newest:
            bad.append(f"version {version.number} after {newest}")
        newest = version.number
        if version.run_id == until_run and polls >= at_least:
            return {"polls": polls, "bad": bad}
