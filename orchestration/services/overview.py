"""What the first page of a project says: what is going on, what went wrong, what comes next. A query or two each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.services.exports.history import Export, HistoryFilter, export_history
from orchestration.services.pipelines.listing import next_runs
from orchestration.services.runs.listing import RunFilter, RunSummary, list_runs
from orchestration.services.runs.states import RunState
from orchestration.services.snapshot import Snapshot

SHOWN, EXPORTS = 10, 5
FAILED_WITHIN = timedelta(days=1)
_ACTIVE = (RunState.RUNNING, RunState.STARTING, RunState.STOPPING)


@dataclass(frozen=True)
class NextRun:
    """A pipeline that its schedule starts soon."""

    pipeline: str
    at: datetime


@dataclass(frozen=True)
class Overview:
    """The state of a project."""

    running: tuple[RunSummary, ...]
    """The newest of them, as in the lists below."""
    queued: tuple[RunSummary, ...]
    failed: tuple[RunSummary, ...]
    """Within the last day."""
    exports: tuple[Export, ...]
    """The newest of them."""
    next_runs: tuple[NextRun, ...]
    counts: Mapping[str, int]
    """How many things of each noun are declared."""


def show_overview(instance: dg.DagsterInstance, snapshot: Snapshot, location: str) -> Overview:
    """What a project is doing."""
    now = datetime.now(UTC)

    def newest(*states: RunState, since: datetime | None = None) -> tuple[RunSummary, ...]:
        wanted = RunFilter(states, since=since, location=location)
        return list_runs(instance, wanted, limit=SHOWN).items

    soon = next_runs(snapshot.pipelines, instance, location, now)
    return Overview(
        running=newest(*_ACTIVE),
        queued=newest(RunState.QUEUED),
        failed=newest(RunState.FAILED, since=now - FAILED_WITHIN),
        exports=export_history(instance, snapshot.exporters, HistoryFilter(), limit=EXPORTS).items,
        next_runs=tuple(NextRun(name, at) for name, at in soon[:SHOWN]),
        counts=Counter(found.noun for found in snapshot.declarations),
    )
