"""A run by its id."""

from __future__ import annotations

import dagster as dg

from resources.kernel.errors import NotFoundError

_SHOWN = 80


def find_record(instance: dg.DagsterInstance, run_id: str, *, location: str = "") -> dg.RunRecord:
    """The run with this id and its times.

    Looked up before anything of its events is read: they may be in a file that is named by the id.

    Args:
        instance: where it is recorded.
        run_id: the whole id.
        location: the code location that it has to belong to; any when empty.

    Raises:
        NotFoundError: there is no such run.
    """
    record = instance.get_run_record_by_id(run_id)
    if record is None or location not in ("", location_of(record.dagster_run)):
        raise NotFoundError(
            f"there is no run {run_id[:_SHOWN]!r}",
            hint="`waybill runs list` and the web UI show whole ids",
        )
    return record


def location_of(run: dg.DagsterRun) -> str:
    """The code location that a run belongs to; empty of one that no code location knows."""
    origin = run.remote_job_origin
    return origin.location_name if origin else ""
