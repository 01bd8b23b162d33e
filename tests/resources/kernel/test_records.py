"""Names of tables as people write them."""

from __future__ import annotations

import pytest

from resources.kernel.records import TableName


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
    ],
)
def test_a_table_is_named_with_or_without_quotes(text, name, schema):
    """F10: standard quotes mean the same as none."""
    assert TableName.parse(text) == TableName(name, schema)
    assert TableName.parse(str(TableName(name, schema))) == TableName(name, schema)
