from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.watching import object_ledger
from orchestration.watching.new_objects import WatchPolicy
from resources.kernel.errors import (
    ConflictError,
    ConnectorUnavailableError,
    IntegrityError,
    StorageError,
)
from tests.contract.file_connector import ODD_KEYS
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


class TestFirstLook:
    def test_what_is_there_is_one_run(self, daemon, bucket):
        for name in "abc":
            bucket.put(name, "1")
        assert asked(daemon) == [["a", "b", "c"]]
        assert asked(daemon) == []

    def test_what_is_there_is_a_run_each(self, each, bucket):
        for name in "abc":
            bucket.put(name, "1")
        assert asked(each) == [["a"], ["b"], ["c"]]
        assert asked(each) == []

    @pytest.mark.parametrize("mode", ["tick", "object"])
    def test_what_is_there_does_not_count_when_told_so(self, daemon, bucket, mode):
        daemon.policy = replace(POLICY, one_run_per=mode, include_existing=False)
        bucket.put("a", "1")
        assert asked(daemon) == []
        bucket.put("b", "1", modified=-1e9)
        assert asked(daemon) == [["b"]]
        bucket.put("a", "2")
        assert asked(daemon) == [["a"]]

    def test_nothing_there(self, daemon, bucket):
        assert asked(daemon) == []
        bucket.put("a", "1")
        assert asked(daemon) == [["a"]]


class TestNew:
    def test_late_objects_and_equal_or_wrong_times(self, daemon, bucket):
        """E42."""
        for i, modified in enumerate([0, 0, -1e9, 5e9, -86_400, 0.000001]):
            bucket.put(f"k{9 - i}", "1", modified)
            assert asked(daemon) == [[f"k{9 - i}"]]

    def test_new_content_under_an_old_key(self, daemon, bucket):
        bucket.put("a", "1")
        asked(daemon)
        bucket.put("a", "2")
        assert asked(daemon) == [["a"]]

    def test_the_same_content_written_again_is_not_new(self, daemon, bucket):
        bucket.put("a", "1", modified=0)
        asked(daemon)
        bucket.put("a", "1", modified=99)
        assert asked(daemon) == []

    @pytest.mark.parametrize("mode", ["tick", "object"])
    def test_put_back_as_it_was(self, daemon, bucket, mode):
        """The old run key has a run already: a third run is due all the same."""
        daemon.policy = replace(POLICY, one_run_per=mode)
        for etag in ("1", "2", "1", "2", "1"):
            bucket.put("a", etag)
            assert asked(daemon) == [["a"]]
        assert daemon.runs_of("a") == [
            f"{etag}@1772323200000000" for etag in ("1", "2", "1", "2", "1")
        ]

    def test_put_back_before_anybody_asked(self, daemon, bucket):
        daemon.policy = replace(POLICY, settle_seconds=60)
        bucket.put("a", "1")
        while not asked(daemon):
            pass
        bucket.put("a", "2")
        assert asked(daemon) == []
        bucket.put("a", "1")
        assert [asked(daemon) for _ in range(4)] == [[], [], [], []]

    @pytest.mark.parametrize("mode", ["tick", "object"])
    def test_put_back_before_its_first_run_was_launched(self, daemon, bucket, mode):
        daemon.policy = replace(POLICY, one_run_per=mode)
        for etag in ("1", "2", "1", "2"):
            bucket.put("a", etag)
            daemon.tick(die_at_run=0)
            daemon.stored_tick = None
        daemon.tick()
        assert daemon.runs_of("a")[-1].startswith("2@")
        assert [asked(daemon), asked(daemon)] == [[], []]

    def test_deleted_and_written_again(self, daemon, bucket):
        bucket.put("a", "1", modified=0)
        asked(daemon)
        del bucket.objects["a"]
        assert asked(daemon) == []
        bucket.put("a", "1", modified=60)
        assert asked(daemon) == [["a"]]

    def test_a_drive_that_was_away(self, daemon, bucket):
        bucket.put("a", "1")
        asked(daemon)
        kept, bucket.objects = bucket.objects, {}
        assert asked(daemon) == []
        bucket.objects = kept
        assert asked(daemon) == []

    def test_what_is_long_gone_is_forgotten(self, daemon, bucket):
        for i in range(50):
            bucket.put(f"k{i}", "1")
        asked(daemon)
        bucket.objects.clear()
        asked(daemon)
        daemon.now += timedelta(days=31)
        asked(daemon)
        with sqlite3.connect(daemon.ledger) as connection:
            assert connection.execute("SELECT count(*) FROM objects").fetchone() == (0,)

    def test_at_most_so_many_runs_a_tick(self, each, bucket):
        """E39: the rest comes with the next ticks."""
        for i in range(250):
            bucket.put(f"k{i:03}", "1")
        sizes = []
        while tick := each.tick():
            sizes.append((len(tick.requests), tick.waiting))
            if not tick.requests:
                break
        assert sizes == [(100, 150), (100, 50), (50, 0), (0, 0)]
        assert len(set(each.launched)) == len(each.launched) == 250

    def test_odd_keys(self, each, bucket):
        for key in ODD_KEYS.values():
            bucket.put(key, "1")
        tick = each.tick()
        assert sorted(key for request in tick.requests for key in request.first_keys) == sorted(
            ODD_KEYS.values()
        )
        keys = [request.run_key for request in tick.requests]
        assert len(set(keys)) == len(keys)
        assert all(key.isprintable() and key.startswith("flights_sensor:") for key in keys)

    def test_run_keys_are_short_and_different(self, each, bucket):
        for i in range(20):
            bucket.put("d" * 1000 + f"/{i}", "e" * 100)
        tick = each.tick()
        assert len({request.run_key for request in tick.requests}) == 20
        assert max(len(request.run_key) for request in tick.requests) < 200

    def test_a_request_says_what_it_stands_for(self, daemon, bucket):
        for i in range(20):
            bucket.put(f"k{i:02}", "123")
        (request,) = daemon.tick().requests
        assert (request.objects, request.size_bytes, len(request.first_keys)) == (20, 60, 10)
        assert request.run_key.startswith("flights_sensor:20 objects@")


class TestSettling:
    def test_an_object_that_still_grows_waits(self, daemon, bucket):
        daemon.policy = replace(POLICY, settle_seconds=60)
        ticks = []
        for etag in ("1", "12", "123", "123", "123", "123"):
            bucket.put("a", etag)
            ticks.append(len(asked(daemon)))
        assert ticks == [0, 0, 0, 0, 1, 0]

    def test_a_clock_that_went_back_delays_and_loses_nothing(self, daemon, bucket):
        daemon.policy = replace(POLICY, settle_seconds=60)
        bucket.put("a", "1")
        asked(daemon)
        daemon.now -= timedelta(days=400)
        assert [len(asked(daemon)) for _ in range(4)] == [0, 0, 1, 0]

    def test_what_is_old_already_need_not_settle_unless_it_changed(self, daemon, bucket):
        daemon.policy = replace(POLICY, settle_seconds=60, clock_doubt_seconds=0)
        bucket.put("old", "1", modified=-3600)
        assert asked(daemon) == [["old"]]
        ticks = []
        for etag in ("12", "123", "123", "123", "123"):
            bucket.put("old", etag, modified=-3600)
            ticks.append(len(asked(daemon)))
        assert ticks == [0, 0, 0, 1, 0]
        daemon.policy = replace(daemon.policy, clock_doubt_seconds=10**9)
        bucket.put("of a wrong clock", "1", modified=-3600)
        assert asked(daemon) == []

    def test_gone_before_it_settled(self, daemon, bucket):
        daemon.policy = replace(POLICY, settle_seconds=60)
        bucket.put("a", "1")
        asked(daemon)
        bucket.objects.clear()
        assert [len(asked(daemon)) for _ in range(5)] == [0] * 5


class TestTimeLimit:
    @pytest.mark.parametrize("mode", ["tick", "object"])
    def test_a_long_listing_goes_on_at_the_next_tick(self, daemon, bucket, mode):
        daemon.policy = replace(POLICY, one_run_per=mode, max_requests=5000)
        for i in range(3_200):
            bucket.put(f"k{i:05}", "1")
        ticks = [daemon.tick(sweep_stops_after=1) for _ in range(9)]
        assert [tick.listed for tick in ticks] == [500] * 6 + [200, 500, 500]
        assert [tick.is_complete for tick in ticks] == [False] * 6 + [True, False, False]
        assert sum(request.objects for tick in ticks for request in tick.requests) == 3_200
        assert len(ticks[6].requests) == (1 if mode == "tick" else 3_200)

    def test_nothing_is_lost_between_the_parts(self, each, bucket):
        for i in range(1_200):
            bucket.put(f"k{i:05}", "1")
        while not each.tick().is_complete or len(each.launched) < 1_200:
            pass
        assert each.tick(sweep_stops_after=1).listed == 500
        bucket.put("k00001x", "1")  # in the part already listed
        bucket.put("k01100x", "1")  # in the part to come
        del bucket.objects["k00003"]
        seen = set()
        for _ in range(6):
            seen |= {key for keys in asked(each, sweep_stops_after=1) for key in keys}
        assert seen == {"k00001x", "k01100x"}


class TestFaults:
    def test_died_in_the_listing(self, each, bucket):
        for i in range(10):
            bucket.put(f"k{i}", "1")
        assert each.tick(die_in_listing=5) is None
        assert len(asked(each)) == 10

    @pytest.mark.parametrize("mode", ["tick", "object"])
    @pytest.mark.parametrize(
        "fault",
        [
            {"die_after_evaluation": True},
            {"die_at_run": 0},
            {"die_at_run": 0, "run_was_created": True},
            {"die_at_run": 2},
            {"die_at_run": 2, "run_was_created": True},
            {"die_before_cursor": True},
            {"stopped_at_run": 0},
            {"stopped_at_run": 2},
        ],
        ids="+".join,
    )
    @pytest.mark.parametrize("resumes", [True, False], ids=["resumed", "not resumed"])
    def test_died_at_any_step(self, daemon, bucket, mode, fault, resumes):
        """E43: objects that came meanwhile change nothing."""
        daemon.policy = replace(POLICY, one_run_per=mode)
        for i in range(5):
            bucket.put(f"k{i}", "1")
        daemon.tick(**fault)
        bucket.put("k1x", "1")
        if resumes:
            daemon.resume()
        for _ in range(4):
            daemon.tick()
        assert not daemon.created
        assert all(len(daemon.runs_of(key)) == 1 for key in bucket.objects)

    def test_evaluated_for_a_test_in_the_ui(self, daemon, bucket):
        """Dagster evaluates and submits nothing: the objects are not taken for seen."""
        bucket.put("a", "1")
        first = daemon.evaluate()
        assert daemon.evaluate().requests == first.requests
        assert asked(daemon) == [["a"]]
        assert asked(daemon) == []

    def test_a_killed_process_leaves_the_ledger_whole(self, each, bucket):
        for i in range(3_000):
            bucket.put(f"k{i:05}", "1")
        each.policy = replace(EACH, max_requests=5_000)
        for kill_at in (0, 1, 2_500, 2_999):
            child = os.fork()
            if child == 0:

                def dying(after, kill_at=kill_at):
                    for number, item in enumerate(Bucket.list_after(bucket, after)):
                        if number == kill_at:
                            os.kill(os.getpid(), 9)
                        yield item

                bucket.list_after = dying
                each.evaluate()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
        assert len(asked(each)) == 3_000

    def test_an_error_of_the_connector_changes_nothing(self, daemon, bucket):
        bucket.put("a", "1")
        asked(daemon)
        before = daemon.ledger.read_bytes()

        def cut(after):
            yield from Bucket.list_after(bucket, after)
            raise ConnectorUnavailableError("cut off")

        bucket.put("b", "1")
        whole, bucket.list_after = bucket.list_after, cut
        with pytest.raises(ConnectorUnavailableError):
            daemon.tick()
        bucket.list_after = whole
        assert daemon.ledger.read_bytes()[100:] == before[100:] or asked(daemon) == [["b"]]

    def test_a_listing_out_of_order_is_refused(self, daemon, bucket):
        for name in "abc":
            bucket.put(name, "1")
        asked(daemon)
        bucket.list_after = lambda after: [bucket.objects[name] for name in "acb"]
        with pytest.raises(IntegrityError, match="out of order"):
            daemon.tick()
        del bucket.list_after
        assert asked(daemon) == []

    def test_a_damaged_ledger(self, daemon, bucket):
        daemon.ledger.parent.mkdir()
        daemon.ledger.write_bytes(b"this is no database " * 100)
        with pytest.raises(StorageError) as caught:
            daemon.tick()
        assert str(daemon.ledger) in str(caught.value)
        daemon.lose_ledger()
        bucket.put("a", "1")
        assert asked(daemon) == [["a"]]

    def test_two_ticks_at_once(self, daemon, bucket, monkeypatch):
        monkeypatch.setattr(object_ledger, "BUSY_SECONDS", 0.05)
        bucket.put("a", "1")
        with (
            object_ledger.open_ledger(daemon.ledger, POLICY.scope),
            pytest.raises(ConflictError, match="another tick"),
        ):
            daemon.tick()
        assert asked(daemon) == [["a"]]

    def test_another_path_begins_anew(self, daemon, bucket):
        bucket.put("a", "1")
        asked(daemon)
        daemon.policy = replace(POLICY, scope="lake:other/*", include_existing=False)
        assert asked(daemon) == []
        daemon.policy = replace(POLICY, scope="lake:third/*")
        bucket.put("b", "1")
        assert asked(daemon) == [["a", "b"]]
