"""The real daemon killed with -9 in the middle of a sensor's tick and of its runs: nothing missed, nothing doubled (E44)."""

import os
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from resources.home import store_url
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore
from tests.e2e.server import running_server, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.kill, pytest.mark.timeout(900)]

CODE = """
import time
from pathlib import Path

import dagster as dg

from assets.classifications.build import build_classification_set
from assets.classifications.declaration import ClassificationSpec, WatchedFiles
from assets.classifications.schema import SetColumn, SetSchema
from orchestration.classifications.build import build_set_runs
from orchestration.pipelines.build import NewObjectsSpec, PipelineSpec, build_pipeline
from resources.connectors.folder.component import FolderConnectorResource
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource

FOLDER = Path(__file__).parent


def products() -> dg.Definitions:
    # A classification set whose files come in by themselves.
    columns = (SetColumn("Brand"), SetColumn("Size", "integer"))
    files = WatchedFiles("lake", "sets/*.csv", every_seconds=1, settle_seconds=0)
    made = build_classification_set(ClassificationSpec("products", SetSchema(columns), files=files))
    return dg.Definitions.merge(made, build_set_runs(made))


@dg.asset
def landed(context: dg.AssetExecutionContext):
    name = context.run.tags["waybill/first_object"]
    time.sleep(0.5)
    with (FOLDER / "imported.txt").open("a") as file:
        file.write(name + "\\n")


defs = dg.Definitions.merge(
    products(),
    build_pipeline(
        PipelineSpec("nightly", assets=("landed",)),
        new_objects=NewObjectsSpec("lake", "*.csv", one_run_per="object", every_seconds=1),
    ),
    dg.Definitions(
        assets=[landed],
        resources={
            "lake": FolderConnectorResource(connector_name="lake", root=str(FOLDER / "lake")),
            "store": StoreResource(),
            "catalog": CatalogResource(),
        },
        executor=dg.in_process_executor,
    ),
)
"""
NIGHTLY = dg.RunsFilter(tags={"dagster/sensor_name": "nightly_new_objects"})
FIRST, LATER, SETS = 6, 2, 3


@contextmanager
def storage(home: Path):
    """Dagster's records, read beside the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            yield instance


def daemon_of(server) -> int | None:
    """The id of the process that the daemon shares with the web UI."""
    for pid in server.processes():
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        if name == "waybill-web":
            return pid
    return None


def kill_daemon(server) -> None:
    """Kills it and waits until another one is there."""
    killed = daemon_of(server)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: daemon_of(server) not in (None, killed))


def put(folder: Path, names: list[str]) -> None:
    """All at once: written elsewhere and moved into place."""
    for name in names:
        (folder / "staged" / name).write_text(name)
    for name in names:
        (folder / "staged" / name).rename(folder / "lake" / name)


def put_sets(folder: Path) -> None:
    """Files of a classification set; each changes what the one before left, and adds a key."""
    for number in range(SETS):
        text = f"Key,Brand,Size\nlast,x,{number}\nk{number},x,{number}\n"
        (folder / "staged" / "set").write_text(text)
        (folder / "staged" / "set").rename(folder / "lake" / "sets" / f"{number}.csv")


def taken_sets(home: Path) -> list[tuple[str, str]]:
    """The set's history, oldest first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        entries = ClassificationCatalog(CatalogDatabase.open()).history("products")
    return [(entry.facts.name, entry.outcome) for entry in reversed(entries)]


def published(home: Path) -> dict[str, int]:
    """The sizes that the set's dataset shows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        patch.delenv("WAYBILL_STORE", raising=False)
        found = TableStore.open(store_url()).read(("datasets", "products")).to_table()
    return {row["Key"]: row["Size"] for row in found.to_pylist()}


def test_killed_in_a_tick_and_in_its_runs(tmp_path):
    for name in ("lake/sets", "staged"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "watching.py").write_text(CODE)
    expected = {"last": SETS - 1, **{f"k{n}": n for n in range(SETS)}}
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(
        "load_from:\n  - python_file: {relative_path: watching.py, location_name: w}\n"
    )
    first = [f"{i:02}.csv" for i in range(FIRST)]
    later = [f"{i:02}-late.csv" for i in range(LATER)]
    with running_server(tmp_path, "--workspace", str(workspace)) as server:
        server.wait_until_ready()
        with storage(server.home) as instance:
            wait_for(lambda: daemon_of(server))
            put(tmp_path, first)
            put_sets(tmp_path)
            wait_for(instance.get_runs_count)
            kill_daemon(server)
            submitted = instance.get_runs_count(NIGHTLY)
            assert submitted < FIRST, "the tick was over before the daemon was killed"

            put(tmp_path, later)
            running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
            wait_for(lambda: instance.get_runs_count(running))
            kill_daemon(server)

            succeeded = dg.RunsFilter(tags=NIGHTLY.tags, statuses=[dg.DagsterRunStatus.SUCCESS])
            wait_for(lambda: instance.get_runs_count(succeeded) >= FIRST + LATER)
            wait_for(lambda: len(taken_sets(server.home)) >= SETS)
            wait_for(lambda: published(server.home) == expected)  # a moment after it was taken
            runs = instance.get_runs(NIGHTLY)
            # A run that went down with its launcher is closed as failed and tried again under the same key.
            done = [run for run in runs if run.status == dg.DagsterRunStatus.SUCCESS]
            keys = Counter(run.tags["dagster/run_key"] for run in done)
            assert set(keys.values()) == {1}
        imported = (tmp_path / "imported.txt").read_text().split()
        assert sorted(imported) == sorted(first + later)
        # The set's files: each once, in order of name, each applied to what the one before left.
        assert taken_sets(server.home) == [(f"sets/{n}.csv", "applied") for n in range(SETS)]
        assert published(server.home) == expected
        assert server.said().count("starting it again") == 2
