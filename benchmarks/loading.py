"""`python -m benchmarks.loading`: what a large project costs to load, and to be handed to the web UI.

Half of the components are data sources, half datasets, each in a file of its own. All figures are seconds of CPU of one
process: this machine's other work does not count, its speed does, so the import of Waybill and Dagster stands beside them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

PACKAGE = "many_components"
LIMIT_SECONDS = 30
LOADING = ("files to definitions", "shared definitions", "repository", "jobs")


def generate(folder: Path, components: int) -> None:
    """Writes a project of so many components, and ten connectors, into the package `PACKAGE`."""
    package = folder / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    for n in range(10):
        _write(package / f"connector{n}", "resources.FolderConnector", f"lake{n}", root=f"data/{n}")
    for n in range(components // 2):
        part = package / f"part{n % 100:02}"
        facts = {"connector": f"lake{n % 10}", "path": f"exports/{n}.csv", "format": "csv"}
        _write(part / f"source{n}", "assets.Datasource", f"table{n}", **facts)
        _write(part / f"dataset{n}", "assets.Dataset", f"table{n}", datasource=f"table{n}")


def _write(folder: Path, kind: str, name: str, **attributes: str) -> None:
    folder.mkdir(parents=True)
    lines = [f"  {key}: {value}" for key, value in {"name": name, **attributes}.items()]
    text = "\n".join([f"type: {kind}", "attributes:", *lines, ""])
    (folder / "defs.yaml").write_text(text, encoding="utf-8")


class Phases:
    """Seconds of CPU by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measures what happens inside."""
        started = time.process_time()
        yield
        self.seconds[name] = time.process_time() - started


def scene(folder: Path) -> dict:
    """Loads the project of `folder` in this process, as `waybill up` does."""
    phases = Phases()
    sys.path.insert(0, str(folder))
    with phases.phase("import of Waybill and Dagster"):
        from dagster._core.remote_representation.external_data import RepositorySnap
        from dagster_shared.serdes import serialize_value
        from orchestration.loading.collection import no_full_collections

        import assets
        import resources
        from orchestration.definitions import SHARED, build_defs
        from orchestration.loading.problems import refuse
        from orchestration.loading.project import load_project

        kinds = (assets.Dataset, assets.Datasource, resources.FolderConnector)
        assert all(kinds)
    module = import_module(PACKAGE)
    with no_full_collections():
        with phases.phase(LOADING[0]):
            project = load_project(module, folder, provided=SHARED)
            refuse(project.problems)
        with phases.phase(LOADING[1]):
            definitions = build_defs(loaded=project.definitions)
        with phases.phase(LOADING[2]):
            repository = definitions.get_repository_def()
        with phases.phase(LOADING[3]):
            repository.load_all_definitions()
    with phases.phase("memory settled, before the first fork"):
        gc.collect()
        gc.freeze()
    with phases.phase("snapshot for the web UI"):
        snapshot = RepositorySnap.from_def(repository, defer_snapshots=True)
    with phases.phase("snapshot as text"):
        text = serialize_value(snapshot)
    return {
        "seconds": phases.seconds,
        "snapshot_mb": len(text) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(components: int) -> dict:
    """The scene in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), components)
        command = [sys.executable, "-m", "benchmarks.loading", "--scene", folder]
        done = subprocess.run(
            command,
            env={**os.environ, "DAGSTER_HOME": folder},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Prints a table; 1 when loading takes longer than it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.add_argument("--components", type=int, default=10_000)
    parser.add_argument("--scene", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scene:
        print(json.dumps(scene(options.scene)))
        return 0
    found = measure(options.components)
    print(f"{options.components:,} components, seconds of CPU:")
    for name, seconds in found["seconds"].items():
        print(f"  {seconds:6.1f}  {name}")
    total = sum(found["seconds"][name] for name in LOADING)
    print(f"loading takes {total:.1f} s ({' + '.join(LOADING)}), at most {LIMIT_SECONDS} s")
    print(f"peak memory {found['peak_mb']:,.0f} MB, snapshot {found['snapshot_mb']:.1f} MB")
    return 0 if total <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
