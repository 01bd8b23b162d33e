"""Runs without a server: an instance in a folder, a tiny code location, runs that nobody executes."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher.base import LaunchRunContext

CODE = """
import os
import time
from pathlib import Path

import dagster as dg
import numpy as np

FOLDER = Path(os.environ["TINY_FOLDER"])


@dg.asset
def quick():
    (FOLDER / f"quick-{os.getpid()}").write_text(str(np.random.random()))
    return dg.MaterializeResult(metadata={"rows": 1000})


@dg.asset
def slow():
    (FOLDER / "slow").write_text(str(os.getpid()))
    try:
        time.sleep(120)
    finally:
        (FOLDER / "cleaned").touch()


@dg.asset
def deaf():
    (FOLDER / "slow").write_text(str(os.getpid()))
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:
            pass


@dg.asset
def failing():
    raise ValueError("no luck")


assets = [quick, slow, deaf, failing]
jobs = [dg.define_asset_job(f"make_{asset.key.path[0]}", [asset]) for asset in assets]
defs = dg.Definitions(assets=assets, jobs=jobs, executor=dg.in_process_executor)
"""


def write_code(folder: Path) -> Path:
    """The tiny code location as a file."""
    path = folder / "tiny_code.py"
    path.write_text(CODE, encoding="utf-8")
    return path


def new_run(
    instance: dg.DagsterInstance,
    code: Path,
    asset: str,
    *,
    status: str = "STARTING",
    tags: dict[str, str] | None = None,
) -> dg.DagsterRun:
    """A run that is recorded and that nobody executes yet."""
    job = ReconstructableRepository.for_file(str(code), "defs", str(code.parent))
    job = job.get_reconstructable_job(f"make_{asset}")
    return instance.create_run_for_job(
        job.get_definition(), status=status, tags=tags, job_code_origin=job.get_python_origin()
    )


def launch(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Hands the run to the instance's launcher, as the queue would."""
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
