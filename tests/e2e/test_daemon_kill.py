"""The real daemon killed with -9 in the middle of a sensor's tick and of its runs: nothing missed, nothing doubled (E44)."""

import os
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from tests.e2e.server import running_server, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.kill, pytest.mark.timeout(900)]

CODE = """
import time
from pathlib import Path

import dagster as dg

from orchestration.pipelines.build import NewObjectsSpec, PipelineSpec, build_pipeline
from resources.connectors.folder.component import FolderConnectorResource

FOLDER = Path(__file__).parent


@dg.asset
def landed(context: dg.AssetExecutionContext):
    name = context.run.tags["waybill/first_object"]
    time.sleep(0.5)
    with (FOLDER / "imported.txt").open("a") as file:
        file.write(name + "\\n")


defs = dg.Definitions.merge(
    build_pipeline(
        PipelineSpec("nightly", assets=("landed",)),
        new_objects=NewObjectsSpec("lake", "*.csv", one_run_per="object", every_seconds=1),
    ),
    dg.Definitions(
        assets=[landed],
        resources={"lake": FolderConnectorResource(connector_name="lake", root=str(FOLDER / "lake"))},
        executor=dg.in_process_executor,
    ),
)
"""
FIRST, LATER = 6, 2


@contextmanager
def storage(home: Path):
    """Dagster's records, read beside the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            yield instance


def daemon_of(server) -> int | None:
    """The process id of the daemon."""
    for pid in server.processes():
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        if name == "waybill-daemon":
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


def test_killed_in_a_tick_and_in_its_runs(tmp_path):
    for name in ("lake", "staged"):
        (tmp_path / name).mkdir()
    (tmp_path / "watching.py").write_text(CODE)
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
            wait_for(instance.get_runs_count)
            kill_daemon(server)
            submitted = instance.get_runs_count()
            assert submitted < FIRST, "the tick was over before the daemon was killed"

            put(tmp_path, later)
            running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
            wait_for(lambda: instance.get_runs_count(running))
            kill_daemon(server)

            succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
            wait_for(lambda: instance.get_runs_count(succeeded) >= FIRST + LATER)
            runs = instance.get_runs()
            # A run that went down with its launcher is closed as failed and tried again under the same key.
            done = [run for run in runs if run.status == dg.DagsterRunStatus.SUCCESS]
            keys = Counter(run.tags["dagster/run_key"] for run in done)
            assert set(keys.values()) == {1}
        imported = (tmp_path / "imported.txt").read_text().split()
        assert sorted(imported) == sorted(first + later)
        assert server.said().count("starting it again") == 2
