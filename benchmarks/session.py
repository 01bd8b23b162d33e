"""What a run of the benchmark stands on: work folder, data, server, the peers' environment; and its facts."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import mariadb as maria
from benchmarks import tables
from benchmarks.environments import needs_peers_environment, peers_python, versions
from benchmarks.inputs import make_inputs
from benchmarks.jobs import Contender, Job
from benchmarks.objects import running_bucket
from benchmarks.postgres import run_sql, running_server, settings
from benchmarks.runner import Bench, make_dataset, rows_of, tell
from benchmarks.task import Server

_PACKAGES = (
    "duckdb",
    "pyarrow",
    "polars",
    "pandas",
    "dlt",
    "connectorx",
    "adbc-driver-postgresql",
    "psycopg",
    "pgpq",
    "pymysql",
)


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, which is kept; or a temporary one, which is removed."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="waybill-bench-"))
    folder.chmod(0o711)  # the PostgreSQL server may run as another user and must pass through
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def opened_bench(
    folder: Path,
    selection: Sequence[tuple[Job, list[Contender]]],
    rows: int,
    timeout_seconds: float,
    profiles: Path | None = None,
) -> Iterator[Bench]:
    """Everything the chosen contenders need; what cannot be had is named in their lines of the report."""
    chosen = [(job, contender) for job, contenders in selection for contender in contenders]
    sizes = sorted({rows_of(contender, rows) for _, contender in chosen})
    tell(f"data of {', '.join(f'{size:,}' for size in sizes)} rows")
    inputs = {size: make_inputs(folder, size) for size in sizes}
    python, python_error = _peers(folder, [contender for _, contender in chosen])
    if profiles:
        profiles.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        server, server_error = _server(stack, folder, any(job.needs_server for job, _ in chosen))
        mariadb, mariadb_error = _mariadb(stack, folder, any(j.needs_mariadb for j, _ in chosen))
        wanted = any(job.needs_objects for job, _ in chosen)
        objects, objects_pid, objects_error = _objects(stack, inputs[max(inputs)].csv, wanted)
        bench = Bench(
            folder=folder,
            inputs=inputs,
            rows=rows,
            server=server,
            server_error=server_error,
            mariadb=mariadb,
            mariadb_error=mariadb_error,
            peers_python=python,
            peers_error=python_error,
            timeout_seconds=timeout_seconds,
            objects=objects,
            objects_pid=objects_pid,
            objects_error=objects_error,
            profiles=profiles.resolve() if profiles else None,
        )
        _fill(bench, chosen)
        yield bench


def describe(bench: Bench, repeat: int) -> dict[str, str]:
    """What a reader must know to judge the figures: sizes, machine, versions."""
    data = bench.inputs[max(bench.inputs)]
    sizes = f"{data.csv.stat().st_size / 1e6:,.0f} MB CSV, {data.parquet.stat().st_size / 1e6:,.0f}"
    facts = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, project at {_revision()}",
        "data": f"{data.rows:,} rows x 19 columns ({sizes} MB Parquet); {repeat} rounds",
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores,"
        f" {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB,"
        f" {platform.system()} {platform.release()}, Python {platform.python_version()}",
        "project's environment": _in_words(versions(Path(sys.executable), _PACKAGES)),
    }
    if bench.peers_python:
        facts["peers' environment"] = _in_words(versions(bench.peers_python, _PACKAGES))
    if bench.server:
        version = run_sql(bench.server, "SHOW server_version")
        facts["PostgreSQL"] = f"{version} over loopback TCP, {_in_words(settings())}"
    if bench.mariadb:
        facts["MariaDB"] = maria.version(bench.mariadb)
    return facts


def _peers(folder: Path, contenders: Sequence[Contender]) -> tuple[Path | None, str]:
    if not any(needs_peers_environment(contender) for contender in contenders):
        return None, ""
    tell("the peers' environment")
    try:
        return peers_python(folder), ""
    except RuntimeError as error:
        tell(str(error))
        return None, str(error)


def _server(stack: ExitStack, folder: Path, needed: bool) -> tuple[Server | None, str]:
    if not needed:
        return None, ""
    tell("a PostgreSQL server")
    try:
        return stack.enter_context(running_server(folder)), ""
    except (RuntimeError, OSError) as error:
        tell(str(error))
        return None, str(error)


def _mariadb(stack: ExitStack, folder: Path, needed: bool) -> tuple[Server | None, str]:
    if not needed:
        return None, ""
    tell("a MariaDB server")
    try:
        return stack.enter_context(maria.running_mariadb(folder)), ""
    except (RuntimeError, OSError) as error:
        tell(str(error))
        return None, str(error)


def _objects(stack: ExitStack, csv: Path, needed: bool) -> tuple[str, int, str]:
    if not needed:
        return "", 0, ""
    tell("a bucket of small objects")
    try:
        return *stack.enter_context(running_bucket(csv)), ""
    except (RuntimeError, OSError) as error:
        tell(str(error))
        return "", 0, str(error)


def _fill(bench: Bench, chosen: Sequence[tuple[Job, Contender]]) -> None:
    """Tables and datasets of the sizes that the chosen contenders start from."""
    with_server = {rows_of(c, bench.rows) for job, c in chosen if job.needs_server}
    with_dataset = {
        rows_of(c, bench.rows) for job, c in chosen if job.reads_dataset and c.family == "ours"
    }
    for size in sorted(with_server):
        if bench.server is not None:
            tell(f"a table of {size:,} rows")
            tables.load(bench.server, bench.inputs[size])
    for size in sorted({rows_of(c, bench.rows) for job, c in chosen if job.needs_mariadb}):
        if bench.mariadb is not None:
            tell(f"a MariaDB table of {size:,} rows")
            maria.load(bench.mariadb, bench.inputs[size])
    for size in sorted(with_dataset):
        tell(f"a dataset of {size:,} rows")
        make_dataset(bench, bench.inputs[size])


def _in_words(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _revision() -> str:
    """The commit measured, marked when the files of the packages differ from it."""
    root = Path(__file__).parent.parent
    commands = (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "resources"])
    words = []
    for command in commands:
        try:
            done = subprocess.run(
                ["git", *command], cwd=root, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return "an unknown commit"
        words.append(done.stdout.strip())
    return words[0] + (" with changes" if words[1] else "")
