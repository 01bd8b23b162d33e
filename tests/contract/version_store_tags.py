"""Tags, pins and restored versions at every version store: what is kept is there, whatever is killed or collected meanwhile.

An implementation's test class inherits `VersionStoreTagContract` and supplies `open_store` and `rot`, as for
`version_store_faults.py`. `version_store_tag_kills.py` has the kills.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import resources.stores.collect as collect_module
from resources.kernel.errors import (
    ConflictError,
    GoneError,
    InputError,
    IntegrityError,
    InUseError,
    NotFoundError,
)
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import ManifestLog
from resources.stores.removal import remove_versions
from resources.stores.versions import VersionedItem
from tests.contract.version_store import (
    KEY,
    NOW,
    Open,
    content,
    data_folders,
    publish,
)
from tests.faults import Target

DAY = timedelta(hours=24)
TAG = "train-2026-11"


def assert_readable(item: VersionedItem, version: Manifest) -> None:
    """All files of one run, byte for byte as written: of a restored version, the run that made the first one."""
    run_id = str(version.properties["run"])
    with item.local_files(version) as paths:
        assert [path.read_bytes() for path in paths] == [content(run_id, part) for part in range(2)]


def assert_tags_hold(item: VersionedItem) -> None:
    """Whatever is tagged or pinned is there, whole."""
    said = item.tagging.read()
    for version in {one.version for one in said.tags.values()} | set(said.pins):
        assert_readable(item, item.version(version))
    for version in item.versions():
        assert_readable(item, version)


def fill(item: VersionedItem, count: int) -> None:
    start = max(item.numbers(), default=0)
    for number in range(start, start + count):
        publish(item, f"run-{number}")


class TagStores:
    """What both suites are given."""

    @pytest.fixture
    def open_store(self) -> Open:
        raise NotImplementedError("the implementation's test class supplies the store")

    @pytest.fixture
    def rot(self) -> Any:
        raise NotImplementedError("the implementation's test class supplies the damage")

    @pytest.fixture
    def steps(self) -> list[Target]:
        raise NotImplementedError("the implementation's test class supplies the fault points")

    @pytest.fixture
    def item(self, open_store: Open) -> VersionedItem:
        return open_store().item(KEY)


class VersionStoreTagContract(TagStores):
    """What tags, pins and `restore` promise."""

    def test_what_is_tagged_or_pinned_is_never_collected(self, item):
        fill(item, 6)
        assert item.tagging.tag(TAG, 2, by="ada") is None
        item.tagging.pin(4, by="ada")
        report = item.collect(keep=1, grace=NOW)
        assert (report.removed_versions, report.kept_versions) == ((1, 3, 5), (2, 4, 6))
        assert item.numbers() == [2, 4, 6]
        assert data_folders(item) == {"run-1-0", "run-3-0", "run-5-0"}
        assert_tags_hold(item)
        said = item.tagging.read()
        assert (said.tags_of(2), said.tags_of(4), list(said.pins)) == ((TAG,), (), [4])
        assert (said.tags[TAG].by, item.tagging.find(TAG), item.tagging.find("4")) == ("ada", 2, 4)
        assert publish(item, "run-6").number == 7, "numbers go on after the newest"
        item.collect(keep=1, grace=NOW)
        assert item.numbers() == [2, 4, 7]

    def test_a_tag_is_one_version_and_moves_only_when_told_to(self, item):
        fill(item, 3)
        item.tagging.tag(TAG, 1)
        assert item.tagging.tag(TAG, 1) == 1, "again is no change"
        with pytest.raises(ConflictError, match=r"train-2026-11.* is at version 1"):
            item.tagging.tag(TAG, 2)
        assert item.tagging.tag(TAG, 2, move=True) == 1
        item.collect(keep=1, grace=NOW)
        assert item.numbers() == [2, 3]
        with pytest.raises(NotFoundError, match="has no tag 'no'"):
            item.tagging.untag("no")
        with pytest.raises(NotFoundError, match=r"Version 3 .* is not pinned"):
            item.tagging.unpin(3)

    @pytest.mark.parametrize("name", ["", "12", "a/b", "-x", "a b", "x" * 101, "ü", "../v", ".x"])
    def test_what_cannot_be_a_tag(self, item, name):
        fill(item, 1)
        with pytest.raises(InputError, match="cannot be a tag"):
            item.tagging.tag(name, 1)
        assert item.tagging.read().tags == {}

    def test_versions_that_are_not_there_cannot_be_tagged_pinned_or_restored(self, item):
        fill(item, 3)
        item.collect(keep=1, grace=NOW)
        for act in (
            lambda n: item.tagging.tag(TAG, n),
            item.tagging.pin,
            lambda n: item.restore(n, run_id="again"),
        ):
            for number, error in ((2, GoneError), (9, NotFoundError), (0, NotFoundError)):
                with pytest.raises(error):
                    act(number)
        assert item.numbers() == [3]
        assert (item.tagging.read().tags, item.tagging.read().holds) == ({}, {})

    def test_what_lost_its_tag_stays_for_the_grace(self, item):
        fill(item, 3)
        item.tagging.tag(TAG, 1)
        item.tagging.pin(1)
        assert item.tagging.untag(TAG) == 1
        item.collect(keep=1, grace=NOW)
        assert item.numbers() == [1, 3], "the pin keeps it"
        item.tagging.unpin(1)
        item.collect(keep=1, grace=DAY)
        assert item.numbers() == [1, 3]
        item.collect(keep=1, grace=NOW)
        assert item.numbers() == [3]
        assert item.tagging.read().released == {}

    def test_days_and_numbers_the_larger_set_is_kept(self, item, monkeypatch):
        fill(item, 5)
        start = datetime.now(UTC)

        def at(days: float, **given: Any) -> list[int]:
            class Clock(datetime):
                @classmethod
                def now(cls, tz=None):
                    return start + timedelta(days=days)

            monkeypatch.setattr(collect_module, "datetime", Clock)
            item.collect(grace=DAY, **given)
            return item.numbers()

        assert at(20, keep=1, keep_days=30) == [1, 2, 3, 4, 5]
        assert at(31, keep=4, keep_days=30) == [2, 3, 4, 5]
        assert at(31, keep=1, keep_days=30) == [5], "the newest stays however old it is"

    def test_a_removal_asks_about_tags(self, item):
        fill(item, 3)
        item.tagging.tag(TAG, 1)
        item.tagging.pin(2)
        with pytest.raises(InUseError, match=r"the tag 'train-2026-11' at version 1, a pin at"):
            remove_versions(item._log)
        assert item.numbers() == [1, 2, 3]
        remove_versions(item._log, with_tags=True)
        assert (item.numbers(), data_folders(item)) == ([], set())
        assert item.tagging.read().tags == {}
        publish(item, "run-9")
        item.tagging.tag(TAG, 4)
        with pytest.raises(GoneError):
            item.tagging.tag("old", 2)

    def test_restored_without_a_byte_copied(self, item):
        fill(item, 3)
        made = item.restore(1, run_id="again", by="ada")
        assert (made.number, made.rows, made.files) == (4, 7, item.version(1).files)
        assert made.properties == {"run": "run-0", "restored_from": 1, "restored_by": "ada"}
        assert data_folders(item) == {"run-0-0", "run-1-0", "run-2-0"}
        assert item.restore(1, run_id="again").number == 4, "once a run"
        item.collect(keep=1, grace=NOW)
        assert (item.numbers(), data_folders(item)) == ([4], {"run-0-0"})
        assert_readable(item, item.latest())
        assert item.restore(1, run_id="again").number == 4, "also when the first one is gone"
        assert item.restore(4, run_id="twice").properties["restored_from"] == 4
        assert publish(item, "run-8").number == 6
        item.collect(keep=1, grace=NOW)
        assert data_folders(item) == {"run-8-0"}

    def test_a_version_with_a_missing_file_is_not_restored(self, item):
        fill(item, 2)
        item._log.storage.remove(item._log.item_path(item.version(1).files[0].path))
        with pytest.raises(IntegrityError, match=r"part-00000 of version 1 of .* is missing"):
            item.restore(1, run_id="again")
        assert (item.numbers(), item.tagging.read().holds) == ([1, 2], {})

    def test_damaged_tags_stop_collections_and_changes_but_no_reader_and_no_writer(self, item, rot):
        fill(item, 3)
        item.tagging.tag(TAG, 1)
        whole: list[bytes] = []
        path = "v/00000000000000000001.tags"
        rot(path, lambda data: whole.append(data) or data[:-9])
        with pytest.raises(IntegrityError, match=r"1\.tags are damaged"):
            item.tagging.tag("other", 2)
        fill(item, 1)
        assert item.collect(keep=1, grace=NOW).removed_versions == ()
        assert_readable(item, item.latest())
        rot(path, lambda data: whole[0])
        item.collect(keep=1, grace=NOW)
        assert item.numbers() == [1, 4]

    def test_of_a_tag_and_a_collection_at_once_one_wins_cleanly(self, item, monkeypatch):
        """Whichever writes first: the tag and the version stay, or the version is gone and so it is told."""
        fill(item, 3)
        kind = type(item._log.storage)
        creating, done = kind.create, []

        def overtaken(storage, path, data):
            if path.endswith("1.tags") and not done:
                done.append(path)
                item.collect(keep=1, grace=NOW)
            return creating(storage, path, data)

        monkeypatch.setattr(kind, "create", overtaken)
        with pytest.raises(GoneError):
            item.tagging.tag(TAG, 1)
        assert (item.numbers(), item.tagging.read().tags) == ([3], {})

        fill(item, 2)
        done.clear()

        def tagged_first(storage, path, data):
            if path.endswith("2.tags") and not done:
                done.append(path)
                item.tagging.tag(TAG, 3)
            return creating(storage, path, data)

        monkeypatch.setattr(kind, "create", tagged_first)
        assert item.collect(keep=1, grace=NOW).removed_versions == (4,)
        assert item.numbers() == [3, 5]
        assert_tags_hold(item)

    def test_a_change_that_stalled_over_others_is_made_again(self, item, monkeypatch):
        """Its number is free again, since the states of others came and went."""
        fill(item, 3)
        kind = type(item._log.storage)
        creating, done = kind.create, []

        def stalled(storage, path, data):
            if path.endswith("1.tags") and not done:
                done.append(path)
                for name in ("a", "b", "c"):
                    item.tagging.tag(name, 2)
            return creating(storage, path, data)

        monkeypatch.setattr(kind, "create", stalled)
        item.tagging.tag(TAG, 1)
        said = item.tagging.read()
        assert {name: one.version for name, one in said.tags.items()} == {
            TAG: 1,
            "a": 2,
            "b": 2,
            "c": 2,
        }

    def test_a_writer_that_stalled_over_a_collection_reuses_no_number(self, item, monkeypatch):
        """Also where its number is just below the newest, and nothing but the floor tells."""
        fill(item, 2)
        creating, done = ManifestLog.create, []

        def stall(log, manifest):
            if manifest.run_id == "slow" and not done:
                done.append(manifest.number)
                fill(item, 2)  # 3 and 4
                log.retention.change(lambda state: state.collected({1, 2, 3}))
                for number in (1, 2, 3):  # as a collection does, whose grace spares the data
                    log.remove(number)
                made = creating(log, manifest)
                with pytest.raises(GoneError):  # seen for a moment, and no tag can be given to it
                    item.tagging.tag(TAG, 3)
                return made
            return creating(log, manifest)

        monkeypatch.setattr(ManifestLog, "create", stall)
        assert publish(item, "slow").number == 5
        assert (done, item.numbers()) == ([3], [4, 5])

    def test_a_writer_that_stalled_finds_its_tagged_version_rightful(self, item, monkeypatch):
        fill(item, 1)
        creating, done = ManifestLog.create, []

        def stall(log, manifest):
            made = creating(log, manifest)
            if manifest.run_id == "slow" and not done:
                done.append(manifest.number)
                fill(item, 3)
                item.tagging.tag(TAG, 2)
                item.collect(keep=1, grace=NOW)
            return made

        monkeypatch.setattr(ManifestLog, "create", stall)
        assert publish(item, "slow").number == 2
        assert item.numbers() == [2, 5]
        assert_readable(item, item.version(2))

    def test_a_version_is_not_collected_while_it_is_restored(self, item, monkeypatch):
        fill(item, 3)
        creating, done = ManifestLog.create, []

        def stall(log, manifest):
            if manifest.run_id == "again" and not done:
                done.append(manifest.number)
                publish(item, "run-3")
                item.collect(keep=1, grace=NOW)
            return creating(log, manifest)

        monkeypatch.setattr(ManifestLog, "create", stall)
        made = item.restore(1, run_id="again")
        assert made.number == 5
        assert item.numbers() == [1, 4, 5]
        assert_tags_hold(item)

    def test_a_removal_wins_over_a_restoring(self, item, monkeypatch):
        fill(item, 2)
        creating, done = ManifestLog.create, []

        def stall(log, manifest):
            if manifest.run_id == "again" and not done:
                done.append(manifest.number)
                remove_versions(item._log)
            return creating(log, manifest)

        monkeypatch.setattr(ManifestLog, "create", stall)
        with pytest.raises(GoneError, match=r"Version 1 of .* has been removed"):
            item.restore(1, run_id="again")
        assert (item.numbers(), data_folders(item)) == ([], set())
