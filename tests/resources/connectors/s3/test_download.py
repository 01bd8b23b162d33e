from __future__ import annotations

import re

import pytest

from resources.connectors.files import parts as transfer
from resources.connectors.s3 import connector as s3
from resources.connectors.s3 import download as s3_download
from resources.connectors.s3.connector import S3Connector
from resources.kernel.errors import (
    ConnectorError,
    ConnectorUnavailableError,
    SourceChangedError,
    StorageError,
    WaybillError,
)
from tests.resources.connectors.s3.bucket import (
    CONTENT,
    OutsideBucket,
    connect,
    item_of,
    read,
)
from tests.servers.s3 import S3Server
from tests.servers.scripted_s3 import Answer, Objects

pytestmark = pytest.mark.usefixtures("no_credentials")


@pytest.fixture
def connector(s3_server: S3Server, s3_bucket: str) -> S3Connector:
    return connect(s3_server.url, s3_bucket)


@pytest.fixture
def outside(s3_server: S3Server, s3_bucket: str) -> OutsideBucket:
    return OutsideBucket(s3_server, s3_bucket, "")


@pytest.mark.usefixtures("long_way")
class TestReading:
    @pytest.fixture
    def small_parts(self, monkeypatch):
        monkeypatch.setattr(transfer, "PART_BYTES", 10_000)

    def test_many_parts(self, connector, outside, tmp_path, small_parts):
        outside.put("x.bin", CONTENT)
        assert read(connector, connector.stat("x.bin"), tmp_path / "s") == CONTENT

    def test_every_part_names_the_version(self, scripted_s3, tmp_path, small_parts):
        server = scripted_s3(Objects(CONTENT))
        assert read(connect(server.url), item_of(CONTENT), tmp_path) == CONTENT
        assert len(server.requests) == 11
        assert {request.headers["If-Match"] for request in server.requests} == {'"e1"'}

    def test_replaced_between_two_parts(
        self, connector, outside, tmp_path, small_parts, monkeypatch
    ):
        """E40: never a mixture of two versions."""
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        open_part, opened = s3_download._Download.open_part, []

        def replace_at_the_third(self, start, end):
            opened.append(start)
            if len(opened) == 3:
                outside.put("x.bin", CONTENT[::-1])
            return open_part(self, start, end)

        monkeypatch.setattr(transfer, "PARTS_AT_ONCE", 1)
        monkeypatch.setattr(s3_download._Download, "open_part", replace_at_the_third)
        with pytest.raises(SourceChangedError, match="changed while it was read"):
            read(connector, item, tmp_path / "s")
        assert list((tmp_path / "s").iterdir()) == []

    def test_a_system_that_ignores_if_match(self, scripted_s3, tmp_path, once):
        server = scripted_s3(Objects(CONTENT))
        with pytest.raises(SourceChangedError):
            read(connect(server.url), item_of(CONTENT, etag="listed-before"), tmp_path)

    def test_a_system_that_sends_more_than_was_listed(self, scripted_s3, tmp_path, once):
        server = scripted_s3(Objects(CONTENT + b"more"))
        with pytest.raises(SourceChangedError):
            read(connect(server.url), item_of(CONTENT), tmp_path)

    def test_a_system_that_ignores_ranges(self, scripted_s3, tmp_path, once, small_parts):
        server = scripted_s3(lambda request: Answer(200, CONTENT, {"ETag": '"e1"'}))
        with pytest.raises(ConnectorError, match="does not send the part"):
            read(connect(server.url), item_of(CONTENT), tmp_path)

    @pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
    def test_always_cut_off(self, scripted_s3, tmp_path, reset):
        """E5: a body shorter than its length is an error that says how much came."""

        def cut(number: int, answer: Answer) -> Answer:
            answer.headers["Content-Length"] = str(len(answer.body))
            return Answer(answer.status, answer.body[:1000], answer.headers, cut=reset)

        server = scripted_s3(Objects(CONTENT, cut))
        with pytest.raises(ConnectorUnavailableError) as caught:
            read(connect(server.url), item_of(CONTENT), tmp_path)
        assert re.search(r"'x\.bin' was cut off after \d+ of 102400 bytes", str(caught.value))
        assert len(server.requests) == transfer.RETRIES.attempts
        assert list(tmp_path.iterdir()) == []

    def test_a_short_body_with_a_fitting_length(self, scripted_s3, tmp_path):
        """E5: the service itself lies about the length."""
        server = scripted_s3(
            Objects(
                CONTENT, lambda n, answer: Answer(answer.status, answer.body[:9], answer.headers)
            )
        )
        with pytest.raises(ConnectorUnavailableError, match=r"cut off after \d+ of 102400 bytes"):
            read(connect(server.url), item_of(CONTENT), tmp_path)

    @pytest.mark.parametrize("parts", [False, True], ids=["whole", "parts"])
    def test_a_cut_is_mended_where_it_happened(self, scripted_s3, tmp_path, monkeypatch, parts):
        if parts:
            monkeypatch.setattr(transfer, "PART_BYTES", 30_000)

        def cut(number: int, answer: Answer) -> Answer:
            if number % 2 == 0:
                return answer
            answer.headers["Content-Length"] = str(len(answer.body))
            return Answer(answer.status, answer.body[:7_000], answer.headers)

        server = scripted_s3(Objects(CONTENT, cut))
        monkeypatch.setattr(transfer, "PARTS_AT_ONCE", 1)
        assert read(connect(server.url), item_of(CONTENT), tmp_path) == CONTENT

    def test_a_full_disk_names_the_path(self, connector, outside, tmp_path, monkeypatch):
        outside.put("x.bin", CONTENT)

        def full(*args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(transfer.os, "pwrite", full)
        with pytest.raises(StorageError, match=re.escape(str(tmp_path))):
            read(connector, connector.stat("x.bin"), tmp_path)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("key", "ending"),
        [
            ("a/x.csv", ".csv"),
            ("a/x.csv.gz", ".csv.gz"),
            ("a/X.CSV", ".csv"),
            ("a/x", ""),
            ("a.b/x", ""),
            ("a/x.", ""),
            ("a/2013-01.parquet", ".parquet"),
            ("x.;rm -rf", ""),
        ],
    )
    def test_the_copy_keeps_the_ending_only(self, connector, outside, tmp_path, key, ending):
        outside.put(key, b"1")
        with connector.local_copy(connector.stat(key), tmp_path) as path:
            assert re.fullmatch(r"[0-9a-f]{16}-\w{8}" + re.escape(ending), path.name)


class TestWriting:
    def test_a_multipart_upload(self, connector, tmp_path, monkeypatch):
        monkeypatch.setattr(s3, "_MULTIPART_BYTES", 5 << 20)
        source = tmp_path / "big.bin"
        source.write_bytes(CONTENT * 120)
        stored = connector.put_file("x.bin", source)
        assert stored.etag.endswith("-3")
        assert read(connector, stored, tmp_path / "s") == CONTENT * 120

    def test_a_failed_multipart_upload_leaves_nothing(
        self, connector, outside, tmp_path, monkeypatch, once
    ):
        monkeypatch.setattr(s3, "_MULTIPART_BYTES", 5 << 20)
        outside.put("x.bin", b"old")
        source = tmp_path / "big.bin"
        source.write_bytes(CONTENT * 120)
        client = connector._links.current().access.client

        def fail(request, **kwargs):
            if "partNumber=3" in request.url:
                from botocore.awsrequest import AWSResponse

                response = AWSResponse(request.url, 500, {}, None)
                response._content = (
                    b"<Error><Code>InternalError</Code><Message>no</Message></Error>"
                )
                return response
            return None

        client.meta.events.register("before-send.s3.UploadPart", fail)
        with pytest.raises(ConnectorUnavailableError, match="overloaded"):
            connector.put_file("x.bin", source)
        assert read(connector, connector.stat("x.bin"), tmp_path / "s") == b"old"
        assert not outside.client.list_multipart_uploads(Bucket=outside.bucket).get("Uploads")

    def test_somebody_else_wrote_it_at_the_same_moment(
        self, connector, outside, source, monkeypatch
    ):
        upload = s3._upload

        def and_another(*args):
            upload(*args)
            outside.put("x.bin", b"something else altogether")

        monkeypatch.setattr(s3, "_upload", and_another)
        with pytest.raises(WaybillError, match="another writer"):
            connector.put_file("x.bin", source)
