"""Names between quotes."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.kernel.quoting import quoted


@pytest.mark.parametrize("mark", ['"', "`"])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_database_reads_the_name_back(mark: str, name: str) -> None:
    with sqlite3.connect(":memory:") as connection:
        cursor = connection.execute(f"SELECT 1 AS {quoted(name, mark)}")
        assert cursor.description[0][0] == name
    connection.close()
