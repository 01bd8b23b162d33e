"""The form of filters: every key is a field of its kind, what is typed cannot leave its place, what is wrong is told there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.services.collections.filter_form import read_form
from resources.collections.filter_fields import Among, Each, Holds, Interval, Present, bind_filter
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from tests.gallery import KEYS

SCHEMA = MetadataSchema("site", {key.name: key for key in KEYS})
GONE = MetadataKey("gone", "number", state="deleted")


def form(schema=SCHEMA, **given):
    """Names of parameters with `_` for what no name of Python has."""
    return read_form(lambda name: given.get(name, ()), schema)


def bound(found, schema=SCHEMA):
    return bind_filter(found.filter, schema)


def test_each_declared_key_is_asked_for_by_its_kind():
    schema = MetadataSchema("site", {**SCHEMA.keys, "gone": GONE})
    looks = {one.key: one.look for one in form(schema).fields}
    assert looks == {
        "checked": "one_of",
        "lux": "range",
        "notes": "search",
        "site.phase": "search",
        "spot.latitude": "range",
        "spot.longitude": "range",
        "taken": "days",
        "vec": "one_of",
        "weather": "choices",
    }
    assert form().is_empty


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"is:weather": ["fog", "sun"]}, Among),
        ({"from:lux": ["1"], "to:lux": ["2.5"]}, Interval),
        ({"to:lux": ["-3"]}, Interval),
        ({"from:spot.latitude": ["52"]}, Interval),
        ({"from:taken": ["2026-11-30"]}, Interval),
        ({"is:checked": ["false"]}, Among),
        ({"is:vec": ["present"]}, Present),
        ({"has:site.phase": ["roof"]}, Holds),
        ({"q": ["gate"]}, Holds),
        ({"state": ["failed"]}, Among),
    ],
)
def test_what_is_filled_in_is_a_filter(given, kind):
    found = form(**given)
    assert found.is_right, found
    assert isinstance(bound(found), kind)


def test_all_of_it_holds_at_once_and_counts_leave_their_own_part_out():
    found = form(**{"filter": ["lux > 1 or checked = true"], "type": ["image", "video"], "is:weather": ["fog"], "folder": ["north"]})  # fmt: skip
    assert isinstance(bound(found), Each)
    assert len(bound(found).parts) == 4
    assert "fog" not in found.without("weather")
    assert "image" not in found.without("types")
    assert "north" in found.without("types")


def test_a_mistake_is_told_where_it_was_made():
    found = form(**{"filter": ["lux >> 3"], "from:lux": ["many"], "has:notes": ["a\0b"]})
    wrong = {one.key: one.error for one in found.fields if one.error}
    assert found.error.facts["at"] == 5
    assert "a number, not 'many'" in wrong["lux"]
    assert "no text in a database" in wrong["notes"]
    assert not found.is_right


def test_what_is_no_choice_is_left_out():
    found = form(**{"type": ["image", "') or (type = video"], "state": ["lost"], "is:weather": ["snow", "fog"]})  # fmt: skip
    assert (found.types, found.states) == (("image",), ())
    assert found.filter == 'type in (image) and "weather" in ("fog")'


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.strip()))
def test_no_text_breaks_out_of_its_quotes(text):
    found = form(**{"has:notes": [text], "q": [text], "folder": [text]})
    if not found.is_right:
        return  # of a character that no database has; it is told beside the field
    parts = bound(found).parts
    assert isinstance(parts[0], Holds)
    assert isinstance(parts[-1], Holds)
    assert len(parts) in (2, 3)
