import pyarrow as pa
import pytest

from resources.formats.text_types.numbers import measure_decimals, parse_integers


@pytest.mark.parametrize(
    "texts", [["-100000000000000"], ["-7", "-12"], ["0"], ["-5", "100"]], ids=str
)
def test_both_ways_count_the_same_digits(texts):
    """Otherwise a column would get another type when it is read again by the type that the first reading gave."""
    integers, decimals = parse_integers(pa.array(texts)), measure_decimals(pa.array(texts))
    assert integers.digits == decimals.integer_digits == max(len(t.lstrip("-")) for t in texts)
