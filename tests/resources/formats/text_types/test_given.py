from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from resources.formats.text_types.given import parse_type, read_given
from resources.formats.text_types.rule import TypingRule
from resources.kernel.errors import ConfigError

READ = {
    "leading zeros and plus": ("integer", ("007", "+5", "-1", None), [7, 5, -1, None]),
    "exponents": ("number", ("1e5", ".5", "5.", "+2.5"), [1e5, 0.5, 5.0, 2.5]),
    "written infinity": ("number", ("inf", "-Infinity", "1"), [float("inf"), float("-inf"), 1.0]),
    "long numbers, nearest double": ("number", ("0.1234567890123456789",), [0.12345678901234568]),
    "money": (
        "decimal(10,2)",
        ("1", "2.5", "-3.25"),
        [Decimal(1), Decimal("2.5"), Decimal("-3.25")],
    ),
    "yes and no": ("boolean", ("Yes", "no", None), [True, False, None]),
    "1 and 0": ("boolean", ("1", "0"), [True, False]),
    "dates": ("date", ("2024-02-29",), [date(2024, 2, 29)]),
    "instants": ("timestamptz", ("2024-02-29 12:00Z",), [datetime(2024, 2, 29, 12, tzinfo=UTC)]),
    "text": ("text", ("1", "true"), ["1", "true"]),
    "nothing": ("integer", (None,), [None]),
}


@pytest.mark.parametrize(("name", "texts", "values"), READ.values(), ids=READ)
def test_values_that_fit(name, texts, values):
    column_type = parse_type(name, where="types")
    found = read_given(pa.array(texts, pa.string()), column_type, TypingRule())
    assert found.type == column_type.arrow
    assert found.to_pylist() == values


REFUSED = {
    "a word": ("integer", "abc"),
    "hexadecimal": ("integer", "0x10"),
    "a fraction for an integer": ("integer", "1.0"),
    "beyond 64 bits": ("integer", "9223372036854775808"),
    "overflow to infinity": ("number", "1e999"),
    "too many decimals": ("decimal(5,2)", "1.005"),
    "too large": ("decimal(3,2)", "10.00"),
    "unknown spelling": ("boolean", "maybe"),
    "a time for a date": ("date", "2024-02-29 10:00"),
    "no offset": ("timestamptz", "2024-02-29 10:00"),
    "an offset": ("timestamp", "2024-02-29 10:00Z"),
}


@pytest.mark.parametrize(("name", "text"), REFUSED.values(), ids=REFUSED)
def test_values_that_do_not_fit(name, text):
    assert read_given(pa.array([text]), parse_type(name, where="types"), TypingRule()) is None


def test_marks_hold_for_given_types():
    rule = TypingRule(decimal_mark=",", thousands_mark=".")
    column = pa.array(["1.234.567,5", "0,25"])
    found = read_given(column, parse_type("decimal(10,2)", where="types"), rule)
    assert found.to_pylist() == [Decimal("1234567.5"), Decimal("0.25")]


@pytest.mark.parametrize("name", ["float", "decimal", "decimal(39,2)", "decimal(3,4)", ""])
def test_unknown_types_list_the_known(name):
    with pytest.raises(ConfigError, match="integer, number"):
        parse_type(name, where="types: price")
