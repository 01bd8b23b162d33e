import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats.csv import CsvOptions, CsvReader
from resources.formats.files import SourceFile
from resources.formats.parquet import ParquetReader
from resources.formats.registry import detect_format, open_reader
from resources.kernel.errors import ConfigError, EmptySourceError


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a/b.csv", "csv"), ("B.CSV.GZ", "csv"), ("x.tsv", "csv"), ("x.txt.zst", "csv"), ("x.parquet", "parquet"), ("x.pq", "parquet")],
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
