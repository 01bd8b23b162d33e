"""Parquet files of one meaning, types that are given, INT96, and what footers do not say about the size of values."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from resources.formats import parquet_dictionaries, parquet_open, unpacking
from resources.formats.parquet import ParquetOptions, ParquetReader
from resources.formats.unpacking import UnpackBudget
from resources.kernel.errors import ParseError, SchemaMismatchError, UnknownNameError
from resources.kernel.records import Retype
from tests.resources.formats.test_parquet import read, store

FAR = [datetime(9999, 12, 31, 23, 59, 59), datetime(1, 1, 1), datetime(1500, 6, 1), None]  # noqa: DTZ001 - naive on purpose
_LIST_OF_NULLS = pa.array([[None]], pa.list_(pa.null()))


def write_int96(folder, name, moments):
    """INT96 as Spark writes it."""
    table = pa.table({"t": moments, "l": pa.array([[m] for m in moments], pa.list_(moments.type))})
    return store(folder, name, table, use_deprecated_int96_timestamps=True)


def stream_twice(*files, **options):
    reader = ParquetReader(files, ParquetOptions(**options))
    with pytest.raises(Retype) as told:
        list(reader.stream())
    stream = reader.stream()
    return pa.Table.from_batches(list(stream), stream.schema), told.value.columns


def test_int96_beyond_nanoseconds_is_read_rightly_also_in_lists(tmp_path):
    file = write_int96(tmp_path, "a.parquet", pa.array(FAR, pa.timestamp("us")))
    table = read(file)
    assert table["t"].to_pylist() == FAR
    assert table["l"].to_pylist() == [[moment] for moment in FAR]


def test_int96_keeps_nanoseconds_that_count(tmp_path):
    moments = pa.array([1_700_000_000_123_456_789, None, -1], pa.timestamp("ns"))
    table, columns = stream_twice(write_int96(tmp_path, "a.parquet", moments))
    assert columns == {"t": "timestamp[ns]", "l": "timestamp[ns]"}
    assert table["t"].combine_chunks().equals(moments)
    assert table["l"].combine_chunks().flatten().equals(moments)


def test_int96_that_no_unit_holds_names_file_column_and_row(tmp_path):
    files = [
        write_int96(tmp_path, "a.parquet", pa.array(FAR, pa.timestamp("us"))),
        write_int96(tmp_path, "b.parquet", pa.array([1], pa.timestamp("ns"))),
    ]
    reader = ParquetReader(files)
    with pytest.raises(Retype):
        list(reader.stream())
    with pytest.raises(SchemaMismatchError, match=r"a\.parquet: column 't' .* in row 1 a moment"):
        list(reader.stream())


ALIKE = {
    "texts": (pa.array(["a"], pa.string()), pa.array(["b"], pa.large_string()), ["a", "b"]),
    "dictionary": (pa.array(["a"]).dictionary_encode(), pa.array(["b"]), ["a", "b"]),
    "no value": (pa.nulls(1), pa.array([5]), [None, 5]),
    "no value in lists": (_LIST_OF_NULLS, pa.array([[5]]), [[None], [5]]),
    "units": (pa.array([1500], pa.timestamp("ms")), pa.array([1_500_001], pa.timestamp("us")), None),
    "integers as doubles": (pa.array([5]), pa.array([None, 6.0]), [5.0, None, 6.0]),
    "nested integers as doubles": (pa.array([{"a": 5}]), pa.array([{"a": 6.5}]), [{"a": 5.0}, {"a": 6.5}]),
    "members in another order": (pa.array([{"a": 1, "b": 2}]), pa.array([{"b": 4, "a": 3}]), [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    "lists": (pa.array([[1]], pa.large_list(pa.int64())), pa.array([[2]]), [[1], [2]]),
}  # fmt: skip


@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize(("one", "other", "values"), ALIKE.values(), ids=ALIKE)
def test_files_that_mean_the_same_go_together(tmp_path, one, other, values, swapped):
    pair = {"a.parquet": one, "b.parquet": other}
    files = [store(tmp_path, name, pa.table({"v": values})) for name, values in pair.items()]
    table = read(*(files[::-1] if swapped else files))
    found = table["v"].to_pylist()
    assert len(found) == len(one) + len(other)
    assert values is None or all(value in values for value in found)


def test_not_null_is_no_type_of_its_own(tmp_path):
    strict = pa.schema([pa.field("v", pa.list_(pa.field("item", pa.int64(), nullable=False)))])
    files = [
        store(tmp_path, "a.parquet", pa.table({"v": [[1]]}, strict)),
        store(tmp_path, "b.parquet", pa.table({"v": [[None]]})),
    ]
    assert read(*files)["v"].to_pylist() == [[1], [None]]


def test_an_integer_that_no_double_holds_is_an_error_and_a_given_type_settles_it(tmp_path):
    files = [
        store(tmp_path, "a.parquet", pa.table({"v": [1, 2**53 + 1]})),
        store(tmp_path, "b.parquet", pa.table({"v": [None, 6.0]})),
    ]
    with pytest.raises(
        SchemaMismatchError, match=r"a\.parquet: .*'v' .* '9007199254740993' in row 2"
    ):
        read(*files)
    assert read(*files, types={"v": "integer"})["v"].to_pylist() == [1, 2**53 + 1, None, 6]


def test_a_struct_with_one_more_member_is_united(tmp_path):
    files = [
        store(tmp_path, "a.parquet", pa.table({"v": [[{"a": 1}]]})),
        store(tmp_path, "b.parquet", pa.table({"v": [[{"b": "x", "a": 2}]]})),
    ]
    with pytest.raises(SchemaMismatchError, match="'v'"):
        read(*files)
    table = read(*files, columns="union")
    assert table["v"].to_pylist() == [[{"a": 1, "b": None}], [{"a": 2, "b": "x"}]]


GIVEN = {
    "text of a number": (pa.array([7]), "text", ["7"]),
    "text of bytes": (pa.array([b"anna"]), "text", ["anna"]),
    "text of booleans": (pa.array([True, None]), "text", ["true", None]),
    "text of a uuid": (pa.array([b"\0" * 16], pa.uuid()), "text", ["0" * 8 + "-0000" * 3 + "-" + "0" * 12]),
    "number of text": (pa.array(["1.5"]), "number", [1.5]),
    "integer of doubles": (pa.array([5.0, None]), "integer", [5, None]),
    "date of text": (pa.array(["2024-02-29"], pa.large_string()), "date", [datetime(2024, 2, 29).date()]),  # noqa: DTZ001
}  # fmt: skip


@pytest.mark.parametrize(("column", "kind", "values"), GIVEN.values(), ids=GIVEN)
def test_a_given_type(tmp_path, column, kind, values):
    file = store(tmp_path, "a.parquet", pa.table({"v": column}))
    assert read(file, types={"v": kind})["v"].to_pylist() == values


def test_a_value_against_the_given_type_names_its_row(tmp_path):
    file = store(tmp_path, "a.parquet", pa.table({"v": [1.0, 2.5]}))
    with pytest.raises(SchemaMismatchError, match=r"'v' does not fit integer: '2.5' in row 2"):
        read(file, types={"v": "integer"})
    with pytest.raises(UnknownNameError, match="'w'"):
        read(file, types={"w": "integer"})


ROUNDED = {
    "double": (pa.array([0.1, 0.125]), "decimal(10,2)"),
    "a time of day": (pa.array([0, 18_000_000_000], pa.timestamp("us")), "date"),
    "a number that is no boolean": (pa.array([1, 2]), "boolean"),
}


@pytest.mark.parametrize(("column", "kind"), ROUNDED.values(), ids=ROUNDED)
def test_no_value_is_rounded_to_a_given_type(tmp_path, column, kind):
    file = store(tmp_path, "a.parquet", pa.table({"v": column}))
    with pytest.raises(SchemaMismatchError, match=r"'v' does not fit .* in row 2"):
        read(file, types={"v": kind})
    first = store(tmp_path, "b.parquet", pa.table({"v": column[:1]}))
    assert read(first, types={"v": kind}).num_rows == 1


@pytest.mark.parametrize("odd", ["0-odd.parquet", "9-odd.parquet"])
@pytest.mark.parametrize("kind", ["columns", "types"])
def test_skip_never_leaves_out_a_readable_file_wherever_it_sorts(tmp_path, odd, kind):
    table = pa.table({"note": ["x"]} if kind == "columns" else {"id": ["x"]})
    files = [store(tmp_path, f"{n}.parquet", pa.table({"id": [n]})) for n in range(1, 4)]
    files = sorted([*files, store(tmp_path, odd, table)], key=lambda file: file.name)
    with pytest.raises(SchemaMismatchError, match=f"^{odd}") as error:
        read(*files, on_bad_file="skip")
    assert "1.parquet and 2 other files" in str(error.value)


def test_skip_leaves_out_at_most_half(tmp_path):
    files = [store(tmp_path, f"{n}.parquet", pa.table({"id": [n]})) for n in range(3)]
    for file in files[:2]:
        file.path.write_bytes(b"damaged")
    with pytest.raises(ParseError, match="more than half of the 3 files"):
        read(*files, on_bad_file="skip")


def test_a_dictionary_of_long_texts_makes_no_long_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_dictionaries, "BATCH_BYTES", 1_000_000)
    file = store(tmp_path, "a.parquet", pa.table({"v": ["x" * 100_000] * 5000, "id": range(5000)}))
    assert file.path.stat().st_size < 100_000
    sizes = [batch.nbytes for batch in ParquetReader([file]).stream()]
    assert max(sizes) < 1_200_000
    assert sum(sizes) > 500_000_000


LONG = "x" * 20_000
NESTED = {
    "lists": [[LONG] * 2] * 2000,
    "structs": [{"a": {"b": LONG}}] * 2000,
    "structs in lists": [[{"a": LONG}]] * 2000,
    "one list much longer": [[LONG] * 40] + [["y"]] * 1999 + [[LONG] * 40] * 20,
}


@pytest.mark.parametrize("values", [*NESTED.values(), None], ids=[*NESTED, "maps"])
def test_a_dictionary_within_lists_structs_and_maps_makes_no_long_batches(
    tmp_path, monkeypatch, values
):
    monkeypatch.setattr(parquet_dictionaries, "BATCH_BYTES", 1_000_000)
    monkeypatch.setattr(parquet_dictionaries, "ROW_BYTES", 2_000_000)
    column = (
        pa.array(values)
        if values
        else pa.array([[("k", LONG)]] * 2000, pa.map_(pa.string(), pa.string()))
    )
    file = store(
        tmp_path, "a.parquet", pa.table({"v": column, "id": range(len(column))}), compression="zstd"
    )
    assert file.path.stat().st_size < 100_000
    batches = list(ParquetReader([file]).stream())
    assert max(batch.nbytes for batch in batches) < 1_300_000
    assert pa.Table.from_batches(batches)["v"].to_pylist() == column.to_pylist()


def test_one_row_of_many_long_texts_is_refused_before_it_is_made(tmp_path):
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), ["x" * 100_000])
    many = pa.ListArray.from_arrays(pa.array([0, 20_000], pa.int32()), texts)
    with pytest.raises(ParseError, match=r"one row holds 2,000,000,000 bytes.*Split its list"):
        read(store(tmp_path, "a.parquet", pa.table({"v": many}), store_schema=False))


def test_many_short_texts_need_no_look_at_the_dictionary(tmp_path, monkeypatch):
    """The header of its page says enough: a second reading of high cost is for long values."""
    file = store(tmp_path, "a.parquet", pa.table({"v": ["open", "closed"] * 100_000}))
    monkeypatch.setattr(parquet_dictionaries, "_Look", None)
    assert read(file).num_rows == 200_000


def test_long_values_that_stand_for_themselves_make_no_long_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_dictionaries, "BATCH_BYTES", 1_000_000)
    texts = [f"{n:06}" * 1000 for n in range(3000)]
    file = store(tmp_path, "a.parquet", pa.table({"v": texts}), use_dictionary=False)
    assert max(batch.nbytes for batch in ParquetReader([file]).stream()) < 1_100_000


def test_more_than_an_import_may_unpack_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_GB", 10_000_000)
    plain = store(tmp_path, "a.parquet", pa.table({"v": ["x" * 1_000_000] * 20}))
    file = type(plain)(plain.name, plain.path, UnpackBudget(max_gb=1))
    with pytest.raises(ParseError, match="max_unpacked_gb"):
        for _ in ParquetReader([file]).stream():
            pass


GUESSED = {
    "bytes": (pa.array([b"a"]), "does not say that these bytes are text"),
    "uuid": (pa.array([b"\0" * 16], pa.uuid()), "canonical form"),
    "variant": (pa.array([{"metadata": b"", "value": b""}]), "VARIANT"),
}


@pytest.mark.parametrize(("column", "said"), GUESSED.values(), ids=GUESSED)
def test_what_the_file_does_not_say_is_a_guess(tmp_path, column, said):
    stream = ParquetReader([store(tmp_path, "a.parquet", pa.table({"v": column}))]).stream()
    assert said in stream.guesses[0].reason


def test_wide_files_cost_in_proportion(tmp_path, monkeypatch):
    """Types are compared once for each different one, not once for each file (a quadratic look took minutes)."""
    compared = []
    whole = parquet_open.count_leaves
    monkeypatch.setattr(
        parquet_open, "count_leaves", lambda kind: compared.append(1) or whole(kind)
    )
    wide = pa.table({f"c{n}": [n] for n in range(200)})
    files = [store(tmp_path, f"{n}.parquet", wide) for n in range(10)]
    assert read(*files).num_rows == 10
    assert len(compared) <= 200 * 10 * 4
