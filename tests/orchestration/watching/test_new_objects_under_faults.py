"""Any history of changes and faults: nothing missed, nothing doubled (R8)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.watching.new_objects import WatchPolicy
from tests.orchestration.watching.simulated_daemon import Bucket, Daemon

POLICY = WatchPolicy(sensor="flights_sensor", scope="lake:flights/*.csv")
EACH = replace(POLICY, one_run_per="object")

EVENTS = st.sampled_from(
    [
        {},
        {},
        {"die_in_listing": 0},
        {"die_in_listing": 3},
        {"die_after_evaluation": True},
        {"die_at_run": 0},
        {"die_at_run": 0, "run_was_created": True},
        {"die_at_run": 1, "run_was_created": True},
        {"die_at_run": 2},
        {"die_before_cursor": True},
        {"stopped_at_run": 0},
        {"stopped_at_run": 1},
        "evaluate",
        "clock back",
        "clock forward",
    ]
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "delete"]),
        st.integers(0, 7),
        st.integers(0, 3),
        st.integers(-3, 3),
    ),
    max_size=4,
)
HISTORY = st.lists(st.tuples(CHANGES, EVENTS, st.booleans()), min_size=1, max_size=14)


def play(daemon: Daemon, history, *, times_differ: bool = False) -> None:
    """Changes, a tick with its fault, perhaps the resumption of a stored tick; then quiet ticks until all is settled."""
    stamps = itertools.count()
    for changes, event, resumes in history:
        for what, key, etag, modified in changes:
            if what == "put":
                stamp = next(stamps) / 1000 if times_differ else modified * 3600.0
                daemon.bucket.put(f"k{key}", str(etag), stamp)
            else:
                daemon.bucket.objects.pop(f"k{key}", None)
        if resumes:
            daemon.resume()
        if event == "evaluate":
            daemon.evaluate()
        elif event == "lose":
            daemon.lose_ledger()
        elif isinstance(event, str):
            daemon.now += timedelta(days=-2 if event == "clock back" else 2)
        else:
            daemon.stored_tick = None  # a day went by, or the daemon has resumed
            daemon.tick(**event)
    for _ in range(12):
        daemon.tick()


def etags(versions: list[str]) -> list[str]:
    return [version.rpartition("@")[0] for version in versions]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    history=HISTORY,
    mode=st.sampled_from(["tick", "object"]),
    settle=st.sampled_from([0, 60]),
    most=st.sampled_from([1, 2, 100]),
)
def test_nothing_missed_and_nothing_doubled(tmp_path_factory, history, mode, settle, most):
    """R8: whatever happens, each object that stays gets its run, and no version gets a second one in a row."""
    policy = replace(POLICY, one_run_per=mode, settle_seconds=settle, max_requests=most)
    daemon = Daemon(Bucket(), tmp_path_factory.mktemp("sensor") / "ledger.sqlite", policy)
    play(daemon, history)
    assert not daemon.created
    for key, item in daemon.bucket.objects.items():
        runs = etags(daemon.runs_of(key))
        assert runs, f"{key} was missed"
        assert runs[-1] == item.etag, f"the last content of {key} was missed"
    for key in {key for covered in daemon.covers.values() for key in covered}:
        versions = daemon.runs_of(key)
        assert all(one != two for one, two in itertools.pairwise(versions)), (
            f"{key} was doubled: {versions}"
        )


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    history=st.lists(
        st.tuples(CHANGES, EVENTS | st.just("lose"), st.booleans()), min_size=1, max_size=14
    ),
    settle=st.sampled_from([0, 60]),
)
def test_a_lost_ledger_doubles_no_object(tmp_path_factory, history, settle):
    """With a run an object, run keys alone are enough: nothing missed, nothing doubled, whatever is lost."""
    policy = replace(EACH, settle_seconds=settle)
    daemon = Daemon(Bucket(), tmp_path_factory.mktemp("sensor") / "ledger.sqlite", policy)
    play(daemon, history, times_differ=True)
    for key, item in daemon.bucket.objects.items():
        assert etags(daemon.runs_of(key))[-1:] == [item.etag], f"{key} was missed"
    assert len(set(daemon.launched)) == len(daemon.launched)
    for key in {key for covered in daemon.covers.values() for key in covered}:
        versions = daemon.runs_of(key)
        assert len(set(versions)) == len(versions), f"{key} was doubled: {versions}"


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    history=st.lists(
        st.tuples(CHANGES, EVENTS | st.just("lose"), st.booleans()), min_size=1, max_size=14
    )
)
def test_a_lost_ledger_misses_nothing_with_one_run_a_tick(tmp_path_factory, history):
    daemon = Daemon(Bucket(), tmp_path_factory.mktemp("sensor") / "ledger.sqlite", POLICY)
    play(daemon, history, times_differ=True)
    for key, item in daemon.bucket.objects.items():
        assert etags(daemon.runs_of(key))[-1:] == [item.etag], f"{key} was missed"
