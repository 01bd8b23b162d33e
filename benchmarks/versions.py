"""`python -m benchmarks.versions`: two versions of a table compared by a key, beside the bare DuckDB joins, a process each.

1 % of the rows are removed, 1 % added, in 2 % one value has changed. The bare joins are what DuckDB is told by hand with the same memory:
rows that one side lacks, twice (`antis`), and with them the rows of which any value differs (`joins`), which is all that is
to be found. `rows` are whole rows by anti-joins, what is asked without a key. Compare the seconds of CPU within one call.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from orchestration.services.dataset_compare import MEMORY, compare_versions
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")
_NUMBERS = ", ".join(f"(hash(i + {k}) % 1000000)::BIGINT AS n{k}" for k in range(6))
_FLOATS = ", ".join(f"(hash(i * 7 + {k}) % 100000) / 100.0::DOUBLE AS f{k}" for k in range(6))
_TEXTS = ", ".join(f"'text ' || (hash(i * 3 + {k}) % 5000) AS s{k}" for k in range(4))
_MOMENTS = "DATE '2020-01-01' + (i % 2000)::INT AS d, TIMESTAMP '2020-01-01' + to_seconds(i) AS t"
_ROW = f"i AS id, {_NUMBERS}, {_FLOATS}, {_TEXTS}, {_MOMENTS}"


def make_versions(store: TableStore, rows: int) -> None:
    """Version 1, and version 2 with its changes."""
    gone = f"SELECT {_ROW} FROM range({rows}) AS r(i) WHERE i % 100 <> 3"
    later = (
        f"SELECT * REPLACE (CASE WHEN id % 50 = 0 THEN f0 + 1 ELSE f0 END AS f0) FROM ({gone})"
        f" UNION ALL SELECT {_ROW} FROM range({rows}, {rows + rows // 100}) AS r(i)"
    )
    for number, sql in enumerate((f"SELECT {_ROW} FROM range({rows}) AS r(i)", later), 1):
        with store.writer(KEY, run_id=f"run-{number}") as writer:
            writer.copy_query(duckdb.connect(config={"memory_limit": MEMORY}), sql)
            writer.publish()


def ours(store: TableStore) -> Sequence[int]:
    """What `waybill dataset compare` does."""
    found = compare_versions(store, KEY, before="1", by=["id"])
    return found.added, found.removed, found.changed


def ours_without_key(store: TableStore) -> Sequence[int]:
    """The same of whole rows."""
    found = compare_versions(store, KEY, before="1")
    return found.added, found.removed


def antis(store: TableStore) -> Sequence[int]:
    """Keys that one side lacks."""
    return _bare(store, ["b ANTI JOIN a USING (id)", "a ANTI JOIN b USING (id)"])


def joins(store: TableStore) -> Sequence[int]:
    """The same, and the rows that have changed."""
    differ = " OR ".join(f"a.{n} IS DISTINCT FROM b.{n}" for n in _names(store) if n != "id")
    wanted = ["b ANTI JOIN a USING (id)", "a ANTI JOIN b USING (id)"]
    return _bare(store, [*wanted, f"a JOIN b USING (id) WHERE {differ}"])


def rows(store: TableStore) -> Sequence[int]:
    """Whole rows that one side lacks."""
    same = " AND ".join(f"a.{n} IS NOT DISTINCT FROM b.{n}" for n in _names(store))
    return _bare(store, [f"b ANTI JOIN a ON {same}", f"a ANTI JOIN b ON {same}"])


def _names(store: TableStore) -> list[str]:
    return list(store.read(KEY).schema.names)


def _bare(store: TableStore, sources: Sequence[str]) -> Sequence[int]:
    with tempfile.TemporaryDirectory() as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": spill,
        }
        connection = duckdb.connect(config=config)
        item = store.item(KEY)
        for name, version in (("a", 1), ("b", 2)):
            files = [str(path) for path in item.looking.paths(item.version(version))]
            connection.read_parquet(files).create_view(name)
        counts = [connection.sql(f"SELECT count(*) FROM {one}").fetchone() for one in sources]
    return [int(found[0]) for found in counts if found]


CONTENDERS: dict[str, Callable[[TableStore], Sequence[int]]] = {
    "ours": ours,
    "joins": joins,
    "antis": antis,
    "ours without a key": ours_without_key,
    "rows": rows,
}


def measure(url: str, name: str) -> tuple[float, float, float, str]:
    """Seconds by the clock and of CPU, megabytes, and what was found, of one contender in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.versions", "--store", url, "--one", name]
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = child.stdout.read().strip()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", default="")
    parser.add_argument("--one", default="", choices=["", *CONTENDERS])
    given = parser.parse_args()
    if given.one:
        print(*CONTENDERS[given.one](TableStore.open(given.store)))
        return
    with tempfile.TemporaryDirectory(prefix="waybill-versions-") as folder:
        url = given.store or str(Path(folder) / "store")
        make_versions(TableStore.open(url), given.rows)
        for _ in range(given.rounds):
            for name in CONTENDERS:
                seconds, cpu, megabytes, said = measure(url, name)
                print(f"{name:20} {seconds:7.2f} s {cpu:7.2f} s CPU {megabytes:6.0f} MB  {said}")


if __name__ == "__main__":
    main()
