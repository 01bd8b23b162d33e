"""A ledger that is gone: what the cursor and the run keys still know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.watching.new_objects import WatchPolicy
from tests.orchestration.watching.simulated_daemon import Bucket, Daemon

POLICY = WatchPolicy(sensor="flights_sensor", scope="lake:flights/*.csv")
EACH = replace(POLICY, one_run_per="object")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def daemon(bucket: Bucket, tmp_path: Path) -> Daemon:
    return Daemon(bucket, tmp_path / "sensors" / "flights.sqlite", POLICY)


@pytest.fixture
def each(bucket: Bucket, tmp_path: Path) -> Daemon:
    return Daemon(bucket, tmp_path / "sensors" / "flights.sqlite", EACH)


def asked(daemon: Daemon, **events) -> list[list[str]]:
    """First keys of the requests of one tick."""
    tick = daemon.tick(**events)
    assert tick is not None
    return [list(request.first_keys) for request in tick.requests]


class TestLostLedger:
    def test_objects_that_settle_are_known_by_their_run_key(self, daemon, bucket):
        daemon.policy = replace(POLICY, settle_seconds=60)
        for name in "abc":
            bucket.put(name, "1")
        while not asked(daemon):
            pass
        daemon.lose_ledger()  # before a quiet look: the cursor knows nothing
        assert [asked(daemon) for _ in range(5)] == [[]] * 5

    @pytest.mark.parametrize("mode", ["tick", "object"])
    @pytest.mark.parametrize("include", [True, False], ids=["include existing", "leave existing"])
    def test_nothing_new(self, daemon, bucket, mode, include):
        daemon.policy = replace(POLICY, one_run_per=mode, include_existing=include)
        for name in "abc":
            bucket.put(name, "1")
            daemon.tick()
        daemon.tick()
        runs = list(daemon.launched)
        daemon.lose_ledger()
        for _ in range(4):
            daemon.tick()
        assert daemon.launched == runs

    def test_something_new_is_one_run_for_all(self, daemon, bucket):
        for name in "abc":
            bucket.put(name, "1")
            daemon.tick()
        daemon.tick()
        daemon.lose_ledger()
        bucket.put("d", "1")
        assert asked(daemon) == [["a", "b", "c", "d"]]
        assert asked(daemon) == []

    def test_single_objects_are_known_by_their_run_keys(self, each, bucket):
        for i in range(300):
            bucket.put(f"k{i:03}", "1")
        while asked(each):
            pass
        each.lose_ledger()
        bucket.put("new", "1", modified=-1e8)
        assert [request for _ in range(3) for request in asked(each)] == [["new"]]

    def test_existing_objects_stay_left_out(self, each, bucket):
        each.policy = replace(EACH, include_existing=False)
        for i in range(30):
            bucket.put(f"k{i:03}", "1", modified=-i)
        asked(each)
        each.lose_ledger()
        bucket.put("new", "1", modified=1)
        assert [request for _ in range(3) for request in asked(each)] == [["new"]]

    @pytest.mark.parametrize(
        "cursor", ["", "0", "{}", "1 x y z", "1 " + "f" * 16 + " " + "f" * 32 + " 5", "é\n" * 5000]
    )
    def test_a_cursor_that_somebody_typed(self, daemon, bucket, cursor):
        daemon.cursor = cursor
        bucket.put("a", "1")
        assert asked(daemon) == [["a"]]
        daemon.cursor = cursor
        assert asked(daemon) == []
