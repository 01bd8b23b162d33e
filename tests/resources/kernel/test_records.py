"""Names of tables as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.kernel.records import TableName

NAMES = st.text(alphabet='ab."\n%/', min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "name", "schema"),
    [
        ("orders", "orders", None),
        ("sales.orders", "orders", "sales"),
        ('sales."a.b"', "a.b", "sales"),
        ('"a.b"', "a.b", None),
        ('"Sales"."Orders"', "Orders", "Sales"),
        ('"Sales".orders', "orders", "Sales"),
        ('"my.schema"."a ""b"" c"', 'a "b" c', "my.schema"),
        ('odd"name', 'odd"name', None),
        ('odd"schema.orders', "orders", 'odd"schema'),
        ('"odd""schema"."a.b"', "a.b", 'odd"schema'),
    ],
)
def test_a_table_is_named_with_or_without_quotes(text, name, schema):
    """F10: standard quotes mean the same as none."""
    assert TableName.parse(text) == TableName(name, schema)
    assert TableName.parse(str(TableName(name, schema))) == TableName(name, schema)


@given(name=NAMES, schema=st.none() | NAMES)
def test_every_name_is_read_as_it_is_written(name, schema):
    assert TableName.parse(str(TableName(name, schema))) == TableName(name, schema)
