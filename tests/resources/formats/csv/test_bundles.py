"""Many small files as one dataset: the same rows, types, reasons and errors as file by file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from resources.formats.csv import CsvOptions, CsvReader, SourceFile, bundles
from resources.kernel.errors import ParseError
from resources.kernel.records import Retype


def files_of(folder: Path, contents: list[bytes]) -> list[SourceFile]:
    files = []
    for number, content in enumerate(contents):
        path = folder / f"{number:04}.csv"
        path.write_bytes(content)
        files.append(SourceFile(f"in/{path.name}", path))
    return files


def rows_of(files: list[SourceFile], options: CsvOptions | None = None) -> pa.Table:
    source = CsvReader(files, options)
    while True:
        stream = source.stream()
        try:
            return pa.Table.from_batches(list(stream), stream.schema)
        except Retype:
            continue


ODD = [
    b"id,name\n1,a\n2,b\n",
    b"id,name\n3,no newline at the end",
    b'id,name\n4,"two\nlines, and ""quotes"""\n',
    b"\xef\xbb\xbfid,name\n5,marked\n",
    b"id,name\n",
    b"id,name\n\n6,after a blank line\n\n",
    b"name,id\nother order,7\n",
    b"id,name\r\n8,other newline\r\n",
    "id,name\n9,ünïcode ✈\n".encode(),
    b"id,name\n10,\n",
]
NAMES = ["a", "b", "no newline at the end", 'two\nlines, and "quotes"', "marked"]
NAMES += ["after a blank line", "other order", "other newline", "ünïcode ✈", None]


class TestRows:
    def test_odd_files_side_by_side(self, tmp_path):
        table = rows_of(files_of(tmp_path, ODD))
        assert table["id"].to_pylist() == list(range(1, 11))
        assert table["name"].to_pylist() == NAMES

    def test_the_same_as_file_by_file(self, tmp_path, monkeypatch):
        files = files_of(tmp_path, ODD * 30)
        together = rows_of(files)
        monkeypatch.setattr(bundles, "SMALL_BYTES", -1)
        assert rows_of(files).equals(together)

    def test_a_thousand_files_come_in_few_batches(self, tmp_path):
        files = files_of(tmp_path, [f"id,x\n{i},{i}.5\n".encode() for i in range(1000)])
        batches = list(CsvReader(files).stream())
        assert len(batches) < 10
        assert pa.Table.from_batches(batches)["id"].to_pylist() == list(range(1000))

    def test_one_column(self, tmp_path):
        table = rows_of(files_of(tmp_path, [b"x\n1\n", b"x\n2", b"x\n3\n"]))
        assert table["x"].to_pylist() == [1, 2, 3]


class TestTypes:
    def test_a_late_value_against_the_plan_is_named_with_its_file(self, tmp_path):
        contents = [f"id\n{i}\n".encode() for i in range(200)]
        contents[137] = b"id\n00123\n"
        source = CsvReader(files_of(tmp_path, contents))
        first = source.stream()
        with pytest.raises(Retype):
            list(first)
        second = source.stream()
        values = pa.Table.from_batches(list(second))["id"].to_pylist()
        assert values[137] == "00123"
        assert values[136] == "136"
        (guess,) = [guess for guess in second.guesses if guess.subject == "type of 'id'"]
        assert "0137.csv" in guess.reason


class TestErrors:
    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            (b"id,x\n1,2\n3,4,5\n", "expected 2 fields, found 3"),
            (b"id,x\n1,2\n\xff,4\n", "not valid UTF-8"),
        ],
        ids=["ragged", "encoding"],
    )
    def test_an_error_names_file_and_line(self, tmp_path, bad, words):
        contents = [b"id,x\n1,2\n"] * 100
        contents[57] = bad
        with pytest.raises(ParseError, match=words) as caught:
            rows_of(files_of(tmp_path, contents))
        assert caught.value.facts["file"] == "in/0057.csv"
        assert caught.value.facts["line"] == 3

    def test_a_value_against_a_given_type(self, tmp_path):
        contents = [b"id,x\n1,2\n"] * 100
        contents[57] = b"id,x\n1,2\n1,no\n"
        with pytest.raises(ParseError, match="not of the given type") as caught:
            rows_of(files_of(tmp_path, contents), CsvOptions(types={"x": "integer"}))
        assert (caught.value.facts["file"], caught.value.facts["line"]) == ("in/0057.csv", 3)

    def test_a_bad_file_is_left_out_whole(self, tmp_path):
        contents = [f"id,x\n{i},2\n".encode() for i in range(50)]
        contents[20] = b"id,x\n20,2\nmore,than,two\n"
        table = rows_of(files_of(tmp_path, contents), CsvOptions(on_bad_file="skip"))
        assert table["id"].to_pylist() == [i for i in range(50) if i != 20]


def test_bundles_do_not_grow(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "_BUNDLE_BYTES", 100)
    sizes = []
    merged = bundles.Bundle.merged

    def watch(self):
        whole = merged(self)
        sizes.append(len(whole.chunk.data))
        return whole

    monkeypatch.setattr(bundles.Bundle, "merged", watch)
    table = rows_of(files_of(tmp_path, [b"x\n" + b"1" * 40 + b"\n"] * 30))
    assert table.num_rows == 30
    assert len(sizes) > 5
    assert max(sizes) < 250
