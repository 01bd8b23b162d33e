"""Options that columns have each for themselves: formats, marks, nulls (A18)."""

import datetime as dt

import pyarrow as pa
import pytest

from resources.formats.csv import CsvOptions
from resources.kernel.errors import ConfigError, ParseError, UnknownNameError
from tests.resources.formats.csv.reading import read_bytes


def test_a_format_for_one_column_leaves_the_others_as_they_are(tmp_path):
    content = b"a,b,c\n03.04.2024,2024-04-03,1.2.2024 10:00\n"
    table = read_bytes(
        tmp_path, content, date_format={"a": "%d.%m.%Y"}, timestamp_format={"c": "%d.%m.%Y %H:%M"}
    )
    assert table.to_pylist() == [
        {"a": dt.date(2024, 4, 3), "b": dt.date(2024, 4, 3), "c": dt.datetime.fromisoformat("2024-02-01 10:00")}
    ]  # fmt: skip


def test_marks_for_one_column(tmp_path):
    content = b"a;b;c\n1.234;1.234;1,5\n5;2.5;2,5\n"
    table = read_bytes(
        tmp_path,
        content,
        decimal_mark={"a": ",", "c": ","},
        thousands_mark={"a": "."},
    )
    assert table.to_pydict() == {"a": [1234, 5], "b": [1.234, 2.5], "c": [1.5, 2.5]}


def test_nulls_for_one_column(tmp_path):
    content = b'country,n\nNA,NA\n"-",1\n'
    table = read_bytes(tmp_path, content, null_values={"n": ("NA",), "country": ("-",)})
    assert table.to_pydict() == {"country": ["NA", None], "n": [None, 1]}


def test_from_yaml(tmp_path):
    options = CsvOptions.parse({"null_values": {"n": ["NA"]}, "date_format": {"d": "%d.%m.%Y"}})
    assert options.null_values == {"n": ("NA",)}
    for wrong in (
        {"null_values": {"n": "NA"}},
        {"date_format": {"d": "dd.mm.yyyy"}},
        {"decimal_mark": {"n": ";"}},
        {"thousands_mark": {"n": "."}},
    ):
        with pytest.raises(ConfigError):
            CsvOptions.parse(wrong)


def test_a_column_that_is_not_there_is_named_with_its_option(tmp_path):
    with pytest.raises(UnknownNameError, match=r"null_values.*'z'"):
        read_bytes(tmp_path, b"a\n1\n", null_values={"z": ("NA",)})


class TestTimestampsAsPeopleAskForThem:
    def test_seven_decimals_of_dotnet(self, tmp_path):
        content = b"t,z\n2024-01-01T00:00:00.1234567,2024-01-01T00:00:00.1234567Z\n"
        types = {"t": "timestamp(ns)", "z": "timestamptz(ns)"}
        table = read_bytes(tmp_path, content, types=types)
        assert table.schema.types == [pa.timestamp("ns"), pa.timestamp("ns", "UTC")]
        assert table["t"].cast(pa.int64())[0].as_py() % 10**9 == 123456700
        with pytest.raises(ParseError, match=r"`timestamp\(ns\)` holds nine"):
            read_bytes(tmp_path, content, types={"t": "timestamp"})

    @pytest.mark.parametrize("text", ["9999-12-31 00:00:00", "2024-01-01", "2024-01-01 10"])
    def test_what_nanoseconds_do_not_hold_is_an_error(self, tmp_path, text):
        with pytest.raises(ParseError, match=r"is not of the given type timestamp\(ns\)"):
            read_bytes(tmp_path, f"t\n{text}\n".encode(), types={"t": "timestamp(ns)"})

    def test_the_zone_of_bigquery(self, tmp_path):
        content = b"t\n2024-01-01 10:00:00.5 UTC\n2024-01-01 10:00:00+02:00\n"
        table = read_bytes(tmp_path, content, types={"t": "timestamptz"})
        assert [one.isoformat() for one in table["t"].to_pylist()] == [
            "2024-01-01T10:00:00.500000+00:00",
            "2024-01-01T08:00:00+00:00",
        ]
