"""Imports into collections whose runs ended without a word: killed, or stopped before they began. Their end is noted here."""

from __future__ import annotations

import dagster as dg

from orchestration.services.runs.detail import is_tried_again
from resources.kernel.errors import MESSAGE_LIMIT
from resources.stores.catalog.collections.ends import note_lost, unended_imports
from resources.stores.catalog.collections.records import StoredImport
from resources.stores.catalog.database import CatalogDatabase

_INTERRUPTED = (
    "its run ended before it could say how: the process, the server or the machine was stopped"
)


def note_lost_imports(database: CatalogDatabase, instance: dg.DagsterInstance) -> None:
    """Notes the end of each import that nothing works on any more. A run that is tried again is not its end."""
    with database.read() as connection:
        unended = unended_imports(connection)
    for stored in unended:
        run = instance.get_run_by_id(stored.run_ids[-1])
        if run is None or not run.is_finished or is_tried_again(run):
            continue
        is_stopped = run.status == dg.DagsterRunStatus.CANCELED
        outcome = "stopped" if is_stopped else "interrupted"
        message = "" if is_stopped else _reason(instance, stored)
        with database.write() as connection:
            note_lost(connection, stored, outcome, message)


def _reason(instance: dg.DagsterInstance, stored: StoredImport) -> str:
    """What Dagster has about the run: it may have failed before it could begin."""
    from orchestration.services.datasets import failure_of  # all of datasets hangs on it

    told = failure_of(instance, stored.run_ids[-1], ("datasets", stored.collection))
    return told[:MESSAGE_LIMIT] or _INTERRUPTED
