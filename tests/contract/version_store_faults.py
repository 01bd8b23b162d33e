"""Faults at every version store that need no killing: stalled writers, clocks, damage, collected versions (E18, E51, E53).

An implementation's test class inherits `VersionStoreFaultContract` and supplies two fixtures: `open_store`, which opens
the same store anew, and `rot`, which changes a stored file behind its back.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resources.kernel.errors import GoneError, IntegrityError, StorageError
from resources.stores import publish as publish_module
from resources.stores.manifest import Manifest
from resources.stores.versions import VersionedItem
from tests.contract.version_store import KEY, NOW, Open, assert_whole, publish, write

FIRST = "v/00000000000000000001.json"


class VersionStoreFaultContract:
    """What goes wrong while versions are written, read and kept."""

    @pytest.fixture
    def open_store(self) -> Open:
        raise NotImplementedError("the implementation's test class supplies the store")

    @pytest.fixture
    def item(self, open_store: Open) -> VersionedItem:
        return open_store().item(KEY)

    @pytest.fixture
    def rot(self, item: VersionedItem):
        """Changes a stored file behind the store's back."""
        raise NotImplementedError("the implementation's test class supplies the damage")

    def test_a_writer_stalled_past_a_collection_becomes_the_newest(self, item: VersionedItem):
        for i in range(3):
            publish(item, f"run-{i}")
        with item.publisher("late") as publisher:
            write(publisher, "late")
            create, stalled = publisher._log.create, []

            def stall(manifest: Manifest) -> bool:
                if not stalled:
                    stalled.append(manifest.number)
                    for i in range(6):
                        publish(item, f"other-{i}")
                    for number in item.numbers()[:-1]:
                        item._log.remove(number)
                return create(manifest)

            publisher._log.create = stall
            version = publisher.publish(properties={"run": "late"})
        assert stalled == [4]
        assert version.number == 10
        assert item.numbers() == [9, 10]
        assert_whole(item, version)

    def test_the_first_version_of_a_stalled_writer_does_not_reuse_number_one(
        self, item: VersionedItem
    ):
        with item.publisher("late") as publisher:
            write(publisher, "late")
            create = publisher._log.create

            def stall(manifest: Manifest) -> bool:
                publisher._log.create = create
                for i in range(3):
                    publish(item, f"other-{i}")
                for number in item.numbers()[:-1]:
                    item._log.remove(number)
                return create(manifest)

            publisher._log.create = stall
            assert publisher.publish(properties={"run": "late"}).number == 4
        assert item.numbers() == [3, 4]

    def test_a_version_superseded_and_collected_at_once_stays_published(self, item: VersionedItem):
        """Its predecessor is gone when the writer looks, yet it was the newest in its turn: no undo."""
        publish(item, "run-1")
        with item.publisher("run-2") as publisher:
            write(publisher, "run-2")
            create = publisher._log.create

            def overtaken(manifest: Manifest) -> bool:
                done = create(manifest)
                publish(item, "run-3")
                item._log.remove(1)
                return done

            publisher._log.create = overtaken
            assert publisher.publish(properties={"run": "run-2"}).number == 2
        assert item.numbers() == [2, 3]

    def test_the_clock_going_back_loses_nothing(self, item: VersionedItem, monkeypatch):
        start = datetime.now(UTC)
        for i, hours in enumerate((0, -1, -30, 20_000 * 24, -2)):

            class Clock(datetime):
                moment = start + timedelta(hours=hours)

                @classmethod
                def now(cls, tz=None):
                    return cls.moment

            monkeypatch.setattr(publish_module, "datetime", Clock)
            publish(item, f"run-{i}")
        assert [v.run_id for v in item.versions()] == [f"run-{i}" for i in range(5)]
        assert item.version(4).created_at.year > 2075
        newest = item.latest()
        assert newest is not None
        assert newest.run_id == "run-4"
        item.collect(keep=1, grace=timedelta(hours=24))
        assert item.numbers() == [1, 2, 3, 4, 5]

    def test_bit_rot_is_named_and_spares_other_versions(self, item: VersionedItem, rot):
        good = publish(item, "run-1")
        with item.publisher("run-2") as publisher:
            for part in range(4):
                path = publisher.new_file(f"part-{part:05d}.parquet")
                path.write_bytes(bytes(1000))
                publisher.seal(path)
            bad = publisher.publish()
        rot(bad.files[3].path, lambda data: data[:500] + b"\1" + data[501:])
        with (
            pytest.raises(
                IntegrityError, match=r"part-00003 of version 2 of .* is damaged: its SHA"
            ),
            item.local_files(bad),
        ):
            pass
        rot(bad.files[1].path, lambda data: data[:-1])
        with (
            pytest.raises(IntegrityError, match=r"part-00001 of version 2 .*999 of 1000 bytes"),
            item.local_files(bad),
        ):
            pass
        assert_whole(item, good)

    def test_a_missing_file_of_the_newest_version_is_damage(self, item: VersionedItem):
        version = publish(item, "run-1")
        item._log.storage.remove(item._log.item_path(version.files[1].path))
        with pytest.raises(IntegrityError, match=r"part-00001 of version 1 .* is missing"):
            item.read_latest(lambda newest: assert_whole(item, newest))

    def test_a_pinned_version_collected_under_the_reader_is_gone(self, item: VersionedItem):
        pinned = publish(item, "run-1")
        publish(item, "run-2")
        item.collect(keep=1, grace=NOW)
        with pytest.raises(GoneError, match="Version 1 of"):
            assert_whole(item, pinned)

    def test_a_reader_of_the_newest_starts_again(self, item: VersionedItem):
        publish(item, "run-0")
        seen = []

        def use(version: Manifest) -> int:
            seen.append(version.number)
            if len(seen) < 4:
                publish(item, f"run-{len(seen)}")
                item.collect(keep=1, grace=NOW)
            assert_whole(item, version)
            return version.number

        assert item.read_latest(use) == 4
        assert seen == [1, 2, 3, 4]

    def test_a_reader_gives_up_after_five_starts(self, item: VersionedItem):
        publish(item, "run-0")

        def use(version: Manifest) -> None:
            publish(item, f"run-{version.number}")
            item.collect(keep=1, grace=NOW)
            assert_whole(item, version)

        with pytest.raises(GoneError):
            item.read_latest(use)
        assert item.numbers() == [6]

    @pytest.mark.parametrize(
        ("change", "error", "text"),
        [
            (lambda data: data.replace(b'"format": 1', b'"format": 3'), StorageError, "newer"),
            (lambda data: data[: len(data) // 2], IntegrityError, "it is not JSON"),
            (lambda data: b"{}", IntegrityError, "no format number"),
            (
                lambda data: data.replace(b'"number": 1', b'"number": 7'),
                IntegrityError,
                "says version 7",
            ),
            (lambda data: data.replace(b'"data/', b'"data/../../'), IntegrityError, "file entry"),
            (lambda data: data.replace(b'"files"', b'"fils"'), IntegrityError, "KeyError"),
        ],
        ids=["newer-format", "cut", "empty-object", "other-number", "path-outside", "key-missing"],
    )
    def test_damaged_manifests(self, item: VersionedItem, rot, change, error, text):
        publish(item, "run-1")
        rot("v/00000000000000000001.json", change)
        with pytest.raises(error, match=text) as caught:
            item.latest()
        assert len(str(caught.value)) <= 500
        assert "emove" not in str(caught.value)

    def test_a_manifest_of_a_newer_format_stops_writers(self, item: VersionedItem, rot):
        publish(item, "run-1")
        rot(FIRST, lambda data: data.replace(b'"format": 1', b'"format": 3'))
        with pytest.raises(StorageError, match="newer"):
            publish(item, "run-2")
        assert item.numbers() == [1]

    def test_a_damaged_superseded_manifest_blocks_nothing(self, item: VersionedItem, rot):
        publish(item, "run-1")
        publish(item, "run-2")
        rot(FIRST, lambda data: data[:40])
        assert publish(item, "run-3").number == 3
        assert [version.number for version in item.versions()] == [2, 3]
        with pytest.raises(IntegrityError, match=r"00001\.json is damaged"):
            item.version(1)
        newest = item.latest()
        assert newest is not None
        assert_whole(item, newest)

    def test_a_damaged_newest_manifest_is_published_over(self, item: VersionedItem, rot):
        publish(item, "run-1")
        rot(FIRST, lambda data: b"")
        with pytest.raises(IntegrityError, match="is damaged"):
            item.latest()
        assert item.versions() == []
        assert publish(item, "run-2").number == 2
        assert item.latest() == item.version(2)

    def test_data_of_a_damaged_manifest_outlives_collections_and_retries(
        self, item: VersionedItem, rot
    ):
        """Restored, the manifest must find its files: also those of an earlier attempt of the run that goes on."""
        whole: list[bytes] = []
        first = publish(item, "run-1")
        rot(FIRST, lambda data: whole.append(data) or b"rot")
        publish(item, "run-1", attempt=1)
        report = item.collect(keep=2, grace=NOW)
        assert report.removed_folders == ()
        rot(FIRST, lambda data: whole[0])
        assert item.version(1) == first
        assert_whole(item, first)

    def test_data_goes_again_when_the_damaged_manifest_was_collected(
        self, item: VersionedItem, rot
    ):
        for i in range(3):
            publish(item, f"run-{i}")
        rot(FIRST, lambda data: b"rot")
        assert item.collect(keep=1, grace=NOW).removed_folders == ("run-0-0", "run-1-0")
        assert item.numbers() == [3]

    def test_grace_holds_beside_a_damaged_newest_manifest(self, item: VersionedItem, rot):
        publish(item, "run-1")
        publish(item, "run-2")
        rot("v/00000000000000000002.json", lambda data: b"rot")
        report = item.collect(keep=1, grace=NOW)
        assert (report.removed_versions, report.kept_versions) == ((), (1, 2))
        assert report.removed_folders == ()
