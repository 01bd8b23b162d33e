import pytest

from resources.formats.columns import Usual, compare_columns, find_usual, unite_columns
from resources.kernel.errors import SchemaMismatchError


def test_the_order_of_columns_does_not_count():
    assert compare_columns(Usual("a", 1), ["x", "y"], "b", ["y", "x"]) is None
    assert unite_columns({"a": ["x", "y"], "b": ["y", "x"]}, "same") == (("x", "y"), [])


def test_differences_are_told_by_file_and_column():
    """E20."""
    columns = {"a": ["x", "y"], "b": ["x", "y"], "c": ["y", "z"]}
    with pytest.raises(
        SchemaMismatchError,
        match=r"c does not belong .* a and 1 other file: it lacks 'x' and has 'z'",
    ):
        unite_columns(columns, "same")
    names, warnings = unite_columns(columns, "union")
    assert names == ("x", "y", "z")
    assert warnings == [
        "c: it lacks 'x' and has 'z' besides, compared with a; missing columns are null"
    ]


def test_many_differences_are_counted():
    with pytest.raises(SchemaMismatchError, match="'4' and 95 more") as caught:
        unite_columns({"a": list(map(str, range(100))), "b": ["q"]}, "same")
    assert len(caught.value.facts["missing"]) == 100


def test_the_usual_shape_is_that_of_most_files_and_of_equally_many_the_first():
    assert find_usual({"a": 1, "b": 2, "c": 2}) == Usual("b", 2)
    assert find_usual({"a": 1, "b": 2, "c": 2, "d": 1}) == Usual("a", 2)
