"""Runs without a server: an instance in a folder, a tiny code location, runs that nobody executes."""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

LOCATION = "tiny"

CODE = """
import os
import time
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv

from orchestration.executor import in_process_executor

FOLDER = Path(os.environ["TINY_FOLDER"])


@dg.asset
def quick():
    (FOLDER / f"quick-{os.getpid()}").write_text(str(np.random.random()))
    return dg.MaterializeResult(metadata={"rows": 1000})


@dg.asset
def moving():
    rows = pyarrow.csv.read_csv(pa.BufferReader(b"a,b" + b"\\n1,2" * 1000))
    total = duckdb.connect().execute("select sum(a + b) from rows").fetchone()[0]
    return dg.MaterializeResult(metadata={"rows": len(rows), "total": total})


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=3))
def stubborn():
    # A library may turn an interruption into an error of its own.
    with (FOLDER / "attempts").open("a") as file:
        file.write("x")
    (FOLDER / "slow").write_text(str(os.getpid()))
    connection = duckdb.connect()
    try:
        while True:
            connection.execute("select sum(i * i) from range(3000000) r(i)").fetchall()
    except BaseException as error:
        if (FOLDER / "wrapped").exists() and (FOLDER / "wrapped").read_text():
            raise OSError("INTERRUPT") from None
        raise


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


assets = [quick, moving, stubborn, slow, deaf, failing]
jobs = [dg.define_asset_job(f"make_{asset.key.path[0]}", [asset]) for asset in assets]
defs = dg.Definitions(assets=assets, jobs=jobs, executor=in_process_executor)
"""


def wait_until(condition, seconds=90):
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


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
    server = GrpcServerCodeLocationOrigin(host="localhost", socket="none", location_name=LOCATION)
    return instance.create_run_for_job(
        job.get_definition(),
        status=status,
        tags=tags,
        job_code_origin=job.get_python_origin(),
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(server, "__repository__"), job.job_name
        ),
    )


def launch(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Hands the run to the instance's launcher, as the queue would."""
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
