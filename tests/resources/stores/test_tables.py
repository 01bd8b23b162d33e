"""Stored tables: what is written comes back, whatever the way it is read."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.kernel.errors import (
    GoneError,
    InputError,
    IntegrityError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.kernel.records import BatchStream, Retype
from resources.stores import table_writer
from resources.stores.tables import TableStore
from tests.contract.version_store import NOW
from tests.resources.stores.tables import KEY, SCHEMA, keep, numbers, stream


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def every_type() -> pa.Table:
    moment = dt.datetime(2013, 1, 1, 5, 15, tzinfo=dt.UTC)
    naive = moment.replace(tzinfo=None)
    columns = {
        "int8": pa.array([1, None, -128], pa.int8()),
        "int64": pa.array([2**53 + 1, None, -(2**63)], pa.int64()),
        "uint64": pa.array([2**64 - 1, None, 0], pa.uint64()),
        "double": pa.array([float("nan"), None, -0.0], pa.float64()),
        "float": pa.array([float("inf"), None, 1.5], pa.float32()),
        "bool": pa.array([True, None, False]),
        "text": pa.array(["00123", None, ""]),
        "blob": pa.array([b"\0\xff", None, b""]),
        "date": pa.array([dt.date(9999, 12, 31), None, dt.date(1, 1, 1)]),
        "time": pa.array([dt.time(23, 59, 59, 999999), None, dt.time(0)], pa.time64("us")),
        "stamp": pa.array(
            [naive, None, dt.datetime.fromisoformat("9999-12-31")], pa.timestamp("us")
        ),
        "nanos": pa.array([1, None, -1], pa.int64()).cast(pa.timestamp("ns")),
        "zoned": pa.array([moment, None, moment], pa.timestamp("us", "UTC")),
        "span": pa.array([dt.timedelta(days=1, microseconds=3), None, dt.timedelta(0)]),
        "decimal": pa.array([decimal.Decimal("0.1234567890123456789"), None, decimal.Decimal(0)]),
        "list": pa.array([[1, None], None, []], pa.list_(pa.int32())),
        "vector": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2)),
        "struct": pa.array([{"a": 1}, None, {"a": None}]),
    }
    return pa.table(columns)


def test_every_type_comes_back_exactly(store):
    table = every_type()
    kept = keep(store, table)
    assert kept.schema.equals(table.schema)
    assert kept.rows == 3
    read = kept.to_table()
    for name in table.column_names:
        if name != "double":
            assert read[name].equals(table[name]), name
    assert [str(v) for v in read["double"].to_pylist()] == ["nan", "None", "-0.0"]


@pytest.mark.parametrize(
    ("arrived", "kept"),
    [
        (pa.array(["a", None], pa.large_string()), pa.string()),
        (pa.array(["a", None], pa.string_view()), pa.string()),
        (pa.array([b"a", None], pa.large_binary()), pa.binary()),
        (pa.array(["a", None]).dictionary_encode(), pa.string()),
        (pa.array([[1], None], pa.large_list(pa.int64())), pa.list_(pa.int64())),
        (pa.array([["a"], None], pa.list_(pa.large_string())), pa.list_(pa.string())),
        (
            pa.array([{"a": "x"}, None], pa.struct({"a": pa.large_string()})),
            pa.struct({"a": pa.string()}),
        ),
        (pa.array([None, None]), pa.string()),
        (pa.array([1, None], pa.decimal256(38, 2)), pa.decimal128(38, 2)),
        (pa.array([1000, None], pa.duration("ns")), pa.duration("us")),
        (pa.RunEndEncodedArray.from_arrays([2], ["a"]), pa.string()),
    ],
    ids=lambda value: str(
        value.type if isinstance(value, pa.Array | pa.RunEndEncodedArray) else value
    ),
)
def test_types_that_mean_the_same_are_kept_as_one(store, arrived, kept):
    read = keep(store, pa.table({"c": arrived}))
    assert read.schema.field("c").type == kept
    assert read.to_table()["c"].to_pylist() == pa.table({"c": arrived})["c"].to_pylist()


def test_schema_metadata_is_dropped(store):
    schema = pa.schema([pa.field("n", pa.int64(), nullable=False, metadata={"a": "b"})], {"x": "y"})
    kept = keep(store, pa.table({"n": [1]}, schema=schema))
    assert kept.schema.equals(pa.schema([("n", pa.int64())]), check_metadata=True)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
            "duplicate column names",
        ),
        (pa.table({"": [1]}), "has no name"),
        (pa.table({"ok": [1], "c": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}), "'c'"),
        (pa.table({"c": pa.array([1001], pa.duration("ns"))}), "'c'"),
    ],
    ids=["twins", "no-name", "interval", "nanosecond-span"],
)
def test_what_cannot_be_kept_is_refused_by_name(store, table, text):
    with pytest.raises(InputError, match=text):
        keep(store, table)
    assert store.keys() == []


def test_order_and_values_over_many_parts_and_batch_sizes(store, monkeypatch):
    monkeypatch.setattr(table_writer, "PART_ROWS", 1000)
    table = numbers(4321)
    kept = keep(store, table)
    assert [file.rows for file in kept.version.files] == [1000] * 4 + [321]
    assert kept.to_table().equals(table)
    for batch_rows in (1, 77, 5000):
        batches = list(kept.batches(batch_rows=batch_rows))
        assert max(batch.num_rows for batch in batches) <= batch_rows
        assert pa.Table.from_batches(batches) == table
    assert kept.relation(duckdb.connect()).fetchall() == [
        tuple(r.values()) for r in table.to_pylist()
    ]
    plain = pq.read_table(store._storage.root.joinpath(*KEY, "data", "run-1-0"))
    assert plain.equals(table)


def test_parts_are_closed_by_size_too(store, monkeypatch):
    monkeypatch.setattr(table_writer, "PART_BYTES", 1)
    monkeypatch.setattr("resources.formats.parquet_write.ROW_GROUP_ROWS", 100)
    kept = keep(store, numbers(1000))
    assert len(kept.version.files) > 1
    assert kept.to_table().equals(numbers(1000))


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.integers(0, 40), max_size=8),
    st.integers(1, 30),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
def test_any_cutting_into_batches_keeps_the_rows(tmp_path_factory, sizes, part_rows, text):
    store = TableStore.open(str(tmp_path_factory.mktemp("store")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_writer, "PART_ROWS", part_rows)
        pieces = [pa.table({"n": list(range(size)), "s": [text] * size}, SCHEMA) for size in sizes]
        table = pa.concat_tables([SCHEMA.empty_table(), *pieces])
        kept = keep(store, table)
    assert kept.to_table().equals(table)
    assert kept.rows == sum(sizes)


def test_no_rows_keep_their_columns(store):
    kept = keep(store, every_type().slice(0, 0))
    assert kept.rows == 0
    assert len(kept.version.files) == 1
    assert kept.schema.equals(every_type().schema)
    assert list(kept.batches()) == []
    assert kept.sample(5).num_rows == 0
    assert list(kept.to_pandas().columns) == every_type().column_names
    assert kept.relation(duckdb.connect()).columns == every_type().column_names


@pytest.mark.parametrize("rows", [0, 3])
def test_its_columns_may_be_asked_for_before_it_is_published(store, rows):
    with store.writer(KEY, run_id="run-1") as writer:
        writer.write(stream(numbers(rows)))
        assert writer.settled_schema().equals(writer.settled_schema())
        writer.publish()
    kept = store.read(KEY)
    assert (kept.rows, len(kept.version.files)) == (rows, 1)


def test_columns_in_the_order_asked_for(store):
    kept = keep(store, numbers(10))
    read = kept.batches(["s", "n"])
    assert read.schema.names == ["s", "n"]
    assert next(read.batches).to_pylist()[3] == {"s": "row 3", "n": 3}
    assert kept.to_table(["s"]).column_names == ["s"]
    for wrong in (["nope"], []):
        with pytest.raises(InputError, match="column"):
            kept.batches(wrong)


@pytest.mark.parametrize("n", [0, 1, 5, 50], ids=str)
def test_samples_are_the_first_rows(store, n):
    assert keep(store, numbers(20)).sample(n).equals(numbers(min(n, 20)))


def test_reading_what_is_not_there(store):
    with pytest.raises(NotFoundError):
        store.read(KEY)
    keep(store, numbers(1))
    keep(store, numbers(2), "run-2")
    assert store.read(KEY, 1).rows == 1
    store.collect(KEY, keep=1, grace=NOW)
    with pytest.raises(GoneError):
        store.read(KEY, 1)


def test_a_version_collected_before_reading_is_gone_at_once(store):
    pinned = keep(store, numbers(1))
    keep(store, numbers(2), "run-2")
    store.collect(KEY, keep=1, grace=NOW)
    for read in (pinned.batches, pinned.to_table, pinned.to_pandas, pinned.sample):
        with pytest.raises(GoneError):
            read()
    with pytest.raises(GoneError):
        pinned.relation(duckdb.connect())
    assert store.read_latest(KEY, lambda table: table.to_table().num_rows) == 2


def test_files_are_no_table(store):
    with store.item(KEY).publisher("run-1") as publisher:
        publisher.publish()
    with pytest.raises(InputError, match="is no table"):
        store.read(KEY)


def test_damage_is_found_before_a_row_is_read(store):
    kept = keep(store, numbers(1000))
    file = store._storage.root.joinpath(*KEY, kept.version.files[0].path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    for read in (kept.batches, kept.to_table, kept.sample):
        with pytest.raises(IntegrityError, match="part-00000 of version 1"):
            read()


def test_several_streams_of_one_schema(store):
    with store.writer(KEY, run_id="run-1") as writer:
        writer.write(stream(numbers(10)))
        writer.write(stream(numbers(10, start=10)))
        with pytest.raises(SchemaMismatchError, match="second stream"):
            writer.write(stream(pa.table({"n": ["text"]})))
        writer.publish()
    assert store.read(KEY).to_table().equals(numbers(20))


@pytest.mark.parametrize(
    "batch",
    [
        pa.record_batch({"m": [1]}),
        pa.record_batch({"n": ["1"]}),
        pa.record_batch({"n": [1], "m": [1]}),
    ],
    ids=["other-name", "other-type", "more-columns"],
)
def test_batches_that_were_not_announced(store, batch):
    with pytest.raises(SchemaMismatchError):
        store.write_stream(
            KEY, lambda: BatchStream(pa.schema([("n", pa.int64())]), iter([batch])), run_id="run-1"
        )
    assert store.keys() == []


def test_nothing_written_is_nothing_published(store):
    with (
        store.writer(KEY, run_id="run-1") as writer,
        pytest.raises(InputError, match="nothing was"),
    ):
        writer.publish()


class TestRetype:
    """A source that learns on the way that it was wrong about a column."""

    @staticmethod
    def source(*, wrong_times: int):
        opened = []

        def open_stream() -> BatchStream:
            opened.append(1)
            wrong = len(opened) <= wrong_times

            def batches():
                kind = pa.int64() if wrong else pa.string()
                yield pa.record_batch({"c": pa.array([1, 2]).cast(kind)})
                if wrong:
                    raise Retype({"c": "text"})
                yield pa.record_batch({"c": ["x"]})

            found = BatchStream(pa.schema([("c", pa.int64() if wrong else pa.string())]), batches())
            found.warnings.append(f"stream {len(opened)}")
            return found

        return open_stream

    def test_a_new_stream_is_asked_for_and_the_old_rows_thrown_away(self, store):
        version = store.write_stream(
            KEY,
            self.source(wrong_times=2),
            run_id="run-1",
            properties=lambda finished: {"warnings": finished.warnings},
        )
        assert store.read(KEY).to_table()["c"].to_pylist() == ["1", "2", "x"]
        assert version.properties == {"warnings": ["stream 3"]}
        assert [file.path for file in version.files] == ["data/run-1-0/part-00000.parquet"]

    def test_a_source_that_never_settles(self, store):
        with pytest.raises(InputError, match="changed its types 10 times, last c -> text"):
            store.write_stream(KEY, self.source(wrong_times=99), run_id="run-1")
        assert store.keys() == []


def test_a_restored_version_records_how_its_columns_differ_from_the_version_before_it(
    store: TableStore,
) -> None:
    """Not what once changed when the earlier one was made."""
    told = {"schema_change": {"added": ["b"], "removed": [], "retyped": []}}
    for place, (names, properties) in enumerate([("ab", told), ("ab", {}), ("ac", {})]):
        table = pa.table({name: [1] for name in names})
        with store.writer(KEY, run_id=f"run-{place}") as writer:
            writer.write(BatchStream(table.schema, iter(table.to_batches())))
            writer.publish(properties)
    again = store.item(KEY).restore(1, run_id="again")
    assert again.properties["schema_change"] == {"added": ["b"], "removed": ["c"], "retyped": []}
    same = store.item(KEY).restore(2, run_id="same")
    assert (same.number, "schema_change" in same.properties) == (5, False)
