"""The code location: everything under `defs/`, the resources that all of it shares, and the sensor that refreshes it.

Loading opens no connection, reads no secret and writes nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import dagster as dg

from orchestration.asset_metadata import Titles, with_asset_metadata
from orchestration.classifications.build import build_set_runs
from orchestration.collections.build import build_collection_runs
from orchestration.connections.build import build_connection_jobs
from orchestration.connections.reachable import build_reachable_checks
from orchestration.dagster_warnings import without_dagster_warnings
from orchestration.executor import in_process_executor
from orchestration.kept_media import build_media_collector
from orchestration.launch_config import check_no_pickles
from orchestration.loading.problems import refuse
from orchestration.loading.project import Project, load_project
from orchestration.loading.tolerance import leaves_out, with_problems
from orchestration.location import Location
from orchestration.restoring import restore_dataset_version
from orchestration.watching.automation import automation_sensor, missed_changes_sensor
from resources.kernel.keys import SHARED_RESOURCES, Key
from resources.project import find_project, use_project
from resources.references import check_asset_references, check_job_references
from resources.stores.catalog.resource import CatalogResource
from resources.stores.handles import handles
from resources.stores.io_manager import DatasetIOManager
from resources.stores.resource import StoreResource

_LOG = logging.getLogger(__name__)


def build_defs(*, loaded: dg.Definitions | None = None) -> dg.Definitions:
    """The whole code location: what is loaded, and what every project has beside it.

    A resource, or an executor, that the loaded definitions bring themselves stands in place of Waybill's.

    Args:
        loaded: definitions in place of those under `defs/`, for tests.

    Raises:
        ProjectError: what is wrong with the files under `defs/`, each with file and line; of a single mistake its
            own error.
        ConfigError: a job of the users' own takes an input at launch, and so a pickle.
        UnknownNameError: an asset or a pipeline names something that nothing declares; with file and line.
    """
    if loaded is None:
        project = load_own_project()
        refuse(project.problems)
        loaded = project.definitions
    check_asset_references(loaded)
    check_job_references(loaded)
    check_no_pickles(loaded)
    resources = loaded.resources or {}
    location = Location(dg.Definitions(resources=resources, component_tree=loaded.component_tree))
    store = StoreResource()
    shared = {
        "store": store,
        "catalog": CatalogResource(),
        "io_manager": DatasetIOManager(store=store),
        "handles": handles(),
    }
    common = dg.Definitions(
        asset_checks=build_reachable_checks(location),
        jobs=[*build_connection_jobs(location), restore_dataset_version],
        sensors=[automation_sensor(), missed_changes_sensor()],
        resources={key: value for key, value in shared.items() if key not in resources},
        # Ten pandas steps cost 8 s of CPU in one process and 87 s in a process each: parallelism is by runs.
        executor=None if loaded.executor else in_process_executor,
    )
    runs = build_set_runs(loaded), build_collection_runs(loaded), build_media_collector(loaded)
    whole = dg.Definitions.merge(loaded, *runs, common)
    return with_asset_metadata(whole, _TITLES)


_TITLES: dict[Key, tuple[str, str]] = {}


def show_titles(titles: Titles) -> None:
    """What people call datasets, to be shown by the UI that this process is about to load definitions for."""
    _TITLES.clear()
    _TITLES.update(titles)


def load_own_project() -> Project:
    """What stands under `defs/` of the project at hand, and what is wrong with it.

    Raises:
        ConfigError: there is no project here, or it has no `defs/`.
    """
    project = find_project()
    project.make_importable()
    return load_project(import_module(project.defs_module), project.root, provided=SHARED_RESOURCES)


@dataclass
class _Twice:
    """Dagster asks for the definitions twice when it loads a code location: the second time it gets those of the first."""

    content: object = None
    definitions: dg.Definitions | None = None

    def ask(self, build: Callable[[], dg.Definitions]) -> dg.Definitions:
        """What was built for the call before, once, unless a file or variable was changed since."""
        content = _content()
        kept, self.definitions = self.definitions, None
        if kept is not None and content == self.content:
            return kept
        built = build()
        self.content, self.definitions = content, built
        return built


_TWICE = _Twice()
_LOADED: list[dg.Definitions] = []
"""What this process has loaded as its code location: the last of it."""


def _content() -> object:
    """Changes with every file below `defs/` and every variable."""
    found = []
    for folder, _, files in os.walk(find_project().defs_folder):
        for name in files:
            if not name.endswith(".pyc"):
                facts = Path(folder, name).stat()
                found.append((folder, name, facts.st_mtime_ns, facts.st_size, facts.st_ino))
    return sorted(found), dict(os.environ)


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads: all or nothing, or what can be loaded if `WAYBILL_BAD_FILES=leave_out` asks for it."""
    return _load()


def load_definitions(file: Path) -> dg.Definitions:
    """The same for a project of its own, which `file` is part of; its module that Dagster loads calls this.

    Raises:
        ConfigError: `file` is in no project.
        ProjectError: what is wrong with the files under `defs/`, each with file and line.
    """
    use_project(file)
    return _load()


def loaded() -> dg.Definitions | None:
    """The definitions that this process serves as a code location; None before they are loaded, or if they do not."""
    return _LOADED[-1] if _LOADED else None


def _load() -> dg.Definitions:
    with without_dagster_warnings():
        found = _TWICE.ask(_build_own)
        found.get_repository_def()  # what Dagster does with it next, and keeps: its warnings come from there too
        _LOADED[:] = [found]
        return found


def _build_own() -> dg.Definitions:
    if not os.environ.get("DAGSTER_HOME"):
        _LOG.warning(
            "DAGSTER_HOME is not set: runs of this process are recorded where `waybill up` does not look. Use"
            " `waybill run`, or start this in the project's folder, where `.env` sets it"
            " (`waybill init .` writes it, in a clone `./run setup`)"
        )
    project = load_own_project()
    if not leaves_out():
        refuse(project.problems)
    for problem in project.problems:
        _LOG.warning("%s", problem)
    return build_defs(loaded=with_problems(project))
