"""When an asset is made anew: `refresh: on_change`, `refresh: manual`, or a cron."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice, pairwise
from typing import Any

import dagster as dg
from dagster._utils.schedules import schedule_execution_time_iterator

from resources.kernel.errors import ConfigError

Automation = dg.AutomationCondition[
    Any
]  # Dagster's own conditions differ in the kinds of key they take

ON_CHANGE = "on_change"
MANUAL = "manual"
_CRON = "cron "
_SOME_MONDAY = datetime(2024, 1, 1, tzinfo=UTC).timestamp()


def automation_for(refresh: str, *, where: str = "") -> Automation | None:
    """The automation condition that a `refresh` attribute asks for; None for `manual`.

    `on_change` runs when the data version of a source or of an upstream dataset changed; one that was imported
    anew from an unchanged source keeps its version and starts nothing. A cron runs at each tick
    whether or not anything changed; an import of unchanged data keeps its version.

    Raises:
        ConfigError: neither a known word nor a cron of five fields.
    """
    if refresh == MANUAL:
        return None
    if refresh == ON_CHANGE:
        return _on_change()
    check_cron(refresh, attribute="refresh", where=where)
    due: Automation = dg.AutomationCondition.cron_tick_passed(refresh)
    idle: Automation = ~dg.AutomationCondition.in_progress()
    return (due & idle).with_label(f"{_CRON}{refresh}")


def automation_from_the_start() -> Automation:
    """As `on_change`, and once where nothing is made yet when automation first looks, of what an asset is made from all.

    For what comes along with another asset: that may be there before. `on_change` alone would wait for its next version.
    """
    return _from_the_start()


def freshness_for(refresh: str) -> dg.FreshnessPolicy | None:
    """What a cron promises: a run that ends well within the longest time between two ticks and some more. None for other words.

    Dagster's daemon looks at it twice a minute; the asset's page shows it. A policy by cron would judge a run by the tick
    before it: the run of a tick comes after it, and would be late for a whole period or never.
    """
    if refresh in (ON_CHANGE, MANUAL):
        return None
    gap = _longest_gap(refresh)
    more = min(max(gap / 4, timedelta(minutes=30)), timedelta(hours=12))
    return dg.FreshnessPolicy.time_window(fail_window=gap + more)


@lru_cache(maxsize=256)
def _longest_gap(cron: str) -> timedelta:
    """Among the ticks of two days at least, and of all kinds of days where they are rare."""
    ticks = list(islice(schedule_execution_time_iterator(_SOME_MONDAY, cron, "UTC"), 400))
    gaps = (later - earlier for earlier, later in pairwise(ticks))
    return max(gaps, default=timedelta(days=366))


def refresh_of(condition: object, *, is_declared: bool) -> str:
    """The `refresh` that an asset's automation condition stands for; empty for a condition of somebody's own.

    Args:
        condition: of the asset.
        is_declared: whether YAML declares it: then no condition means `manual`.
    """
    if condition is None:
        return MANUAL if is_declared else ""
    if condition in (_on_change(), _from_the_start()):
        return ON_CHANGE
    label = getattr(condition, "label", None) or ""
    return label.removeprefix(_CRON) if label.startswith(_CRON) else ""


@cache  # one for all: thousands of assets ask for it
def _on_change() -> Automation:
    eager = dg.AutomationCondition.eager()
    return eager.replace("any_deps_updated", _any_deps_changed()).replace(
        "any_deps_missing", _any_deps_missing()
    )


@cache
def _from_the_start() -> Automation:
    first: Automation = dg.AutomationCondition.initial_evaluation()
    missing: Automation = dg.AutomationCondition.missing()
    idle: Automation = ~dg.AutomationCondition.in_progress()
    made: Automation = ~_any_deps_missing()
    unmade = (first & missing & made & idle).with_label("not_made_at_first_look")
    due: Automation = _on_change() | unmade
    return due


def _any_deps_changed() -> Automation:
    """A dependency shows another data version, or is about to be made in this very tick."""
    changed: Automation = dg.AutomationCondition.data_version_changed()
    coming: Automation = dg.AutomationCondition.will_be_requested()
    return dg.AutomationCondition.any_deps_match(changed | coming).with_label("any_deps_changed")


def _any_deps_missing() -> Automation:
    """A dependency has nothing that could be read.

    Of one with partitions a single one will do: Dagster's own condition waits for all of them, for years of days.
    """
    there: Automation = ~dg.AutomationCondition.missing()
    coming: Automation = dg.AutomationCondition.will_be_requested()
    some: Automation = dg.AutomationCondition.all_deps_match(
        there | coming
    )  # of each dependency, any partition
    return (~some).with_label("any_deps_missing")


def check_cron(cron: str, *, attribute: str, where: str = "") -> str:
    """`cron` itself if Dagster takes it as a schedule.

    Raises:
        ConfigError: it does not.
    """
    if not _is_cron(cron):
        prefix = f"{where}: " if where else ""
        words = "; or one of the words on_change and manual" if attribute == "refresh" else ""
        raise ConfigError(
            f"{prefix}{attribute}: {cron!r} is not a cron",
            hint=f"Five fields, for instance '0 3 * * *' (each day at three){words}",
        )
    return cron


@lru_cache(maxsize=256)  # projects use few, each many times
def _is_cron(text: str) -> bool:
    try:
        dg.ScheduleDefinition(name="check", cron_schedule=text, job_name="check")
    except dg.DagsterInvalidDefinitionError:
        return False
    return True
