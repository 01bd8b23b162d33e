"""Which run a run stands for: a retry is the same piece of work as the run that it tries again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import dagster as dg

from resources.kernel.errors import NotFoundError


def logical_run(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> tuple[str, datetime]:
    """Id and creation time of the run that this one is, or of the run that it tries again.

    An automatic retry, and a re-execution from the failed step, are the same export as the run that failed: they
    must find its ledger row (E50). A re-execution of everything by hand is a new one, whatever it descends from; so
    parents are followed one by one and only from retries.
    """
    run = context.run
    while _tries_again(run) and run.tags.get(PARENT_TAG):
        parent = context.instance.get_run_by_id(run.tags[PARENT_TAG])
        if parent is None:
            # Deleted since: its id is all that is left, and all that the ledger knows. Whoever launches a run may
            # write tags: what is no id of a run names no run.
            known = run.tags[PARENT_TAG] if _is_run_id(run.tags[PARENT_TAG]) else run.run_id
            return known, _created_at(context, run.run_id)
        run = parent
    return run.run_id, _created_at(context, run.run_id)


PARENT_TAG = "dagster/parent_run_id"


def is_repeated(run: dg.DagsterRun) -> bool:
    """Whether nobody asked for a run, but Dagster tries another one again."""
    return "dagster/retry_number" in run.tags


def _tries_again(run: dg.DagsterRun) -> bool:
    return is_repeated(run) or run.tags.get("dagster/is_resume_retry") == "true"


def _is_run_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _created_at(context: dg.OpExecutionContext | dg.AssetExecutionContext, run_id: str) -> datetime:
    record = context.instance.get_run_record_by_id(run_id)
    if record is None:
        raise NotFoundError(f"run {run_id} is not in this Dagster instance")
    return record.create_timestamp
