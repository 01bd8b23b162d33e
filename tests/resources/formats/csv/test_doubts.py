"""Numbers that can be read in two ways: never by marks that another file or column has (R12)."""

from __future__ import annotations

import pytest

from resources.formats.csv import CsvOptions, CsvReader, bundles
from resources.kernel.errors import ParseError
from tests.resources.formats.csv.reading import (
    read_bytes,
    read_chunked,
    read_reader,
    read_stream,
    write_files,
)

GERMAN = b"a;b\n1.234,5;x\n"

FILES = {
    "point of the other file": ((GERMAN, b"a;b\n1.234;y\n"), ["1.234,5", "1.234"]),
    "comma of the other file": ((GERMAN, b"a;b\n5,000;y\n"), ["1.234,5", "5,000"]),
    "plain digits": ((GERMAN, b"a;b\n1234;y\n"), [1234.5, 1234.0]),
    "proof in both": ((GERMAN, b"a;b\n1.234;y\n0,5;z\n"), [1234.5, 1234.0, 0.5]),
    "points between thousands alone": ((GERMAN, b"a;b\n1.234.567;y\n"), ["1.234,5", "1.234.567"]),
    "spaces": ((b"a;b\n1 234,5;x\n", b"a;b\n1 234;y\n"), ["1 234,5", "1 234"]),
    "the other language": ((GERMAN, b"a;b\n1,234.5;y\n"), ["1.234,5", "1,234.5"]),
    "English and then in doubt": ((b"a;b\n1,234.5;x\n", b"a;b\n1,234;y\n"), ["1,234.5", "1,234"]),
    "English and then three decimals": ((b"a;b\n1,234.5;x\n", b"a;b\n1.234;y\n"), [1234.5, 1.234]),
    "points first, commas later": ((b"a;b\n1.5;x\n", b"a;b\n1.234,5;x\n"), ["1.5", "1.234,5"]),
    "nothing against points": ((b"a;b\n1.234;x\n", b"a;b\n5.678;x\n"), [1.234, 5.678]),
}


@pytest.mark.parametrize(("contents", "values"), FILES.values(), ids=FILES)
def test_files_written_differently(tmp_path, contents, values):
    assert read_bytes(tmp_path, *contents).column("a").to_pylist() == values


COLUMNS = {
    "thousands by another column": (b"a;b\n1.234,5;1.234\n", [1234.5], ["1.234"]),
    "fraction by another column": (b"a;b\n2,5;5,000\n", [2.5], ["5,000"]),
    "proof in each column": (b"a;b\n1.234,5;1.234\n2,5;0,125\n", [1234.5, 2.5], [1234.0, 0.125]),
    "comma against point": (b"a;b\n2,5;1.234\n", ["2,5"], ["1.234"]),
    "comma against a certain point": (
        b"a;b\n2,5;1.234\n7,5;0.5\n",
        ["2,5", "7,5"],
        [1.234, 0.5],
    ),
    "comma in a column of text": (b"a;b\nk.A.;1.234\n2,50;5\n", ["k.A.", "2,50"], ["1.234", "5"]),
    "groups in a column of text": (b"a;b\n1.234.567;1.234\n", ["1.234.567"], ["1.234"]),
    "addresses say nothing": (b"a;b\n192.168.100.200;1.234\n", ["192.168.100.200"], [1.234]),
    "words say nothing": (b"a;b\none, two.;1.234\n", ["one, two."], [1.234]),
}


@pytest.mark.parametrize(("content", "a", "b"), COLUMNS.values(), ids=COLUMNS)
def test_columns_of_one_file(tmp_path, content, a, b):
    assert read_bytes(tmp_path, content).to_pydict() == {"a": a, "b": b}


LATE = {
    "a comma": (b"2,5;\n", "1.234", "text"),
    "both marks": (b"1.234,5;\n", "1.234", "text"),
    "a comma, but points proven later still": (b"2,5;\n7;0.5\n", 1.234, "number"),
    "a point": (b"2.5;\n", 1.234, "number"),
}


@pytest.mark.parametrize(("late", "value", "kind"), LATE.values(), ids=LATE)
def test_evidence_beyond_the_sample(tmp_path, late, value, kind):
    table = read_chunked(tmp_path, b"a;b\n" + b"7;1.234\n" * 5000 + late, 1024)
    assert table.column("b")[0].as_py() == value
    assert table.schema.field("b").type == {"text": "string", "number": "double"}[kind]


def test_proof_beyond_the_sample(tmp_path):
    content = b"a;b\n1.234,5;1.234\n" + b"7;1.234\n" * 5000
    assert read_chunked(tmp_path, content, 1024).column("b")[0].as_py() == "1.234"
    content += b"7;0,5\n"
    assert read_chunked(tmp_path, content, 1024).column("b")[0].as_py() == 1234.0


def test_a_point_beyond_the_sample_against_detected_commas(tmp_path):
    content = b"a;b;c\n1.234,5;1.234;7\n" + b"7;8;9\n" * 5000 + b"7;8;0.5\n"
    table = read_chunked(tmp_path, content, 1024)
    assert [table.column(name)[0].as_py() for name in "abc"] == [1234.5, "1.234", "7"]


class TestManyFiles:
    """More files than the sample has, converted in bundles: each stays by itself."""

    @pytest.mark.parametrize("small_bytes", [-1, 1 << 18], ids=["one by one", "in bundles"])
    @pytest.mark.parametrize(
        ("odd", "expected"),
        [(b"a;b\n1.234;x\n", str), (b"a;b\n1234;x\n", float), (b"a;b\n1.234;x\n0,5;\n", float)],
        ids=["in doubt", "plain", "proven"],
    )
    def test_one_file_of_many(self, tmp_path, monkeypatch, small_bytes, odd, expected):
        monkeypatch.setattr(bundles, "SMALL_BYTES", small_bytes)
        contents = [GERMAN] * 100
        contents[57] = odd
        table, stream = read_stream(tmp_path, *contents)
        assert type(table.column("a")[0].as_py()) is expected
        found = [guess for guess in stream.guesses if guess.subject == "type of 'a'"]
        assert [("f58.csv" in guess.reason, guess.override) for guess in found] == (
            [(True, "thousands_mark")] if expected is str else []
        )

    @pytest.mark.parametrize("small_bytes", [-1, 1 << 18], ids=["one by one", "in bundles"])
    def test_a_comma_in_one_file_of_many(self, tmp_path, monkeypatch, small_bytes):
        monkeypatch.setattr(bundles, "SMALL_BYTES", small_bytes)
        contents = [b"a;b;c\n1.234;0.5;x\n0.5;1.234;y\n"] * 100
        contents[57] = b"a;b;c\n1.234;1.234;2,5\n0.5;;z\n"
        table, stream = read_stream(tmp_path, *contents)
        assert [table.column(name)[0].as_py() for name in "abc"] == [1.234, "0.5", "x"]
        (found,) = [guess for guess in stream.guesses if guess.subject == "type of 'b'"]
        assert found.override == "decimal_mark"
        assert found.reason == (
            "nothing in this column of f58.csv says what the mark in '1.234' means;"
            " another mark is in use: '2,5' in column 'c' of f58.csv, line 2"
        )

    def test_a_file_that_is_left_out_proves_nothing(self, tmp_path):
        bad = b"a;b\n1.234;x\n1;2;3\n"
        table, _ = read_stream(tmp_path, GERMAN, bad, GERMAN, on_bad_file="skip")
        assert table.column("a").to_pylist() == [1234.5, 1234.5]


class TestSettled:
    def test_in_one_pass_where_files_are_small(self, tmp_path):
        stream = CsvReader(write_files(tmp_path, GERMAN, b"a;b\n1.234;y\n")).stream()
        assert stream.schema.field("a").type == "string"
        assert [row["a"] for batch in stream for row in batch.to_pylist()] == ["1.234,5", "1.234"]

    @pytest.mark.parametrize(
        ("marks", "values"),
        [
            ({"decimal_mark": ",", "thousands_mark": "."}, [1234.0, 2.5]),
            ({"decimal_mark": "."}, ["1.234", "2,5"]),
        ],
        ids=["comma", "point"],
    )
    def test_marks_that_are_given_leave_no_doubt(self, tmp_path, marks, values):
        files = (b"a;b\n1.234;x\n", b"a;b\n2,5;x\n")
        table, stream = read_stream(tmp_path, *files, **marks)
        assert table.column("a").to_pylist() == values
        assert not [guess for guess in stream.guesses if "mark" in guess.override]

    @pytest.mark.parametrize("late", [b"", b"7;8\n" * 5000], ids=["small", "large"])
    @pytest.mark.parametrize("first", [b"1.234,5", b"k.A."], ids=["detected", "against points"])
    def test_a_given_type_is_refused_without_marks(self, tmp_path, first, late):
        content = b"a;b\n" + first + b";1.234\n2,5;7\n" + late
        files = write_files(tmp_path, content)
        options = {"types": {"b": "number"}}
        with pytest.raises(ParseError, match="Give `decimal_mark:`") as caught:
            read_reader(CsvReader(files, CsvOptions(**options), block_bytes=1024))
        assert (caught.value.facts["file"], caught.value.facts["column"]) == ("f1.csv", "b")
        read_reader(CsvReader(files, CsvOptions(**options, decimal_mark="."), block_bytes=1024))


@pytest.mark.parametrize(
    ("content", "reason", "override"),
    [
        (b"v\n1.1\n1.10\n1.2\n", "'1.1' and '1.10' become one number", "types"),
        (b"a;v\nx;1.234\ny;2.500\n", "three digits behind the point, as '1.234'", "decimal_mark"),
    ],
    ids=["versions", "thousands"],
)
def test_numbers_that_may_be_something_else_are_said(tmp_path, content, reason, override):
    """Formats A15."""
    _, stream = read_stream(tmp_path, content)
    guess = next(one for one in stream.guesses if one.subject == "type of 'v'")
    assert (guess.value, guess.override) == ("number", override)
    assert reason in guess.reason


def test_numbers_that_are_nothing_else_are_not_spoken_of(tmp_path):
    _, stream = read_stream(tmp_path, b"a;v;w\nx;1.234;1.5\ny;2.5;2.25\n")
    assert not [one for one in stream.guesses if one.subject.startswith("type")]
