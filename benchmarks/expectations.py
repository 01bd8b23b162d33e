"""Checks of a table: `python -m benchmarks.expectations [--rows N] [--library]`. Linux only.

A table of flights with a note of its own in each row is stored; then each expectation of a usual declaration is judged in a process of its own, as a run would: processor
time and peak memory, imports included. `--library` has Great Expectations judge the same, all at once, with the columns in memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

KEY = ("datasets", "flights")
CHECKS: list[dict[str, Any]] = [
    {"expect_column_values_to_not_be_null": {"column": "note"}},
    {"expect_column_values_to_be_unique": {"column": "note"}},
    {"expect_column_values_to_be_unique": {"column": "id"}},
    {"expect_column_values_to_match_regex": {"column": "tail", "regex": "^N[0-9]+", "mostly": 0.9}},
    {"expect_column_values_to_be_in_set": {"column": "carrier", "value_set": ["AA", "UA", "DL"]}},
    {"expect_column_values_to_be_between": {"column": "delay", "min_value": -100}},
    {"expect_column_mean_to_be_between": {"column": "delay", "min_value": 0}},
    {"expect_column_median_to_be_between": {"column": "delay", "min_value": 0}},
    {"expect_compound_columns_to_be_unique": {"column_list": ["carrier", "id"]}},
    {"expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "id", "column_B": "hour"}},
    {"expect_table_row_count_to_be_between": {"min_value": 1}},
]
_BATCH = 100_000


def _batches(rows: int) -> Iterator[pa.RecordBatch]:
    chance = random.Random(1)
    for start in range(0, rows, _BATCH):
        numbers = range(start, min(start + _BATCH, rows))
        columns = {
            "id": pa.array(numbers, pa.int64()),
            "note": [f"note {number:,} of a passenger who is on time" for number in numbers],
            "tail": [f"N{chance.randrange(4000)}AA" for _ in numbers],
            "carrier": [chance.choice(["AA", "UA", "DL"]) for _ in numbers],
            "delay": [chance.gauss(12, 30) for _ in numbers],
            "hour": pa.array([number % 24 for number in numbers], pa.int64()),
        }
        yield pa.RecordBatch.from_pydict(columns)


def store_flights(folder: str, rows: int) -> None:
    """Publishes the table."""
    first = next(_batches(1))
    with TableStore.open(folder).writer(KEY, run_id="benchmark") as writer:
        writer.write(BatchStream(first.schema, _batches(rows)))
        writer.publish({})


def _judge(folder: str, checks: Sequence[dict[str, Any]], by_library: bool, told: Any) -> None:
    from assets.checks.expectations import parse_expectations
    from assets.checks.judging import evaluate
    from assets.checks.library import judge_by_library

    table, expectations = TableStore.open(folder).read(KEY), parse_expectations(checks)
    judge = judge_by_library if by_library else evaluate
    verdicts = judge(expectations, table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told.send((time.process_time(), peak, [verdict.passed for verdict in verdicts]))


def measured(
    folder: str, checks: Sequence[dict[str, Any]], *, by_library: bool = False
) -> tuple[float, float, list[bool]]:
    """Processor seconds and peak memory in MB of judging, by a fresh process; which checks passed."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_judge, args=(folder, checks, by_library, there))
    process.start()
    there.close()
    found: tuple[float, float, list[bool]] = here.recv()
    process.join()
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--library", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store_flights(folder, given.rows)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet")) / 1e6
        print(f"{given.rows:,} rows, {size:,.0f} MB of Parquet; processor seconds, peak MB")
        for check in CHECKS:
            seconds, peak, passed = measured(folder, [check])
            print(f"{seconds:8.1f} {peak:8.0f}  {passed[0]}  {next(iter(check))}")
        seconds, peak, ours = measured(folder, CHECKS)
        print(f"{seconds:8.1f} {peak:8.0f}  all of them")
        if given.library:
            seconds, peak, theirs = measured(folder, CHECKS, by_library=True)
            told = "the same verdicts" if ours == theirs else f"other verdicts: {theirs}"
            print(f"{seconds:8.1f} {peak:8.0f}  all of them by Great Expectations, {told}")


if __name__ == "__main__":
    main()
