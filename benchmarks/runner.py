"""Runs the contenders, round by round, each in a fresh process, and collects what they took.

One contender that fails, hangs or delivers wrong rows is a line of the report, never the end of the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.checks import differences, parquet_facts
from benchmarks.environments import child_environment, needs_peers_environment
from benchmarks.inputs import Inputs
from benchmarks.jobs import Contender, Job
from benchmarks.meter import children, descendants, peak_memory_bytes
from benchmarks.task import Server, Task

_POLL_SECONDS = 0.1
_ERROR_CHARACTERS = 300
DATASET = "flights"


@dataclass(frozen=True)
class Measurement:
    """One run of one contender; `error` says why there are no figures."""

    job: str
    contender: str
    rows: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    server_cpu_seconds: float = 0.0
    other_cores: float = 0.0
    peak_memory_bytes: int = 0
    checked: bool = False
    """Whether there were rows to look at: a limit may throw them away."""
    differences: tuple[str, ...] = ()
    """What is wrong with the rows delivered."""
    error: str = ""


@dataclass(frozen=True)
class Bench:
    """What the runs share."""

    folder: Path
    inputs: dict[int, Inputs]
    rows: int
    server: Server | None
    server_error: str
    """Why there is no server."""
    peers_python: Path | None
    peers_error: str
    """Why there is no environment for the peers."""
    timeout_seconds: float
    mariadb: Server | None = None
    mariadb_error: str = ""
    objects: str = ""
    """Address of the bucket of small objects."""
    objects_pid: int = 0
    objects_error: str = ""
    """Why there is no such bucket."""
    profiles: Path | None = None
    """Folder for the profiles of ours, when asked for."""

    def inputs_of(self, contender: Contender) -> Inputs:
        """The files of the size this contender gets."""
        return self.inputs[rows_of(contender, self.rows)]


def rows_of(contender: Contender, rows: int) -> int:
    """How many rows a contender gets in a run of `rows` rows."""
    return min(rows, contender.max_rows or rows)


def run_rounds(
    bench: Bench,
    selection: Sequence[tuple[Job, list[Contender]]],
    repeat: int,
) -> list[Measurement]:
    """Runs every contender `repeat` times: one job after the other, within a job round robin."""
    measurements: list[Measurement] = []
    for job, contenders in selection:
        broken: set[str] = set()
        for turn in range(1, repeat + 1):
            for contender in contenders:
                if contender.slug in broken:
                    continue  # it failed once: its line says so, further rounds teach nothing
                measurement = _measure(bench, job, contender)
                measurements.append(measurement)
                if measurement.error:
                    broken.add(contender.slug)
                tell(f"{job.name} round {turn}/{repeat} {contender.slug}: {_in_words(measurement)}")
    return measurements


def tell(line: str) -> None:
    """A line of progress, on the error stream: the report alone goes to the standard output."""
    print(line, file=sys.stderr, flush=True)


def make_dataset(bench: Bench, inputs: Inputs) -> None:
    """Publishes the rows as a dataset, anew in every run: its format may have changed since the last."""
    shutil.rmtree(inputs.store, ignore_errors=True)
    contender = Contender("dataset", "ours", "", "benchmarks.contenders.ours:make_dataset")
    out = bench.folder / f"run-{uuid.uuid4().hex[:12]}"
    out.mkdir()
    try:
        _run_child(bench, _make_task(bench, contender, inputs, out), contender, out)
    except RuntimeError as error:
        tell(f"the dataset could not be made: {_short(bench, str(error))}")
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _in_words(measurement: Measurement) -> str:
    if measurement.error:
        return f"FAILED: {measurement.error}"
    wrong = "; WRONG ROWS: " + "; ".join(measurement.differences) if measurement.differences else ""
    return (
        f"{measurement.seconds:.2f} s, {measurement.cpu_seconds:.1f}"
        f"+{measurement.server_cpu_seconds:.1f} CPU s,"
        f" {measurement.peak_memory_bytes / 1e6:.0f} MB,"
        f" others {measurement.other_cores:.1f} cores{wrong}"
    )


def _measure(bench: Bench, job: Job, contender: Contender) -> Measurement:
    inputs = bench.inputs_of(contender)
    out = bench.folder / f"run-{uuid.uuid4().hex[:12]}"
    out.mkdir()
    try:
        server = _server_of(bench, job)
        task = replace(_make_task(bench, contender, inputs, out), server=server)
        if job.needs_objects:
            if not bench.objects:
                raise RuntimeError(bench.objects_error or "no bucket of small objects")
            task = replace(task, objects=bench.objects, metered_pid=bench.objects_pid)
        _prepare(bench, job, contender, inputs)
        result = _run_child(bench, task, contender, out)
        where = str(result.pop("where"))
        result["differences"] = _check(bench, inputs, where) if where else ()
        return Measurement(job.name, contender.slug, inputs.rows, checked=bool(where), **result)
    except (RuntimeError, OSError) as error:
        return Measurement(job.name, contender.slug, inputs.rows, error=_short(bench, str(error)))
    finally:
        shutil.rmtree(out, ignore_errors=True)
        _clean_server(bench, job)


def _server_of(bench: Bench, job: Job) -> Server | None:
    if not job.needs_mariadb:
        return bench.server
    if bench.mariadb is None:
        raise RuntimeError(bench.mariadb_error or "no MariaDB server")
    return bench.mariadb


def _make_task(bench: Bench, contender: Contender, inputs: Inputs, out: Path) -> Task:
    (out / "data").mkdir()
    return Task(
        entry=contender.entry,
        rows=inputs.rows,
        threads=len(os.sched_getaffinity(0)),
        csv=str(inputs.csv),
        parquet=str(inputs.parquet),
        binary=str(inputs.binary),
        store=str(inputs.store),
        dataset=DATASET,
        table=inputs.table,
        target=tables.TARGET,
        out=str(out / "data"),
        run_id=out.name,
        server=bench.server,
    )


def _prepare(bench: Bench, job: Job, contender: Contender, inputs: Inputs) -> None:
    """Untimed: the target's state before, everything on disk, the inputs in the page cache."""
    if job.needs_server:
        if bench.server is None:
            raise RuntimeError(bench.server_error or "no PostgreSQL server")
        tables.prepare_target(bench.server, before=contender.target, source=inputs.table)
    for path in (inputs.csv, inputs.parquet, inputs.binary):
        if path.exists():
            _read_through(path)
    os.sync()


def _read_through(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(8 << 20):
            pass


def _run_child(bench: Bench, task: Task, contender: Contender, out: Path) -> dict[str, Any]:
    python = _python_for(bench, contender)
    task_path, result_path, error_path = out / "task.json", out / "result.json", out / "stderr"
    task_path.write_text(task.to_json(), encoding="utf-8")
    command = [str(python), "-m", "benchmarks.child", str(task_path), str(result_path)]
    if bench.profiles is not None and contender.family == "ours":
        command.append(str(bench.profiles / f"{task.run_id}-{contender.slug}.txt"))
    with error_path.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=out,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        children_peak = _wait(process, bench.timeout_seconds)
    if process.returncode:
        words = error_path.read_text(encoding="utf-8", errors="replace").strip()
        raise RuntimeError(_last_error(words) or f"ended with code {process.returncode}")
    result: dict[str, Any] = json.loads(result_path.read_text(encoding="utf-8"))
    result["peak_memory_bytes"] = max(result["peak_memory_bytes"], children_peak)
    return result


def _python_for(bench: Bench, contender: Contender) -> Path:
    if not needs_peers_environment(contender):
        return Path(sys.executable)
    if bench.peers_python is None:
        raise RuntimeError(bench.peers_error or "no environment for the peers")
    return bench.peers_python


def _wait(process: subprocess.Popen[bytes], timeout_seconds: float) -> int:
    """Waits for a contender and its children; the peak memory of the largest child.

    Raises:
        RuntimeError: it took too long and was ended, children included.
    """
    peak = 0
    ends = time.monotonic() + timeout_seconds
    try:
        while process.poll() is None:
            peak = max([peak, *map(peak_memory_bytes, children(process.pid))])
            if time.monotonic() > ends:
                raise RuntimeError(f"ended after {timeout_seconds:.0f} s without a result")
            time.sleep(_POLL_SECONDS)
    finally:
        if process.poll() is None:
            for pid in descendants(process.pid):
                os.kill(pid, 9)
            process.kill()
            process.wait()
    return peak


def _check(bench: Bench, inputs: Inputs, where: str) -> tuple[str, ...]:
    """What is wrong with the rows at `where`: a glob of Parquet files, or a table."""
    if "/" not in where:
        if bench.server is None:
            raise RuntimeError("no PostgreSQL server")
        return tuple(differences(inputs.facts, tables.table_facts(bench.server, where)))
    files = [Path(name) for name in glob(where, recursive=True)]  # noqa: PTH207 - the pattern is absolute
    if not files:
        return ("no files were written",)
    try:
        found = parquet_facts(files)
    except Exception as error:  # noqa: BLE001 - a peer's odd types are a finding about it, not our failure
        return (f"cannot be compared: {str(error).splitlines()[0][:120]}",)
    return tuple(differences(inputs.facts, found))


def _clean_server(bench: Bench, job: Job) -> None:
    if job.needs_server and bench.server is not None:
        try:
            tables.remove_targets(bench.server)
        except RuntimeError as error:
            print(f"could not clean up after a run: {error}", file=sys.stderr)


def _last_error(words: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith(" ")]
    named = [line for line in lines if "Error" in line or "Exception" in line]
    return (named or lines or [""])[-1]


def _short(bench: Bench, text: str) -> str:
    text = " ".join(text.split())
    for server in (bench.server, bench.mariadb):
        if server is not None:
            text = text.replace(server.password, "***")
    return text.replace(str(bench.folder), "<work>")[:_ERROR_CHARACTERS]
