"""The version store in a local folder: the contract, and what only a file system can do wrong."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from resources.kernel.errors import ConfigError, StorageError
from resources.stores.versions import VersionStore
from tests.contract.version_store import (
    KEY,
    NOW,
    Open,
    VersionStoreContract,
    assert_whole,
    data_folders,
    named_folders,
    publish,
)
from tests.contract.version_store_faults import VersionStoreFaultContract
from tests.contract.version_store_kills import VersionStoreKillContract
from tests.contract.version_store_removal import VersionStoreRemovalContract
from tests.contract.version_store_tag_kills import VersionStoreTagKillContract
from tests.contract.version_store_tags import VersionStoreTagContract
from tests.faults import failing_at, run_forked

STEPS = [
    (os, "link"),
    (os, "fsync"),
    (os, "listdir"),
    (os, "scandir"),
    (Path, "open"),
    (Path, "mkdir"),
    (Path, "unlink"),
    (Path, "write_bytes"),
    (shutil, "rmtree"),
]


class _Local:
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Open:
        return lambda: VersionStore.open(str(tmp_path / "store"))

    @pytest.fixture
    def rot(self, tmp_path: Path):
        def change(path, damage):
            file = tmp_path.joinpath("store", *KEY, path)
            file.write_bytes(damage(file.read_bytes()))

        return change

    @pytest.fixture
    def steps(self):
        return STEPS


class TestLocalStore(_Local, VersionStoreContract):
    pass


class TestLocalStoreFaults(_Local, VersionStoreFaultContract):
    pass


class TestLocalStoreKills(_Local, VersionStoreKillContract):
    pass


class TestLocalStoreRemoval(_Local, VersionStoreRemovalContract):
    pass


class TestLocalStoreTags(_Local, VersionStoreTagContract):
    pass


class TestLocalStoreTagKills(_Local, VersionStoreTagKillContract):
    @pytest.fixture
    def steps(self):
        """What changes something; looks in between have been killed in the suites above."""
        return [(os, "link"), (Path, "unlink"), (shutil, "rmtree")]


def test_plain_layout(tmp_path):
    publish(VersionStore.open(tmp_path.as_uri()).item(KEY), "3f1c")
    files = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert files == [
        "datasets/flights/data/3f1c-0/part-00000.bin",
        "datasets/flights/data/3f1c-0/part-00001.bin",
        "datasets/flights/v/00000000000000000001.json",
    ]


def test_opening_touches_nothing(tmp_path):
    store = VersionStore.open(str(tmp_path / "absent"))
    store.item(KEY).publisher("run-1").__exit__(None, None, None)
    assert store.keys() == []
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize(
    "url",
    ["memory://x", "sftp://host/x", "ftp://host/x", "abfs://c/x", "http://host/x", "zip://x"],
)
def test_protocols_without_an_exclusive_create_are_refused(url):
    with pytest.raises(StorageError, match="cannot create a file exclusively"):
        VersionStore.open(url)


@pytest.mark.parametrize("url", ["", "  ", "s3://", "simplecache::s3://b/x"], ids=repr)
def test_urls_that_name_no_store(url):
    with pytest.raises(ConfigError):
        VersionStore.open(url)


def test_a_file_system_without_hard_links_is_refused(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageError, match="cannot create a file exclusively"):
        publish(VersionStore.open(str(tmp_path)).item(KEY), "run-1")


def test_every_failing_call_is_a_named_storage_error_and_nothing_is_lost(tmp_path):
    """E8: the disk may fill at any call, the manifest's included."""
    item = VersionStore.open(str(tmp_path)).item(KEY)
    first = publish(item, "run-0")
    messages = []
    for step in range(60):
        error = OSError(errno.ENOSPC, "No space left on device")
        try:
            with failing_at([(os, "fsync"), (os, "link"), (Path, "mkdir")], step, error):
                publish(item, f"run-{step + 1}")
        except StorageError as caught:
            messages.append(str(caught))
        else:
            break
        assert_whole(item, first)
    assert len(messages) >= 8
    assert all("No space left" in text and str(tmp_path) in text for text in messages)
    publish(item, "run-last")
    item.collect(keep=1, grace=NOW)
    assert data_folders(item) == named_folders(item)
    assert list((tmp_path / "datasets/flights/v").glob(".tmp*")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_disk_full(tmp_path):
    """E7, on a real disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("no mounts in this sandbox; the size limit below covers it")
    try:
        item = VersionStore.open(str(disk)).item(KEY)
        first = publish(item, "run-1")
        with pytest.raises(OSError, match="No space"), item.publisher("run-2") as publisher:
            publisher.new_file("part-00000.bin").write_bytes(bytes(4_000_000))
        assert_whole(item, first)
        assert data_folders(item) == named_folders(item)
        room_for_data_only = 2 * os.sysconf("SC_PAGE_SIZE")
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - room_for_data_only))
        with pytest.raises(StorageError, match=r"No space left .* while writing .*/v/0+2\.json"):
            publish(item, "run-3")
        (disk / "ballast").unlink()
        assert publish(item, "run-3").number == 2
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_size_limit_at_the_manifest(tmp_path):
    """E8: the data fits, the manifest does not."""
    open_store = lambda: VersionStore.open(str(tmp_path))  # noqa: E731 - a child opens it anew
    first = publish(open_store().item(KEY), "run-1")

    def body():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
        item = open_store().item(KEY)
        with pytest.raises(StorageError) as caught:
            publish(item, "run-2", ballast="x" * 20_000)
        return str(caught.value)

    answer = run_forked(body).answer
    assert "No space left (or a quota or size limit reached) while writing" in answer
    assert "/v/" in answer
    item = open_store().item(KEY)
    assert item.latest() == first
    item.collect(grace=NOW)
    assert data_folders(item) == named_folders(item)
    assert publish(item, "run-2").number == 2


@pytest.mark.skipif(
    os.geteuid() != 0, reason="root becomes nobody here; others are somebody already"
)
def test_permission_denied_names_path_and_user(tmp_path):
    """E58."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o055)
    item = VersionStore.open(str(tmp_path)).item(KEY)
    first = publish(item, "run-1")

    def body():
        os.setgid(65534)
        os.setuid(65534)
        with pytest.raises(StorageError) as caught:
            publish(item, "run-2")
        return str(caught.value)

    answer = run_forked(body).answer
    assert "Permission denied for user nobody" in answer
    assert str(tmp_path) in answer
    assert item.latest() == first


def test_foreign_files_are_left_alone(tmp_path):
    item = VersionStore.open(str(tmp_path)).item(KEY)
    publish(item, "run-1")
    publish(item, "run-2")
    notes = tmp_path / "datasets/flights/v/README.txt"
    notes.write_text("mine")
    folder = tmp_path / "datasets/flights/data/notes"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    item.collect(keep=1, grace=NOW)
    assert item.numbers() == [2]
    assert notes.exists()
    assert (folder / "mine.txt").exists()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_store_is_not_an_empty_store(tmp_path, below):
    file = tmp_path / "store"
    file.write_text("no folder")
    item = VersionStore.open(str(file / below)).item(KEY)
    for act in (item.versions, item.latest, lambda: publish(item, "run-1")):
        with pytest.raises(StorageError, match=f"needs a folder where {file} is a file"):
            act()
    assert file.read_text() == "no folder"
