"""When a schedule runs: the next times, and its rule in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import islice
from zoneinfo import ZoneInfo

from dagster._utils.schedules import schedule_execution_time_iterator

from orchestration.services.pipelines.entry import ScheduleEntry

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}


_KNOWN_MOST = 5_000
_KNOWN: dict[tuple[ScheduleEntry, int], tuple[datetime, list[datetime]]] = {}
"""What was answered when: it holds until its first time has come. To read a cron takes longer than all else of a line."""


def next_times(schedule: ScheduleEntry, now: datetime, count: int = 5) -> list[datetime]:
    """When it runs next, in its own time zone; fewer than `count`, or none, where its period ends."""
    asked_at, known = _KNOWN.get((schedule, count), (now, []))
    if known and asked_at <= now < known[0]:
        return list(known)
    found = _next_times(schedule, now, count)
    if len(_KNOWN) >= _KNOWN_MOST:
        _KNOWN.clear()
    _KNOWN[schedule, count] = now, found
    return list(found)


def _next_times(schedule: ScheduleEntry, now: datetime, count: int) -> list[datetime]:
    zone = ZoneInfo(schedule.timezone)
    begin = now
    if schedule.start:
        first = datetime.combine(date.fromisoformat(schedule.start), time(), zone)
        begin = max(now, first)
    end = date.fromisoformat(schedule.end) if schedule.end else None
    return list(islice(_times(schedule, begin, zone, end), count))


def _times(
    schedule: ScheduleEntry, begin: datetime, zone: ZoneInfo, end: date | None
) -> Iterator[datetime]:
    after = (begin.astimezone(UTC) + timedelta(microseconds=1)).timestamp()
    each = [
        schedule_execution_time_iterator(after, cron, schedule.timezone) for cron in schedule.crons
    ]
    for moment in merge(*each):
        local = moment.astimezone(zone)
        if end is not None and local.date() > end:
            return
        yield local


def schedule_words(schedule: ScheduleEntry) -> str:
    """The rule of a schedule as people say it, with its time zone and its period."""
    rule = ", ".join(cron_words(cron) for cron in schedule.crons)
    since = f", from {schedule.start}" if schedule.start else ""
    until = f", until {schedule.end}" if schedule.end else ""
    return f"{rule} ({schedule.timezone}){since}{until}"


def cron_words(cron: str) -> str:
    """A cron as people say it, where there are simple words for it; else the cron itself."""
    fields = _NAMED.get(cron.strip(), cron).split()
    if len(fields) != 5 or fields[3] != "*":
        return cron
    minute, hour, day, _, weekday = fields
    words = _often(minute, hour) if day == weekday == "*" else ""
    if not words and minute.isdigit() and hour.isdigit() and (days := _days(day, weekday)):
        words = f"{days} at {int(hour):02}:{int(minute):02}"
    return words or cron


def _days(day: str, weekday: str) -> str:
    if day == weekday == "*":
        return "every day"
    if day == "*":
        return _weekdays(weekday)
    return f"on day {int(day)} of every month" if weekday == "*" and day.isdigit() else ""


def _often(minute: str, hour: str) -> str:
    if hour == "*" and minute.isdigit():
        return f"every hour at minute {int(minute)}"
    if hour == "*" and minute == "*":
        return "every minute"
    if hour == "*" and (step := re.fullmatch(r"\*/(\d+)", minute)):
        return f"every {int(step[1])} minutes"
    if minute.isdigit() and (step := re.fullmatch(r"\*/(\d+)", hour)):
        return f"every {int(step[1])} hours at minute {int(minute)}"
    return ""


def _weekdays(given: str) -> str:
    if given in ("1-5", "MON-FRI"):
        return "every day from Monday to Friday"
    if not re.fullmatch(r"[0-7](,[0-7])*", given):
        return ""
    return "every " + " and ".join(_DAYS[int(number)] for number in given.split(","))
