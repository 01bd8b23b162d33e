import bz2
import gzip
import tracemalloc
from decimal import Decimal

import pyarrow as pa
import pytest

from resources.formats.csv import CsvOptions, CsvReader, SourceFile, chunks
from resources.kernel.errors import (
    ConfigError,
    EmptySourceError,
    InputError,
    ParseError,
    SchemaMismatchError,
    SourceChangedError,
    UnknownNameError,
)
from resources.kernel.records import Retype
from tests.resources.formats.csv.reading import (
    read_bytes,
    read_chunked,
    read_reader,
    read_stream,
    write_files,
)


def guess(stream, subject):
    return next(g for g in stream.guesses if g.subject == subject)


def many(rows, late=""):
    return b"id,x\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(rows)) + late.encode()


class TestRetype:
    def test_a_late_value_widens_the_column_in_a_second_pass(self, tmp_path):
        reader = CsvReader(write_files(tmp_path, many(5000, "x,1.5\n")), block_bytes=4096)
        stream = reader.stream()
        assert stream.schema.field("id").type == pa.int64()
        with pytest.raises(Retype) as caught:
            list(stream)
        assert caught.value.columns == {"id": "text", "x": "number"}
        table, stream = read_reader(reader)
        assert table.column("id").to_pylist()[-2:] == ["4999", "x"]
        assert table.column("x").to_pylist()[-2:] == [4999.0, 1.5]
        assert guess(stream, "type of 'id'").reason == "'x' in f1.csv, line 5002"

    def test_a_column_that_was_null_at_first_still_gets_its_type(self, tmp_path):
        content = b"a,b\n" + b"1,\n" * 3000 + b"2,7\n"
        table = read_chunked(tmp_path, content, 1024)
        assert table.schema.field("b").type == pa.int64()
        assert table.column("b").null_count == 3000

    def test_long_decimals_found_late_are_not_rounded(self, tmp_path):
        content = b"a,b\n" + b"1.5,x\n" * 3000 + b"0.1234567890123456789,y\n"
        table = read_chunked(tmp_path, content, 1024)
        assert table.column("a").to_pylist()[-1] == Decimal("0.1234567890123456789")

    def test_a_wider_decimal_found_late(self, tmp_path):
        content = b"a,b\n" + b"1.12345678901234567,x\n" * 300 + b"12345678901234567.5,y\n"
        table = read_chunked(tmp_path, content, 1024)
        assert table.schema.field("a").type == pa.decimal128(34, 17)

    def test_types_hold_over_all_files(self, tmp_path):
        table = read_bytes(tmp_path, b"a,b\n1,x\n", b"a,b\n1.5,x\n", b"a,b\n7,NA\n")
        assert table.to_pydict() == {"a": [1.0, 1.5, 7.0], "b": ["x", "x", "NA"]}

    def test_files_that_change_between_passes_are_an_error(self, tmp_path):
        files = write_files(tmp_path, many(5000, "x,1\n"))
        reader = CsvReader(files, block_bytes=4096)
        with pytest.raises(Retype):
            list(reader.stream())
        files[0].path.write_bytes(many(5000, "x,y\n"))
        with pytest.raises(SourceChangedError, match=r"f1\.csv changed"):
            list(reader.stream())


class TestManyFiles:
    def test_columns_are_matched_by_name(self, tmp_path):
        table, stream = read_stream(tmp_path, b"a,b\n1,x\n", b"b,a\ny,2\n")
        assert table.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
        assert stream.warnings == [
            "f2.csv: columns in another order than in f1.csv; matched by name"
        ]

    def test_another_header_names_file_and_columns(self, tmp_path):
        with pytest.raises(SchemaMismatchError, match=r"f2\.csv .* lacks 'b' and has 'c' besides"):
            read_bytes(tmp_path, b"a,b\n1,x\n", b"a,c\n1,x\n")

    def test_columns_united(self, tmp_path):
        table, stream = read_stream(
            tmp_path, b"a,b\n1,x\n", b"c,a\n2.5,7\n", b"b,a\nz,00\n", columns="union"
        )
        assert table.to_pydict() == {
            "a": ["1", "7", "00"],
            "b": ["x", None, "z"],
            "c": [None, 2.5, None],
        }
        assert [w for w in stream.warnings if w.startswith("f2.csv: it lacks 'b' and has 'c'")]
        assert [w for w in stream.warnings if w.startswith("f3.csv: it lacks")] == []

    def test_each_file_has_its_own_dialect(self, tmp_path):
        table, stream = read_stream(
            tmp_path, b"a,b\n1,x\n", b"a;b\r\n2;y,z\r\n", b"'b'\t'a'\n'q'\t3\n"
        )
        assert table.to_pydict() == {"a": [1, 2, 3], "b": ["x", "y,z", "q"]}
        assert guess(stream, "separator of f2.csv").value == "semicolon"
        assert guess(stream, "quote of f3.csv").value == "'"

    def test_a_dialect_that_does_not_give_the_columns_is_refused_by_name(self, tmp_path):
        with pytest.raises(SchemaMismatchError, match=r"f2\.csv does not belong .* f1\.csv"):
            read_bytes(tmp_path, b"a,b\n1,x\n", b"a^b\n1^x\n")

    def test_a_given_separator_holds_for_all(self, tmp_path):
        with pytest.raises(SchemaMismatchError, match=r"f2\.csv"):
            read_bytes(tmp_path, b"a,b\n1,x\n", b"a;b\n1;x\n", separator=",")

    def test_decimal_marks_that_differ_leave_text(self, tmp_path):
        table = read_bytes(tmp_path, b"a;b\n1,5;x\n", b"a;b\n2.5;y\n")
        assert table.column("a").to_pylist() == ["1,5", "2.5"]

    def test_no_file(self):
        with pytest.raises(EmptySourceError, match="no file"):
            CsvReader([]).stream()

    @pytest.mark.parametrize(
        "bad",
        [b"", b"a,b\n1,2\n3\n", b'a,b\n1,"2\n'],
        ids=["empty", "ragged", "quote"],
    )
    def test_a_bad_file_fails_all_or_is_left_out(self, tmp_path, bad):
        good = [b"a,b\n1,2\n", b"a,b\n5,6\n"]
        with pytest.raises(InputError, match=r"f2\.csv"):
            read_bytes(tmp_path, good[0], bad, good[1])
        table, stream = read_stream(tmp_path, good[0], bad, good[1], on_bad_file="skip")
        assert table.to_pydict() == {"a": [1, 5], "b": [2, 6]}
        assert [w for w in stream.warnings if w.startswith("Skipped f2.csv")]

    @pytest.mark.parametrize("policy", ["fail", "skip"])
    @pytest.mark.parametrize("place", [0, 1, 3])
    def test_a_readable_file_of_another_shape_is_the_odd_one_wherever_it_sorts(
        self, tmp_path, policy, place
    ):
        """Formats A2: it was the measure when it came first, and every good file was left out."""
        contents = [b"a,b\n1,2\n"] * 3
        contents.insert(place, b"note\nsee below\n")
        odd, usual = f"f{place + 1}", f"f{1 if place else 2}"
        with pytest.raises(
            SchemaMismatchError,
            match=rf"{odd}\.csv does not belong .* {usual}\.csv and 2 other files:"
            r" it lacks 'a', 'b' and has 'note' besides\..*`columns: union`.*narrower",
        ):
            read_bytes(tmp_path, *contents, on_bad_file=policy)

    @pytest.mark.parametrize("bad", [b"a,b\n1\n", b""], ids=["ragged", "empty"])
    def test_at_most_half_of_the_files_is_left_out(self, tmp_path, bad):
        good = b"a,b\n1,2\n"
        table, stream = read_stream(tmp_path, bad, good, bad, good, on_bad_file="skip")
        assert table.num_rows == 2
        assert len(stream.warnings) == 2
        with pytest.raises(ParseError, match=r"f1\.csv: more than half of the 5 files"):
            read_bytes(tmp_path, bad, good, bad, good, bad, on_bad_file="skip")


class TestOptions:
    def test_no_header(self, tmp_path):
        table = read_bytes(tmp_path, b"1,x\n2,y\n", header=False)
        assert table.to_pydict() == {"column_1": [1, 2], "column_2": ["x", "y"]}

    def test_names_instead_of_a_header(self, tmp_path):
        table = read_bytes(tmp_path, b"1,x\n", header=False, column_names=("a", "b"))
        assert table.column_names == ["a", "b"]

    def test_names_in_place_of_the_header(self, tmp_path):
        assert read_bytes(tmp_path, b",x\n1,y\n", column_names=("a", "b")).to_pydict() == {
            "a": [1],
            "b": ["y"],
        }

    def test_wrong_number_of_names(self, tmp_path):
        with pytest.raises(SchemaMismatchError, match="has 2 columns, column_names gives 1"):
            read_bytes(tmp_path, b"a,b\n1,2\n", column_names=("a",))

    def test_given_types(self, tmp_path):
        table = read_bytes(tmp_path, b"zip,n\n00123,1\n", types={"zip": "integer", "n": "text"})
        assert table.to_pydict() == {"zip": [123], "n": ["1"]}

    def test_a_value_against_its_given_type(self, tmp_path):
        with pytest.raises(ParseError, match="'NA' is not of the given type number") as caught:
            read_bytes(tmp_path, b'a,b\n1,"x\ny"\n2,z\nNA,z\n', types={"a": "number"})
        assert caught.value.facts["line"] == 5
        assert caught.value.facts["column"] == "a"

    def test_null_values(self, tmp_path):
        table = read_bytes(tmp_path, b"a,b\n1,x\nNA,NA\n", null_values=("NA",))
        assert table.to_pydict() == {"a": [1, None], "b": ["x", None]}

    def test_a_type_for_a_column_that_is_not_there(self, tmp_path):
        with pytest.raises(UnknownNameError, match="'z'"):
            read_bytes(tmp_path, b"a,b\n1,2\n", types={"z": "text"})

    def test_no_quoting(self, tmp_path):
        table = read_bytes(tmp_path, b'a\tb\n5"\t"x\n', quote="none")
        assert table.to_pydict() == {"a": ['5"'], "b": ['"x']}

    def test_another_separator_and_quote(self, tmp_path):
        table = read_bytes(tmp_path, b"a^b\n'x^y'^1\n", separator="^", quote="'")
        assert table.to_pydict() == {"a": ["x^y"], "b": [1]}

    @pytest.mark.parametrize(
        "options",
        [
            {"encoding": "klingon"},
            {"encoding": "base64"},
            {"separator": ",,"},
            {"separator": '"', "quote": '"'},
            {"decimal_mark": ";"},
            {"thousands_mark": "."},
            {"thousands_mark": "x"},
            {"types": {"a": "float"}},
        ],
        ids=str,
    )
    def test_options_that_cannot_be(self, options):
        with pytest.raises(ConfigError):
            CsvOptions(**options)


class TestGuesses:
    @pytest.mark.parametrize(
        ("content", "name"),
        [
            (b"a,b\n1,2\n", "comma"),
            (b"a;b\n1,5;2\n", "semicolon"),
            (b"a\tb\n1\t2\n", "tab"),
            (b"a|b\n1|2\n", "pipe"),
        ],
        ids=["comma", "semicolon", "tab", "pipe"],
    )
    def test_separator(self, tmp_path, content, name):
        table, stream = read_stream(tmp_path, content)
        assert table.column_names == ["a", "b"]
        assert guess(stream, "separator").value == name
        assert guess(stream, "encoding").value == "utf-8"

    @pytest.mark.parametrize("name", ["x.tsv", "x.TAB.gz"])
    def test_tabs_by_the_name(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"a,b,c\td\n1,2,3\t4\n")
        table, stream = read_reader(CsvReader([SourceFile(name, tmp_path / name)]))
        assert table.column_names == ["a,b,c", "d"]
        assert "its name ends in ." in guess(stream, "separator").reason

    def test_thousands(self, tmp_path):
        _, stream = read_stream(tmp_path, b"a;b\n1 234,5;x\n")
        assert guess(stream, "thousands mark").value == "space"
        assert guess(stream, "decimal mark").value == ","

    def test_what_is_given_is_no_guess(self, tmp_path):
        _, stream = read_stream(
            tmp_path, b"a,b\n1,2\n", separator=",", encoding="utf-8", header=True
        )
        assert stream.guesses == []

    def test_why_a_column_is_text(self, tmp_path):
        content = b'zip,name\n1,"x\ny"\n2,z\n00123,z\n'
        _, stream = read_stream(tmp_path, content)
        found = guess(stream, "type of 'zip'")
        assert (found.value, found.override) == ("text", "types")
        assert found.reason == "'00123' (leading zero) in f1.csv, line 5"
        assert not [g for g in stream.guesses if "'name'" in g.subject]

    def test_decimal_comma(self, tmp_path):
        _, stream = read_stream(tmp_path, b"a;b\n1,25;x\n")
        assert guess(stream, "decimal mark").value == ","

    def test_no_decimal_comma_where_points_are_in_use(self, tmp_path):
        table, stream = read_stream(tmp_path, b"a;b\n1,25;1.5\n")
        assert table.to_pydict() == {"a": ["1,25"], "b": [1.5]}
        assert "both marks" in guess(stream, "decimal mark").reason

    def test_apostrophes_around_every_name(self, tmp_path):
        table, stream = read_stream(tmp_path, b"'a','b'\n1,'x,y'\n")
        assert table.to_pydict() == {"a": [1], "b": ["x,y"]}
        assert guess(stream, "quote").value == "'"


class TestCompression:
    @pytest.mark.parametrize(
        "compress",
        [gzip.compress, bz2.compress, lambda data: pa.Codec("zstd").compress(data, asbytes=True)],
        ids=["gzip", "bzip2", "zstd"],
    )
    def test_told_by_content(self, tmp_path, compress):
        assert read_bytes(tmp_path, compress(many(1000))).num_rows == 1000

    def test_several_members(self, tmp_path):
        content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
        assert read_bytes(tmp_path, content).num_rows == 2

    @pytest.mark.parametrize("cut", [1, 8, 500], ids=["last byte", "trailer", "half"])
    def test_cut_off(self, tmp_path, cut):
        content = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(2000)))
        with pytest.raises(ParseError, match="damaged or cut off"):
            read_bytes(tmp_path, content[:-cut])

    def test_lines_are_those_of_the_text(self, tmp_path):
        with pytest.raises(ParseError, match="line 1003"):
            read_bytes(tmp_path, gzip.compress(many(1001, "x\n")))


class TestLimits:
    def test_a_line_without_end_is_refused_early(self, tmp_path, monkeypatch):
        monkeypatch.setattr(chunks, "RECORD_LIMIT", 1 << 20)
        path = tmp_path / "long.csv"
        with path.open("wb") as out:
            out.write(b"a,b\n1," + b"x" * (40 << 20))
        tracemalloc.start()
        with pytest.raises(ParseError, match="line 2: a line longer than 1 MB"):
            read_reader(CsvReader([SourceFile("long.csv", path)], block_bytes=1 << 18))
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
        tracemalloc.stop()

    def test_a_quote_without_end_is_refused_early(self, tmp_path, monkeypatch):
        monkeypatch.setattr(chunks, "RECORD_LIMIT", 1 << 16)
        content = b'a,b\n1,2\n3,"' + b"x\n" * (1 << 18)
        with pytest.raises(ParseError, match="line 3: a quote opened here is not closed within"):
            read_chunked(tmp_path, content, 1 << 14)

    def test_ten_thousand_columns(self, tmp_path):
        width = 10_000
        header = ",".join(f"c{i}" for i in range(width))
        row = ",".join(str(i) for i in range(width))
        table = read_bytes(tmp_path, f"{header}\n{row}\n{row}\n".encode())
        assert table.shape == (2, width)
        assert table.column(width - 1).to_pylist() == [width - 1] * 2

    def test_lines_far_into_a_file_with_fields_of_many_lines(self, tmp_path):
        content = b"a,b\n" + b'1,"x\ny"\n' * 3000 + b"2\n"
        with pytest.raises(ParseError, match="line 6002: expected 2 fields, found 1"):
            read_chunked(tmp_path, content, 4096)

    def test_of_two_faults_the_first_is_told(self, tmp_path):
        content = b"a,b\n" + b"1,2\n" * 2000 + b"3\n" + b"1,2\n" * 2000 + b'4,"x\n'
        with pytest.raises(ParseError, match="line 2002"):
            read_chunked(tmp_path, content, 1024)

    def test_an_abandoned_stream_leaves_no_threads(self, tmp_path):
        import threading

        before = threading.active_count()
        stream = CsvReader(write_files(tmp_path, many(20_000)), block_bytes=4096).stream()
        next(iter(stream))
        stream.batches.close()
        assert threading.active_count() == before
