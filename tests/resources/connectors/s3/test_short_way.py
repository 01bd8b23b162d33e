"""Small objects: one signed request each, and the long way whenever the answer is not the object as it was listed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from resources.connectors.s3 import connector as s3
from resources.kernel.errors import ConnectorUnavailableError, NotFoundError, SourceChangedError
from tests.resources.connectors.s3.bucket import OutsideBucket, connect, item_of, read
from tests.servers.scripted_s3 import Answer, Objects, s3_error

pytestmark = pytest.mark.usefixtures("no_credentials")
SMALL = b"carrier,delay\nAA,1\n"


class TestOneRequest:
    def test_it_names_the_version_and_is_signed(self, scripted_s3, tmp_path):
        server = scripted_s3(Objects(SMALL))
        assert read(connect(server.url), item_of(SMALL, "a b/ü+&?.csv"), tmp_path) == SMALL
        (request,) = server.requests
        assert request.method == "GET"
        assert request.headers["If-Match"] == '"e1"'
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA")
        assert request.path == "/bucket/a%20b/%C3%BC%2B%26%3F.csv"

    def test_as_many_as_there_are(self, s3_server, s3_bucket, tmp_path):
        outside = OutsideBucket(s3_server, s3_bucket, "")
        for number in range(60):
            outside.put(f"{number:03}.csv", f"{number}".encode() * 20)
        connector = connect(s3_server.url, s3_bucket)
        with ThreadPoolExecutor(connector.parallel_copies) as pool:
            contents = list(
                pool.map(lambda item: read(connector, item, tmp_path), connector.list_objects("*"))
            )
        assert contents == [f"{number}".encode() * 20 for number in range(60)]

    def test_large_ones_go_the_long_way(self, scripted_s3, tmp_path, monkeypatch):
        monkeypatch.setattr(s3, "SMALL_BYTES", len(SMALL) - 1)
        server = scripted_s3(Objects(SMALL))
        assert read(connect(server.url), item_of(SMALL), tmp_path) == SMALL
        assert "amz-sdk-request" in server.requests[0].headers  # what boto3 adds


class TestTheLongWay:
    def test_cut_once(self, scripted_s3, tmp_path):
        """E5: the short body is not taken; the second request brings the whole."""

        def cut(number, answer):
            if number > 1:
                return answer
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            return Answer(answer.status, answer.body[:5], headers)

        server = scripted_s3(Objects(SMALL, cut))
        assert read(connect(server.url), item_of(SMALL), tmp_path) == SMALL
        assert len(server.requests) == 2

    def test_a_body_shorter_than_listed(self, scripted_s3, tmp_path):
        """E5: the service lies about the length."""
        server = scripted_s3(
            Objects(SMALL, lambda n, answer: Answer(200, answer.body[:5], answer.headers))
        )
        with pytest.raises(ConnectorUnavailableError, match="cut off"):
            read(connect(server.url), item_of(SMALL), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_another_version(self, scripted_s3, tmp_path, once):
        """E40: from a system that ignores If-Match."""
        server = scripted_s3(Objects(SMALL))
        with pytest.raises(SourceChangedError):
            read(connect(server.url), item_of(SMALL, etag="listed-before"), tmp_path)

    def test_deleted(self, s3_server, s3_bucket, tmp_path):
        outside = OutsideBucket(s3_server, s3_bucket, "")
        outside.put("x.csv", SMALL)
        connector = connect(s3_server.url, s3_bucket)
        item = connector.stat("x.csv")
        outside.delete("x.csv")
        with pytest.raises(NotFoundError):  # E41
            read(connector, item, tmp_path)

    def test_a_service_that_wants_another_signature(self, scripted_s3, tmp_path):
        """After a few refusals the short way is left alone."""
        objects = Objects(SMALL)

        def answer(request):
            is_ours = "amz-sdk-request" not in request.headers
            return s3_error("AccessDenied", status=403) if is_ours else objects(request)

        server = scripted_s3(answer)
        connector = connect(server.url)
        for _ in range(10):
            assert read(connector, item_of(SMALL), tmp_path) == SMALL
        assert len(server.requests) == 13

    def test_a_busy_service_is_asked_again(self, scripted_s3, tmp_path):
        def busy(number, answer):
            return s3_error("SlowDown", status=503) if number <= 2 else answer

        server = scripted_s3(Objects(SMALL, busy))
        assert read(connect(server.url), item_of(SMALL), tmp_path) == SMALL
