"""When a schedule runs next, in its own time zone and within its period; its rule in words."""

from datetime import UTC, datetime

import pytest

from orchestration.services.pipelines.entry import ScheduleEntry
from orchestration.services.pipelines.times import cron_words, next_times, schedule_words


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(now, cron="30 2 * * *", count=3, **facts):
    schedule = ScheduleEntry("s", (cron,), facts.pop("timezone", "UTC"), **facts)
    return [moment.isoformat() for moment in next_times(schedule, at(now), count)]


def test_times_are_those_of_the_zone_also_when_clocks_change():
    assert times("2026-03-28T00:00", timezone="Europe/Paris") == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",  # 02:30 is not on that day's clock
        "2026-03-30T02:30:00+02:00",
    ]


def test_what_was_answered_holds_until_its_first_time_has_come():
    asked = [
        times(f"2026-04-0{now}", "*/7 2 * * 1-5", 2)
        for now in ("1T00:00", "1T01:59:59", "1T02:00:00", "1T02:06:59", "1T02:07:00", "1T00:00")
    ]
    first, second = (["00", "07"], ["07", "14"])
    assert [[moment[14:16] for moment in found] for found in asked] == [
        first, first, second, second, ["14", "21"], first,
    ]  # fmt: skip


def test_the_period_begins_and_ends_with_its_days():
    wanted = {"start": "2026-05-01", "end": "2026-05-02"}
    assert times("2026-01-01T00:00", **wanted) == [
        "2026-05-01T02:30:00+00:00",
        "2026-05-02T02:30:00+00:00",
    ]
    assert times("2026-05-02T02:30", **wanted) == []
    assert times("2030-01-01T00:00", **wanted) == []


def test_several_rules_are_one_list():
    schedule = ScheduleEntry("s", ("0 6 * * *", "0 18 * * *"), "UTC")
    found = next_times(schedule, at("2026-01-01T07:00"), 3)
    assert [(moment.day, moment.hour) for moment in found] == [(1, 18), (2, 6), (2, 18)]


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 3 * * *", "every day at 03:00"),
        ("*/5 * * * *", "every 5 minutes"),
        ("* * * * *", "every minute"),
        ("7 * * * *", "every hour at minute 7"),
        ("0 */6 * * *", "every 6 hours at minute 0"),
        ("15 9 * * 1-5", "every day from Monday to Friday at 09:15"),
        ("15 9 * * 1,4", "every Monday and Thursday at 09:15"),
        ("15 9 * * 7", "every Sunday at 09:15"),
        ("0 0 1 * *", "on day 1 of every month at 00:00"),
        ("@daily", "every day at 00:00"),
        ("0 3 1 * 1", "0 3 1 * 1"),
        ("0 3 * 6 *", "0 3 * 6 *"),
        ("0 3-5 * * *", "0 3-5 * * *"),
        ("0 0 3 * * *", "0 0 3 * * *"),
    ],
)
def test_simple_rules_have_words_and_others_stay_as_they_are(cron, words):
    assert cron_words(cron) == words


def test_words_name_zone_and_period():
    schedule = ScheduleEntry("s", ("0 3 * * *",), "Asia/Tokyo", "2026-01-01", "2026-12-31")
    text = "every day at 03:00 (Asia/Tokyo), from 2026-01-01, until 2026-12-31"
    assert schedule_words(schedule) == text
