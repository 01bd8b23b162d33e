"""What is in a column, against a count by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from orchestration.services.rows.facets import Frequent, dataset_facets
from orchestration.services.rows.page import RowsWanted
from resources.kernel.errors import InputError
from tests.orchestration.services.rows.shelf import Shelf
from tests.resources.stores.test_tables import every_type


@pytest.fixture(scope="module")
def location(tmp_path_factory):
    shelf = Shelf(tmp_path_factory.mktemp("facets"))
    words = np.random.default_rng(5).choice(["a", "b", "", "null"], 3_000, p=[0.5, 0.3, 0.1, 0.1])
    shelf.put(
        "t",
        pa.table(
            {
                "w": [None if i % 11 == 0 else str(w) for i, w in enumerate(words)],
                "n": pa.array(range(3_000)),
            }
        ),
    )
    shelf.put("types", every_type())
    return shelf.location


def test_counts_of_values_nulls_and_ends(location):
    table = location.store().read(("datasets", "t")).to_table()
    words = [word for word in table["w"].to_pylist() if word is not None]
    found = dataset_facets(location, "t", "w", RowsWanted(), top=3)
    assert (found.rows, found.nulls, found.distinct) == (3_000, 3_000 - len(words), 4)
    assert (found.minimum, found.maximum) == ("", "null")
    assert [(f.value, f.rows) for f in found.top] == Counter(words).most_common(3)


def test_only_rows_that_match_count(location):
    found = dataset_facets(location, "t", "n", RowsWanted(where=("n < 10", "w is not null")))
    assert (found.rows, found.nulls, found.minimum, found.maximum) == (9, 0, 1, 9)
    nothing = dataset_facets(location, "t", "n", RowsWanted(where=("n < 0",)))
    assert (nothing.rows, nothing.minimum, nothing.maximum, nothing.top) == (0, None, None, ())


def test_values_are_exact_whatever_the_type(location):
    found = {
        name: dataset_facets(location, "types", name, RowsWanted())
        for name in every_type().column_names
    }
    assert found["decimal"].maximum == "0.1234567890123456789"
    assert found["nanos"].minimum == "1969-12-31 23:59:59.999999999"
    assert found["uint64"].maximum == 2**64 - 1
    assert found["span"].maximum == "1 day, 0:00:00.000003"
    assert found["zoned"].top == (Frequent("2013-01-01 05:15:00.000000Z", 2),)
    assert found["double"].maximum == "nan"
    assert {one.nulls for one in found.values()} == {1}
    assert (found["list"].distinct, found["list"].minimum, found["list"].top) == (None, None, ())


def test_what_cannot_be_asked(location):
    with pytest.raises(InputError, match=r"there is no column 'W'\. Did you mean 'w'"):
        dataset_facets(location, "t", "W", RowsWanted())
    with pytest.raises(InputError, match="1 to 100 values"):
        dataset_facets(location, "t", "w", RowsWanted(), top=101)
