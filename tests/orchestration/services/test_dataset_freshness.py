"""Whether a dataset is as new as its `refresh` promises."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets.refresh import freshness_for
from orchestration.services.dataset_checks import LastMade
from orchestration.services.dataset_freshness import with_freshness
from orchestration.services.dataset_list import DatasetEntry

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("refresh", "hours"),
    [
        ("0 3 * * *", 24 + 6),
        ("0 * * * *", 1.5),
        ("*/5 * * * *", 5 / 60 + 0.5),
        ("0 7 * * 1-5", 72 + 12),
        ("*/10 9-17 * * *", 15 + 1 / 6 + (15 + 1 / 6) / 4),
        ("0 0 1 * *", 31 * 24 + 12),
        ("on_change", None),
        ("manual", None),
    ],
)
def test_a_cron_promises_its_longest_gap_and_some_more(refresh, hours):
    policy = freshness_for(refresh)
    if hours is None:
        assert policy is None
    else:
        assert isinstance(policy, dg.FreshnessPolicy)
        window = policy.fail_window.to_timedelta()
        assert abs(window - timedelta(hours=hours)) < timedelta(seconds=2)


def told(*, age: timedelta | None, stale: str = "", seconds: int = 0, refresh: str = "on_change"):
    entry = DatasetEntry(
        "orders",
        "",
        ("datasets", "orders"),
        refresh=refresh,
        fresh_seconds=seconds,
        is_declared=True,
    )
    made = None if age is None else LastMade(NOW - age, "run")
    return [
        (check.name, check.outcome, check.severity, check.observed)
        for check in with_freshness([], entry, made, stale, NOW)
    ]


def test_by_a_clock_it_is_late_when_it_was_not_made_in_time():
    day = {"seconds": 86_400, "refresh": "0 3 * * *"}
    assert told(age=timedelta(hours=23), **day) == [("freshness", "passed", "", "made 23 h ago")]
    assert told(age=timedelta(days=2, hours=3), **day) == [
        ("freshness", "failed", "warning", "made 2 d 3 h ago")
    ]
    assert told(age=None, **day) == [("freshness", "never run", "", "")]


def test_on_a_change_it_is_late_when_something_has_changed_since():
    assert told(age=timedelta(days=99)) == [("freshness", "passed", "", "")]
    assert told(age=timedelta(0), stale="flights has version 3") == [
        ("freshness", "failed", "warning", "flights has version 3")
    ]


def test_one_that_is_made_by_hand_promises_nothing():
    assert told(age=timedelta(days=99), refresh="manual") == []
