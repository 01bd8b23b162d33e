"""Removal of everything at once, at every version store: whole or gone, no number twice, nobody's new version lost.

An implementation's test class inherits `VersionStoreRemovalContract` and supplies `open_store` and `steps`, as for
`version_store_kills.py`.
"""

from __future__ import annotations

import pytest

from resources.kernel.errors import GoneError, NotFoundError
from resources.stores.collect import CollectReport
from resources.stores.manifest_log import ManifestLog
from resources.stores.removal import read_removal, remove_versions
from resources.stores.versions import VersionedItem
from tests.contract.version_store import (
    KEY,
    NOW,
    Open,
    assert_whole,
    data_folders,
    publish,
)
from tests.faults import Target, count_steps, kill_at


def remove(item: VersionedItem, by: str = "") -> CollectReport:
    return remove_versions(item._log, by=by)


class VersionStoreRemovalContract:
    """What `VersionStore.remove` promises."""

    removal_stride = 1
    """Take every so-manieth step."""

    @pytest.fixture
    def open_store(self) -> Open:
        raise NotImplementedError("the implementation's test class supplies the store")

    @pytest.fixture
    def steps(self) -> list[Target]:
        raise NotImplementedError("the implementation's test class supplies the fault points")

    @pytest.fixture
    def item(self, open_store: Open) -> VersionedItem:
        return open_store().item(KEY)

    def test_all_versions_and_their_data_go_and_the_numbers_are_not_given_again(self, item):
        pinned = [publish(item, "run-1"), publish(item, "run-2")][0]
        report = remove(item, by="ada")
        assert report.removed_versions == (1, 2)
        assert report.freed_bytes == 2 * pinned.size_bytes
        assert (item.numbers(), item.latest(), data_folders(item)) == ([], None, set())
        removal = read_removal(item._log)
        assert (removal.number, removal.by) == (2, "ada")
        with pytest.raises(GoneError, match=r"Version 1 of datasets/flights has been removed"):
            item.version(1)
        with pytest.raises(GoneError), item.local_files(pinned):
            pass
        with pytest.raises(NotFoundError, match="has no version"):
            item.read_latest(lambda manifest: manifest)
        assert publish(item, "run-3").number == 3
        assert read_removal(item._log) is None
        assert_whole(item, item.latest())

    def test_items_whose_keys_go_on_from_another_stay_when_that_is_removed_or_collected(
        self, open_store, item
    ):
        """`datasets/flights/profile` lies beside the versions of `datasets/flights`, one below `data` within its data."""
        inner = [
            open_store().item((*KEY, *more))
            for more in (("profile",), ("data", "raw-1"), ("v", "x"))
        ]
        for one in inner:
            publish(one, "run-9")
        publish(item, "run-1")
        publish(item, "run-2")
        item.collect(keep=1, grace=NOW)
        remove(item)
        publish(item, "run-3")
        item.collect(keep=1, grace=NOW)
        for one in inner:
            assert_whole(one, one.latest())
            publish(one, "run-10")
            assert one.collect(keep=1, grace=NOW).removed_versions == (1,)
        assert remove(inner[0]).removed_versions == (2,)
        assert_whole(item, item.latest())
        assert item.numbers() == [3]

    def test_nothing_to_remove_is_fine_and_leaves_nothing(self, item):
        assert remove(item).removed_versions == ()
        assert read_removal(item._log) is None
        publish(item, "run-1")
        remove(item)
        assert remove(item).removed_versions == ()
        assert read_removal(item._log).number == 1

    def test_a_version_published_meanwhile_stays(self, item, monkeypatch):
        publish(item, "run-1")
        removing = ManifestLog.remove

        def meanwhile(log, number):
            if number == 1:
                publish(item, "run-2")
            removing(log, number)

        monkeypatch.setattr(ManifestLog, "remove", meanwhile)
        report = remove(item)
        assert (report.removed_versions, report.kept_versions) == ((1,), (2,))
        assert_whole(item, item.latest())
        assert read_removal(item._log) is None

    def test_a_writer_that_stalled_over_a_removal_gets_a_number_above_it(self, item, monkeypatch):
        publish(item, "run-1")
        creating, stalled = ManifestLog.create, []

        def stall(log, manifest):
            if manifest.run_id == "slow" and not stalled:
                stalled.append(manifest.number)
                publish(item, "run-2")  # takes the number that the slow one is about to take
                remove(item)
            return creating(log, manifest)

        monkeypatch.setattr(ManifestLog, "create", stall)
        assert publish(item, "slow").number == 3
        assert stalled == [2]
        assert item.numbers() == [3]
        assert_whole(item, item.latest())

    def test_marks_change_with_every_version_and_with_a_removal(self, open_store, item):
        other = ("datasets", "other")
        seen = []
        for act in (
            lambda: None,
            lambda: publish(item, "run-1"),
            lambda: publish(item, "run-2"),
            lambda: remove(item),
            lambda: publish(item, "run-3"),
        ):
            act()
            marks = open_store().marks([KEY, other])
            assert marks[other].text == ""
            seen.append(marks[KEY].text)
        assert len(set(seen)) == len(seen)

    @pytest.mark.kill
    def test_a_removal_killed_at_every_step_leaves_a_whole_version_or_none(
        self, open_store, item, steps
    ):
        def fill() -> None:
            while len(item.numbers()) < 2:
                publish(item, f"run-{max([*item.numbers(), item._log.listed()[1]]) + 1}")

        def body() -> None:
            open_store().remove(KEY)

        fill()
        names = count_steps(body, steps)
        for step, name in list(enumerate(names))[self.removal_stride - 1 :: self.removal_stride]:
            fill()
            newest = item.numbers()[-1]
            if not kill_at(body, steps, step).killed:
                continue
            for version in item.versions():
                assert_whole(item, version)
            remove(item)
            assert (item.numbers(), data_folders(item)) == ([], set()), f"killed {name}"
            assert publish(item, f"after-{step}").number == newest + 1, f"killed {name}"
        item.collect(keep=1, grace=NOW)
