import contextlib
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats import parquet
from resources.formats.files import SourceFile
from resources.formats.parquet import ParquetOptions, ParquetReader
from resources.kernel.errors import EmptySourceError, InputError, ParseError, SchemaMismatchError

TABLE = pa.table({"id": pa.array(range(1000), pa.int64()), "name": [f"n{i}" for i in range(1000)]})


def store(folder, name, table, **options):
    pq.write_table(table, folder / name, **options)
    return SourceFile(name, folder / name)


def read(*files, **options):
    stream = ParquetReader(files, ParquetOptions(**options)).stream()
    return pa.Table.from_batches(list(stream), stream.schema)


def test_files_come_in_order(tmp_path):
    files = [store(tmp_path, f"{i}.parquet", TABLE.slice(i * 500, 500)) for i in range(2)]
    assert read(*files).equals(TABLE)


def test_column_order_may_differ(tmp_path):
    files = [
        store(tmp_path, "a.parquet", TABLE),
        store(tmp_path, "b.parquet", TABLE.select(["name", "id"])),
    ]
    assert read(*files).num_rows == 2000


def test_dictionaries_come_as_values(tmp_path):
    table = pa.table({"c": pa.array(["x", "y", None, "x"]).dictionary_encode()})
    assert read(store(tmp_path, "a.parquet", table)).to_pydict() == {"c": ["x", "y", None, "x"]}
    assert (
        ParquetReader([SourceFile("a", tmp_path / "a.parquet")]).stream().schema.field("c").type
        == pa.string()
    )


def test_no_rows_keep_their_columns(tmp_path):
    assert read(store(tmp_path, "a.parquet", TABLE.slice(0, 0))).schema.names == ["id", "name"]


def test_a_retyped_column_names_file_and_column(tmp_path):
    other = TABLE.set_column(0, "id", TABLE["id"].cast(pa.string()))
    files = [store(tmp_path, "a.parquet", TABLE), store(tmp_path, "b.parquet", other)]
    with pytest.raises(
        SchemaMismatchError, match=r"b\.parquet: column 'id' is int64 in a\.parquet, but string"
    ):
        read(*files)


WIDER = {
    "integers": (pa.int32(), pa.int64(), pa.int64(), [7, 2**40]),
    "signed and not": (pa.uint32(), pa.int32(), pa.int64(), [2**32 - 1, -1]),
    "floats": (pa.float32(), pa.float64(), pa.float64(), [0.5, 0.1]),
    "decimals": (pa.decimal128(5, 2), pa.decimal128(7, 3), pa.decimal128(7, 3), [Decimal("1.10"), Decimal("1.105")]),
}  # fmt: skip


@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize(("one", "other", "wider", "values"), WIDER.values(), ids=WIDER)
def test_numbers_become_the_type_that_holds_every_value(
    tmp_path, one, other, wider, values, swapped
):
    pairs = zip(("a", "b"), (one, other), values, strict=True)
    files = [store(tmp_path, name, pa.table({"v": pa.array([v], k)})) for name, k, v in pairs]
    stream = ParquetReader(files[::-1] if swapped else files).stream()
    table = pa.Table.from_batches(list(stream), stream.schema)
    assert table.schema.field("v").type == wider
    assert table["v"].to_pylist() == (values[::-1] if swapped else values)
    assert [(guess.subject, guess.value) for guess in stream.guesses] == [
        ("type of 'v'", str(wider))
    ]
    assert stream.warnings == []


def test_numbers_that_no_type_holds_together_are_refused(tmp_path):
    kinds = {"a": pa.int64(), "b": pa.uint64()}
    files = [store(tmp_path, n, pa.table({"v": pa.array([1], k)})) for n, k in kinds.items()]
    with pytest.raises(SchemaMismatchError, match="`types:`"):
        read(*files)


def test_a_missing_column_names_file_and_column(tmp_path):
    files = [
        store(tmp_path, "a.parquet", TABLE),
        store(tmp_path, "b.parquet", TABLE.select(["id"])),
    ]
    with pytest.raises(
        SchemaMismatchError, match=r"b\.parquet does not belong .* a\.parquet: it lacks 'name'"
    ):
        read(*files)


def test_columns_united(tmp_path):
    """E20: a column that some files lack is null there; one of another type takes the wider."""
    files = [
        store(tmp_path, "a.parquet", pa.table({"id": pa.array([1], pa.int32()), "name": ["x"]})),
        store(tmp_path, "b.parquet", pa.table({"more": [True], "id": pa.array([2**40])})),
    ]
    stream = ParquetReader(files, ParquetOptions(columns="union")).stream()
    table = pa.Table.from_batches(list(stream), stream.schema)
    assert table.schema == pa.schema({"id": pa.int64(), "name": pa.string(), "more": pa.bool_()})
    assert table.to_pydict() == {"id": [1, 2**40], "name": ["x", None], "more": [None, True]}
    assert stream.warnings == [
        "b.parquet: it lacks 'name' and has 'more' besides, compared with a.parquet; missing columns are null",
    ]
    assert "int32 in a.parquet, int64 in b.parquet" in stream.guesses[0].reason


def test_types_that_no_type_holds_are_refused_also_united(tmp_path):
    files = [
        store(tmp_path, "a.parquet", pa.table({"id": [1]})),
        store(tmp_path, "b.parquet", pa.table({"id": ["1"]})),
    ]
    with pytest.raises(
        SchemaMismatchError, match=r"b\.parquet: column 'id' is int64 in a\.parquet, but string"
    ):
        read(*files, columns="union")


def test_a_value_beyond_the_wider_type_is_an_error(tmp_path):
    files = [
        store(tmp_path, "a.parquet", pa.table({"t": pa.array([1], pa.timestamp("ns"))})),
        store(tmp_path, "b.parquet", pa.table({"t": pa.array([2**60], pa.timestamp("ms"))})),
    ]
    with pytest.raises(
        SchemaMismatchError, match=r"b\.parquet: a value of column 't' does not fit"
    ):
        read(*files, columns="union")


@pytest.mark.parametrize("damage", ["no footer", "pages"])
def test_a_bad_file_is_left_out_before_a_row_is_given_out(tmp_path, damage):
    """E54: also a file whose last pages are damaged has given no row when that is found."""
    files = [store(tmp_path, f"{n}.parquet", TABLE, write_page_checksum=True) for n in range(3)]
    data = bytearray(files[1].path.read_bytes())
    if damage == "pages":
        place = pq.ParquetFile(files[1].path).metadata.row_group(0).column(1).data_page_offset
        data[place + 40] ^= 0xFF
    else:
        del data[-8:]
    files[1].path.write_bytes(data)
    with pytest.raises(ParseError, match=r"1\.parquet"):
        read(*files)
    stream = ParquetReader(files, ParquetOptions(on_bad_file="skip")).stream()
    assert sum(batch.num_rows for batch in stream) == 2000
    assert stream.warnings[0].startswith("Skipped 1.parquet: ")


def test_columns_of_one_name_are_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(InputError, match="duplicate column names"):
        read(store(tmp_path, "a.parquet", table))


def test_too_many_columns_are_refused_before_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_COLUMNS", 1)
    with pytest.raises(SchemaMismatchError, match="has 2 columns"):
        read(store(tmp_path, "a.parquet", TABLE))


def test_an_empty_file(tmp_path):
    (tmp_path / "a.parquet").touch()
    with pytest.raises(EmptySourceError, match=r"a\.parquet is empty"):
        read(SourceFile("a.parquet", tmp_path / "a.parquet"))


DAMAGES = {
    "not Parquet": lambda data: b"id,name\n1,2\n" * 10,
    "cut off": lambda data: data[: len(data) // 2],
    "no footer": lambda data: data[:-8],
    "footer length lies": lambda data: data[:-8] + b"\xff\xff\xff\x7f" + b"PAR1",
    "pages damaged": lambda data: data[:4] + bytes(len(data) // 2) + data[4 + len(data) // 2 :],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_one_error_naming_the_file(tmp_path, damage):
    file = store(tmp_path, "a.parquet", TABLE)
    file.path.write_bytes(damage(file.path.read_bytes()))
    with pytest.raises(ParseError, match=r"a\.parquet: cannot be read as Parquet") as caught:
        read(file)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("place", range(0, 4000, 397))
def test_a_flipped_byte_never_crashes(tmp_path, place):
    file = store(tmp_path, "a.parquet", TABLE, compression="zstd", write_page_checksum=True)
    data = bytearray(file.path.read_bytes())
    data[place % len(data)] ^= 0xFF
    file.path.write_bytes(data)
    with contextlib.suppress(InputError):
        assert read(file).equals(TABLE)


def test_a_missing_file_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(SourceFile("a.parquet", tmp_path / "a.parquet"))
