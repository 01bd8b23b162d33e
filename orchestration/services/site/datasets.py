"""The datasets of a project as the web process knows them: one index a project, looked at by every page and route."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from orchestration.services.dataset_checks import CheckOutcome, LastMade, last_made, list_checks
from orchestration.services.dataset_detail import (
    RUNS,
    DatasetDetail,
    RunOfDataset,
    list_runs,
    show_dataset,
)
from orchestration.services.dataset_freshness import with_freshness
from orchestration.services.dataset_index import DatasetIndex, DatasetView
from orchestration.services.dataset_list import DatasetEntry, DatasetTitle, Tried, find_entry
from orchestration.services.dataset_profile import (
    DatasetProfile,
    profile_entry,
    show_profile,
    tried_profile,
)
from orchestration.services.dataset_query import DatasetPage, DatasetQuery, page_of
from orchestration.services.dataset_staleness import LastLook
from orchestration.services.dataset_titles import read_titles
from orchestration.services.datasets import instance_states
from orchestration.services.observations import InstanceLooks
from orchestration.services.recorded_observations import RecordedObservations, sources_of
from orchestration.services.recorded_states import RecordedStates
from orchestration.services.site.projects import Project
from orchestration.services.site.records import recorded
from orchestration.services.site.site import Site
from resources.kernel.keys import Key

_INDEXES: dict[tuple[int, str, str], DatasetIndex] = {}
_LOCK = threading.Lock()


def view_datasets(site: Site, project: Project) -> DatasetView:
    """The lines of a project's datasets.

    Raises:
        WaybillError: the store cannot be looked at, and never could.
    """
    return _index(site, project).view(project.snapshot.datasets)


def list_datasets(site: Site, project: Project, query: DatasetQuery) -> DatasetPage:
    """A page of them.

    Raises:
        InputError: no cursor of a list.
        WaybillError: the store cannot be looked at, and never could.
    """
    view = view_datasets(site, project)
    return page_of(view.items, query, as_of=view.as_of, problem=view.problem)


def dataset_of(project: Project, name: str) -> DatasetEntry:
    """What is declared of a dataset. In an address `~` stands for the `/` in names that Python gives.

    Raises:
        UnknownNameError: nothing makes it.
    """
    return find_entry(project.snapshot.datasets, name.replace("~", "/"))


def title_of(entry: DatasetEntry) -> DatasetTitle | None:
    """What people call it."""
    return read_titles().get(entry.key)


def show_one(site: Site, project: Project, name: str) -> DatasetDetail:
    """All that is known of a dataset, as it is now.

    Raises:
        UnknownNameError: nothing makes it.
        ConnectorError: the store does not answer.
    """
    entry = dataset_of(project, name)
    found = recorded(site).tried(entry.key)
    tried = found[0] if found else instance_states(site.instance, [entry]).get(entry.key)
    detail = show_dataset(entry, site.store(project), tried, title_of(entry))
    reason = _stale(site, project, entry.name)
    return replace(detail, summary=replace(detail.summary, stale=reason))


def runs_of(site: Site, entry: DatasetEntry, *, limit: int = RUNS) -> list[RunOfDataset]:
    """The last runs that made a dataset or were to make it, newest first."""
    found = recorded(site).runs(entry, limit)
    return list_runs(entry, site.instance, limit=limit) if found is None else found


def checks_of(site: Site, project: Project, entry: DatasetEntry) -> list[CheckOutcome]:
    """The checks of a dataset, each with its newest result, and whether it is fresh."""
    found = recorded(site).checks(entry)
    checks = list_checks(entry, site.instance) if found is None else found
    kept = recorded(site).made(entry.key)
    tried = kept[0] if kept else None
    made = LastMade(tried.at, tried.run_id) if tried and tried.at else None
    if kept is None:
        made = last_made(entry, site.instance)
    stale = _stale(site, project, entry.name)
    return with_freshness(checks, entry, made, stale, datetime.now(UTC))


def profile_of(
    site: Site, project: Project, entry: DatasetEntry, version: int | None = None, column: str = ""
) -> DatasetProfile:
    """Where the profile of a version stands, the newest by default, and the profile where there is one.

    Raises:
        NotFoundError: no such version, or no such column.
    """
    found = recorded(site).tried(profile_entry(entry).key)
    tried = found[0] if found else tried_profile(entry, site.instance)
    return show_profile(entry, site.store(project), tried, version, column=column)


def _stale(site: Site, project: Project, name: str) -> str:
    lines = view_datasets(site, project).items
    return next((line.stale for line in lines if line.name == name), "")


def forget_view(site: Site, project: Project) -> None:
    """The next list looks anew: this process has changed something."""
    _index(site, project).forget()


def _index(site: Site, project: Project) -> DatasetIndex:
    url = project.snapshot.store
    key = (id(site.instance), project.name, url)
    with _LOCK:
        if key not in _INDEXES:
            _INDEXES[key] = _make(site, project)
        return _INDEXES[key]


def _make(site: Site, project: Project) -> DatasetIndex:
    records, store = RecordedStates(site.home.dagster), site.store(project)

    def states(entries: Sequence[DatasetEntry]) -> Mapping[Key, Tried]:
        found = records.look()
        return instance_states(site.instance, entries) if found is None else found

    looks, asked = RecordedObservations(site.home.dagster), InstanceLooks(site.instance)

    def seen(entries: Sequence[DatasetEntry]) -> Mapping[Key, LastLook]:
        sources = sources_of(entries)
        found = None if records.look() is None else looks.look(sources)
        return asked.look(sources) if found is None else found

    is_local = store.item(("datasets", "any")).keeps_local_files
    is_quick = is_local and records.look() is not None
    return DatasetIndex(store, states, read_titles, seen=seen, is_quick=is_quick)
