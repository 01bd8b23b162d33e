"""Uploads in the store: whole or not there, whenever a process is killed, on a disk and in a bucket."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from resources.kernel.errors import GoneError, IntegrityError, StorageError
from resources.stores.kept_uploads import GivenFile, KeptUploads
from resources.stores.versions import VersionStore
from tests.faults import count_steps, failing_at, kill_at
from tests.resources.stores.test_remote_store import options
from tests.servers.s3 import S3Server

STEPS = [(os, "link"), (os, "fsync"), (Path, "mkdir"), (Path, "unlink")]
DATA = b"id\n1\n" * 1000


@pytest.fixture
def given(tmp_path) -> list[GivenFile]:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() + DATA)
    return [GivenFile(f"{name}.csv", tmp_path / name, may_link=True) for name in ("a", "b")]


def open_uploads(tmp_path) -> KeptUploads:
    return KeptUploads(VersionStore.open(str(tmp_path / "store")))


def assert_whole(uploads: KeptUploads, number: int) -> None:
    for upload in uploads.all("sales"):
        for file in upload.files:
            with uploads.local_file(upload, file.name) as path:
                assert path.read_bytes()[1:] == DATA
    newest = uploads.newest("sales")
    assert (newest.number if newest else 0) == number


@pytest.mark.kill
def test_killed_at_every_step_an_upload_is_whole_or_not_there(tmp_path, given):
    def body(upload_id: str) -> None:
        open_uploads(tmp_path).keep("sales", given, upload_id=upload_id, by="ada")

    body("warm")  # the folders are there
    names = count_steps(lambda: body("traced"), STEPS)
    assert len(names) >= 12
    for step in range(len(names)):
        upload_id, before = f"upload-{step}", len(open_uploads(tmp_path).all("sales"))
        assert kill_at(lambda one=upload_id: body(one), STEPS, step).killed, names[step]
        uploads = open_uploads(tmp_path)
        assert_whole(uploads, len(uploads.all("sales")))
        body(upload_id)
        assert_whole(uploads, before + 1)
    store = VersionStore.open(str(tmp_path / "store"))
    store.item(("uploads", "sales")).collect(keep=100, grace=timedelta(0))
    folders = list((tmp_path / "store" / "uploads" / "sales" / "data").iterdir())
    assert len(folders) == len(open_uploads(tmp_path).all("sales"))


def test_a_full_disk_keeps_nothing_and_the_next_try_all(tmp_path, given):
    with failing_at(STEPS, 4, OSError(28, "No space left on device")), pytest.raises(StorageError):
        open_uploads(tmp_path).keep("sales", given, upload_id="one", by="ada")
    assert open_uploads(tmp_path).newest("sales") is None
    open_uploads(tmp_path).keep("sales", given, upload_id="one", by="ada")
    assert_whole(open_uploads(tmp_path), 1)


def test_bytes_that_may_be_linked_are_not_written_twice(tmp_path, given):
    open_uploads(tmp_path).keep("sales", given, upload_id="one", by="ada")
    (stored,) = (tmp_path / "store").rglob("file-00000")
    assert stored.stat().st_ino == given[0].path.stat().st_ino


def test_what_came_after_the_imported_one_stays(tmp_path, given):
    uploads = open_uploads(tmp_path)
    for number in range(1, 4):
        uploads.keep("sales", given, upload_id=f"upload-{number}", by="ada")
    uploads.release("sales", imported=2, keep=0)
    assert [uploads.has_bytes(one) for one in uploads.all("sales")] == [True, False, False]
    with (
        pytest.raises(GoneError, match=r"upload 2 .* not kept any longer"),
        uploads.local_file(uploads.all("sales")[1], "a.csv"),
    ):
        pass


def test_all_that_was_uploaded_can_be_forgotten(tmp_path, given):
    uploads = open_uploads(tmp_path)
    uploads.forget("sales")  # nothing there is fine
    uploads.keep("sales", given, upload_id="one", by="ada")
    uploads.forget("sales")
    assert [uploads.has_bytes(one) for one in uploads.all("sales")] == [False]
    assert not list((tmp_path / "store").rglob("file-*"))


def test_bytes_that_rot_are_told(tmp_path, given):
    uploads = open_uploads(tmp_path)
    upload = uploads.keep("sales", given, upload_id="one", by="ada")
    (stored,) = (tmp_path / "store").rglob("file-00000")
    stored.write_bytes(b"x" + stored.read_bytes()[1:])
    with pytest.raises(IntegrityError, match="SHA-256"), uploads.local_file(upload, "a.csv"):
        pass


def test_a_bucket_keeps_and_releases_them_too(s3_server: S3Server, s3_bucket: str, given):
    store = VersionStore.open(
        f"s3://{s3_bucket}/prefix", options(s3_server.url, s3_server.secret_key)
    )
    uploads = KeptUploads(store)
    for upload_id in ("one", "one", "two"):
        uploads.keep("sales", given, upload_id=upload_id, by="ada")
    assert_whole(uploads, 2)
    assert given[0].path.read_bytes() == b"a" + DATA  # a link of it was moved, not itself
    uploads.release("sales", imported=2, keep=1)
    assert [uploads.has_bytes(one) for one in uploads.all("sales")] == [True, False]
