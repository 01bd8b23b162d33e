"""The limits: the fastest plain way that is known, which promises less than Waybill does (no checks, no versions)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.task import Task


def duckdb_csv_to_parquet(task: Task) -> Callable[[], str]:
    """DuckDB's own copy of a CSV file into a Parquet file."""
    import duckdb

    target = str(Path(task.out) / "flights.parquet")
    connection = duckdb.connect(config={"threads": task.threads, "temp_directory": task.out})

    def job() -> str:
        source = f"SELECT * FROM read_csv('{task.csv}')"
        connection.execute(f"COPY ({source}) TO '{target}' (FORMAT parquet)")
        return target

    return job


def psql_binary_to_nowhere(task: Task) -> Callable[[], str]:
    """PostgreSQL's binary COPY of a table, thrown away: the bytes cross the connection, nothing is written."""

    def job() -> str:
        _psql(task, f"COPY {task.table} TO STDOUT (FORMAT binary)")
        return ""

    return job


def psql_binary_from_file(task: Task) -> Callable[[], str]:
    """PostgreSQL's binary COPY of a ready file into an empty table."""

    def job() -> str:
        _psql(task, f"\\copy {task.target} FROM '{task.binary}' WITH (FORMAT binary)")
        return task.target

    return job


def psql_csv_from_file(task: Task) -> Callable[[], str]:
    """PostgreSQL's CSV COPY of a ready file into an empty table: what most people would type."""

    def job() -> str:
        _psql(task, f"\\copy {task.target} FROM '{task.csv}' WITH (FORMAT csv, HEADER)")
        return task.target

    return job


def _psql(task: Task, command: str) -> None:
    server = task.need_server()
    subprocess.run(
        server.psql_command("-c", command),
        env=server.psql_environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
