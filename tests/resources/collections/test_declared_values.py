"""What filters see of a value, beside what an import checks of it: the same values fit."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.collections.declared_values import MetadataReader, reading_of
from resources.collections.metadata_schema import KeyKind, MetadataKey
from resources.collections.metadata_values import check_value

KEYS = [
    MetadataKey(kind, kind, options=("fog", "rain") if kind == "enum" else (), size=2)
    for kind in KeyKind.__args__
]
PLACE = {"latitude": 52.5, "longitude": -180}
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        [
            *("fog", "x" * 8192, "x" * 8193, "2026-11-30", "2026-11-30T09:40:00+25:00", "20261130"),
            *("2026-11-30T09:40:00Z", "0001-01-01T00:00:00+10:00", "2026-W01-1", "٢٠٢٦-11-30"),
            *(
                "123e4567-e89b-12d3-a456-426614174000",
                "urn:uuid:123E4567-e89b-12d3-a456-426614174000",
            ),
            *("123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}"),
            *([1, 2.5], [1], [1, True], [1, "2"], [10**400, 1], 10**400, [], {}),
            *(PLACE, {**PLACE, "z": 1}, {"latitude": 91, "longitude": 0}, {"latitude": 1}),
        ]
    ),
)


@given(value=VALUES)
def test_the_same_values_fit(value):
    for key in KEYS:
        assert (reading_of(key)(value) is not None) == (list(check_value(key, value)) == []), key


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("number", 1, 1.0),
        ("datetime", "2026-11-30T09:40:00Z", "2026-11-30T10:40:00+01:00"),
        ("datetime", "2026-11-30", "2026-11-30T00:00:00+00:00"),
        (
            "uuid",
            "123E4567-e89b-12d3-a456-426614174000",
            "urn:uuid:123e4567-e89b-12d3-a456-426614174000",
        ),
    ],
)
def test_two_ways_to_write_one_value(kind, one, other):
    read = reading_of(MetadataKey("k", kind))
    assert read(one) == read(other) is not None


def test_keys_are_read_whatever_else_there_is():
    read = MetadataReader([MetadataKey("a.b", "number"), MetadataKey("ü", "varchar")])
    given_ = [
        msgspec.json.encode({"x": [{}], "a.b": 1, "ü": "y"}),
        None,
        b'{"a.b":1e999,"\xc3\xbc":"y"}',
        '{"a.b": true, "\\u00fc": "z"}',
    ]
    assert read.columns(given_) == [[1.0, None, None, None], ["y", None, None, "z"]]
    assert read.columns([]) == [[], []]
    assert MetadataReader([]).columns(given_) == []
