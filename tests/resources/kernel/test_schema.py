import pyarrow as pa
import pytest

from resources.kernel.errors import InputError
from resources.kernel.schema import case_twins, check_column_names, compare_schemas

OLD = pa.schema({"id": pa.int64(), "zip": pa.int64(), "gone": pa.string()})


def test_a_schema_change_names_what_came_went_and_was_retyped():
    change = compare_schemas(
        OLD, pa.schema({"zip": pa.string(), "id": pa.int64(), "new": pa.bool_()})
    )
    assert change.added == ("new",)
    assert change.removed == ("gone",)
    assert change.retyped == (("zip", "int64", "string"),)
    assert str(change) == "+new, -gone, zip: int64 -> string"


def test_the_order_of_columns_is_no_change():
    assert not compare_schemas(OLD, pa.schema(list(reversed(list(OLD)))))


def test_duplicate_columns_are_refused_with_their_positions():
    with pytest.raises(InputError, match=r"'a' at positions \[1, 3\]"):
        check_column_names(["a", "b", "a"], where="query")


@pytest.mark.parametrize("name", ["", " ", "\t"], ids=["empty", "space", "tab"])
def test_a_column_without_a_name_is_refused_with_its_position(name):
    with pytest.raises(InputError, match="column 2 of 2 has no name"):
        check_column_names(["a", name], where="x.csv")


def test_names_equal_but_for_case_are_found():
    assert case_twins(["Id", "name", "ID", "NAME"]) == [("Id", "ID"), ("name", "NAME")]
