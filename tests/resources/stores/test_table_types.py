"""Every Arrow type is kept so that it can be read again, or refused before anything is published."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from resources.kernel.errors import InputError, IntegrityError
from resources.kernel.records import BatchStream
from resources.kernel.schema import has_no_values
from resources.stores import footers, table_types
from resources.stores.tables import TableStore
from tests.resources.stores.tables import KEY, keep, numbers

_MOMENT = datetime(2024, 2, 29, 13, 45, 7)  # noqa: DTZ001 - naive on purpose
_ID = uuid.UUID("0123abcd-4567-89ab-cdef-0123456789ab")
_TENSOR = pa.fixed_shape_tensor(pa.int8(), (2, 2))

PLAIN: dict[pa.DataType, object] = {
    pa.null(): None, pa.bool_(): True, pa.int8(): -8, pa.int16(): -16, pa.int32(): -32, pa.int64(): 2**53 + 1,
    pa.uint8(): 8, pa.uint16(): 16, pa.uint32(): 32, pa.uint64(): 2**64 - 1, pa.float16(): 0.5, pa.float32(): 0.25,
    pa.float64(): 0.1, pa.string(): "a\0b", pa.large_string(): "a", pa.string_view(): "a", pa.binary(): b"\0",
    pa.large_binary(): b"\0", pa.binary_view(): b"\0", pa.binary(3): b"abc", pa.date32(): date(1, 1, 1),
    pa.date64(): date(9999, 12, 31), pa.time32("s"): time(1, 2, 3), pa.time32("ms"): time(1, 2, 3),
    pa.time64("us"): time(1, 2, 3, 4), pa.time64("ns"): time(1, 2, 3, 4), pa.decimal32(5, 2): Decimal("1.10"),
    pa.decimal64(12, 2): Decimal("1.10"), pa.decimal128(38, 2): Decimal("1.10"),
    pa.decimal256(38, 2): Decimal("1.10"), pa.decimal256(60, 2): Decimal("1.10"),
    pa.decimal128(5, -2): Decimal(1200), pa.decimal128(30, -20): Decimal(10**21),
    **{pa.timestamp(unit): _MOMENT for unit in ("s", "ms", "us", "ns")},
    **{pa.timestamp(unit, "Europe/Berlin"): _MOMENT.replace(tzinfo=UTC) for unit in ("s", "us", "ns")},
    **{pa.duration(unit): 5 for unit in ("s", "ms", "us")},
}  # fmt: skip
WRAPPED = {
    "list": pa.list_,
    "large list": pa.large_list,
    "list view": pa.list_view,
    "large list view": pa.large_list_view,
    "fixed list": lambda kind: pa.list_(kind, 1),
    "struct": lambda kind: pa.struct([pa.field("m", kind)]),
    "map": lambda kind: pa.map_(pa.string(), kind),
    "list of structs": lambda kind: pa.list_(pa.struct([pa.field("m", kind)])),
}
REFUSED = [
    pa.month_day_nano_interval(),
    pa.dense_union([pa.field("a", pa.int8())]),
    pa.sparse_union([pa.field("a", pa.int8())]),
    pa.struct([]),
    pa.decimal256(70, -10),
    pa.opaque(pa.int8(), "a", "b"),
    pa.fixed_shape_tensor(pa.int8(), (2, 2), permutation=[1, 0]),
]


@pytest.fixture
def store(tmp_path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def _wrap(values: list, how: str) -> list:
    inner = {"struct": lambda v: {"m": v}, "map": lambda v: [("k", v)]}.get(how, lambda v: [v])
    if how == "list of structs":
        inner = lambda v: [{"m": v}]  # noqa: E731
    return [None, *map(inner, values)]


def test_every_type_that_arrow_has_is_tried():
    tried = {kind.id for kind in [*PLAIN, *REFUSED]} | {
        wrap(pa.int8()).id for wrap in WRAPPED.values()
    }
    tried |= {
        pa.dictionary(pa.int8(), pa.string()).id,
        pa.run_end_encoded(pa.int32(), pa.int8()).id,
    }
    known = {
        getattr(pa.lib, name): name
        for name in dir(pa.lib)
        if name.startswith("Type_")
        and name not in {"Type_INTERVAL_MONTHS", "Type_INTERVAL_DAY_TIME"}
    }  # pyarrow makes no array of these two
    assert {name for kind, name in known.items() if kind not in tried} == set()


@pytest.mark.parametrize("how", ["plain", *WRAPPED])
def test_each_type_is_kept_with_its_values_and_read_again(store, how):
    columns = {}
    for number, (kind, value) in enumerate(PLAIN.items()):
        values = [value, None]
        wrapped = kind if how == "plain" else WRAPPED[how](kind)
        columns[f"c{number}"] = pa.array(
            _wrap(values, how) if how != "plain" else [None, *values], wrapped
        )
    table = pa.table(columns)
    kept = keep(store, table)
    read = kept.to_table()
    assert read.schema == kept.schema
    assert pa.Table.from_batches(kept.batches(), kept.schema).equals(read)
    for name in table.column_names:
        assert read[name].to_pylist() == table[name].to_pylist(), table.schema.field(name)


def _packed(kind: pa.DataType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


PACKED = [
    (_packed(pa.uuid(), pa.array([_ID.bytes, None], pa.binary(16))), [str(_ID), None]),
    (_packed(pa.bool8(), pa.array([2, 0], pa.int8())), [True, False]),
    (_packed(pa.json_(), pa.array(['{"a": 1}', None])), ['{"a": 1}', None]),
    (_packed(_TENSOR, pa.array([[1, 2, 3, 4], None], pa.list_(pa.int8(), 4))), [[1, 2, 3, 4], None]),
    (pa.array(["x", None]).dictionary_encode(), ["x", None]),
    (pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array(["x", None])), ["x", None]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("packed", "values"), PACKED, ids=lambda p: str(getattr(p, "type", ""))[:20]
)
def test_extension_types_are_kept_as_what_they_say_at_any_depth(store, packed, values):
    two = pa.array([0, 1, 2], pa.int32())
    deep = pa.StructArray.from_arrays([packed], ["m"])
    table = pa.table(
        {
            "plain": packed,
            "list": pa.ListArray.from_arrays(two, packed),
            "map": pa.MapArray.from_arrays(two, pa.array(["k", "k"]), packed),
            "struct": deep,
            "structs": pa.ListArray.from_arrays(two, deep),
            "fixed": pa.FixedSizeListArray.from_arrays(packed, 1),
        }
    )
    read = keep(store, pa.concat_tables([table, table.slice(1)])).to_table()
    values = [*values, values[1]]
    assert read["plain"].to_pylist() == values
    assert read["list"].to_pylist() == read["fixed"].to_pylist() == [[v] for v in values]
    assert read["map"].to_pylist() == [[("k", v)] for v in values]
    assert read["struct"].to_pylist() == [{"m": v} for v in values]
    assert read["structs"].to_pylist() == [[{"m": v}] for v in values]


@pytest.mark.parametrize("kind", REFUSED, ids=str)
@pytest.mark.parametrize("nested", [False, True], ids=["plain", "in a list"])
def test_what_cannot_be_kept_is_refused_by_column_and_nothing_is_published(store, kind, nested):
    first = keep(store, numbers(3))
    odd = pa.schema([("odd", pa.list_(kind) if nested else kind)])
    with pytest.raises(InputError, match="'odd'"):
        store.write_stream(KEY, lambda: BatchStream(odd, iter(())), run_id="run-2")
    assert store.read(KEY).version.number == first.version.number


def test_a_file_that_reads_back_otherwise_is_never_published(store, monkeypatch):
    """The last line of defence: a type that the rules let through and Parquet does not have."""
    first = keep(store, numbers(3))
    monkeypatch.setattr(table_types, "kept_type", lambda kind: kind)
    monkeypatch.setattr(table_types, "_check_writable", lambda schema, where: None)
    monkeypatch.setattr(footers, "kept_type", lambda kind: kind)
    with pytest.raises(IntegrityError, match=r"'m' is written as timestamp\[s\]"):
        keep(store, pa.table({"m": pa.array([_MOMENT], pa.timestamp("s"))}), run_id="run-2")
    assert store.read(KEY).to_table().equals(first.to_table())


def test_a_date_with_a_time_of_day_is_refused_not_cut(store):
    odd = pa.array([86_400_005], pa.int64()).view(pa.date64())
    with pytest.raises(InputError, match="'d'"):
        keep(store, pa.table({"d": odd}))


def test_columns_without_a_value_say_so_whatever_wrote_them(store):
    nulls = pa.table(
        {"a": pa.nulls(2), "b": pa.nulls(2, pa.int32()), "c": [None, "x"], "d": [[None], None]}
    )
    kept = keep(store, nulls)
    assert [has_no_values(field) for field in kept.schema] == [True, True, False, False]
    assert [has_no_values(field) for field in kept.batches().schema] == [True, True, False, False]
    with store.writer(KEY, run_id="run-2") as writer:
        writer.copy_query(duckdb.connect(), "SELECT NULL AS a, 1 AS b, NULL::VARCHAR AS c")
        writer.publish()
    assert [has_no_values(field) for field in store.read(KEY).schema] == [True, False, True]


def test_an_earlier_part_with_a_value_counts(store):
    with store.writer(KEY, run_id="run-1") as writer:
        connection = duckdb.connect()
        writer.copy_query(connection, "SELECT 1::INTEGER AS a, NULL::INTEGER AS b")
        writer.copy_query(connection, "SELECT NULL::INTEGER AS a, NULL::INTEGER AS b")
        writer.publish()
    assert [has_no_values(field) for field in store.read(KEY).schema] == [False, True]
