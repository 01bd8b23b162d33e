"""S1, S2: files that are still being written, real ones on a real disk, with the pauses of a settle time of a second or two."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.datasets.importing import ImportOrder, import_table
from assets.settling import settle_seconds
from resources.connectors.folder.connector import FolderConnector
from resources.kernel.errors import ConfigError, SourceChangedError
from resources.kernel.records import ObjectInfo
from resources.sources.settling import wait_until_settled
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec, check_source
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")
SENSOR = {"dagster/sensor_name": "watch"}


@pytest.fixture
def lake(tmp_path) -> Path:
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake"


@pytest.fixture
def store(tmp_path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def source_of(lake: Path, **spec) -> FileSource:
    return FileSource(SourceSpec("s", "lake", path="*.csv", **spec), FolderConnector("lake", lake))


def write(path: Path, text: str, *, age: float = 0) -> None:
    path.write_text(text)
    os.utime(path, (time.time() - age,) * 2)


def ids(store: TableStore) -> list[int]:
    return sorted(store.read(KEY).to_table().column("id").to_pylist())


class Writer:
    """Somebody who adds a line to a file ten times a second, from now until they are done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._write)
        path.write_text("id\n")

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _write(self) -> None:
        with self._path.open("a") as file:
            while not self._ends.wait(0.1):
                file.write("1\n")
                file.flush()


def test_a_file_that_grows_is_left_out_and_comes_with_the_next_import(lake, store):
    write(lake / "a.csv", "id\n7\n", age=60)
    with Writer(lake / "b.csv"):
        report = import_table(
            source_of(lake), store, ImportOrder("orders", KEY, "run-1", settle_seconds=1)
        )
    assert ids(store) == [7]
    assert [w for w in report.warnings if w.startswith("b.csv: left out")]
    assert report.version.properties["warnings"] == list(report.warnings)
    write(lake / "b.csv", "id\n1\n2\n", age=60)
    import_table(source_of(lake), store, ImportOrder("orders", KEY, "run-2", settle_seconds=1))
    assert ids(store) == [1, 2, 7]


def test_a_young_file_that_stays_as_it_is_is_waited_for(lake, store):
    write(lake / "a.csv", "id\n7\n")
    report = import_table(
        source_of(lake), store, ImportOrder("orders", KEY, "run-1", settle_seconds=1)
    )
    assert (ids(store), report.warnings) == ([7], ())


def test_what_is_observed_is_what_is_imported(lake, store):
    write(lake / "a.csv", "id\n7\n", age=60)
    with Writer(lake / "b.csv"):
        observed = source_of(lake).at_rest(1).fingerprint().version
        report = import_table(
            source_of(lake), store, ImportOrder("orders", KEY, "run-1", settle_seconds=1)
        )
    assert report.fingerprint.version == observed
    with Writer(lake / "b.csv"):
        again = import_table(
            source_of(lake), store, ImportOrder("orders", KEY, "run-2", settle_seconds=1)
        )
    assert again.unchanged
    assert again.warnings


def test_nothing_but_files_that_grow_is_an_error_to_be_tried_again(lake):
    with Writer(lake / "b.csv"), pytest.raises(SourceChangedError, match=r"b\.csv") as caught:
        source_of(lake).at_rest(1)
    assert caught.value.retryable


def test_nobody_waits_for_what_takes_longer_than_a_pause(lake):
    write(lake / "a.csv", "id\n7\n", age=7200)
    write(lake / "b.csv", "id\n8\n")
    source = source_of(lake).at_rest(3600)
    assert [item.key for item in source.objects()] == ["a.csv"]
    assert len(source.left_out) == 1


class DoubtfulFolder(FolderConnector):
    """A place whose clock may be wrong by an hour."""

    clock_doubt_seconds = 3600


def test_where_clocks_differ_two_looks_tell(lake):
    """A server whose clock is half an hour late shows a growing file as old."""
    spec = SourceSpec("s", "lake", path="*.csv")
    write(lake / "a.csv", "id\n7\n", age=-600)
    growing = lake / "b.csv"
    write(growing, "id\n", age=1800)

    def write_more() -> None:
        write(growing, "id\n1\n", age=1800 - 1)

    timer = threading.Timer(0.3, write_more)
    timer.start()
    found = FileSource(spec, DoubtfulFolder("lake", lake)).at_rest(1)
    timer.join()
    assert [item.key for item in found.objects()] == ["a.csv"]


def test_a_run_by_hand_takes_what_is_there(lake, store):
    write(lake / "a.csv", "id\n7\n")
    order = ImportOrder("orders", KEY, "run-1", settle_seconds=settle_seconds(_spec(), {}))
    assert order.settle_seconds == 0
    import_table(source_of(lake), store, order)
    assert ids(store) == [7]


def _spec(**more) -> SourceSpec:
    return SourceSpec("s", "lake", path="*.csv", **more)


@pytest.mark.parametrize(
    ("spec", "tags", "seconds"),
    [
        (_spec(), {"waybill/settle": "lake 5"}, 0),
        (_spec(settle_seconds=60), {}, 0),
        (_spec(), SENSOR, None),
        (_spec(settle_seconds=60), SENSOR | {"waybill/settle": "lake 5"}, 60),
        (_spec(), SENSOR | {"waybill/settle": "lake 5"}, 5),
        (_spec(), SENSOR | {"waybill/settle": "other 5"}, None),
        (_spec(), SENSOR | {"waybill/settle": "lake -5"}, None),
        (_spec(), {"dagster/schedule_name": "nightly"}, None),
        (_spec(), {"dagster/from_automation_condition": "true"}, None),
    ],
)
def test_who_started_a_run_says_how_long_it_waits(spec, tags, seconds):
    assert settle_seconds(spec, tags) == seconds


def test_how_long_files_settle_changes_nothing_about_what_is_read():
    assert _spec(settle_seconds=60).digest() == _spec().digest()
    with pytest.raises(ConfigError, match="settle_seconds has to be 0 or more"):
        check_source(_spec(settle_seconds=-1), holds="files")
    with pytest.raises(ConfigError, match="cannot go with 'table'"):
        check_source(SourceSpec("s", "db", table="t", settle_seconds=0), holds="tables")


def test_a_file_that_changed_between_two_looks_is_left_out_however_old_it_says_it_is():
    def seen(key: str, age: float, etag: str) -> ObjectInfo:
        return ObjectInfo(key, 1, etag, datetime.now(UTC) - timedelta(seconds=age))

    looks = iter(
        [[seen("a", 1, "1"), seen("b", 900, "1")], [seen("a", 9, "1"), seen("b", 900, "2")]]
    )
    found = wait_until_settled(
        lambda: next(looks), settle_seconds=10, clock_doubt_seconds=0, sleep=lambda _: None
    )
    assert [item.key for item in found.whole] == ["a"]
    assert [item.key for item in found.unsettled] == ["b"]
