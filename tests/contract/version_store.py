"""What every version store promises, whatever it lies on.

An implementation's test class inherits `VersionStoreContract` and supplies the fixture `open_store`, which opens the same
store anew. `version_store_faults.py` has the faults, `version_store_kills.py` the kills.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from resources.kernel.errors import (
    ConfigError,
    GoneError,
    InputError,
    NotFoundError,
)
from resources.stores.manifest import Manifest
from resources.stores.versions import VersionedItem, VersionStore

KEY = ("datasets", "flights")
NOW = timedelta(0)
Open = Callable[[], VersionStore]


def publish(item: VersionedItem, run_id: str, attempt: int = 0, **facts: Any) -> Manifest:
    """A version of two files that say which run wrote them."""
    with item.publisher(run_id, attempt) as publisher:
        write(publisher, run_id)
        return publisher.publish(rows=7, properties={"run": run_id, **facts})


def write(publisher: Any, run_id: str) -> None:
    for part in range(2):
        path = publisher.new_file(f"part-{part:05d}.bin")
        path.write_bytes(content(run_id, part))
        publisher.seal(path)


def fail_after_writing(item: VersionedItem, run_id: str) -> None:
    with item.publisher(run_id) as publisher:
        write(publisher, run_id)
        raise ZeroDivisionError


def content(run_id: str, part: int) -> bytes:
    return f"{run_id}/{part} ".encode() * 400


def assert_whole(item: VersionedItem, version: Manifest) -> None:
    """All files of one run, byte for byte as written."""
    with item.local_files(version) as paths:
        assert [path.read_bytes() for path in paths] == [
            content(version.run_id, part) for part in range(2)
        ]
    assert version.properties["run"] == version.run_id


def data_folders(item: VersionedItem) -> set[str]:
    return set(item._log.storage.data_folders(item._log.data_path))


def named_folders(item: VersionedItem) -> set[str]:
    return {file.path.split("/")[1] for version in item.versions() for file in version.files}


class VersionStoreContract:
    """Publishing, reading, collecting; faults that need no killing."""

    @pytest.fixture
    def open_store(self) -> Open:
        raise NotImplementedError("the implementation's test class supplies the store")

    @pytest.fixture
    def item(self, open_store: Open) -> VersionedItem:
        return open_store().item(KEY)

    def test_versions_are_numbered_and_read_back_whole(self, item: VersionedItem, open_store: Open):
        published = [publish(item, f"run-{i}", turn=i) for i in range(3)]
        again = open_store().item(KEY)
        assert again.numbers() == [1, 2, 3]
        assert again.versions() == published
        assert again.latest() == published[-1]
        assert again.version(2) == published[1]
        for version in published:
            assert_whole(again, version)

    def test_newest_versions_only(self, item: VersionedItem):
        for i in range(4):
            publish(item, f"run-{i}")
        assert [version.number for version in item.versions(newest=2)] == [3, 4]
        assert [version.number for version in item.versions(newest=9)] == [1, 2, 3, 4]
        assert item.versions(newest=0) == []

    def test_schema_and_properties_come_back_exactly(self, item: VersionedItem, open_store: Open):
        schema = pa.schema([("täg", pa.timestamp("us", "UTC")), ("n", pa.decimal128(38, 2))])
        given = {"guesses": [{"subject": "encoding", "n": 1.5}], "none": None, "ok": True}
        with item.publisher("run-1") as publisher:
            publisher.publish(rows=0, schema=schema, properties=given)
        version = open_store().item(KEY).latest()
        assert version is not None
        assert version.arrow_schema == schema
        assert version.schema == (("täg", "timestamp[us, tz=UTC]"), ("n", "decimal128(38, 2)"))
        assert version.properties == given
        assert version.files == ()
        assert version.created_at.tzinfo is UTC

    def test_rows_are_summed_over_files(self, item: VersionedItem):
        with item.publisher("run-1") as publisher:
            for part, rows in enumerate((3, 4)):
                path = publisher.new_file(f"part-{part}")
                path.write_bytes(b"x")
                publisher.seal(path, rows=rows)
            assert publisher.publish().rows == 7

    def test_nothing_there(self, item: VersionedItem, open_store: Open):
        assert item.latest() is None
        assert item.versions() == []
        assert open_store().keys() == []
        with pytest.raises(NotFoundError, match="datasets/flights has no version"):
            item.version(1)
        with pytest.raises(NotFoundError, match="datasets/flights has no version"):
            item.read_latest(lambda version: version)

    def test_versions_that_are_not_there(self, item: VersionedItem):
        for i in range(3):
            publish(item, f"run-{i}")
        item.collect(keep=1, grace=NOW)
        with pytest.raises(GoneError, match="Version 2 of datasets/flights has been removed"):
            item.version(2)
        for number in (0, -1, 4):
            with pytest.raises(NotFoundError) as caught:
                item.version(number)
            assert not isinstance(caught.value, GoneError)

    def test_keys_in_order_and_by_prefix(self, open_store: Open):
        store = open_store()
        for key in (("models", "m"), ("datasets", "v"), ("datasets", "data"), ("datasets", "b")):
            publish(store.item(key), "run-1")
        store.item(("datasets", "unpublished")).publisher("run-2").__enter__().new_file("x")
        assert store.keys() == [
            ("datasets", "b"),
            ("datasets", "data"),
            ("datasets", "v"),
            ("models", "m"),
        ]
        assert store.keys(("datasets",)) == [("datasets", n) for n in ("b", "data", "v")]
        assert store.keys(("data",)) == []

    @pytest.mark.parametrize(
        "part",
        ["", "..", "a/b", "a\0", "-x", "a" * 201],
        ids=["empty", "parent", "slash", "nul", "dash", "long"],
    )
    def test_keys_cannot_leave_the_store(self, open_store: Open, part: str):
        with pytest.raises(ConfigError):
            open_store().item(("datasets", part))

    @pytest.mark.parametrize("run_id", ["", "../x", "a/b", "a..b", "x" * 101], ids=repr)
    def test_run_ids_cannot_leave_the_store(self, item: VersionedItem, run_id: str):
        with pytest.raises(InputError, match="run id"):
            item.publisher(run_id)

    @pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "_x\n"], ids=repr)
    def test_file_names_cannot_leave_the_folder(self, item: VersionedItem, name: str):
        with item.publisher("run-1") as publisher, pytest.raises(InputError):
            publisher.new_file(name)

    def test_a_run_publishes_once(self, item: VersionedItem):
        first = publish(item, "run-1")
        publish(item, "run-2")
        assert publish(item, "run-1") == first
        assert publish(item, "run-1", attempt=1) == first
        assert item.numbers() == [1, 2]
        assert data_folders(item) == named_folders(item)

    def test_publishing_twice_is_publishing_once(self, item: VersionedItem):
        with item.publisher("run-1") as publisher:
            write(publisher, "run-1")
            assert publisher.publish() == publisher.publish()
        assert item.numbers() == [1]

    def test_a_failed_run_leaves_nothing(self, item: VersionedItem):
        publish(item, "run-1")
        with pytest.raises(ZeroDivisionError):
            fail_after_writing(item, "run-2")
        assert item.numbers() == [1]
        assert data_folders(item) == named_folders(item)

    def test_a_later_attempt_removes_what_an_earlier_one_left(self, item: VersionedItem):
        item.publisher("run-1", 0).__enter__().new_file("lost")
        item.publisher("run-10", 0).__enter__().new_file("other")
        publish(item, "run-1", attempt=1)
        assert data_folders(item) == {"run-1-1", "run-10-0"}

    def test_reset_throws_away_what_was_written(self, item: VersionedItem):
        with item.publisher("run-1") as publisher:
            wrong = publisher.new_file("part-00000.bin")
            wrong.write_bytes(b"wrong")
            publisher.seal(wrong)
            publisher.reset()
            write(publisher, "run-1")
            version = publisher.publish(properties={"run": "run-1"})
        assert_whole(item, version)
        assert data_folders(item) == named_folders(item)

    @pytest.mark.parametrize(
        ("properties", "where"),
        [
            ({"a": float("nan")}, "a"),
            ({"a": [1, {"b": float("inf")}]}, r"a\[1\]\.b"),
            ({"a": datetime.now(UTC)}, "a"),
            ({"a": {1: 2}}, "1"),
            ({2: 1}, "2"),
        ],
        ids=["nan", "nested-inf", "datetime", "number-key", "top-number-key"],
    )
    def test_properties_must_be_json(self, item: VersionedItem, properties: Any, where: str):
        with item.publisher("run-1") as publisher:
            write(publisher, "run-1")
            with pytest.raises(InputError, match=where):
                publisher.publish(properties=properties)
        assert item.numbers() == []

    def test_collection_keeps_the_newest_and_what_was_superseded_lately(self, item: VersionedItem):
        for i in range(5):
            publish(item, f"run-{i}")
        assert item.collect(keep=2).removed_versions == ()
        report = item.collect(keep=2, grace=NOW)
        assert report.removed_versions == (1, 2, 3)
        assert report.kept_versions == (4, 5)
        assert report.removed_folders == ("run-0-0", "run-1-0", "run-2-0")
        assert report.freed_bytes > 0
        assert item.collect(keep=0, grace=NOW).kept_versions == (5,)
        assert data_folders(item) == {"run-4-0"}
        assert_whole(item, item.version(5))

    def test_collection_spares_unpublished_data_within_grace(self, item: VersionedItem):
        with item.publisher("run-1") as publisher:
            write(publisher, "run-1")
            publisher._sealed[-1].result()
            item.collect()
            version = publisher.publish(properties={"run": "run-1"})
        assert_whole(item, version)

    def test_collection_of_a_running_writers_data_publishes_nothing(self, item: VersionedItem):
        publish(item, "run-1")
        with item.publisher("run-2") as publisher:
            write(publisher, "run-2")
            for future in publisher._sealed:
                future.result()
            item.collect(keep=1, grace=NOW)
            with pytest.raises(GoneError, match=r"part-00000\.bin was removed or changed before"):
                publisher.publish()
        assert item.numbers() == [1]
