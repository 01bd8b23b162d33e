"""The media store in buckets: the contract on moto's S3 and on Google Cloud Storage, and uploads that are cut off."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from resources.kernel.errors import ConnectorUnavailableError
from resources.stores.media.store import MediaStore
from resources.stores.open_storage import open_storage as open_at
from tests.contract.media_store import (
    KEY,
    NOW,
    MediaStoreContract,
    MediaStoreFaultContract,
    OpenStorage,
    import_files,
    objects,
)
from tests.contract.media_store_kills import MediaStoreKillContract
from tests.resources.stores.test_remote_store import options
from tests.servers.gcs import GcsServer, gcs_server
from tests.servers.s3 import S3Server

__all__ = ["gcs_server"]  # a fixture: only these tests and those of versions need it


class _S3:
    @pytest.fixture
    def open_storage(self, s3_server: S3Server, s3_bucket: str) -> OpenStorage:
        given = options(s3_server.url, s3_server.secret_key)
        return lambda: open_at(f"s3://{s3_bucket}/some/prefix", given)

    @pytest.fixture
    def rot(self, s3_server: S3Server, s3_bucket: str):
        def change(path, damage):
            key, client = f"some/prefix/{path}", s3_server.client
            data = client.get_object(Bucket=s3_bucket, Key=key)["Body"].read()
            client.put_object(Bucket=s3_bucket, Key=key, Body=damage(data))

        return change

    @pytest.fixture
    def steps(self):
        return [(S3FileSystem, "_call_s3")]


class TestS3Media(_S3, MediaStoreContract):
    pass


class TestS3MediaFaults(_S3, MediaStoreFaultContract):
    def test_a_cut_upload_is_no_object(self, storage, monkeypatch):
        put = storage._fs.put_file

        def cut(local, remote):
            Path(local).write_bytes(Path(local).read_bytes()[:3])
            put(local, remote)

        monkeypatch.setattr(storage._fs, "put_file", cut)
        with (
            MediaStore(storage).writer(KEY, run_id="run-1") as writer,
            pytest.raises(ConnectorUnavailableError, match="cut off after 3 of 9 bytes"),
        ):
            writer.keep(io.BytesIO(b"a picture"))
        monkeypatch.undo()
        import_files(storage, "run-2", [b"a picture"])
        with MediaStore(storage).read(objects(storage)[0][:64]) as stream:
            assert stream.read() == b"a picture"

    def test_unfinished_uploads_are_aborted(self, storage, s3_server, s3_bucket):
        client = s3_server.client
        for key in ("some/prefix/media/objects/ab/x", "some/prefix/datasets/x"):
            client.create_multipart_upload(Bucket=s3_bucket, Key=key)
        MediaStore(storage).collect(NOW)  # moto says that every upload began in 2010
        left = client.list_multipart_uploads(Bucket=s3_bucket)["Uploads"]
        assert [upload["Key"] for upload in left] == ["some/prefix/datasets/x"]

    def test_nothing_stays_on_local_disk(self, storage, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        import_files(storage, "run-1", [b"a picture"])
        with MediaStore(storage).read(objects(storage)[0][:64]) as stream:
            assert stream.read() == b"a picture"
        MediaStore(storage).collect(NOW)
        assert list(tmp_path.iterdir()) == []


class TestS3MediaKills(_S3, MediaStoreKillContract):
    stride = 12
    collect_stride = 20
    race_stride = 13


class TestGcsMedia(MediaStoreContract):
    @pytest.fixture
    def bucket(self, gcs_server: GcsServer) -> str:
        return gcs_server.new_bucket()

    @pytest.fixture
    def open_storage(self, gcs_server: GcsServer, bucket: str) -> OpenStorage:
        given = {"token": "anon", "endpoint_url": gcs_server.url}
        return lambda: open_at(f"gs://{bucket}/some/prefix", given)

    @pytest.fixture
    def rot(self, gcs_server: GcsServer, bucket: str):
        def change(path, damage):
            held, name = gcs_server.objects[bucket], f"some/prefix/{path}"
            held[name] = (damage(held[name][0]), held[name][1])

        return change
