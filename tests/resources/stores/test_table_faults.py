"""Stored tables under kill -9, a full disk and bounded memory (E7, E9)."""

from __future__ import annotations

import os
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.kernel.errors import StorageError
from resources.kernel.records import BatchStream
from resources.stores import table_writer
from resources.stores.tables import TableStore
from tests.contract.version_store import NOW
from tests.faults import count_steps, kill_at
from tests.resources.stores.tables import KEY, keep, numbers, stream


@pytest.fixture
def store(tmp_path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def test_memory_is_bounded(store):
    """300 batches of 1 MB each: what is held at once is a small part of it."""
    payload = "x" * 1000
    held = []

    def batches():
        for i in range(300):
            held.append(pa.total_allocated_bytes())
            yield pa.record_batch({"s": [f"{i} {payload}"] * 1000})

    before = pa.total_allocated_bytes()
    schema = pa.schema([("s", pa.string())])
    store.write_stream(KEY, lambda: BatchStream(schema, batches()), run_id="run-1")
    assert max(held) - before < 250_000_000
    kept, peak = store.read(KEY), 0
    for batch in kept.batches(batch_rows=1000):
        peak = max(peak, pa.total_allocated_bytes() - before)
        del batch
    assert peak < 250_000_000


@pytest.mark.kill
def test_a_table_writer_killed_at_every_step(store):
    """E9: old or new, and a retry publishes."""
    first = keep(store, numbers(300))
    url = store.url

    def body(run_id: str):
        fresh = TableStore.open(url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table_writer, "PART_ROWS", 100)
            fresh.write_stream(KEY, lambda: stream(numbers(250), 50), run_id=run_id)

    steps = [
        (pq.ParquetWriter, "write_table"),
        (pq.ParquetWriter, "close"),
        (os, "fsync"),
        (os, "link"),
    ]
    names = count_steps(lambda: body("traced"), steps)
    assert len(names) >= 20
    newest = store.read(KEY)
    for step in range(0, len(names), 2):
        assert kill_at(lambda step=step: body(f"run-{step}"), steps, step).killed
        found = store.read(KEY)
        assert found.version == newest.version or found.version.run_id == f"run-{step}"
        assert found.to_table().equals(numbers(250))
        assert store.read(KEY, first.version.number).to_table().equals(numbers(300))
        newest = found
    store.collect(KEY, keep=1, grace=NOW)
    item = store.item(KEY)
    assert len(item._log.storage.data_folders(item._log.data_path)) == 1


def write_too_much(store: TableStore, way: str) -> None:
    with store.writer(KEY, run_id="big") as writer:
        if way == "stream":
            noise = ({"b": [os.urandom(100_000) for _ in range(10)]} for _ in range(100))
            batches = map(pa.record_batch, noise)
            writer.write(BatchStream(pa.schema([("b", pa.binary())]), batches))
        else:
            writer.copy_query(
                duckdb.connect(), "select uuid() as u, random() as r from range(500000)"
            )
        writer.publish()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("way", ["stream", "copy"])
def test_disk_full(tmp_path, way):
    """E7: named with its path; the old version stays; nothing is left; the next publish works."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("no mounts in this sandbox")
    try:
        store = TableStore.open(str(disk))
        keep(store, numbers(100))
        with pytest.raises(StorageError) as caught:
            write_too_much(store, way)
        assert "No space left" in str(caught.value)
        assert str(disk) in str(caught.value)
        assert store.read(KEY).to_table().equals(numbers(100))
        assert [path.name for path in disk.joinpath(*KEY, "data").iterdir()] == ["run-1-0"]
        assert keep(store, numbers(50), "run-2").rows == 50
    finally:
        subprocess.run(["umount", str(disk)], check=True)
