from __future__ import annotations

import logging
import socket
import traceback
from urllib.parse import quote, unquote, urlsplit

import pytest

from resources.connectors.files.key_patterns import KeyPattern
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.kernel.errors import (
    ConfigError,
    InputError,
    WaybillError,
)
from tests.contract.file_connector import FileConnectorContract, FileListingContract
from tests.resources.connectors.s3.bucket import (
    OutsideBucket,
    connect,
    item_of,
    listed,
    read,
)
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.servers.scripted_s3 import Answer, Request, list_page, s3_error

pytestmark = pytest.mark.usefixtures("no_credentials")


@pytest.fixture
def connector(s3_server: S3Server, s3_bucket: str) -> S3Connector:
    return connect(s3_server.url, s3_bucket)


@pytest.fixture
def outside(s3_server: S3Server, s3_bucket: str) -> OutsideBucket:
    return OutsideBucket(s3_server, s3_bucket, "")


@pytest.mark.usefixtures("small_pages")
class TestS3Contract(FileConnectorContract):
    """The suite of every file connector, on a whole bucket."""

    unheld_characters = (
        "\n"  # moto's routes end at it; see TestListing.test_a_key_with_a_line_break
    )


@pytest.mark.usefixtures("small_pages")
class TestS3ContractBelowAPrefix(FileListingContract):
    """Keys and listings once more, on a part of a bucket whose other parts look alike."""

    unheld_characters = "\n"

    @pytest.fixture
    def connector(self, s3_server, s3_bucket):
        client = s3_server.client
        for key in (
            "landing",
            "landing/",
            "landing/inner/",
            "landing-2/x.csv",
            "landing.csv",
            "a.csv",
            "a/1.csv",
        ):
            client.put_object(Bucket=s3_bucket, Key=key, Body=b"of others")
        return connect(s3_server.url, s3_bucket, "/landing/inner/")

    @pytest.fixture
    def outside(self, s3_server, s3_bucket):
        return OutsideBucket(s3_server, s3_bucket, "landing/inner/")

    def test_a_key_of_1024_bytes(self, connector, source, scratch):
        key = "k" * (1024 - len("landing/inner/"))
        self.test_an_odd_key_goes_all_the_way(connector, source, scratch, key)
        with pytest.raises(InputError, match="1024 bytes"):
            connector.put_file(key + "k", source)


class TestListing:
    def test_folders_are_no_objects(self, connector, outside):
        for key in ("a/", "a/b/", "a/x.csv", "a//", "a//y.csv"):
            outside.put(key, b"")
        assert listed(connector) == ["a//y.csv", "a/x.csv"]

    def test_keys_that_climb_are_text_like_any_other(self, connector, outside, tmp_path):
        """T19: they can be read, but nothing local is named after them."""
        for key in ("../../etc/passwd", "/abs/x.csv", "a/../b.csv"):
            outside.put(key, key.encode())
            item = connector.stat(key)
            with connector.local_copy(item, tmp_path / "scratch") as path:
                assert path.parent == tmp_path / "scratch"
                assert path.read_bytes() == key.encode()
        assert listed(connector) == ["/abs/x.csv"]  # the others have a part that begins with a dot

    @pytest.mark.parametrize(
        ("pattern", "most"),
        [("flights/2013-*.csv", 1), ("flights/2013-01.csv", 1), ("flights/*.csv", 1), ("**", 4)],
    )
    def test_a_bucket_is_not_listed_beyond_the_pattern(self, scripted_s3, pattern, most):
        """E39: the service is asked for the pattern's beginning; folders below come as one entry."""
        keys = [f"flights/201{y}-{m:02}.csv" for y in (2, 3) for m in range(1, 13)]
        keys += [f"flights/archive/{i:07}.csv" for i in range(3_000)] + [
            f"z/{i}" for i in range(10)
        ]
        server = scripted_s3(lambda request: list_page(request, sorted(keys), 1_000))
        found = listed(connect(server.url), pattern)
        assert found == [key for key in sorted(keys) if _selected(key, pattern)]
        assert len(server.requests) <= most

    def test_a_key_with_a_line_break(self, scripted_s3, source, tmp_path):
        stored: dict[str, bytes] = {}

        def answer(request: Request) -> Answer:
            path = urlsplit(request.path)
            key = unquote(path.path.removeprefix("/bucket/"))
            if request.method == "PUT":
                stored[key] = request.body
                return Answer(200, b"", {"ETag": '"e"'})
            if "list-type=2" in path.query:
                assert "encoding-type=url" in path.query
                return list_page(request, [quote(name) for name in stored], 10)
            return Answer(
                200, stored[key], {"ETag": '"e"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
            )

        connector = connect(scripted_s3(answer).url)
        key = "line\nbreak/\r\n.csv"
        assert connector.put_file(key, source).key == key
        assert listed(connector) == [key]
        assert read(connector, connector.stat(key), tmp_path / "s") == source.read_bytes()

    def test_pages_are_fetched_as_they_are_wanted(self, scripted_s3):
        keys = [f"{i:06}" for i in range(10_000)]
        server = scripted_s3(lambda request: list_page(request, keys, 1_000))
        listing = connect(server.url).list_objects("*")
        assert [next(listing).key for _ in range(1_500)] == keys[:1_500]
        assert len(server.requests) == 2


def _selected(key: str, pattern: str) -> bool:

    return KeyPattern(pattern).matches(key)


class TestConfiguration:
    @pytest.mark.parametrize(
        "keys",
        [
            S3Keys(access_key="a"),
            S3Keys(secret_key=SECRET_KEY),
            S3Keys(session_token=SECRET_KEY),
        ],
    )
    def test_half_a_pair_of_keys(self, keys):
        with pytest.raises(ConfigError, match=r"_key|session_token") as caught:
            S3Connector("lake", "bucket", keys=keys)
        assert SECRET_KEY not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        [
            "minio:9000",
            "ftp://x",
            "http://",
            "http://user:canary@host",
            "http://h?token=canary",
            "http://h#canary",
            "http://[::1",
            "http://host:99999",
            "http://host:port",
        ],
    )
    def test_addresses_that_are_none_or_hold_secrets(self, url):
        with pytest.raises(ConfigError, match="endpoint_url") as caught:
            S3Connector("lake", "bucket", settings=S3Settings(endpoint_url=url))
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize("prefix", ["../x", "a//b", "a/../b", "x" * 1025])
    def test_prefixes_that_climb(self, prefix):
        with pytest.raises(ConfigError, match="prefix"):
            S3Connector("lake", "bucket", prefix)

    @pytest.mark.parametrize("bucket", ["", "with blank", "a/b", "s3://b", "u:p@b"])
    def test_what_is_no_name_of_a_bucket(self, bucket):
        with pytest.raises(ConfigError, match="`bucket:` must be the name") as caught:
            S3Connector("lake", bucket)
        assert not bucket or f"{bucket!r}" not in str(caught.value)

    def test_a_name_that_no_bucket_has(self, scripted_s3, once):
        bucket = "x" * 300
        connector = connect(
            scripted_s3(lambda request: s3_error("NoSuchBucket", status=404)).url, bucket
        )
        report = connector.check()
        assert not report.ok
        assert "bucket" in report.detail
        assert len(report.detail) <= 500

    def test_making_a_connector_does_nothing(self, monkeypatch):
        monkeypatch.setattr(socket, "socket", None)
        connect("http://127.0.0.1:1")


class TestSecrets:
    """R10: a canary secret appears nowhere."""

    def test_repr(self):
        connector = connect("http://127.0.0.1:1")
        shown = f"{connector!r} {connector} {vars(connector)}"
        assert SECRET_KEY not in shown
        assert ACCESS_KEY not in shown

    @pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InternalError", "SomethingNew"])
    def test_errors_logs_and_traces(self, scripted_s3, once, caplog, source, tmp_path, code):
        answer = s3_error(code, f"your key {ACCESS_KEY}\x1b[31m\nis wrong", status=403)
        connector = connect(scripted_s3(lambda request: answer).url)
        attempts = [
            lambda: listed(connector),
            lambda: connector.stat("x"),
            lambda: read(connector, item_of(b"1"), tmp_path / "s"),
            lambda: connector.put_file("x", source),
        ]
        with caplog.at_level(logging.DEBUG):
            for attempt in attempts:
                with pytest.raises(WaybillError) as caught:
                    attempt()
                assert SECRET_KEY not in repr(caught.value.facts)
                assert "\x1b" not in str(caught.value)
                assert "\n" not in str(caught.value)
                trace = traceback.TracebackException.from_exception(
                    caught.value, capture_locals=True
                )
                # capture_locals is what the fanciest crash reporters show; ours are the frames of this project
                assert SECRET_KEY not in "".join(trace.format())
            assert SECRET_KEY not in repr(connector.check())
        assert SECRET_KEY not in caplog.text
