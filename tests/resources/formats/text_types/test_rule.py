from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.formats.text_types.evidence import NO_VALUES, Evidence, ValueKind, decide
from resources.formats.text_types.rule import TypingRule, convert, examine


def typed(*texts, **settings):
    """The type that the rule decides on and the values it gives."""
    column = pa.array(texts, pa.string())
    rule = TypingRule(**settings)
    column_type = decide(examine(column, rule))
    values, _ = convert(column, column_type, rule)
    assert values.type == column_type.arrow
    return str(column_type), values.to_pylist()


DECIDED = {
    "integers": (("0", "-7", None, "4200"), "integer", [0, -7, None, 4200]),
    "extremes of 64 bits": (
        ("9223372036854775807", "-9223372036854775808"),
        "integer",
        [2**63 - 1, -(2**63)],
    ),
    "one above": (("9223372036854775808",), "decimal(19,0)", [Decimal(2**63)]),
    "prices": (("1.50", "-0.003", "12"), "number", [1.5, -0.003, 12.0]),
    "fifteen digits": (("123456789.012345",), "number", [123456789.012345]),
    "sixteen digits": (("9007199254740.9931",), "decimal(17,4)", [Decimal("9007199254740.9931")]),
    "the shortest form of a double": (
        ("0.8414709848078965", "0.1", "-1234567890.012345"),
        "number",
        [0.8414709848078965, 0.1, -1234567890.012345],
    ),
    "as Python writes": (("1.2e-05", "1e+22", "0.5", "3"), "number", [1.2e-5, 1e22, 0.5, 3.0]),
    "as Java writes": (
        ("1.0E-5", "1.23456789015E10", None),
        "number",
        [1e-5, 12345678901.5, None],
    ),
    "one digit more than the shortest": (
        ("0.84147098480789650",),
        "decimal(18,17)",
        [Decimal("0.84147098480789650")],
    ),
    "one that no double gives back": (
        ("0.8414709848078965", "0.12345678901234567"),
        "decimal(18,17)",
        [Decimal("0.8414709848078965"), Decimal("0.12345678901234567")],
    ),
    "exponents of names": (("1E5", "2E10", "2e-3"), "text", ["1E5", "2E10", "2e-3"]),
    "as JavaScript writes": (("1e-7", "2.5e+21"), "number", [1e-7, 2.5e21]),
    "exponents of hashes": (("12e4567", "1e5"), "text", ["12e4567", "1e5"]),
    "more digits with an exponent": (
        ("1.23456789012345678e-05",),
        "text",
        ["1.23456789012345678e-05"],
    ),
    "beyond a double": (("1e+400", "1.5"), "text", ["1e+400", "1.5"]),
    "below a double": (("1e-400", "1.5"), "text", ["1e-400", "1.5"]),
    "leading zeros are not significant": (
        ("0.000000123456789012345",),
        "number",
        [1.23456789012345e-7],
    ),
    "trailing zeros are": (("1.0000000000000000",), "decimal(17,16)", [Decimal(1)]),
    "long integers among decimals": (
        ("9007199254740993", "1.5"),
        "decimal(17,1)",
        [Decimal(9007199254740993), Decimal("1.5")],
    ),
    "38 digits": (("1" * 38,), "decimal(38,0)", [Decimal("1" * 38)]),
    "39 digits": (("1" * 39,), "text", ["1" * 39]),
    "leading zero": (("1", "01"), "text", ["1", "01"]),
    "leading zero before the point": (("01.5", "2.5"), "text", ["01.5", "2.5"]),
    "negative leading zero": (("-01.5",), "text", ["-01.5"]),
    "no digit before the point": ((".5",), "text", [".5"]),
    "no digit behind the point": (("5.",), "text", ["5."]),
    "two points": (("1.2.3", "1.5"), "text", ["1.2.3", "1.5"]),
    "points that would even out": (("1.2.3", "15"), "text", ["1.2.3", "15"]),
    "only a minus": (("-", "1"), "text", ["-", "1"]),
    "minus inside": (("1-1", "2"), "text", ["1-1", "2"]),
    "slash": (("1/2",), "text", ["1/2"]),
    "other digits": (("١٢٣",), "text", ["١٢٣"]),
    "true and false": (("true", None, "false"), "boolean", [True, None, False]),
    "only true": (("TRUE", "TRUE"), "boolean", [True, True]),
    "two spellings": (("True", "true"), "text", ["True", "true"]),
    "dates": (("2024-02-29", None), "date", [date(2024, 2, 29), None]),
    "short dates": (("2024-2-9",), "text", ["2024-2-9"]),
    "minutes": (
        ("2024-02-29 13:45", "2024-02-29T13:45:01.5"),
        "timestamp",
        [
            datetime.fromisoformat("2024-02-29 13:45:00"),
            datetime.fromisoformat("2024-02-29 13:45:01.500000"),
        ],
    ),
    "hours alone": (("2024-02-29 13",), "text", ["2024-02-29 13"]),
    "24 o'clock": (("2024-02-29 24:00",), "text", ["2024-02-29 24:00"]),
    "no values": ((None, None), "text", [None, None]),
    "integer and date": (("1", "2024-02-29"), "text", ["1", "2024-02-29"]),
}


@pytest.mark.parametrize(("texts", "name", "values"), DECIDED.values(), ids=DECIDED)
def test_decided_type_and_values(texts, name, values):
    assert typed(*texts) == (name, values)


MARKED = {
    "decimal comma": (("1,5", "-0,25", "3"), "number", [1.5, -0.25, 3.0], {"decimal_mark": ","}),
    "point is no number then": (("1.5", "2,5"), "text", ["1.5", "2,5"], {"decimal_mark": ","}),
    "thousands": (
        ("1,234", "12", "1,234,567"), "integer", [1234, 12, 1234567], {"thousands_mark": ","},
    ),
    "thousands and decimals": (
        ("1.234,5", "0,5"), "number", [1234.5, 0.5], {"decimal_mark": ",", "thousands_mark": "."},
    ),
    "groups out of place": (("1,23", "12,3456"), "text", ["1,23", "12,3456"], {"thousands_mark": ","}),
    "zero before thousands": (("0,123",), "text", ["0,123"], {"thousands_mark": ","}),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "name", "values", "marks"), MARKED.values(), ids=MARKED)
def test_marks(texts, name, values, marks):
    assert typed(*texts, **marks) == (name, values)


FORMATS = {
    "german dates": (("29.02.2024", "1.3.2024"), {"date_format": "%d.%m.%Y"}, "date",
                     [date(2024, 2, 29), date(2024, 3, 1)]),
    "a day that is not there": (("31.02.2024",), {"date_format": "%d.%m.%Y"}, "text", ["31.02.2024"]),
    "a time of day is not dropped": (("29.02.2024 10:00",), {"date_format": "%d.%m.%Y %H:%M"}, "text",
                                     ["29.02.2024 10:00"]),
    "a format replaces ISO": (("2024-02-29",), {"date_format": "%d.%m.%Y"}, "text", ["2024-02-29"]),
    "timestamps": (("29/02/2024 13:45:10",), {"timestamp_format": "%d/%m/%Y %H:%M:%S"}, "timestamp",
                   [datetime.fromisoformat("2024-02-29 13:45:10")]),
    "twelve hours and fractions": (("02/29/2024 01:45:10.25 PM", None),
                                   {"timestamp_format": "%m/%d/%Y %I:%M:%S.%f %p"}, "timestamp",
                                   [datetime.fromisoformat("2024-02-29 13:45:10.250000"), None]),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "settings", "name", "values"), FORMATS.values(), ids=FORMATS)
def test_given_formats(texts, settings, name, values):
    assert typed(*texts, **settings) == (name, values)


def test_offsets_in_a_given_format_become_utc():
    name, values = typed("29.02.24 13:45 +0200", timestamp_format="%d.%m.%y %H:%M %z")
    assert name == "timestamptz"
    assert values[0].isoformat() == "2024-02-29T11:45:00+00:00"


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 3))
def test_an_integer_is_canonical_or_text(number, zeros):
    text = ("-" if number < 0 else "") + "0" * zeros + str(abs(number))
    assert typed(text)[0] == ("integer" if text == str(number) else "text")


@given(
    st.lists(
        st.sampled_from(["1", "007", "-0", "0x10", "99999999999999999999", "1.5", "x", "true"])
    )
)
def test_evidence_does_not_depend_on_order_or_grouping(texts):
    whole = examine(pa.array(texts, pa.string()))
    merged = NO_VALUES
    for text in reversed(texts):
        merged = merged.merge(examine(pa.array([text])))
    assert decide(whole) == decide(merged)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_what_python_writes_of_doubles_comes_back(values):
    """Formats A10: bit for bit, minus zero included."""
    name, read = typed(*map(repr, values))
    assert name == "number"
    assert list(map(repr, read)) == list(map(repr, values))


@given(
    st.lists(
        st.from_regex(r"-?(0|[1-9][0-9]{0,3})\.[0-9]{10,19}", fullmatch=True),
        min_size=1,
        max_size=4,
    )
)
def test_a_double_is_taken_only_if_it_gives_every_number_back(texts):
    name, read = typed(*texts)
    if name == "number":
        assert [Decimal(repr(value)) for value in read] == list(map(Decimal, texts))


def test_slices_are_read_by_their_own_values():
    column = pa.array(["x", "1", None, "2", "y"]).slice(1, 3)
    assert convert(column, decide(examine(column)))[0].to_pylist() == [1, None, 2]


def test_evidence_of_nothing_changes_nothing():
    some = Evidence(ValueKind.DATE)
    assert NO_VALUES.merge(some) == some == some.merge(NO_VALUES)
