"""The version store in a bucket: the contract on moto's S3, and servers that break their word."""

from __future__ import annotations

import gc
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from aiobotocore.session import AioSession
from s3fs import S3FileSystem

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorUnavailableError,
    StorageError,
)
from resources.kernel.records import BatchStream
from resources.stores import table_writer
from resources.stores.tables import TableStore
from resources.stores.versions import VersionStore
from tests.contract.version_store import (
    KEY,
    Open,
    VersionStoreContract,
    assert_whole,
    data_folders,
    fail_after_writing,
    named_folders,
    publish,
)
from tests.contract.version_store_faults import VersionStoreFaultContract
from tests.contract.version_store_kills import VersionStoreKillContract
from tests.contract.version_store_removal import VersionStoreRemovalContract
from tests.contract.version_store_tag_kills import VersionStoreTagKillContract
from tests.contract.version_store_tags import VersionStoreTagContract
from tests.servers.s3 import S3Server
from tests.servers.scripted_s3 import Answer, s3_error

SESSION = AioSession()
"""One for all: reading the service description costs a forked child more than its whole work."""


def options(url: str, secret: str = "x") -> dict:
    return {
        "key": "AKIAWAYBILLTESTS0000",
        "secret": secret,
        "endpoint_url": url,
        "session": SESSION,
    }


class _S3:
    @pytest.fixture
    def open_store(self, s3_server: S3Server, s3_bucket: str) -> Open:
        given = options(s3_server.url, s3_server.secret_key)
        return lambda: VersionStore.open(f"s3://{s3_bucket}/some/prefix", given)

    @pytest.fixture
    def rot(self, s3_server: S3Server, s3_bucket: str):
        def change(path, damage):
            key = f"some/prefix/{'/'.join(KEY)}/{path}"
            client = s3_server.client
            data = client.get_object(Bucket=s3_bucket, Key=key)["Body"].read()
            client.put_object(Bucket=s3_bucket, Key=key, Body=damage(data))

        return change

    @pytest.fixture
    def steps(self):
        return [(S3FileSystem, "_call_s3")]


class TestS3Store(_S3, VersionStoreContract):
    pass


class TestS3StoreFaults(_S3, VersionStoreFaultContract):
    pass


class TestS3StoreKills(_S3, VersionStoreKillContract):
    rounds = 4
    kills = 40  # each request has been killed before and after; these add the moments within, of four at once
    polls = 200
    overtakings = 12
    stride = 2
    collect_stride = 8


class TestS3StoreRemoval(_S3, VersionStoreRemovalContract):
    removal_stride = 7


class TestS3StoreTags(_S3, VersionStoreTagContract):
    pass


class TestS3StoreTagKills(_S3, VersionStoreTagKillContract):
    tag_stride = 90  # with each act the moments differ; the folder's suite takes all of them
    turns = 4


@pytest.fixture
def item(s3_server: S3Server, s3_bucket: str):
    return VersionStore.open(
        f"s3://{s3_bucket}/root", options(s3_server.url, s3_server.secret_key)
    ).item(KEY)


def test_what_lies_in_the_bucket(item, s3_server, s3_bucket):
    publish(item, "3f1c")
    listed = s3_server.client.list_objects_v2(Bucket=s3_bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == [
        "root/_exclusive_create_probe",
        "root/datasets/flights/data/3f1c-0/_owner",
        "root/datasets/flights/data/3f1c-0/part-00000.bin",
        "root/datasets/flights/data/3f1c-0/part-00001.bin",
        "root/datasets/flights/v/00000000000000000001.json",
    ]


def test_unfinished_uploads_of_this_item_are_aborted(item, s3_server, s3_bucket):
    client = s3_server.client
    publish(item, "run-1")
    for key in ("root/datasets/flights/data/run-2-0/part-00000.bin", "root/other/x"):
        client.create_multipart_upload(Bucket=s3_bucket, Key=key)
    item.collect()  # moto says that every upload began in 2010
    left = client.list_multipart_uploads(Bucket=s3_bucket)["Uploads"]
    assert [upload["Key"] for upload in left] == ["root/other/x"]


def test_nothing_stays_on_local_disk(item, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    version = publish(item, "run-1")
    assert_whole(item, version)
    with pytest.raises(ZeroDivisionError):
        fail_after_writing(item, "run-2")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [Answer(200, b"", {"ETag": '"x"'}), s3_error("NotImplemented", status=501)],
    ids=["ignores-the-condition", "does-not-know-it"],
)
def test_a_store_without_conditional_writes_is_refused(scripted_s3, answer):
    """E52."""
    server = scripted_s3(lambda request: answer)
    item = VersionStore.open("s3://bucket/root", options(server.url)).item(KEY)
    with pytest.raises(StorageError, match="this store cannot create a file exclusively"):
        publish(item, "run-1")
    assert {request.path for request in server.requests if request.method == "PUT"} == {
        "/bucket/root/_exclusive_create_probe"
    }


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_answers_that_mean_taken(scripted_s3, code):
    server = scripted_s3(lambda request: s3_error(code, status=412 if code[0] == "P" else 409))
    storage = VersionStore.open("s3://bucket/root", options(server.url))._storage
    assert storage._create("x", b"") is False


def test_a_lost_answer_to_the_commit_is_not_a_second_version(item, monkeypatch):
    """The manifest was written, the answer was lost, the client's own retry is told that the number is taken."""
    with item.publisher("run-1") as publisher:
        create = publisher._log.create

        def lost(manifest):
            assert create(manifest)
            return False

        monkeypatch.setattr(publisher._log, "create", lost)
        version = publisher.publish()
    assert version.number == 1
    assert item.numbers() == [1]


def test_a_cut_upload_publishes_nothing(item, monkeypatch):
    first = publish(item, "run-1")
    bucket = item._log.storage._fs
    put = bucket.put_file

    def cut(local, remote):
        Path(local).write_bytes(Path(local).read_bytes()[:10])
        put(local, remote)

    monkeypatch.setattr(bucket, "put_file", cut)
    with pytest.raises(ConnectorUnavailableError, match=r"cut off after 10 of \d+ bytes"):
        publish(item, "run-2")
    monkeypatch.undo()
    assert item.latest() == first
    assert data_folders(item) == named_folders(item)


def test_a_cut_download_is_no_file(item, monkeypatch):
    """E5."""
    version = publish(item, "run-1")
    monkeypatch.setattr(
        item._log.storage._fs,
        "get_file",
        lambda remote, local: Path(local).write_bytes(b"short"),
    )
    with (
        pytest.raises(ConnectorUnavailableError, match=r"cut off after 5 of \d+ bytes"),
        item.local_files(version),
    ):
        pass


def test_refused_credentials(scripted_s3):
    secret = "canary-9c1e"
    server = scripted_s3(lambda request: s3_error("InvalidAccessKeyId", status=403))
    item = VersionStore.open("s3://bucket/root", options(server.url, secret)).item(KEY)
    with pytest.raises(ConnectorAuthError, match="InvalidAccessKeyId") as caught:
        publish(item, "run-1")
    assert secret not in str(caught.value)
    assert secret not in repr(item._log.storage)


def test_a_bucket_that_is_not_there(s3_server):
    store = VersionStore.open(
        "s3://no-such-bucket/root", options(s3_server.url, s3_server.secret_key)
    )
    with pytest.raises(StorageError, match="does not exist"):
        publish(store.item(KEY), "run-1")


def test_a_server_that_is_not_there():
    given = {"config_kwargs": {"retries": {"max_attempts": 0}}, "skip_instance_cache": True}
    store = VersionStore.open("s3://bucket/root", options("http://127.0.0.1:9") | given)
    store._storage._fs.retries = 1
    with pytest.raises(ConnectorUnavailableError, match="could not be reached"):
        store.item(KEY).latest()


def test_tables_in_a_bucket(s3_server, s3_bucket, tmp_path, monkeypatch):
    """Copies for DuckDB last as long as its connection; nothing else stays on local disk."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(table_writer, "PART_ROWS", 10)
    given = options(s3_server.url, s3_server.secret_key)
    store = TableStore.open(f"s3://{s3_bucket}/root", given)
    table = pa.table({"n": range(25)})
    store.write_stream(KEY, lambda: BatchStream(table.schema, iter(table.to_batches())), run_id="r")
    stored = store.read(KEY)
    assert len(stored.version.files) == 3
    assert stored.to_table().equals(table)
    assert pa.Table.from_batches(stored.batches()).equals(table)
    assert stored.sample(12).equals(table.slice(0, 12))
    assert list(tmp_path.iterdir()) == []
    connection = duckdb.connect()
    relation = stored.relation(connection)
    del stored
    assert relation.aggregate("sum(n)").fetchall() == [(300,)]
    assert len(list(tmp_path.glob("*/*.parquet"))) == 3
    del relation, connection
    gc.collect()
    assert list(tmp_path.iterdir()) == []
