"""Versions in partitions: what stays, what is replaced, what happens to two writers at once and to a killed one."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from resources.kernel.errors import IntegrityError, NotFoundError, SchemaMismatchError
from resources.kernel.records import BatchStream
from resources.stores import manifest_log
from resources.stores.manifest import Manifest
from resources.stores.partitions import Replaced
from resources.stores.tables import StoredTable, TableStore
from tests.contract.version_store import NOW
from tests.faults import Child, count_steps, kill_at
from tests.resources.stores.tables import KEY, keep, numbers, stream
from tests.resources.stores.test_remote_store import options

SCHEME = "dynamic region"


def materialize(
    store: TableStore, parts: dict[str, pa.Table], run_id: str, scheme: str = SCHEME, attempt=0
) -> Manifest:
    with store.writer(KEY, run_id=run_id, attempt=attempt) as writer:
        for key, table in parts.items():
            writer.begin_partition(key)
            writer.write(stream(table))
        return writer.publish({"run": run_id}, Replaced(scheme, frozenset(parts)))


def folders(store: TableStore) -> set[str]:
    log = store.item(KEY)._log
    return set(log.storage.data_folders(log.data_path))


def column(table: StoredTable) -> list[int]:
    return table.to_table()["n"].to_pylist()


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def test_a_partition_is_replaced_and_the_others_keep_their_files(store):
    materialize(store, {"b": numbers(2)}, "run-b")
    first = materialize(store, {"a": numbers(2, 10)}, "run-a")
    second = materialize(store, {"b": numbers(1, 50)}, "run-b2")
    table = store.read(KEY)
    assert column(table) == [10, 11, 50]
    assert table.partitions == ["a", "b"]
    assert second.files[0] == first.files[0], "no byte of partition a was written again"
    assert column(store.read(KEY, first.number)) == [10, 11, 0, 1]
    assert column(table.of_partitions(["b"])) == [50]
    assert table.of_partitions(["b"]).sample(5).num_rows == 1


def test_every_reader_sees_one_table(store):
    for key, start in (("a", 0), ("b", 100), ("c", 200)):
        materialize(store, {key: numbers(3, start)}, f"run-{key}")
    table = store.read(KEY)
    expected = [0, 1, 2, 100, 101, 102, 200, 201, 202]
    assert column(table) == expected
    assert pa.Table.from_batches(table.batches()).num_rows == 9
    assert table.to_polars()["n"].to_list() == expected
    assert table.scan_polars().collect()["n"].to_list() == expected
    assert table.relation(duckdb.connect()).aggregate("sum(n)").fetchall() == [(909,)]


def test_several_partitions_of_one_run_are_one_version_and_empty_ones_stay(store):
    made = materialize(store, {"a": numbers(0), "b": numbers(2), "c": numbers(0)}, "run-1")
    assert made.number == 1
    table = store.read(KEY)
    assert table.partitions == ["a", "b", "c"]
    assert table.of_partitions(["c"]).rows == 0
    assert table.rows == 2
    assert materialize(store, {"b": numbers(0)}, "run-2").rows == 0


def test_a_partition_that_was_never_stored(store):
    materialize(store, {"a": numbers(1)}, "run-1")
    with pytest.raises(NotFoundError, match=r"no partition 'x' in version 1") as caught:
        store.read(KEY).of_partitions(["a", "x"])
    assert "There are 'a'" in str(caught.value.hint)


def test_a_run_publishes_once_whatever_came_after(store):
    materialize(store, {"a": numbers(1)}, "run-1")
    materialize(store, {"a": numbers(2)}, "run-2")
    again = materialize(store, {"a": numbers(1)}, "run-1", attempt=1)
    assert again.number == 1
    assert store.item(KEY).numbers() == [1, 2]
    assert folders(store) == {"run-1-0", "run-2-0"}


def test_long_manifests_tell_their_run_by_their_beginning(store, monkeypatch):
    monkeypatch.setattr(manifest_log, "_HEAD_BYTES", 200)
    materialize(store, {"a": numbers(1)}, "run-1")
    materialize(store, {"a": numbers(2)}, "run-2")
    assert store.item(KEY)._log.run_ids([1, 2]) == ({1: "run-1", 2: "run-2"}, [])
    assert materialize(store, {"a": numbers(1)}, "run-1", attempt=1).number == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"n": [1.5], "s": ["x"]}), "has column 'n' as double, the others have int64"),
        (pa.table({"n": [1]}), r"lacks the columns \['s'\]"),
        (pa.table({"n": [1], "s": ["x"], "t": [1]}), r"has the columns \['t'\], which the others"),
        (pa.table({"s": ["x"], "n": [1]}), r"in the order \['s', 'n'\]"),
        (
            pa.table({"n": pa.nulls(1), "s": ["x"]}),
            "'n' as string without any value, the others have int64",
        ),
    ],
    ids=["type", "lacks", "adds", "order", "empty"],
)
def test_a_partition_with_other_columns_is_refused_by_name(store, table, said):
    materialize(store, {"a": numbers(1), "b": numbers(1)}, "run-1")
    with pytest.raises(SchemaMismatchError, match=rf"partition 'c' .*{said}.*are 'a', 'b'"):
        materialize(store, {"c": table}, "run-2")
    assert store.item(KEY).numbers() == [1]
    assert folders(store) == {"run-1-0"}
    changed = materialize(store, {"a": table, "b": table}, "run-3")
    assert changed.number == 2, "a run that replaces them all changes the columns"
    assert store.read(KEY).schema.names == table.column_names


def test_a_column_without_values_is_one_only_while_it_has_none_anywhere(store):
    nulls = pa.table({"n": [1], "s": pa.array([None], pa.string())})
    marked = materialize(store, {"a": nulls}, "run-1").arrow_schema
    assert marked.field("s").metadata
    assert materialize(store, {"b": numbers(1)}, "run-2").arrow_schema.field("s").metadata is None
    assert materialize(store, {"c": nulls}, "run-3").arrow_schema.field("s").metadata is None


@pytest.mark.parametrize("before", ["whole", "other partitions"])
def test_what_had_other_partitions_or_none_begins_anew(store, before):
    if before == "whole":
        keep(store, numbers(5))
    else:
        materialize(store, {"2024-W01": numbers(5)}, "run-1", "time weekly")
    materialize(store, {"2024-01-01": numbers(2)}, "run-2", "time daily")
    assert column(store.read(KEY)) == [0, 1]
    assert store.read(KEY, 1).rows == 5
    whole = keep(store, numbers(3), "run-3")
    assert whole.partitions == []
    assert whole.rows == 3


def test_collection_keeps_what_the_newest_version_names(store):
    for turn in range(6):
        materialize(store, {f"p{turn % 3}": numbers(2, 10 * turn)}, f"run-{turn}")
    report = store.collect(KEY, keep=1, grace=NOW)
    assert report.kept_versions == (6,)
    assert set(report.removed_folders) == {"run-0-0", "run-1-0", "run-2-0"}
    assert column(store.read(KEY)) == [30, 31, 40, 41, 50, 51]
    materialize(store, {"p0": numbers(1)}, "run-6")
    assert set(store.collect(KEY, keep=2, grace=NOW).removed_folders) == set()
    assert store.collect(KEY, keep=1, grace=NOW).removed_folders == ("run-3-0",)


def test_collection_reads_no_more_manifests_than_it_takes(store, monkeypatch):
    for turn in range(30):
        materialize(store, {f"p{turn:02}": numbers(1)}, f"run-{turn}")
    read = []
    real = manifest_log.decode_manifest
    monkeypatch.setattr(
        manifest_log,
        "decode_manifest",
        lambda data, **facts: read.append(facts["number"]) or real(data, **facts),
    )
    store.collect(KEY)
    assert sorted(read) == [1, 2]


def test_a_damaged_newest_manifest_stops_partitions(store):
    materialize(store, {"a": numbers(1)}, "run-1")
    (path,) = Path(store.url).glob("*/*/v/*.json")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match="is damaged"):
        materialize(store, {"b": numbers(1)}, "run-2")
    assert folders(store) == {"run-1-0"}


def test_a_damaged_file_is_told_with_its_partition(store):
    made = materialize(store, {"a": numbers(1)}, "run-1")
    Path(store.url, *KEY, made.files[0].path).write_bytes(b"x")
    with pytest.raises(IntegrityError, match="part-00000 of partition 'a' of version 1"):
        store.read(KEY).to_table()


def test_a_writer_stalled_past_a_collection_loses_no_partition(store, monkeypatch):
    """Its number is free again, because the versions that others published meanwhile were collected."""
    materialize(store, {"a": numbers(1, 10)}, "run-1")
    with store.writer(KEY, run_id="stalled") as writer:
        writer.begin_partition("b")
        writer.write(stream(numbers(1, 20)))
        create = writer._publisher._log.create

        def stall(manifest):
            monkeypatch.undo()
            materialize(store, {"c": numbers(1, 30)}, "run-2")
            materialize(store, {"d": numbers(1, 40)}, "run-3")
            log = store.item(KEY)._log  # as a collection does, whose grace period spares the data
            log.retention.change(lambda state: state.collected({1, 2}))
            for number in (1, 2):
                log.remove(number)
            assert manifest.number == 2
            return create(manifest)

        monkeypatch.setattr(writer._publisher._log, "create", stall)
        made = writer.publish({}, Replaced(SCHEME, frozenset("b")))
    assert made.number == 4
    assert column(store.read(KEY)) == [10, 20, 30, 40]
    assert store.item(KEY).numbers() == [3, 4]


def test_a_partition_over_a_version_that_is_removed_meanwhile_stands_alone(store, monkeypatch):
    materialize(store, {"a": numbers(1, 10)}, "run-1")
    with store.writer(KEY, run_id="run-2") as writer:
        writer.begin_partition("b")
        writer.write(stream(numbers(1, 20)))
        create = writer._publisher._log.create

        def remove_first(manifest):
            monkeypatch.undo()
            store.remove(KEY)
            return create(manifest)

        monkeypatch.setattr(writer._publisher._log, "create", remove_first)
        made = writer.publish({}, Replaced(SCHEME, frozenset("b")))
    assert made.number == 2
    assert column(store.read(KEY)) == [20], "no file of the removed version is named"


@pytest.mark.kill
def test_eight_processes_of_one_backfill_lose_no_partition(store):
    url = store.url

    def body(worker: int):
        fresh = TableStore.open(url)
        for turn in range(4):
            key = f"{worker}-{turn}"
            materialize(fresh, {key: numbers(1, 10 * worker + turn)}, f"run-{key}")

    children = [Child(lambda worker=worker: body(worker)) for worker in range(8)]
    assert [child.wait().status for child in children] == [0] * 8
    assert store.item(KEY).numbers() == list(range(1, 33))
    assert sorted(column(store.read(KEY))) == sorted(10 * w + t for w in range(8) for t in range(4))


@pytest.mark.kill
def test_killed_at_every_step_the_others_stay_and_a_retry_publishes(store):
    materialize(store, {"a": numbers(3), "b": numbers(3, 100)}, "run-1")
    url = store.url

    def body(run_id: str):
        materialize(TableStore.open(url), {"b": numbers(2, 200)}, run_id)

    steps = [(os, "fsync"), (os, "link")]
    names = count_steps(lambda: body("traced"), steps)
    assert "link" in str(names)
    for step in range(len(names)):
        materialize(store, {"b": numbers(3, 100)}, f"old-{step}")
        assert kill_at(lambda step=step: body(f"run-{step}x"), steps, step).killed
        found = store.read(KEY)
        assert column(found.of_partitions("a")) == [0, 1, 2]
        assert column(found.of_partitions("b")) in ([100, 101, 102], [200, 201])
        materialize(store, {"b": numbers(2, 200)}, f"run-{step}x", attempt=1)
        assert column(store.read(KEY)) == [0, 1, 2, 200, 201]
        runs = [version.run_id for version in store.item(KEY).versions()]
        assert runs.count(f"run-{step}x") == 1
    store.collect(KEY, keep=1, grace=NOW)
    assert folders(store) == {file.path.split("/")[1] for file in store.read(KEY).version.files}


def test_a_backfill_writes_each_row_once(store):
    """Data grows with the partitions; a manifest with the files that it names."""
    table = numbers(5_000)
    for turn in range(40):
        materialize(store, {f"p{turn:03}": table}, f"run-{turn}")
    data = [path.stat().st_size for path in Path(store.url).rglob("*.parquet")]
    assert len(data) == 40
    manifest = max(path.stat().st_size for path in Path(store.url).rglob("*.json"))
    assert manifest < 2_000 + 40 * 350


def test_an_error_in_place_of_an_answer_keeps_the_data(store, monkeypatch):
    """The manifest is there, though its writer was told otherwise."""
    materialize(store, {"a": numbers(1)}, "run-1")
    with store.writer(KEY, run_id="run-2") as writer:
        writer.begin_partition("b")
        writer.write(stream(numbers(1, 5)))
        create = writer._publisher._log.create

        def lost(manifest):
            create(manifest)
            raise OSError("the answer was lost")

        monkeypatch.setattr(writer._publisher._log, "create", lost)
        with pytest.raises(OSError, match="answer was lost"):
            writer.publish({}, Replaced(SCHEME, frozenset("b")))
    assert column(store.read(KEY)) == [0, 5]
    assert materialize(store, {"b": numbers(1, 5)}, "run-2", attempt=1).number == 2
    assert column(store.read(KEY)) == [0, 5]


def test_partitions_in_a_bucket(s3_server, s3_bucket, tmp_path, monkeypatch):
    """Files of several runs have one name: each is copied for DuckDB."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(manifest_log, "_HEAD_BYTES", 200)
    given = options(s3_server.url, s3_server.secret_key)
    store = TableStore.open(f"s3://{s3_bucket}/root", given)
    for key, start in (("a", 0), ("b", 10), ("a", 20)):
        materialize(store, {key: numbers(2, start)}, f"run-{start}")
    table = store.read(KEY)
    assert column(table) == [20, 21, 10, 11]
    relation = table.relation(duckdb.connect())
    assert sorted(relation.project("n").fetchall()) == [(10,), (11,), (20,), (21,)]
    assert materialize(store, {"a": numbers(1)}, "run-0", attempt=1).number == 1
    assert store.collect(KEY, keep=1, grace=NOW).removed_folders == ("run-0-0",)
    assert column(store.read(KEY)) == [20, 21, 10, 11]
    del relation, table


def test_streams_of_a_partition_share_one_file_set(store):
    two = pa.table({"n": [1, 2], "s": ["a", "b"]})
    with store.writer(KEY, run_id="run-1") as writer:
        writer.begin_partition("a")
        writer.write(BatchStream(two.schema, iter(two.to_batches())))
        writer.write(BatchStream(two.schema, iter(two.to_batches())))
        writer.publish({}, Replaced(SCHEME, frozenset("a")))
    assert [file.rows for file in store.read(KEY).version.files] == [4]
