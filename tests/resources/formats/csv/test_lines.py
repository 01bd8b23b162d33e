"""Lines that are no data, separators behind the last value, escapes: read when told, found beyond doubt, never guessed away (A5, A11, A14)."""

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.formats.csv import CsvOptions
from resources.kernel.errors import ConfigError, InputError, ParseError, SchemaMismatchError
from tests.resources.formats.csv.reading import read_bytes, read_chunked, read_stream

ROWS = {"region": ["North", "South"], "revenue": [100, 250]}
TABLE = b"region,revenue\nNorth,100\nSouth,250\n"


def guess(stream, subject):
    return next(one for one in stream.guesses if one.subject == subject)


class TestTitle:
    @pytest.mark.parametrize(
        ("content", "line"),
        [
            (b"Monthly report\n" + TABLE, 2),
            (b"Monthly report\nGenerated 2024-03-01\n\n" + TABLE, 4),
            (b"Monthly report,\nby system,\n,\n" + TABLE, 4),
            (b"Monthly report\r\n\r\n" + TABLE.replace(b"\n", b"\r\n"), 3),
            (b'Report, "special\n\n' + TABLE.replace(b",", b";"), 3),
            (b"Report; monthly\n\n" + TABLE.replace(b",", b"\t"), 3),
            (b"Monthly report\n\n" + TABLE + b"Total,350\n" * 20, 3),
        ],
        ids=["one", "three", "padded", "crlf", "semicolon", "tab", "long"],
    )
    def test_a_title_is_found_and_told(self, tmp_path, content, line):
        """A5; the way out of the guess gives the same."""
        table, stream = read_stream(tmp_path, content)
        assert table.slice(0, 2).to_pydict() == ROWS
        assert guess(stream, "header").value == f"line {line}"
        assert guess(stream, "header").override == "skip_rows"
        assert "above the header are left out" in stream.warnings[0]
        assert read_bytes(tmp_path, content, skip_rows=line - 1).equals(table)

    @pytest.mark.parametrize(
        "content",
        [
            b"a,b\n1,2,3\n4,5,6\n",
            b"name\nSmith, John\nDoe, Jane\n",
            b"a\nx,y\nu,v\n",
            b"a\n1,2\n3,4\n",
        ],
        ids=["short header", "names", "texts", "numbers"],
    )
    def test_what_may_be_a_header_is_never_taken_for_a_title(self, tmp_path, content):
        with pytest.raises(ParseError, match=r"line 2: expected .*`skip_rows:` above the header"):
            read_bytes(tmp_path, content)

    @pytest.mark.parametrize(
        "content",
        [b"total,\nregion,rev\nN,1\nS,2\n", b"id,\nfoo,bar\nx,1\n", b"7,,\nx,y,z\n2,3,4\n5,6,7\n"],
        ids=["total", "header", "row"],
    )
    def test_a_first_line_with_empty_fields_may_be_a_header_or_a_row(self, tmp_path, content):
        with pytest.raises(InputError, match=r"has no name.*`skip_rows:`"):
            read_bytes(tmp_path, content)

    def test_values_of_one_column_may_hold_separators(self, tmp_path):
        table = read_bytes(tmp_path, b"tags\nred;blue\na;1\nb;2\n")
        assert table.to_pydict() == {"tags": ["red;blue", "a;1", "b;2"]}

    def test_each_file_has_its_own_title(self, tmp_path):
        table = read_bytes(tmp_path, b"January\n\n" + TABLE, TABLE, b"March\nlate\n\n" + TABLE)
        assert table.num_rows == 6
        assert table["revenue"].to_pylist() == [100, 250] * 3

    def test_errors_below_a_title_have_their_line(self, tmp_path):
        with pytest.raises(ParseError, match=r"line 6: expected 2 fields"):
            read_bytes(tmp_path, b"Report\n\n" + TABLE + b"x,y,z\n")


class TestSkipping:
    @pytest.mark.parametrize("block_bytes", [7, 64, 1 << 20])
    @pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
    def test_lines_around_the_rows(self, tmp_path, newline, block_bytes):
        content = b'it\'s "odd\nabove\n#x\nregion,revenue\ntext,EUR\nNorth,100\n# "note\nSouth,250\n\nTotal,350\nend\n\n'
        table = read_chunked(
            tmp_path, content.replace(b"\n", newline), block_bytes,
            skip_rows=2, skip_after_header=1, skip_footer=2, comment="#",
        )  # fmt: skip
        assert table.to_pydict() == ROWS

    @pytest.mark.parametrize("block_bytes", [5, 1 << 20])
    def test_in_a_file_of_one_column(self, tmp_path, block_bytes):
        content = b"title\nid\nunit\n1\n#x\n2\nsum\n"
        options = {"skip_rows": 1, "skip_after_header": 1, "skip_footer": 1, "comment": "#"}
        assert read_chunked(tmp_path, content, block_bytes, **options).to_pydict() == {"id": [1, 2]}
        table = read_chunked(tmp_path, b"title\n1\n2\n", block_bytes, skip_rows=1, header=False)
        assert table.to_pydict() == {"column_1": [1, 2]}

    def test_a_sign_within_quotes_is_no_comment(self, tmp_path):
        content = b'a,b\n1,"x\n#y"\n#,"\n2,z\n'
        assert read_bytes(tmp_path, content, comment="#").to_pydict() == {
            "a": [1, 2],
            "b": ["x\n#y", "z"],
        }

    def test_errors_keep_their_lines(self, tmp_path):
        content = b"t\n# c\na,b\nu,u\n1,2\n#c\n3\n"
        with pytest.raises(ParseError, match=r"f1\.csv, line 7: expected 2 fields, found 1"):
            read_bytes(tmp_path, content, skip_rows=1, comment="#", skip_after_header=1)

    @pytest.mark.parametrize(
        ("content", "hint"),
        [
            (TABLE + b"Total\n", "give `skip_footer:`"),
            (b"region,revenue\n# x\nNorth,1\n", "give `comment: '#'`"),
            (b"region,revenue\nNorth,1,\nSouth,2\n", "`trailing_separator: true`"),
            (b"Report,,\nx,y,z\n", r"Line 1 is taken for the header.*`skip_rows:`"),
            (b"a,b,\n1,2,3\n", r"Line 1 is taken for the header.*`trailing_separator: true`"),
        ],
        ids=["total", "comment", "trailing", "title", "unnamed"],
    )
    def test_hints_name_what_helps(self, tmp_path, content, hint):
        with pytest.raises(InputError, match=hint):
            read_bytes(tmp_path, content)

    @pytest.mark.parametrize("sign", [";", "|", "\t", "^"])
    def test_the_line_for_excel(self, tmp_path, sign):
        content = f"sep={sign}\r\n".encode() + TABLE.replace(b",", sign.encode())
        table, stream = read_stream(tmp_path, content.replace(b"\r\n", b"\n"))
        assert table.to_pydict() == ROWS
        assert guess(stream, "separator").reason.startswith("the first line says so to Excel")
        given = read_bytes(tmp_path, content.replace(b"\r\n", b"\n"), skip_rows=1, separator=sign)
        assert given.equals(table)


class TestTrailingSeparators:
    @pytest.mark.parametrize("header", [b"region,revenue", b"region,revenue,"])
    def test_are_found_and_told(self, tmp_path, header):
        content = header + b"\nNorth,100,\nSouth,250,\n"
        table, stream = read_stream(tmp_path, content)
        assert table.to_pydict() == ROWS
        assert guess(stream, "trailing separator").override == "trailing_separator"
        assert read_bytes(tmp_path, content, trailing_separator=True).equals(table)
        with pytest.raises(InputError):
            read_bytes(tmp_path, content, trailing_separator=False)

    def test_a_value_behind_is_an_error_with_its_line(self, tmp_path):
        content = b"a,b,\n" + b"1,2,\n" * 30 + b"1,2,3\n"
        with pytest.raises(ParseError, match=r"line 32: a value behind the last separator: '3'"):
            read_bytes(tmp_path, content)

    def test_an_empty_last_column_with_a_name_stays(self, tmp_path):
        assert read_bytes(tmp_path, b"a,b\n1,\n2,\n").column_names == ["a", "b"]


class TestHeader:
    def test_names_like_values_are_warned_of(self, tmp_path):
        """A11: the first row of a file without a header became its names without a word."""
        _, stream = read_stream(tmp_path, b"1,anna,3.5\n2,ben,4.25\n")
        assert re.search(
            r"names that look like values: '1', '3\.5'.*`header: false`", stream.warnings[0]
        )
        assert guess(stream, "header").override == "header"
        assert read_stream(tmp_path, b"1,a\n2,b\n", header=True)[1].warnings == []
        assert read_stream(tmp_path, b"country,2023,2024\nx,1,2\n")[1].warnings == []

    def test_a_second_file_without_a_header_names_the_option(self, tmp_path):
        with pytest.raises(SchemaMismatchError, match=r"f2\.csv .*give `header: false`"):
            read_bytes(tmp_path, b"id,x\n1,2\n", b"3,4\n5,6\n")


def test_a_mark_for_null_names_the_option_that_settles_it(tmp_path):
    """Formats A19."""
    content = b"a,b\n1,x\n\\N,y\n3,z\n"
    _, stream = read_stream(tmp_path, content)
    assert guess(stream, "type of 'a'").override == "null_values"
    table = read_bytes(tmp_path, content, null_values=("\\N",))
    assert table["a"].to_pylist() == [1, None, 3]


WRITTEN = st.lists(
    st.lists(st.text("ab\\\",;\n\t'N", max_size=6), min_size=2, max_size=2),
    min_size=1,
    max_size=5,
)


class TestEscape:
    @settings(max_examples=60, deadline=None)
    @given(
        rows=WRITTEN,
        quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
        block=st.sampled_from([3, 1 << 20]),
    )
    def test_every_value_arrives(self, tmp_path_factory, rows, quoting, block):
        """A14: what a writer escapes comes back, wherever blocks are cut."""
        out = io.StringIO()
        writer = csv.writer(
            out, escapechar="\\", doublequote=False, quoting=quoting, lineterminator="\n"
        )
        writer.writerows([["a", "b"], *rows])
        table = read_chunked(
            tmp_path_factory.mktemp("e"), out.getvalue().encode(), block, escape="\\", separator=",",
            types={"a": "text", "b": "text"},
        )  # fmt: skip
        arrived = [list(row.values()) for row in table.to_pylist()]
        assert arrived == [[cell or None for cell in row] for row in rows]

    def test_unquoted_as_mysql_writes_it(self, tmp_path):
        content = b"id\tsaid\n1\ta\\\tb\\\nc\\\\\n2\t\\N\n3\tC:\\temp\n"
        table = read_bytes(tmp_path, content, escape="\\", quote="none")
        assert table.to_pydict() == {"id": [1, 2, 3], "said": ["a\tb\nc\\", None, "C:\\temp"]}

    def test_the_error_names_the_option(self, tmp_path):
        with pytest.raises(ParseError, match=r"escaped by a backslash here: give `escape: '\\'`"):
            read_bytes(tmp_path, b'id,said\n1,"she said \\"yes\\", twice"\n')

    def test_what_hides_an_escape_is_refused_in_the_text(self, tmp_path):
        with pytest.raises(ParseError, match="noncharacter"):
            read_bytes(tmp_path, "a,b\n\ufdd1,1\n".encode(), escape="\\")


@pytest.mark.parametrize(
    "options",
    [
        {"skip_rows": -1},
        {"skip_footer": -1},
        {"escape": ","} | {"separator": ","},
        {"escape": "ab"},
        {"comment": " "},
        {"skip_after_header": 1, "header": False},
    ],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ConfigError):
        CsvOptions.parse(options)
