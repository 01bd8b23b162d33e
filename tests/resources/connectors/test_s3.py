from __future__ import annotations

import logging
import re
import socket
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from resources.connectors import s3, s3_download
from resources.connectors.s3 import S3Connector
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    SourceChangedError,
    StorageError,
    WaybillError,
)
from resources.kernel.records import ObjectInfo
from tests.contract.file_connector import FileConnectorContract
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, Answer, Request, S3Server, s3_error


class OutsideBucket:
    def __init__(self, server: S3Server, bucket: str, prefix: str) -> None:
        self.client = server.client
        self.bucket = bucket
        self.prefix = prefix

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=content)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)


def connect(url: str, bucket: str = "bucket", prefix: str = "") -> S3Connector:
    return S3Connector(
        "lake",
        bucket,
        prefix,
        endpoint_url=url,
        region="us-east-1",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
    )


@pytest.fixture(autouse=True)
def _no_credentials_of_this_machine(monkeypatch, tmp_path):
    for name in (
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "PROFILE",
        "DEFAULT_REGION",
        "REGION",
    ):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def small_pages(monkeypatch):
    """Listings in many pages without many objects."""
    monkeypatch.setattr(s3, "PAGE_KEYS", 50)


@pytest.fixture
def once(monkeypatch):
    """No pauses between tries."""
    monkeypatch.setattr(s3, "MAX_ATTEMPTS", 1)


@pytest.fixture
def connector(s3_server: S3Server, s3_bucket: str) -> S3Connector:
    return connect(s3_server.url, s3_bucket)


@pytest.fixture
def outside(s3_server: S3Server, s3_bucket: str) -> OutsideBucket:
    return OutsideBucket(s3_server, s3_bucket, "")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"new content")
    return path


def listed(connector: S3Connector, pattern: str = "**") -> list[str]:
    return [item.key for item in connector.list_objects(pattern)]


def item_of(content: bytes, key: str = "x.bin", etag: str = "e1") -> ObjectInfo:
    return ObjectInfo(key, len(content), etag, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.usefixtures("small_pages")
class TestS3Contract(FileConnectorContract):
    """The suite of every file connector, on a whole bucket."""

    unheld_characters = (
        "\n"  # moto's routes end at it; see TestListing.test_a_key_with_a_line_break
    )


@pytest.mark.usefixtures("small_pages")
class TestS3ContractBelowAPrefix(FileConnectorContract):
    """The suite of every file connector, on a part of a bucket whose other parts look alike."""

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
        assert sorted(listed(connector)) == ["../../etc/passwd", "/abs/x.csv", "a/../b.csv"]

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
    from resources.connectors.key_patterns import KeyPattern

    return KeyPattern(pattern).matches(key)


def list_page(request: Request, keys: list[str], page: int) -> Answer:
    """ListObjectsV2 over sorted keys, with Prefix, Delimiter, StartAfter and ContinuationToken."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    after = asked.get("continuation-token", asked.get("start-after", ""))
    entries: list[str] = []
    for key in keys:
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key[: cut + 1] if cut >= 0 else key
        if (
            entry > after
            and not after.startswith(entry + "\0")
            and (not entries or entries[-1] != entry)
        ):
            entries.append(entry)
        if len(entries) > min(page, int(asked.get("max-keys", page))):
            break
    limit = min(page, int(asked.get("max-keys", page)))
    more, entries = len(entries) > limit, entries[:limit]
    body = "".join(
        f"<CommonPrefixes><Prefix>{entry}</Prefix></CommonPrefixes>"
        if delimiter and entry.endswith(delimiter)
        else f'<Contents><Key>{entry}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>'
        for entry in entries
    )
    token = f"<NextContinuationToken>{entries[-1]}</NextContinuationToken>" if more else ""
    text = f'<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}{body}</ListBucketResult>'
    return Answer(200, text.encode(), {"Content-Type": "application/xml"})


class Objects:
    """Serves GETs of one content with ranges; `spoil` changes the n-th answer."""

    def __init__(
        self, content: bytes, spoil: Callable[[int, Answer], Answer] = lambda n, answer: answer
    ) -> None:
        self.content = content
        self.spoil = spoil
        self.count = 0
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        with self.lock:
            self.count += 1
            number = self.count
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        headers = {"ETag": '"e1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        if not found:
            return self.spoil(number, Answer(200, self.content, headers))
        start, end = int(found[1]), int(found[2]) + 1
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(self.content)}"
        return self.spoil(number, Answer(206, self.content[start:end], headers))


def read(connector: S3Connector, item: ObjectInfo, scratch: Path) -> bytes:
    with connector.local_copy(item, scratch) as path:
        return path.read_bytes()


CONTENT = bytes(range(256)) * 400


class TestReading:
    @pytest.fixture
    def small_parts(self, monkeypatch):
        monkeypatch.setattr(s3_download, "PART_BYTES", 10_000)

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
        open_part, opened = s3_download._Download._open, []

        def replace_at_the_third(self, start, end):
            opened.append(start)
            if len(opened) == 3:
                outside.put("x.bin", CONTENT[::-1])
            return open_part(self, start, end)

        monkeypatch.setattr(s3_download, "PARTS_AT_ONCE", 1)
        monkeypatch.setattr(s3_download._Download, "_open", replace_at_the_third)
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
        assert len(server.requests) == s3_download.TRIES
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
            monkeypatch.setattr(s3_download, "PART_BYTES", 30_000)

        def cut(number: int, answer: Answer) -> Answer:
            if number % 2 == 0:
                return answer
            answer.headers["Content-Length"] = str(len(answer.body))
            return Answer(answer.status, answer.body[:7_000], answer.headers)

        server = scripted_s3(Objects(CONTENT, cut))
        monkeypatch.setattr(s3_download, "PARTS_AT_ONCE", 1)
        assert read(connect(server.url), item_of(CONTENT), tmp_path) == CONTENT

    def test_a_full_disk_names_the_path(self, connector, outside, tmp_path, monkeypatch):
        outside.put("x.bin", CONTENT)

        def full(*args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(s3_download.os, "pwrite", full)
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
        client = connector._client()

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
        with pytest.raises(WaybillError, match="somebody else"):
            connector.put_file("x.bin", source)


REFUSALS = [
    ("NoSuchBucket", 404, NotFoundError, "there is no such bucket"),
    ("AccessDenied", 403, ConnectorAuthError, "access denied"),
    ("InvalidAccessKeyId", 403, ConnectorAuthError, "access key is unknown"),
    ("SignatureDoesNotMatch", 403, ConnectorAuthError, "secret key does not fit"),
    ("ExpiredToken", 400, ConnectorAuthError, "expired"),
    ("InvalidToken", 400, ConnectorAuthError, "session token"),
    ("RequestTimeTooSkewed", 403, ConnectorError, "clock"),
    ("AuthorizationHeaderMalformed", 400, ConfigError, "another region"),
    ("InvalidBucketName", 400, ConfigError, "bucket's name"),
    ("SlowDown", 503, ConnectorUnavailableError, "overloaded"),
    ("InternalError", 500, ConnectorUnavailableError, "out of order"),
    ("SomethingNew", 400, ConnectorError, "the service answered: said the server"),
]


class TestRefusals:
    @pytest.mark.parametrize("refusal", REFUSALS, ids=[row[0] for row in REFUSALS])
    def test_every_refusal_has_its_text(self, scripted_s3, once, source, tmp_path, refusal):
        code, status, kind, words = refusal
        connector = connect(scripted_s3(lambda request: s3_error(code, status=status)).url)
        attempts = {
            "list": lambda: listed(connector),
            "stat": lambda: connector.stat("x.csv"),
            "read": lambda: read(connector, item_of(b"1"), tmp_path / "s"),
            "put": lambda: connector.put_file("x.csv", source),
        }
        for name, attempt in attempts.items():
            with pytest.raises(WaybillError) as caught:
                attempt()
            assert isinstance(caught.value, kind), (name, caught.value)
            text = str(caught.value)
            for part in ("lake", "'bucket'", words, "127.0.0.1"):
                assert part in text, (name, text)
            assert len(text) <= 500
            assert caught.value.__cause__ is not None
        report = connector.check()
        assert not report.ok
        assert words in report.detail

    def test_the_same_from_a_real_server(self, s3_server, source, tmp_path):
        connector = connect(s3_server.url, "no-such-bucket-anywhere")
        for attempt in (
            lambda: listed(connector),
            lambda: connector.stat("x"),
            lambda: connector.put_file("x", source),
        ):
            with pytest.raises(NotFoundError, match="no such bucket"):
                attempt()
        assert "no such bucket" in connector.check().detail

    def test_nothing_listens(self, once, source):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            connector = connect(url)
            for attempt in (
                lambda: listed(connector),
                lambda: connector.stat("x"),
                lambda: connector.put_file("x", source),
            ):
                with pytest.raises(ConnectorUnavailableError, match="nothing answers") as caught:
                    attempt()
                assert url in str(caught.value)
            assert "nothing answers" in connector.check().detail

    def test_no_answer_within_the_limit(self, once, monkeypatch, scripted_s3):
        monkeypatch.setattr(s3, "READ_TIMEOUT_SECONDS", 0.2)
        release = threading.Event()

        def stall(request: Request) -> Answer:
            release.wait(20)
            return Answer()

        connector = connect(scripted_s3(stall).url)
        try:
            with pytest.raises(ConnectorUnavailableError, match="time limit"):
                listed(connector)
        finally:
            release.set()

    def test_the_connection_is_cut_before_an_answer(self, once):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def hang_up() -> None:
                server.accept()[0].close()

            thread = threading.Thread(target=hang_up)
            thread.start()
            with pytest.raises(ConnectorUnavailableError, match=r"cut|failed"):
                listed(connect(f"http://127.0.0.1:{server.getsockname()[1]}"))
            thread.join()

    def test_no_tls_there(self, once, scripted_s3):
        server = scripted_s3(lambda request: Answer())
        with pytest.raises(ConnectorError, match="TLS"):
            listed(connect(server.url.replace("http:", "https:")))

    def test_a_busy_service_is_asked_again(self, scripted_s3, monkeypatch):
        monkeypatch.setattr(s3, "MAX_ATTEMPTS", 3)
        answers = iter([s3_error("SlowDown", status=503)])
        server = scripted_s3(lambda request: next(answers, None) or list_page(request, ["x"], 10))
        assert listed(connect(server.url)) == ["x"]

    def test_no_credentials_anywhere(self, scripted_s3):
        connector = S3Connector(
            "lake", "bucket", endpoint_url=scripted_s3(lambda request: Answer()).url
        )
        with pytest.raises(ConnectorAuthError, match="no credentials were found"):
            listed(connector)

    def test_credentials_of_the_process(self, scripted_s3, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMTHECHAIN")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        server = scripted_s3(lambda request: list_page(request, ["x"], 10))
        assert listed(S3Connector("lake", "bucket", endpoint_url=server.url)) == ["x"]
        assert "FROMTHECHAIN" in server.requests[0].headers["Authorization"]

    def test_expired_credentials_are_read_anew_once(self, scripted_s3, monkeypatch):
        """E47: a token that was renewed on disk meanwhile is used without a restart."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OLD")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

        def answer(request: Request) -> Answer:
            if "Credential=OLD/" in request.headers["Authorization"]:
                monkeypatch.setenv("AWS_ACCESS_KEY_ID", "RENEWED")
                return s3_error("ExpiredToken")
            return list_page(request, ["x"], 10)

        assert listed(S3Connector("lake", "bucket", endpoint_url=scripted_s3(answer).url)) == ["x"]

    def test_credentials_that_stay_expired(self, scripted_s3, once):
        server = scripted_s3(lambda request: s3_error("ExpiredToken"))
        with pytest.raises(ConnectorAuthError, match="credentials of this connector expired"):
            listed(connect(server.url))
        assert len(server.requests) == 2


class TestConfiguration:
    @pytest.mark.parametrize(
        "keys",
        [{"access_key": "a"}, {"secret_key": SECRET_KEY}, {"access_key": "a", "secret_key": ""}],
    )
    def test_half_a_pair_of_keys(self, keys):
        with pytest.raises(ConfigError, match="_key") as caught:
            S3Connector("lake", "bucket", **keys)
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
        ],
    )
    def test_addresses_that_are_none_or_hold_secrets(self, url):
        with pytest.raises(ConfigError, match="endpoint_url") as caught:
            S3Connector("lake", "bucket", endpoint_url=url)
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize("prefix", ["../x", "a//b", "a/../b", "x" * 1025])
    def test_prefixes_that_climb(self, prefix):
        with pytest.raises(ConfigError, match="prefix"):
            S3Connector("lake", "bucket", prefix)

    @pytest.mark.parametrize("bucket", ["", "with blank", "a/b", "x" * 300])
    def test_names_that_no_bucket_has(self, bucket, scripted_s3, once):
        connector = connect(
            scripted_s3(lambda request: s3_error("NoSuchBucket", status=404)).url, bucket
        )
        report = connector.check()
        assert not report.ok
        assert "bucket" in report.detail
        assert len(report.detail) <= 500

    def test_making_a_connector_does_nothing(self, monkeypatch):
        monkeypatch.setattr(socket, "socket", None)
        S3Connector(
            "lake", "bucket", endpoint_url="http://127.0.0.1:1", access_key="a", secret_key="b"
        )


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
