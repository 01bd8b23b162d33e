"""Samples of rows: bounded, seeded, spread over the table."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assets.features.digest import digest
from assets.features.source import keep_rows, sample_rows
from assets.models.train import TrainingSpec


def numbers(rows: int) -> pa.Table:
    return pa.table({"n": range(rows)})


def sample(rows: int, size: int, *, seed: int = 1, batch: int = 64) -> list[int]:
    table = numbers(rows)
    batches = table.to_batches(max_chunksize=batch)
    taken = sample_rows(iter(batches), table.schema, total=rows, size=size, seed=seed)
    return taken.column("n").to_pylist()


@pytest.mark.parametrize(("rows", "size"), [(1000, 100), (1000, 999), (7, 3), (130, 64)])
def test_a_sample_has_exactly_its_size_in_order_without_repeats(rows, size):
    taken = sample(rows, size)
    assert len(taken) == size
    assert taken == sorted(set(taken))


def test_a_small_table_is_taken_whole():
    assert sample(50, 50) == list(range(50))


def test_every_part_of_the_table_has_its_share():
    taken = sample(10_000, 100, batch=1000)
    assert [sum(start <= n < start + 1000 for n in taken) for start in range(0, 10_000, 1000)] == [
        10
    ] * 10


def test_the_seed_settles_the_sample():
    assert sample(1000, 50, seed=4) == sample(1000, 50, seed=4)
    assert sample(1000, 50, seed=4) != sample(1000, 50, seed=5)


def test_a_sample_does_not_hold_the_table():
    table = pa.table({"n": range(1_000_000)})
    taken = sample_rows(iter(table.to_batches(max_chunksize=10_000)), table.schema, total=table.num_rows, size=100, seed=1)  # fmt: skip
    assert taken.get_total_buffer_size() < 100_000


def test_unusable_rows_are_dropped():
    values = pa.array([1.0, None, float("nan"), float("inf"), 2.0])
    table = pa.table({"y": values})
    kept = pa.Table.from_batches(list(keep_rows(table.to_batches(), "y")), table.schema)
    assert kept.column("y").to_pylist() == [1.0, 2.0]


def test_a_digest_changes_with_what_is_declared():
    spec = TrainingSpec("m", "y", parameters={"b": 1, "a": 2})
    same = TrainingSpec("m", "y", parameters={"a": 2, "b": 1})
    assert digest(spec, "d") == digest(same, "d")
    assert digest(spec, "d") != digest(spec, "e")
    assert digest(spec, "d") != digest(TrainingSpec("m", "y", seed=1), "d")
