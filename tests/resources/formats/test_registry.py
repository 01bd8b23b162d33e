import bz2
import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats import unpacking
from resources.formats.csv import CsvOptions, CsvReader
from resources.formats.excel import ExcelOptions
from resources.formats.files import SourceFile
from resources.formats.parquet import ParquetReader
from resources.formats.registry import FORMATS, check_options, detect_format, open_reader
from resources.kernel.errors import ConfigError, EmptySourceError, ParseError, StorageError


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a/b.csv", "csv"), ("B.CSV.GZ", "csv"), ("x.tsv", "csv"), ("x.tab", "csv"), ("x.txt.zst", "csv"), ("x.parquet", "parquet"), ("x.pq", "parquet"),
     ("x.csv.zip", "csv"), ("x.xlsx", "excel"), ("x.xlsm", "excel"), ("x.json.bz2", "json"), ("x.jsonl", "jsonl"), ("x.ndjson.gz", "jsonl")],
)  # fmt: skip
def test_the_name_tells_the_format(name, kind):
    assert detect_format(name) == kind


def test_readers_read(tmp_path):
    (tmp_path / "a.csv").write_text("a\tb\n1\tx\n")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.pq")
    csv = open_reader([SourceFile("a.csv", tmp_path / "a.csv")])
    assert isinstance(csv, CsvReader)
    assert next(csv.stream().batches).to_pydict() == {"a": [1], "b": ["x"]}
    parquet = open_reader([SourceFile("odd.bin", tmp_path / "a.pq")], format="parquet")
    assert isinstance(parquet, ParquetReader)
    assert next(parquet.stream().batches).to_pydict() == {"a": [1]}


def excel_bytes():
    import openpyxl

    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["id", "name"], [1, "x"], [2, "y"]):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def parquet_bytes():
    out = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "name": ["x", "y"]}), out)
    return out.getvalue()


CONTENTS = {
    "x.csv": b"id,name\n1,x\n2,y\n",
    "x.tsv": b"id\tname\n1\tx\n2\ty\n",
    "x.jsonl": b'{"id":1,"name":"x"}\n{"id":2,"name":"y"}\n',
    "x.json": b'[{"id":1,"name":"x"},\n{"id":2,"name":"y"}]',
    "x.parquet": parquet_bytes(),
    "x.xlsx": excel_bytes(),
}
PACKED = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
}


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("name", CONTENTS)
def test_every_format_plain_or_compressed(tmp_path, name, pack):
    file = SourceFile(name + pack, tmp_path / "file")
    file.path.write_bytes(PACKED[pack](CONTENTS[name]))
    stream = open_reader([file]).stream()
    table = pa.Table.from_batches(list(stream), stream.schema)
    assert table.to_pydict() == {"id": [1, 2], "name": ["x", "y"]}


@pytest.mark.parametrize("scratch", [True, False])
def test_a_member_is_of_an_archive(tmp_path, scratch):
    (tmp_path / "a.csv").write_text("a\n1\n")
    options = {"member": "b.csv", "scratch": tmp_path / "scratch" if scratch else None}
    with pytest.raises(ConfigError, match=r"member: 'b\.csv' .* a\.csv is none"):
        open_reader([SourceFile("a.csv", tmp_path / "a.csv")], **options)


BOMBS = {
    "x.parquet.gz": gzip.compress(bytes(20 << 20)),
    "x.xlsx.bz2": bz2.compress(bytes(20 << 20)),
    "x.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n" * (5 << 20)),
    "x.csv.zst": pa.Codec("zstd").compress(b"a,b\n" + b"1,2\n" * (5 << 20), asbytes=True),
    "x.jsonl.gz": gzip.compress(b'{"a":1}\n' * (3 << 20)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_compressed_bomb_is_refused_early(tmp_path, monkeypatch, name):
    """Reliability A6: in every format, and long before the disk is full."""
    monkeypatch.setattr(unpacking, "RATIO_BYTES", 1 << 20)
    (tmp_path / "scratch").mkdir()
    file = SourceFile(name, tmp_path / "file")
    file.path.write_bytes(BOMBS[name])
    with pytest.raises(ParseError, match=rf"{name}: refused: .*raise `max_unpack_ratio:`"):
        list(open_reader([file], scratch=tmp_path / "scratch").stream())
    assert sum(path.stat().st_size for path in (tmp_path / "scratch").rglob("*")) < 17 << 20


def test_the_limits_of_an_import_are_options(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_GB", 1 << 20)
    files = [SourceFile(f"{n}.csv.gz", tmp_path / f"{n}") for n in "ab"]
    for file in files:
        file.path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 200_000))
    for limit, most in ((1, 1), (2, 2)):
        reader = open_reader(files[:most], options={"max_unpacked_gb": limit})
        assert sum(batch.num_rows for batch in reader.stream()) == 200_000 * most
    with pytest.raises(ParseError, match=r"b\.csv\.gz: refused: .*raise `max_unpacked_gb:`"):
        list(open_reader(files, options={"max_unpacked_gb": 1}).stream())
    for option in ("max_unpacked_gb", "max_unpack_ratio"):
        with pytest.raises(ConfigError, match=f"{option} is at least 1"):
            check_options("x.csv", {option: 0})


def test_no_copy_begins_without_room_for_it(tmp_path):
    with pytest.raises(StorageError, match=r"needs .* bytes in .*TMPDIR"):
        unpacking.check_room(tmp_path, 10**18)
    unpacking.check_room(tmp_path, 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_has_the_options_of_all(kind):
    options = FORMATS[kind].options.parse({"columns": "union", "on_bad_file": "skip"})
    assert (options.columns, options.on_bad_file) == ("union", "skip")


SECRET = "canary-7f3a"
WRONG = {
    "unknown": ("csv", {"delimiter": SECRET}, "'delimiter' is not an option of CSV.*Known: "),
    "for another format": ("parquet", {"header": True}, "'header' is not an option of Parquet"),
    "a text for a boolean": ("csv", {"header": SECRET}, "header cannot be a str. It is true or false"),
    "a number for a text": ("csv", {"separator": 5}, "separator cannot be a int. It is a text"),
    "a text for a list": ("csv", {"null_values": SECRET}, "It is a list of texts"),
    "a list of numbers": ("csv", {"null_values": [1]}, "It is a list of texts"),
    "a list for a mapping": ("json", {"types": [SECRET]}, "It is a mapping of texts to texts"),
    "another choice": ("excel", {"errors": SECRET}, "It is `fail` or `text`"),
    "another policy": ("jsonl", {"columns": SECRET}, "It is `same` or `union`"),
    "a boolean for a number": ("excel", {"header_row": True}, "It is a whole number"),
    "a date as other programs write it": ("csv", {"date_format": "DD.MM.YYYY"}, "date_format has no place.*%d.%m.%Y"),
    "a sheet of no kind": ("excel", {"sheet": 1.5}, "It is a text or a whole number"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "message"), WRONG.values(), ids=WRONG)
def test_wrong_options_are_told_without_their_values(kind, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        check_options("x", options, format=kind)
    assert SECRET not in str(caught.value)


def test_lists_of_yaml_become_tuples():
    assert ExcelOptions.parse({"column_names": ["a"]}) == ExcelOptions(column_names=("a",))


CHECKED = {
    "archive that does not tell": (("x.zip", {}), {}, None),
    "archive and options": (("x.zip", {"header": False}), {}, "which format the options are for"),
    "archive and member": (("x.zip", {"header": False}), {"member": "2013/*.csv"}, None),
    "archive, member of another format": (("x.zip", {"header": False}), {"member": "a.json"}, "not an option of JSON"),
    "unknown format": (("x.csv", {}), {"format": "avro"}, "Known: csv, excel"),
    "unknown ending": (("x.doc", {}), {}, "does not tell the format"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "more", "message"), CHECKED.values(), ids=CHECKED)
def test_a_datasource_is_checked_before_anything_is_opened(given, more, message):
    if message is None:
        check_options(*given, **more)
        return
    with pytest.raises(ConfigError, match=message):
        check_options(*given, **more)


REFUSED = {
    "unknown ending": (["a.doc"], {}, "Known endings"),
    "unknown format": (["a.csv"], {"format": "avro"}, "Known: csv, "),
    "several formats": (["a.csv", "b.parquet"], {}, "several formats"),
    "CSV options for Parquet": (
        ["a.parquet"],
        {"options": CsvOptions(header=False)},
        "has no CSV options",
    ),
}


@pytest.mark.parametrize(("names", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_opened(tmp_path, names, options, message):
    for name in names:
        (tmp_path / name).write_bytes(b"a,b\n")
    with pytest.raises(ConfigError, match=message):
        open_reader([SourceFile(name, tmp_path / name) for name in names], **options)


def test_no_files():
    with pytest.raises(EmptySourceError):
        open_reader([])
