"""What has to be written between two states, against the obvious way of finding out."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.classifications.row_changes import row_changes

SCHEMA = pa.schema(
    [
        pa.field("Key", pa.string(), nullable=False),
        ("Text", pa.string()),
        ("Number", pa.float64()),
        ("List", pa.list_(pa.string())),
    ]
)
VALUES = st.tuples(
    st.sampled_from([None, "", "a", "b"]),
    st.sampled_from([None, 0.0, 1.5]),
    st.sampled_from([None, [], [""], ["a"], ["a", "b"], ["b", "a"]]),
)
STATES = st.dictionaries(st.sampled_from("abcdefgh"), VALUES, max_size=8)


def table(rows):
    ordered = sorted(rows.items())
    return pa.table(
        [[k for k, _ in ordered], *([v[n] for _, v in ordered] for n in range(3))], schema=SCHEMA
    )


def rows(found):
    return {row.pop("Key"): tuple(row.values()) for row in found.to_pylist()}


@settings(max_examples=300, deadline=None)
@given(before=STATES, after=STATES)
def test_exactly_the_rows_that_differ_are_written(before, after):
    found = row_changes(table(before), table(after))
    changed = {
        key: row for key, row in after.items() if before.get(key) != row or key not in before
    }
    gone = sorted(set(before) - set(after))
    assert rows(found.upserts) == changed
    assert found.deleted.to_pylist() == gone
    assert rows(found.old) == {key: before[key] for key in before if key in changed or key in gone}
    assert found.upserts.column("Key").to_pylist() == sorted(changed)
    assert found.new_count == len(set(after) - set(before))
    assert found.is_empty == (before == after)


def test_nothing_is_copied_where_everything_is_new_or_changed():
    before = table({"a": ("x", None, None), "b": ("x", None, None)})
    after = table({"a": ("y", None, None), "b": ("y", None, None)})
    assert row_changes(before, after).upserts is after
    assert row_changes(before, after).old is before
    assert row_changes(before.slice(0, 0), after).upserts is after
