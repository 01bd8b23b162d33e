"""Files that other readers change silently: here each keeps its values or is refused with its line (R12, E22-E37)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from resources.kernel.errors import EmptySourceError, InputError, ParseError
from tests.resources.formats.csv.reading import read_bytes, read_stream

KEPT = {
    "leading zeros": (b"zip,n\n00123,1\n04107,2\n", {"zip": ["00123", "04107"], "n": [1, 2]}),
    "NA and null as text": (
        b"code,n\nNA,1\nnull,2\nNaN,3\nNone,4\n\\N,5\n,6\n",
        {"code": ["NA", "null", "NaN", "None", "\\N", None], "n": [1, 2, 3, 4, 5, 6]},
    ),
    "NA among numbers": (b"a,b\n1,x\nNA,y\n3,z\n", {"a": ["1", "NA", "3"], "b": ["x", "y", "z"]}),
    "more digits than a double": (
        b"a,b\n0.1234567890123456789,1\n1.5,2\n",
        {"a": [Decimal("0.1234567890123456789"), Decimal("1.5000000000000000000")], "b": [1, 2]},
    ),
    "more digits than a decimal": (
        b"a,b\n0.1234567890123456789012345678901234567890,1\n",
        {"a": ["0.1234567890123456789012345678901234567890"], "b": [1]},
    ),
    "2^53+1 beside a null": (
        b"a,b\n9007199254740993,1\n,2\n",
        {"a": [9007199254740993, None], "b": [1, 2]},
    ),
    "beyond 64 bits": (
        b"a,b\n9223372036854775808,1\n5,2\n",
        {"a": [Decimal(9223372036854775808), Decimal(5)], "b": [1, 2]},
    ),
    "hexadecimal": (b"a,b\n0xFFFFFFFF,1\n0x10,2\n", {"a": ["0xFFFFFFFF", "0x10"], "b": [1, 2]}),
    "plus signs": (b"a,b\n+49301234,1\n+1,2\n", {"a": ["+49301234", "+1"], "b": [1, 2]}),
    "exponents": (b"a,b\n1e5,1\n2E-3,2\n", {"a": ["1e5", "2E-3"], "b": [1, 2]}),
    "spaces around numbers": (b"a,b\n 1,1\n2 ,2\n", {"a": [" 1", "2 "], "b": [1, 2]}),
    "infinity": (b"a,b\ninf,1\n-Infinity,2\n", {"a": ["inf", "-Infinity"], "b": [1, 2]}),
    "too small for a double": (
        b"a,b\n0." + b"0" * 320 + b"1,1\n",
        {"a": ["0." + "0" * 320 + "1"], "b": [1]},
    ),
    "booleans of two spellings": (b"a,b\ntrue,1\nFALSE,2\n", {"a": ["true", "FALSE"], "b": [1, 2]}),
    "yes and no": (b"a,b\nyes,1\nno,2\n", {"a": ["yes", "no"], "b": [1, 2]}),
    "a month that is not there": (
        b"a,b\n2024-02-29,1\n2023-02-29,2\n",
        {"a": ["2024-02-29", "2023-02-29"], "b": [1, 2]},
    ),
    "dates and timestamps mixed": (
        b"a,b\n2024-01-01,1\n2024-01-01 10:00:00,2\n",
        {"a": ["2024-01-01", "2024-01-01 10:00:00"], "b": [1, 2]},
    ),
    "offsets on some": (
        b"a,b\n2024-01-01T10:00:00Z,1\n2024-01-01T10:00:00,2\n",
        {"a": ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], "b": [1, 2]},
    ),
    "nanoseconds": (
        b"a,b\n2024-01-01 10:00:00.123456789,1\n",
        {"a": ["2024-01-01 10:00:00.123456789"], "b": [1]},
    ),
    "year 0, infinity and BC": (
        b"a,b,c\n0000-01-01,infinity,0044-03-15 BC\n",
        {"a": ["0000-01-01"], "b": ["infinity"], "c": ["0044-03-15 BC"]},
    ),
    "years 1 and 9999": (
        b"a,b\n0001-01-01,9999-12-31 23:59:59.999999\n",
        {"a": [date(1, 1, 1)], "b": [datetime.fromisoformat("9999-12-31 23:59:59.999999")]},
    ),
    "offsets become instants": (
        b"a,b\n2024-01-01T10:00:00+02:00,1\n2024-01-01T10:00:00Z,2\n",
        {
            "a": [datetime(2024, 1, 1, 8, tzinfo=UTC), datetime(2024, 1, 1, 10, tzinfo=UTC)],
            "b": [1, 2],
        },
    ),
    "NUL bytes": (b"a,b\nx\0y,1\n", {"a": ["x\0y"], "b": [1]}),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}),
    "byte order mark before a quoted name": (b'\xef\xbb\xbf"a","b"\n1,2\n', {"a": [1], "b": [2]}),
    "byte order mark as data": (
        b"a,b\n\xef\xbb\xbf1,2\n",
        {"a": ["\ufeff1"], "b": [2]},
    ),
    "UTF-16 with mark": ("a,b\nä,2\n".encode("utf-16"), {"a": ["ä"], "b": [2]}),
    "UTF-16 without mark": ("a,b\nä,2\n".encode("utf-16-le"), {"a": ["ä"], "b": [2]}),
    "big-endian UTF-16 without mark": ("a,b\nä,2\n".encode("utf-16-be"), {"a": ["ä"], "b": [2]}),
    "quotes, commas and newlines inside": (
        b'a,b\n"x, ""y""\nz",1\n"",2\n',
        {"a": ['x, "y"\nz', None], "b": [1, 2]},
    ),
    "CRLF with a bare LF in quotes": (
        b'a,b\r\n"x\ny",1\r\nz,2\r\n',
        {"a": ["x\ny", "z"], "b": [1, 2]},
    ),
    "CR only": (b"a,b\r1,x\r2,y\r", {"a": [1, 2], "b": ["x", "y"]}),
    "no newline at the end": (b"a,b\n1,2\n3,4", {"a": [1, 3], "b": [2, 4]}),
    "blank lines": (b"\n\na,b\n1,2\n\n3,4\n\n", {"a": [1, 3], "b": [2, 4]}),
    "blank lines of one column are nulls": (b"a\n1\n\n3\n", {"a": [1, None, 3]}),
    "a blank last line of one column": (b"a\n1\n\n", {"a": [1, None]}),
    "blank first lines of one column": (b"\n\na\n1\n", {"a": [1]}),
    "header only": (b"a,b\n", {"a": [], "b": []}),
    "minus zero": (b"a,b\n-0.0,1\n1.5,2\n", {"a": [-0.0, 1.5], "b": [1, 2]}),
    "backslash before a separator": (b"a,b\nx\\,y\n", {"a": ["x\\"], "b": ["y"]}),
    "quoted numbers": (b'a,b\n"1","x"\n"","y"\n', {"a": [1, None], "b": ["x", "y"]}),
    "columns but for case": (b"id,ID\n1,2\n", {"id": [1], "ID": [2]}),
    "semicolons and decimal commas": (
        b"a;b\n1,5;x\n-0,25;y\n",
        {"a": [1.5, -0.25], "b": ["x", "y"]},
    ),
    "points between thousands": (
        b"a;b\n1.234,5;1.234\n-12.345.678,25;7\n",
        {"a": [1234.5, -12345678.25], "b": ["1.234", "7"]},
    ),
    "commas between thousands": (
        b'a;b\n1,234.5;"1,234"\n7;8\n',
        {"a": [1234.5, 7.0], "b": ["1,234", "8"]},
    ),
    "no-break spaces between thousands in Latin-1": (
        "a;b\n1\xa0234,5;x\n2,5;y\n".encode("latin-1"),
        {"a": [1234.5, 2.5], "b": ["x", "y"]},
    ),
    "narrow no-break spaces between thousands": (
        "a;b\n1\u202f234,5;x\n".encode(),
        {"a": [1234.5], "b": ["x"]},
    ),
    "spaces that may be thousands": (b"a;b\n1 234;x\n", {"a": ["1 234"], "b": ["x"]}),
    "marks of both kinds": (
        b"a;b\n1.234,5;1,234.5\n",
        {"a": ["1.234,5"], "b": ["1,234.5"]},
    ),
    "points that may be thousands": (b"a;b\n1.234.567;x\n", {"a": ["1.234.567"], "b": ["x"]}),
    "thousands of a wrong length": (
        b"a;b\n1.234,5;x\n1.23;y\n",
        {"a": ["1.234,5", "1.23"], "b": ["x", "y"]},
    ),
    "points before fractions beside points between thousands": (
        b"a;b;c\n1.234,5;0.123;x\n",
        {"a": ["1.234,5"], "b": [0.123], "c": ["x"]},
    ),
    "commas that may be thousands": (
        b"a;b\n1,500;x\n2,250;y\n",
        {"a": ["1,500", "2,250"], "b": ["x", "y"]},
    ),
}


@pytest.mark.parametrize(("content", "expected"), KEPT.values(), ids=KEPT)
def test_values_are_kept(tmp_path, content, expected):
    assert read_bytes(tmp_path, content).to_pydict() == expected


REFUSED = {
    "too few fields": (b"a,b,c\n1,2,3\n4,5\n", 3, "expected 3 fields, found 2"),
    "too many fields": (b"a,b\n1,2\n3,4,5\n", 3, "expected 2 fields, found 3"),
    "ragged after a multi-line field": (
        b'a,b\n"x\n\ny",1\n\n3\n',
        6,
        "expected 2 fields, found 1",
    ),
    "unclosed quote": (b'a,b\n1,"x\n2,y\n3,z\n', 2, "never closed"),
    "unclosed quote before another": (b'a,b\n1,"x\n2,"y"\n', 3, "opened in line 2"),
    "text after a closing quote": (b'a,b\n1,"x"y\n', 2, "closes before the end of its field"),
    "quote inside a plain field": (b'a,b\n1,5" pipe\n2,6" pipe\n', 2, "quote inside a field"),
    "mixed newlines": (b"a,b\r\n1,2\n3,4\r\n", 2, "mixed newlines"),
    "carriage return inside a plain field": (b"a,b\n1,x\ry\n", 2, "mixed newlines"),
    "line feed in a CR file": (b"a,b\r1,2\n3,4\r", 2, "mixed newlines"),
    "latin-1": ("a,b\n1,ä\n2,ö\n".encode("latin-1"), 2, "byte 6 is not valid UTF-8"),
    "latin-1 in the header": ("ä,b\n1,2\n".encode("latin-1"), 1, "byte 0 is not valid UTF-8"),
    "mixed encodings": ("a,b\n1,ä\n".encode() + "2,ö\n".encode("cp1252"), 3, "not valid UTF-8"),
    "NUL bytes all over": (b"a\0\0\0,b\n1,\0\0\0\n", 1, "many NUL bytes"),
    "cut UTF-16": ("a,b\n1,2\n".encode("utf-16")[:-1], 2, "not valid UTF-16-LE"),
}


@pytest.mark.parametrize(("content", "line", "reason"), REFUSED.values(), ids=REFUSED)
def test_broken_files_are_refused_with_their_line(tmp_path, content, line, reason):
    with pytest.raises(ParseError) as caught:
        read_bytes(tmp_path, content)
    assert caught.value.facts["file"] == "f1.csv"
    assert caught.value.facts["line"] == line
    assert reason in str(caught.value)
    assert caught.value.hint
    assert len(str(caught.value)) <= 500


EMPTY = {"0 bytes": b"", "blank lines": b"\n\n", "only a mark": b"\xef\xbb\xbf"}


@pytest.mark.parametrize("content", EMPTY.values(), ids=EMPTY)
def test_empty_file_is_an_error_naming_it(tmp_path, content):
    with pytest.raises(EmptySourceError, match=r"f1\.csv is empty"):
        read_bytes(tmp_path, content)


BAD_NAMES = {
    "twins": (b"a,b,a\n1,2,3\n", "'a' at positions"),
    "no name": (b"a,,c\n1,2,3\n", "column 2"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_NAMES.values(), ids=BAD_NAMES)
def test_column_names_that_would_lose_a_column(tmp_path, content, reason):
    with pytest.raises(InputError, match=reason):
        read_bytes(tmp_path, content)


GERMAN = "stadt,name\n" + "Köln,Müller\nDüsseldorf,Schäfer\nGörlitz,Weiß\n"


class TestEightBitEncodings:
    """An encoding is guessed without any doubt, or not at all (E29)."""

    @pytest.mark.parametrize("before", [0, 3_000_000], ids=["at once", "behind megabytes of ASCII"])
    def test_told_by_words(self, tmp_path, before):
        filler = "Ulm,Maier\n" * (before // 10)
        content = (filler and "stadt,name\n") + filler + (GERMAN[11:] if filler else GERMAN)
        table, stream = read_stream(tmp_path, content.encode("cp1252"))
        assert table.column("stadt").to_pylist()[-3:] == ["Köln", "Düsseldorf", "Görlitz"]
        found = next(guess for guess in stream.guesses if guess.subject == "encoding")
        assert (found.value, found.override) == ("cp1252", "encoding")

    @pytest.mark.parametrize("encoding", ["cp850", "mac_roman", "iso8859-5", "shift-jis"])
    def test_not_told_where_another_could_be(self, tmp_path, encoding):
        russian = "a\nМосква\nКазань\nОмск\n"  # noqa: RUF001 - Cyrillic on purpose
        text = GERMAN if encoding in ("cp850", "mac_roman") else russian
        with pytest.raises(ParseError, match="Give the file's encoding"):
            read_bytes(tmp_path, text.encode(encoding))

    def test_not_told_of_mixed_files(self, tmp_path):
        content = GERMAN.encode("cp1252") + "Köln,Müller\n".encode()
        with pytest.raises(ParseError, match="not valid UTF-8"):
            read_bytes(tmp_path, content)

    def test_given(self, tmp_path):
        content = GERMAN.encode("cp850")
        assert read_bytes(tmp_path, content, encoding="cp850")["stadt"].to_pylist()[0] == "Köln"
        with pytest.raises(ParseError, match=r"line 2: byte 1[23] is not valid ASCII"):
            read_bytes(tmp_path, content, encoding="ascii")

    def test_each_file_has_its_own(self, tmp_path):
        contents = [GERMAN.encode(code) for code in ("utf-8", "cp1252", "utf-16")]
        table, stream = read_stream(tmp_path, *contents)
        assert table["name"].to_pylist() == ["Müller", "Schäfer", "Weiß"] * 3
        assert {g.subject: g.value for g in stream.guesses if "encoding" in g.subject} == {
            "encoding": "utf-8",
            "encoding of f2.csv": "cp1252",
            "encoding of f3.csv": "utf-16-le",
        }
