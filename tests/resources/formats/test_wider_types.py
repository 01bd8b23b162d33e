import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.formats.wider_types import wider_type

INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())  # fmt: skip
WIDER = [
    (pa.int8(), pa.int64(), pa.int64()),
    (pa.uint8(), pa.int8(), pa.int16()),
    (pa.uint32(), pa.int8(), pa.int64()),
    (pa.uint64(), pa.int64(), None),
    (pa.int32(), pa.float64(), pa.float64()),
    (pa.int16(), pa.float32(), pa.float64()),
    (pa.int64(), pa.float64(), None),
    (pa.float32(), pa.float64(), pa.float64()),
    (pa.null(), pa.string(), pa.string()),
    (pa.string(), pa.large_string(), pa.large_string()),
    (pa.binary(), pa.large_binary(), pa.large_binary()),
    (pa.decimal128(10, 2), pa.decimal128(8, 4), pa.decimal128(12, 4)),
    (pa.decimal128(38, 0), pa.decimal128(38, 30), pa.decimal256(68, 30)),
    (pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("us")),
    (pa.timestamp("us", "UTC"), pa.timestamp("us"), None),
    (pa.date32(), pa.timestamp("us"), None),
    (pa.int64(), pa.string(), None),
    (pa.bool_(), pa.int8(), None),
]


@pytest.mark.parametrize(("one", "other", "wider"), WIDER, ids=str)
def test_in_either_order(one, other, wider):
    assert wider_type(one, other) == wider
    assert wider_type(other, one) == wider


@given(st.sampled_from(INTEGERS), st.sampled_from((*INTEGERS, pa.float32(), pa.float64())))
def test_the_wider_of_numbers_holds_the_ends_of_both(one, other):
    wider = wider_type(one, other)
    if wider is None:
        return
    for kind in (one, other):
        if pa.types.is_integer(kind):
            signed = pa.types.is_signed_integer(kind)
            bits = kind.bit_width - signed
            ends = [-(2**bits) if signed else 0, 2**bits - 1]
            assert pa.array(ends, kind).cast(wider).to_pylist() == ends
