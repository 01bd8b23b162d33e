"""`python -m benchmarks.downloads`: a version as CSV, ZIP and Parquet, beside DuckDB's own COPY of the same rows.

The table is written to a store in a temporary folder. Downloads are written to a file piece by piece, as the command line
does it. Seconds depend on what else the machine does; compare the ratios, and the seconds of CPU, within one round.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.services.dataset_download import download_dataset, save
from orchestration.services.dataset_list import DatasetEntry
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

ENTRY = DatasetEntry("flights", "datasource", ("datasets", "flights"))
BATCH = 65_536
START = np.datetime64(datetime(2013, 1, 1, tzinfo=UTC).replace(tzinfo=None), "us")


def make_batches(rows: int) -> Iterator[pa.RecordBatch]:
    """Numbers, decimals of people, codes, free text, times, nulls."""
    dice = np.random.default_rng(1)
    for start in range(0, rows, BATCH):
        n = np.arange(start, min(start + BATCH, rows))
        yield pa.record_batch(
            {
                "id": n,
                "amount": np.round(dice.normal(size=len(n)) * 100, 2),
                "x": dice.normal(size=len(n)),
                "carrier": pa.array(dice.choice(["AA", "UA", "B6", "=DL"], len(n))),
                "note": [f"note {i % 1000}, plain" if i % 7 == 0 else f"word{i % 5000}" for i in n],
                "delay": pa.array(np.where(n % 10 == 0, None, n % 300), pa.int64()),
                "at": START + n * np.timedelta64(1, "m"),
            }
        )


def measure(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    clock, before = time.perf_counter(), _cpu()
    act()
    return time.perf_counter() - clock, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = TableStore.open(f"{folder}/store")
        first = next(make_batches(1))
        store.write_stream(
            ENTRY.key,
            lambda: BatchStream(first.schema, make_batches(given.rows)),
            run_id="bench",
        )
        with store.item(ENTRY.key).local_files(store.read(ENTRY.key).version) as paths:
            for _ in range(given.rounds):
                _round(store, paths, Path(folder, "out"))


def _round(store: TableStore, paths: list[Path], out: Path) -> None:
    def download(kind: str) -> None:
        save(download_dataset(ENTRY, store, file_format=kind), out)

    def copy() -> None:
        files = ", ".join(f"'{path}'" for path in paths)
        duckdb.connect().execute(f"COPY (FROM read_parquet([{files}])) TO '{out}' (HEADER)")

    clock, cpu = measure(copy)
    print(f"{'duckdb COPY':12} {clock:6.2f} s {cpu:6.2f} s of CPU")
    for kind in ("csv", "zip", "parquet"):
        seconds, own = measure(lambda kind=kind: download(kind))
        speed = clock / seconds
        size = out.stat().st_size / 1e6
        print(
            f"{kind:12} {seconds:6.2f} s {own:6.2f} s of CPU {size:7.1f} MB, {speed:.2f}x COPY's speed"
        )


if __name__ == "__main__":
    main()
