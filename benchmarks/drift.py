"""`python -m benchmarks.drift`: drift between two versions of 5M rows x 19 columns, beside bare DuckDB queries, a process each.

The tables are those of `benchmarks.versions`. The bare queries tell less: of numbers and times the deciles of the reference and how many
values of either side are in each, of texts how many rows each has on either side; no distance of whole distributions, no bins to
be drawn, no file compared with its manifest. Compare the seconds of CPU within one call.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.versions import KEY, make_versions
from orchestration.services.dataset_drift import show_drift
from resources.profiles.session import MEMORY_LIMIT
from resources.stores.tables import TableStore

_PARTS = [part / 10 for part in range(1, 10)]


def ours(store: TableStore) -> str:
    """What `waybill dataset drift` does."""
    found = show_drift(store, KEY, against="version:1")
    return f"{found.drifted} of {found.compared} drifted"


def bare(store: TableStore) -> str:
    """Deciles and counts in them, or counts of each text, a column at a time."""
    with tempfile.TemporaryDirectory() as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": "4GB",  # exact quantiles hold a column
            "temp_directory": spill,
        }
        connection = duckdb.connect(config=config)
        item = store.item(KEY)
        for name, version in (("a", 1), ("b", 2)):
            files = [str(path) for path in item.looking.paths(item.version(version))]
            connection.read_parquet(files).create_view(name)
        for field in store.read(KEY).schema:
            ask = _texts if str(field.type) == "string" else _numbers
            ask(connection, field.name)
    return "counted"


def _texts(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.sql(
        f"SELECT max(abs(coalesce(m, 0) - coalesce(n, 0))) FROM (SELECT {name}, count(*) AS m FROM a GROUP BY 1)"
        f" FULL JOIN (SELECT {name}, count(*) AS n FROM b GROUP BY 1) USING ({name})"
    ).fetchall()


def _numbers(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    found = connection.sql(f"SELECT quantile_disc({name}, {_PARTS}) FROM a").fetchone()
    edges = sorted(set(found[0])) if found else []
    for side in "ab":
        connection.execute(f"SELECT histogram({name}, ?) FROM {side}", [edges]).fetchall()


CONTENDERS: dict[str, Callable[[TableStore], str]] = {"ours": ours, "bare": bare}


def main() -> None:
    """Reads the command line, runs the contenders in turns, prints a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--work", type=Path, default=None, help="keeps the tables for the next run")
    parser.add_argument("--child", choices=tuple(CONTENDERS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(given.child, TableStore.open(str(given.work)))
        return
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        root = (given.work or Path(folder)) / f"drift-{given.rows}"
        if not root.exists():
            make_versions(TableStore.open(str(root)), given.rows)
        for _ in range(given.turns):
            for name in CONTENDERS:
                command = [sys.executable, "-m", "benchmarks.drift", "--child", name]
                subprocess.run([*command, "--work", str(root)], check=True)
    print(f"ours may take {MEMORY_LIMIT} in DuckDB, bare 4GB")


def _child(name: str, store: TableStore) -> None:
    started, clock = time.process_time(), time.monotonic()
    told = CONTENDERS[name](store)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cpu, wall = time.process_time() - started, time.monotonic() - clock
    print(f"{name:5} CPU {cpu:6.1f} s, wall {wall:6.1f} s, {peak:5} MB: {told}", flush=True)


if __name__ == "__main__":
    main()
