"""Runs that failed for good, whatever they worked on: nothing of ours is at hand when one ends, so Dagster's records are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.services.runs.detail import is_tried_again, show_run
from resources.kernel.errors import MESSAGE_LIMIT
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.webhooks.deliveries import noted_runs
from resources.stores.catalog.webhooks.outbox import note_event
from resources.stores.catalog.webhooks.records import Event, EventName
from resources.stores.catalog.webhooks.webhooks import select_webhooks

LOOK_BACK = timedelta(hours=1)
"""Runs that failed longer ago were noted when they did, or while there was no server to tell of them."""
_FAILED: EventName = "run.failed"
_MOST = 500


def note_failed_runs(
    database: CatalogDatabase, instance: dg.DagsterInstance, moment: datetime
) -> None:
    """Notes each run that failed of late. One that is tried again has not failed for good."""
    since = moment - LOOK_BACK
    with database.read() as connection:
        made = [one.made_at for one in select_webhooks(connection) if _FAILED in one.events]
        if not made:
            return
        known = noted_runs(connection, _FAILED, since)
    since = max(since, min(made))
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    for record in instance.get_run_records(wanted, limit=_MOST):
        run = record.dagster_run
        ended_at = datetime.fromtimestamp(record.end_time or 0, UTC)
        if run.run_id in known or ended_at < since or is_tried_again(run):
            continue
        with database.write() as connection:
            note_event(connection, _event(instance, run.run_id, ended_at))


def _event(instance: dg.DagsterInstance, run_id: str, ended_at: datetime) -> Event:
    found = show_run(instance, run_id)
    told = {
        "kind": "run",
        "id": run_id,
        "name": found.summary.title,
        "project": found.summary.location,
        "state": "failed",
        "reason": found.error[:MESSAGE_LIMIT],
        "targets": found.summary.targets,
    }
    return Event(_FAILED, f"runs/{run_id}", told, run_id, ended_at)
