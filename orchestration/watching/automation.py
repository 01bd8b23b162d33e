"""The two sensors that refresh what asked for it: Dagster's automation, and the one that finds what that has missed.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from collections.abc import Callable

import dagster as dg

from orchestration.watching.missed_changes import Missed, find_candidates, find_missed_changes

AUTOMATION = "automation"
MISSED_CHANGES = "missed_changes"
EVERY_SECONDS = 60


def automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """Refreshes what asked for it. Dagster's own is stopped until it is started by hand; this one runs."""
    return dg.AutomationConditionSensorDefinition(
        AUTOMATION,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=15,
    )


def missed_changes_sensor(clock: Callable[[], float] = time.time) -> dg.SensorDefinition:
    """Asks for assets that are older than their inputs although automation had its chance; see `missed_changes`."""

    @dg.sensor(
        name=MISSED_CHANGES,
        asset_selection=dg.AssetSelection.all(),  # `target` would make a job of all assets
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for assets with `refresh: on_change` that were made while an input changed, which `automation` misses",
    )
    def _look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        newest = str(context.instance.event_log_storage.get_maximum_record_id() or 0)
        if context.cursor is None:
            return dg.SensorResult(skip_reason="changes from now on are looked at", cursor=newest)
        if context.cursor == newest or context.repository_def is None:
            return dg.SensorResult(skip_reason="nothing has happened since the last look")
        if _is_stopped(context):
            return dg.SensorResult(skip_reason=f"the sensor {AUTOMATION} is stopped")
        candidates = find_candidates(context.repository_def.asset_graph)
        missed = find_missed_changes(
            candidates, context.instance, after=int(context.cursor), now=clock()
        )
        cursor = newest if missed.looked_at is None else str(missed.looked_at)
        if not missed.changes:
            return dg.SensorResult(skip_reason=_reason(missed), cursor=cursor)
        request = dg.RunRequest(
            run_key=missed.run_key, asset_selection=[change.key for change in missed.changes]
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return _look


def _reason(missed: Missed) -> str:
    if missed.waiting:
        return f"{missed.waiting:,} changed a moment ago: {AUTOMATION} has its turn"
    return "no asset is older than its inputs"


def _is_stopped(context: dg.SensorEvaluationContext) -> bool:
    """Whether automation of this code location was stopped by hand: then nothing is to start by itself."""
    origin = context.code_location_origin
    return any(
        state.name == AUTOMATION
        and state.status.value == "STOPPED"
        and (
            origin is None
            or state.origin.repository_origin.code_location_origin.location_name
            == origin.location_name
        )
        for state in context.instance.all_instigator_state()
    )
