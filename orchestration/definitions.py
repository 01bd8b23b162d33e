"""The code location: everything under `defs/`, the resources that all of it shares, and the sensor that refreshes it.

Loading opens no connection, reads no secret and writes nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.classifications.build import build_set_runs
from orchestration.component_files import check_component_files
from orchestration.connections.build import build_connection_jobs
from orchestration.connections.reachable import build_reachable_checks
from orchestration.executor import in_process_executor
from orchestration.launch_config import check_no_pickles
from orchestration.services.location import Location
from resources.references import check_asset_references, check_job_references
from resources.stores.catalog.resource import CatalogResource
from resources.stores.handles import handles
from resources.stores.io_manager import DatasetIOManager
from resources.stores.resource import StoreResource

# Dagster's own component loader uses its unfinished features: a hundred lines of warnings nobody here can act on.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def build_defs(
    *,
    loaded: dg.Definitions | None = None,
    resource_overrides: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """The whole code location.

    Args:
        loaded: definitions in place of those under `defs/`, for tests.
        resource_overrides: resources that replace the shared or the loaded ones by key.

    Raises:
        ConfigError: a component file that cannot be meant, such as one that gives a key twice.
        ConfigError: a job of the users' own takes an input at launch, and so a pickle.
        UnknownNameError: an asset or a pipeline names something that nothing declares; with file and line.
    """
    if loaded is None:
        check_component_files(Path(__file__).parent / "defs")
        loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    check_asset_references(loaded)
    check_job_references(loaded)
    check_no_pickles(loaded)
    overrides = dict(resource_overrides or {})
    kept = {key: value for key, value in (loaded.resources or {}).items() if key not in overrides}
    resources = kept | overrides
    sets = build_set_runs(loaded)
    location = Location(dg.Definitions(resources=resources, component_tree=loaded.component_tree))
    store = StoreResource()
    shared = {
        "store": store,
        "catalog": CatalogResource(),
        "io_manager": DatasetIOManager(store=store),
        "handles": handles(),
    }
    return dg.Definitions(
        assets=loaded.assets,
        asset_checks=[*(loaded.asset_checks or []), *build_reachable_checks(location)],
        jobs=[*(loaded.jobs or []), *(sets.jobs or []), *build_connection_jobs(location)],
        schedules=loaded.schedules,
        sensors=[*(loaded.sensors or []), *(sets.sensors or []), automation_sensor()],
        resources=shared | resources,
        # Ten pandas steps cost 8 s of CPU in one process and 87 s in a process each: parallelism is by runs.
        executor=in_process_executor,
        loggers=loaded.loggers,
        metadata=loaded.metadata,
        component_tree=loaded.component_tree,
    )


def automation_sensor() -> dg.AutomationConditionSensorDefinition:
    """Refreshes what asked for it. Dagster's own is stopped until somebody starts it; this one runs."""
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=15,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads."""
    return build_defs()
