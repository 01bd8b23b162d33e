"""Values of custom metadata: many at once are judged as each alone, and what is storable comes back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.collections.metadata_frames import Frames, frames_of, normalised
from resources.collections.metadata_schema import MetadataKey
from resources.collections.metadata_values import (
    BeyondDouble,
    all_fit,
    check_storable,
    check_value,
    compact,
    parse_json,
    shown,
)

KEYS = [
    MetadataKey("k", "boolean"),
    MetadataKey("k", "datetime"),
    MetadataKey("k", "number"),
    MetadataKey("k", "uuid"),
    MetadataKey("k", "varchar"),
    MetadataKey("k", "text"),
    MetadataKey("k", "enum", ("a", "b")),
    MetadataKey("k", "embedding", size=2),
    MetadataKey("k", "geospatial"),
]
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5) | st.just(10**400),
    st.floats(-1, 1),
    st.sampled_from(["a", "b", "c", "", "2026-11-30", "2026-11-30T09:00:00Z", "x" * 8193]),
    st.just("123E4567-e89b-12d3-a456-426614174000") | st.just("urn:uuid:" + "0" * 36),
    st.lists(st.integers(0, 1) | st.floats(0, 1) | st.booleans(), max_size=3),
    st.fixed_dictionaries({"latitude": st.integers(-95, 95), "longitude": st.floats(-200, 200)}),
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.kind)
@given(given_values=st.lists(values, max_size=4))
def test_many_values_fit_as_each_alone(key, given_values):
    alone = [next(check_value(key, value), None) is None for value in given_values]
    assert all_fit(key, given_values) == all(alone)


@given(st.text(st.characters(), max_size=9))
def test_texts_are_shown_on_one_line(text):
    line = shown(text)
    assert "\n" not in line
    line.encode()


@given(st.recursive(values | st.text(st.characters()), lambda inner: st.lists(inner, max_size=3)))
def test_what_is_storable_comes_back(value):
    read = parse_json(json.dumps({"x": value}))
    if not list(check_storable(read)):
        assert parse_json(compact(read).decode()) == {"x": value}


@pytest.mark.parametrize(("text", "literal"), [("1e999", "1e999"), ("9" * 5000, "9" * 5000)])
def test_numbers_beyond_a_double_are_kept_as_they_stand_until_they_are_refused(text, literal):
    assert parse_json(f"[{text}]") == [BeyondDouble(literal)]


def test_defaults_of_frames():
    assert frames_of({}) == Frames(1, "frame", {})
    metadata = {"$encord": {"config": {"keyframe_mode": "seconds"}, "frames": {"1.5": {"a": 1}}}}
    assert frames_of(normalised(metadata)) == Frames(1, "seconds", {"1.5": {"a": 1}})
    assert frames_of(normalised({"keyframes": [3]})).frames == {"3": {}}
