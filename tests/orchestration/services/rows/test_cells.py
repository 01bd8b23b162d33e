"""Values as they are, whatever their type; long ones cut, and whole ones by their address."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from orchestration.services.rows.cell import dataset_cell
from orchestration.services.rows.page import RowsWanted, dataset_rows
from resources.kernel.errors import InputError, NotFoundError, UnknownNameError
from tests.orchestration.services.rows.shelf import Shelf
from tests.resources.stores.test_tables import every_type


@pytest.fixture(scope="module")
def location(tmp_path_factory):
    shelf = Shelf(tmp_path_factory.mktemp("cells"))
    shelf.put("types", every_type())
    return shelf.location


def test_values_of_every_type_are_shown_as_they_are(location):
    page = dataset_rows(location, "types", RowsWanted())
    shown = dict(zip([c.name for c in page.columns], page.rows[0], strict=True))
    assert shown == {
        "int8": 1,
        "int64": 2**53 + 1,
        "uint64": 2**64 - 1,
        "double": "nan",
        "float": "inf",
        "bool": True,
        "text": "00123",
        "blob": "0x00ff",
        "date": "9999-12-31",
        "time": "23:59:59.999999",
        "stamp": "2013-01-01 05:15:00.000000",
        "nanos": "1970-01-01 00:00:00.000000001",
        "zoned": "2013-01-01 05:15:00.000000Z",
        "span": "1 day, 0:00:00.000003",
        "decimal": "0.1234567890123456789",
        "list": [1, None],
        "vector": [1.0, 2.0],
        "struct": {"a": 1},
    }
    assert set(page.rows[1]) == {None}
    assert page.rows[2][6] == ""  # an empty text is no null
    assert page.cut == ()
    assert not any(c.can_sort for c in page.columns if c.name in {"list", "vector", "struct"})


def test_huge_values_are_cut_and_whole_ones_can_be_had(tmp_path):
    shelf = Shelf(tmp_path)
    text, data = "ä" * 100_000, bytes(range(256)) * 400
    table = {"t": [text, "x"], "b": [data, b""], "l": [list(range(5_000)), [1]]}
    shelf.put("long", pa.table(table))
    page = dataset_rows(shelf.location, "long", RowsWanted(cut_at=20))
    assert page.rows[0][0] == "ä" * 20 + "…"
    assert page.rows[0][1] == "0x000102030405060708…"
    assert page.rows[0][2] == "[0, 1, 2, 3, 4, 5, 6…"
    assert page.rows[1] == ("x", "0x", [1])
    lengths = {(cut.column, cut.unit): cut.length for cut in page.cut}
    assert lengths == {(0, "characters"): 100_000, (1, "bytes"): 102_400, (2, "characters"): 28_890}
    cell = {
        c: dataset_cell(shelf.location, "long", version=1, row=1, column=c) for c in ("t", "b", "l")
    }
    assert (cell["t"].data.decode(), cell["t"].form) == (text, "text")
    assert (cell["b"].data, cell["b"].form) == (data, "bytes")
    assert cell["l"].form == "json"


def test_a_cell_has_an_address(location):
    assert dataset_cell(location, "types", version=1, row=2, column="text").form == "null"
    with pytest.raises(NotFoundError, match=r"has no row 4\. It has 3 rows"):
        dataset_cell(location, "types", version=1, row=4, column="text")
    with pytest.raises(NotFoundError, match="has no version 9"):
        dataset_cell(location, "types", version=9, row=1, column="text")
    with pytest.raises(InputError, match="Did you mean 'text'"):
        dataset_cell(location, "types", version=1, row=1, column="texd")
    with pytest.raises(UnknownNameError, match="Did you mean 'types'"):
        dataset_cell(location, "type", version=1, row=1, column="text")


def test_nested_values_keep_their_shape(tmp_path):
    shelf = Shelf(tmp_path)
    kind = pa.map_(pa.string(), pa.list_(pa.struct([("at", pa.date32()), ("x", pa.float32())])))
    value = [("k", [{"at": dt.date(2020, 1, 2), "x": 0.1}, None]), ("e", [])]
    shelf.put("t", pa.table({"m": pa.array([value, None], kind)}))
    page = dataset_rows(shelf.location, "t", RowsWanted())
    assert page.rows == (
        ([["k", [{"at": "2020-01-02", "x": 0.1}, None]], ["e", []]],),
        (None,),
    )


def test_far_times_and_long_spans_have_a_text(tmp_path):
    shelf = Shelf(tmp_path)
    far = pa.array([2**62, -(2**62)], pa.int64())
    shelf.put("t", pa.table({"at": far.cast(pa.timestamp("us")), "s": far.cast(pa.duration("us"))}))
    page = dataset_rows(shelf.location, "t", RowsWanted())
    assert page.rows[0][0].startswith("148108-")
    assert page.rows[0][1] == str(dt.timedelta(microseconds=2**62))
    assert page.rows[1][1] == str(dt.timedelta(microseconds=-(2**62)))
