"""What the first page of a project says: what is going on, what went wrong, what is stale, what comes next. A query or two each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.services.collections.imports import (
    CollectionImport,
    ImportRecords,
    newest_imports,
)
from orchestration.services.dataset_list import DatasetSummary
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
class StaleDataset:
    """A dataset that is behind what it is made from."""

    name: str
    title: str
    why: str
    can_run: bool
    """Whether it can be refreshed by itself."""


@dataclass(frozen=True)
class Overview:
    """The state of a project."""

    running: tuple[RunSummary, ...]
    """The newest of them, as in the lists below."""
    queued: tuple[RunSummary, ...]
    failed: tuple[RunSummary, ...]
    """Within the last day."""
    stale: tuple[StaleDataset, ...]
    """Datasets of which what they are made from has changed since; the first of them, in order of name."""
    stale_count: int
    """How many there are."""
    exports: tuple[Export, ...]
    """The newest of them."""
    imports: tuple[CollectionImport, ...]
    """The newest of them, into collections."""
    next_runs: tuple[NextRun, ...]
    counts: Mapping[str, int]
    """How many things of each noun are declared."""


def show_overview(
    instance: dg.DagsterInstance,
    snapshot: Snapshot,
    location: str,
    datasets: Sequence[DatasetSummary] = (),
    imports: ImportRecords | None = None,
) -> Overview:
    """What a project is doing.

    Args:
        instance: where it is recorded.
        snapshot: what is declared.
        location: name of the project.
        datasets: its datasets as the list has them.
        imports: into its collections.
    """
    now = datetime.now(UTC)
    runnable = {entry.name for entry in snapshot.datasets if entry.can_run}
    stale = [
        StaleDataset(found.name, found.title, found.stale, found.name in runnable)
        for found in datasets
        if found.stale
    ]

    def newest(*states: RunState, since: datetime | None = None) -> tuple[RunSummary, ...]:
        wanted = RunFilter(states, since=since, location=location)
        return list_runs(instance, wanted, limit=SHOWN).items

    soon = next_runs(snapshot.pipelines, instance, location, now)
    return Overview(
        running=newest(*_ACTIVE),
        queued=newest(RunState.QUEUED),
        failed=newest(RunState.FAILED, since=now - FAILED_WITHIN),
        stale=tuple(stale[:SHOWN]),
        stale_count=len(stale),
        exports=export_history(instance, snapshot.exporters, HistoryFilter(), limit=EXPORTS).items,
        imports=() if imports is None else newest_imports(imports, limit=EXPORTS),
        next_runs=tuple(NextRun(name, at) for name, at in soon[:SHOWN]),
        counts=Counter(found.noun for found in snapshot.declarations),
    )
