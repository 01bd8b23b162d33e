from __future__ import annotations

import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NoSuchBucketError,
    NotFoundError,
    SignInRefusedError,
    SourceChangedError,
    StorageError,
    UntrustedServerError,
)
from resources.sources.object_urls import ObjectUrls, rule_of
from resources.web.client import WebClient
from tests.servers.web import website


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "lake").mkdir()
    return FolderConnector("lake", tmp_path / "lake")


@pytest.fixture
def scratch(tmp_path):
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_a_url_leads_through_the_connector_that_knows_it(lake, scratch):
    (lake.root / "a b.bin").write_bytes(b"0123456789")
    urls = ObjectUrls([S3Connector("other", "other"), lake], None, scratch)
    with urls.open(f"file://{lake.root}/a%20b.bin") as found:
        assert (found.size, found.read_range(2, 3)) == (10, b"234")
        assert found.stream().read() == b"0123456789"
        assert found.etag == lake.stat("a b.bin").etag
    assert list(scratch.iterdir()) == []


def test_an_object_that_changes_while_it_is_read(lake, scratch):
    (lake.root / "a").write_bytes(b"old")
    with (
        pytest.raises(SourceChangedError),
        ObjectUrls([lake], None, scratch).open(f"file://{lake.root}/a"),
    ):
        (lake.root / "a").write_bytes(b"newer")


def test_a_small_object_of_a_bucket_is_found_and_read_by_one_request(
    s3_server, s3_bucket, scratch, monkeypatch
):
    """The size and the ETag come with the first bytes; no HEAD before them."""
    from botocore.httpsession import URLLib3Session

    keys = S3Keys(s3_server.access_key, s3_server.secret_key)
    bucket = S3Connector("b", s3_bucket, settings=S3Settings(s3_server.url), keys=keys)
    urls = ObjectUrls([bucket], None, scratch)
    s3_server.client.put_object(Bucket=s3_bucket, Key="small", Body=b"s" * 30_000)
    s3_server.client.put_object(Bucket=s3_bucket, Key="large", Body=b"l" * 3_000_000)
    sent: list[str] = []
    send = URLLib3Session.send

    def counted(self, request):
        sent.append(f"{request.method} {request.headers.get('Range', '')}")
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", counted)
    with urls.open(f"s3://{s3_bucket}/small") as found:
        assert found.read_range(0, 16_384) + found.read_range(16_384, 30_000) == b"s" * 30_000
    assert sent == ["GET bytes=0-32767"]
    sent.clear()
    with urls.fetch(f"s3://{s3_bucket}/large") as whole:
        assert whole.path.read_bytes() == b"l" * 3_000_000
        assert whole.read_range(2_999_990, 100) == b"l" * 10
    assert sent == ["HEAD ", "GET "]


def test_what_is_kept_comes_whole_from_the_web_too(lake, scratch, tmp_path):
    with website(tmp_path, "shop.example") as site:
        site.pages["/a.png"] = b"x" * 3_000_000
        urls = ObjectUrls([lake], WebClient(network=site.network), scratch)
        with urls.fetch("https://shop.example/a.png") as found:
            assert found.path.read_bytes() == b"x" * 3_000_000
    (lake.root / "a").write_bytes(b"own")
    with urls.fetch(f"file://{lake.root}/a") as own:
        assert own.path == lake.root / "a"
    assert list(scratch.iterdir()) == []


def test_all_else_is_the_web_behind_its_guard(lake, scratch, tmp_path):
    with website(tmp_path, "shop.example") as site:
        site.pages["/a.png"] = b"x" * 100
        urls = ObjectUrls([lake], WebClient(network=site.network), scratch)
        with urls.open("https://shop.example/a.png") as found:
            assert found.stream().read() == b"x" * 100
        site.names["inside.example"] = ["10.0.0.1"]
        with pytest.raises(InputError, match="is refused"), urls.open("https://inside.example/a"):
            pass


def test_a_site_that_does_not_answer_is_an_error_of_its_objects_alone(lake, scratch, tmp_path):
    with website(tmp_path, "shop.example") as site:
        site.pages["/a.png"] = b"x" * 3_000_000
        urls = ObjectUrls([lake], WebClient(network=site.network), scratch)
        site.pages["/busy.png"] = lambda handler: handler.send_error(503)
        for way in (urls.open, urls.fetch):
            with pytest.raises(ConnectorError) as caught, way("https://shop.example/busy.png"):
                pass
            assert rule_of(caught.value) == "object_unreadable"
        with urls.open("https://shop.example/a.png") as found:
            site.pages["/a.png"] = site.pages["/busy.png"]
            with pytest.raises(ConnectorError) as caught:
                found.read_range(2_000_000, 10)
            assert rule_of(caught.value) == "object_unreadable"


@pytest.mark.parametrize(
    "url", ["s3://elsewhere/a", "http://shop.example/a", "https://shop.example/a", "file:///etc/passwd", "a.png"]
)  # fmt: skip
def test_a_url_that_leads_nowhere_is_refused_and_says_where_it_may(lake, scratch, url):
    minio = S3Connector("minio", "shop", "raw", settings=S3Settings("http://127.0.0.1:9000"))
    with pytest.raises(InputError) as caught, ObjectUrls([lake, minio], None, scratch).open(url):
        pass
    assert "minio (s3://shop/raw/)" in str(caught.value)
    assert rule_of(caught.value) == "url_not_allowed"


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (NotFoundError("x"), "object_not_found"),
        (ConnectorAuthError("x"), "object_forbidden"),
        (SourceChangedError("x"), "object_changed"),
        (InputError("x"), "url_not_allowed"),
        (ConnectorError("x"), "object_unreadable"),
        (ConnectorUnavailableError("x"), None),
        (SignInRefusedError("x"), None),
        (UntrustedServerError("x"), None),
        (NoSuchBucketError("x"), None),
        (StorageError("x"), None),
    ],
)
def test_what_a_failure_says_about_an_object(error, rule):
    assert rule_of(error) == rule
