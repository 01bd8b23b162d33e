"""Uploads in the store: whole or not there, whenever a process is killed or the store fails, on a disk and in buckets."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from resources.kernel.errors import IntegrityError
from resources.stores import stamps
from resources.stores.kept_uploads import KeptUploads
from resources.stores.stamps import stamp_of
from resources.stores.versions import VersionStore
from tests.contract.kept_uploads import DATA, KeptUploadsContract, assert_whole
from tests.faults import count_steps, failing_at, kill_at
from tests.resources.stores.test_remote_store import options
from tests.servers.gcs import GcsServer, gcs_server, refusal
from tests.servers.s3 import S3Server

__all__ = ["gcs_server"]  # a fixture

STEPS = [(os, "link"), (os, "fsync"), (Path, "mkdir"), (Path, "unlink")]
FULL = OSError(28, "No space left on device")


class TestOnADisk(KeptUploadsContract):
    @pytest.fixture
    def open_store(self, tmp_path):
        return lambda: VersionStore.open(str(tmp_path / "store"))

    @pytest.fixture
    def rot(self, tmp_path):
        def change(version):
            path = tmp_path / "store" / "uploads" / "sales" / version.files[0].path
            path.write_bytes(b"x" + path.read_bytes()[1:])

        return change

    @pytest.fixture
    def cut(self):
        return lambda step: failing_at(STEPS[:3], step, FULL)

    @pytest.mark.kill
    def test_killed_at_every_step_an_upload_is_whole_or_not_there(
        self, open_store, given, tmp_path
    ):
        def body(upload_id: str) -> None:
            KeptUploads(open_store()).keep("sales", given, upload_id=upload_id, by="ada")

        body("warm")  # the folders are there
        names = count_steps(lambda: body("traced"), STEPS)
        assert len(names) >= 12
        for step in range(len(names)):
            upload_id, before = f"upload-{step}", len(KeptUploads(open_store()).all("sales"))
            assert kill_at(lambda one=upload_id: body(one), STEPS, step).killed, names[step]
            uploads = KeptUploads(open_store())
            assert_whole(uploads, len(uploads.all("sales")))
            body(upload_id)
            assert_whole(uploads, before + 1)
        open_store().item(("uploads", "sales")).collect(keep=100, grace=timedelta(0))
        folders = list((tmp_path / "store" / "uploads" / "sales" / "data").iterdir())
        assert len(folders) == len(KeptUploads(open_store()).all("sales"))

    def test_bytes_that_may_be_linked_are_not_written_twice(self, uploads, given, tmp_path):
        uploads.keep("sales", given, upload_id="one", by="ada")
        (stored,) = (tmp_path / "store").rglob("file-00000")
        assert stored.stat().st_ino == given[0].path.stat().st_ino

    @pytest.mark.parametrize("change", ["nothing", "bytes", "restart", "copied", "later"])
    def test_bytes_are_read_again_unless_they_stand_as_they_were_hashed(
        self, uploads, given, tmp_path, monkeypatch, change
    ):
        """The hash that is told here is of other bytes: who does not read them does not see it."""
        stamp = stamp_of(given[0].path.stat())
        told = replace(given[0], sha256="0" * 64, stamp=stamp, may_link=change != "copied")
        upload = uploads.keep("sales", [told], upload_id="one", by="ada")
        (stored,) = (tmp_path / "store").rglob("file-00000")
        if change == "bytes":
            stored.write_bytes(b"x" + stored.read_bytes()[1:])
        elif change == "restart":
            monkeypatch.setattr(stamps, "_boot_id", lambda: "another")
        elif change == "later":
            monkeypatch.setattr(stamps, "HOLDS", timedelta(0))
        is_told = nullcontext() if change == "nothing" else pytest.raises(IntegrityError)
        with is_told, uploads.local_file(upload, "a.csv") as path:
            assert path.read_bytes() == b"a" + DATA

    def test_a_file_that_is_written_to_while_it_is_read_is_told(self, uploads, given):
        told = replace(given[0], sha256="0" * 64, stamp=stamp_of(given[0].path.stat()))
        upload = uploads.keep("sales", [told], upload_id="one", by="ada")
        with (
            pytest.raises(IntegrityError, match="while it was read"),
            uploads.local_file(upload, "a.csv") as path,
        ):
            path.write_bytes(b"x")


class TestInS3(KeptUploadsContract):
    cut_stride = 5

    @pytest.fixture
    def open_store(self, s3_server: S3Server, s3_bucket: str):
        given = options(s3_server.url, s3_server.secret_key)
        return lambda: VersionStore.open(f"s3://{s3_bucket}/prefix", given)

    @pytest.fixture
    def rot(self, s3_server: S3Server, s3_bucket: str):
        def change(version):
            key, client = f"prefix/uploads/sales/{version.files[0].path}", s3_server.client
            data = client.get_object(Bucket=s3_bucket, Key=key)["Body"].read()
            client.put_object(Bucket=s3_bucket, Key=key, Body=b"x" + data[1:])

        return change

    @pytest.fixture
    def cut(self):
        return lambda step: failing_at(
            [(S3FileSystem, "_call_s3")], step, PermissionError("forbidden")
        )


class TestInGcs(KeptUploadsContract):
    cut_stride = 5

    @pytest.fixture
    def bucket(self, gcs_server: GcsServer) -> str:
        return gcs_server.new_bucket()

    @pytest.fixture
    def open_store(self, gcs_server: GcsServer, bucket: str):
        given = {"token": "anon", "endpoint_url": gcs_server.url}
        return lambda: VersionStore.open(f"gs://{bucket}/prefix", given)

    @pytest.fixture
    def rot(self, gcs_server: GcsServer, bucket: str):
        def change(version):
            held, name = gcs_server.objects[bucket], f"prefix/uploads/sales/{version.files[0].path}"
            held[name] = (b"x" + held[name][0][1:], held[name][1])

        return change

    @pytest.fixture
    def cut(self, gcs_server: GcsServer):
        @contextmanager
        def after(step: int):
            left, before = [step], gcs_server.before

            def refuse(request):
                left[0] -= 1
                return refusal(403, "forbidden", "not any more") if left[0] < 0 else before(request)

            gcs_server.before = refuse
            try:
                yield
            finally:
                gcs_server.before = before

        return after
