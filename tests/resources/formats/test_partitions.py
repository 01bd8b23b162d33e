"""Columns in the names of folders, the same for every format."""

from __future__ import annotations

from datetime import date

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats.files import SourceFile
from resources.formats.registry import open_reader
from resources.kernel.errors import ParseError, SchemaMismatchError
from resources.kernel.records import Retype


def _excel(path, number):
    book = openpyxl.Workbook()
    book.active.append(["id"])
    book.active.append([number])
    book.save(path)


WRITERS = {
    "csv": lambda path, number: path.write_text(f"id\n{number}\n"),
    "jsonl": lambda path, number: path.write_text(f'{{"id":{number}}}\n'),
    "parquet": lambda path, number: pq.write_table(pa.table({"id": [number]}), path),
    "xlsx": _excel,
}


def make(root, *folders, kind="csv"):
    files = []
    for number, folder in enumerate(folders):
        (root / folder).mkdir(parents=True, exist_ok=True)
        path = root / folder / f"p{number}.{kind}"
        WRITERS[kind](path, number)
        files.append(SourceFile(f"t/{folder}/{path.name}", path))
    return files


def read(files, **options):
    reader = open_reader(files, options=options)
    stream = reader.stream()
    try:
        batches = list(stream)
    except Retype:
        stream = reader.stream()
        batches = list(stream)
    return pa.Table.from_batches(batches, stream.schema), stream


@pytest.mark.parametrize("kind", WRITERS)
def test_typed_columns_for_every_format(tmp_path, kind):
    folders = ["date=2024-01-01/n=1", "date=2024-01-02/n=2", "date=2024-01-02/n=10"]
    table, stream = read(make(tmp_path, *folders, kind=kind))
    days = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 2)]
    assert table.to_pydict() == {"id": [0, 1, 2], "date": days, "n": [1, 2, 10]}
    assert stream.guesses[-1].override == "partitions"


def test_names_are_decoded_and_the_default_partition_is_null(tmp_path):
    folders = ["a%20b=x%2Fy%3D", "a%20b=__HIVE_DEFAULT_PARTITION__", "a%20b=01"]
    table, _ = read(make(tmp_path, *folders))
    assert table["a b"].to_pylist() == ["x/y=", None, "01"]


def test_a_given_type(tmp_path):
    files = make(tmp_path, "n=01", "n=2")
    assert read(files, types={"n": "integer", "id": "text"})[0].to_pydict() == {
        "id": ["0", "1"],
        "n": [1, 2],
    }
    with pytest.raises(ParseError, match="not of the given type date"):
        read(files, types={"n": "date"})


def test_folders_that_differ(tmp_path):
    files = make(tmp_path, "a=1", "b=1", "c")
    assert read(files)[0].schema.names == ["id"]
    with pytest.raises(
        SchemaMismatchError, match=r"t/b=1/p1\.csv does not stand in folders named a="
    ):
        read(files, partitions="hive")


def test_left_out_on_request(tmp_path):
    assert read(make(tmp_path, "a=1"), partitions="none")[0].schema.names == ["id"]


def test_a_column_of_the_files_is_theirs(tmp_path):
    files = make(tmp_path, "id=7")
    table, stream = read(files)
    assert table.to_pydict() == {"id": [0]}
    assert "the files' own is kept" in stream.warnings[0]
    with pytest.raises(SchemaMismatchError, match="'id' stands in the files and in the names"):
        read(files, partitions="hive")
    with pytest.raises(SchemaMismatchError, match=r"'id'.*`partitions: none`"):
        read(files, types={"id": "text"})
    assert read(files, partitions="none", types={"id": "text"})[0].to_pydict() == {"id": ["0"]}
