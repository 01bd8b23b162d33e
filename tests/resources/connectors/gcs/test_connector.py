"""What this connector does beyond the suite of all file connectors: listing at size, conditions, refusals, settings."""

from __future__ import annotations

import socket

import pytest

from resources.connectors.gcs.client import GcsSettings
from resources.connectors.gcs.connector import GcsConnector
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NoSuchBucketError,
    WaybillError,
)
from resources.kernel.records import ObjectInfo
from tests.resources.connectors.gcs.bucket import OutsideBucket, connect, listed, read
from tests.servers.gcs import RIGHTS, refusal


@pytest.fixture
def bucket(gcs_server):
    return gcs_server.new_bucket()


@pytest.fixture
def connector(gcs_server, bucket):
    return connect(gcs_server.url, bucket)


@pytest.fixture
def outside(gcs_server, bucket):
    return OutsideBucket(gcs_server, bucket)


class TestListing:
    def test_folders_are_no_objects(self, connector, outside):
        for key in ("a/", "a/b/", "a/x.csv", "a//", "a//y.csv"):
            outside.put(key, b"")
        assert listed(connector) == ["a//y.csv", "a/x.csv"]
        assert [entry.path for entry in connector.browse("a")] == ["a/b/", "a/x.csv"]

    def test_keys_that_climb_are_text_like_any_other(self, connector, outside, tmp_path):
        """T19: they can be read, but nothing local is named after them."""
        for key in ("../../etc/passwd", "/abs/x.csv", "a/../b.csv"):
            outside.put(key, key.encode())
            assert read(connector, connector.stat(key), tmp_path / "s") == key.encode()
        assert listed(connector) == ["/abs/x.csv"]  # the others have a part that begins with a dot

    @pytest.mark.parametrize(
        ("pattern", "most"),
        [("flights/2013-*.csv", 1), ("flights/2013-01.csv", 1), ("flights/*.csv", 1), ("**", 4)],
    )
    def test_a_bucket_is_not_listed_beyond_the_pattern(
        self, gcs_server, connector, bucket, pattern, most
    ):
        """E39: the service is asked for the pattern's beginning; folders below come as one entry."""
        keys = [f"flights/201{y}-{m:02}.csv" for y in (2, 3) for m in range(1, 13)]
        keys += [f"flights/archive/{i:07}.csv" for i in range(3_000)]
        for key in keys:
            gcs_server.put(bucket, key, b"")
        before = len(gcs_server.requests)
        found = listed(connector, pattern)
        assert len(gcs_server.requests) - before <= most
        assert len(found) == {"**": 3_024, "flights/2013-01.csv": 1}.get(
            pattern, 12 if "2013" in pattern else 24
        )

    def test_names_with_line_breaks_are_refused_at_once(self, connector, source):
        with pytest.raises(InputError, match="line breaks"):
            connector.put_file("line\nbreak.csv", source)


class TestVersions:
    def test_only_content_changes_the_etag(self, gcs_server, connector, outside, bucket):
        outside.put("x", b"1")
        item = connector.stat("x")
        outside.put("x", b"1")
        assert connector.stat("x").etag != item.etag

    def test_every_read_names_its_generation(self, gcs_server, connector, outside, tmp_path):
        outside.put("x", b"1")
        item = connector.stat("x")
        before = len(gcs_server.requests)
        read(connector, item, tmp_path)
        (request,) = gcs_server.requests[before:]
        assert request.query["ifGenerationMatch"] == item.etag

    def test_somebody_else_writes_during_an_upload(self, spoilt_gcs, source, tmp_path):
        """What somebody else wrote meanwhile stays."""
        bucket = spoilt_gcs.new_bucket()
        connector = connect(spoilt_gcs.url, bucket)
        spoilt_gcs.put(bucket, "x", b"old")

        def meanwhile(request, answer):
            if "Location" in answer.headers:
                spoilt_gcs.put(bucket, "x", b"theirs")
            return answer

        spoilt_gcs.spoil = meanwhile
        with pytest.raises(WaybillError, match="another writer replaced it at the same moment"):
            connector.put_file("x", source)
        assert read(connector, connector.stat("x"), tmp_path / "s") == b"theirs"


REFUSALS = [
    (403, "forbidden", "a@b does not have storage.objects.list access", ConnectorAuthError, "storage.objects.list is missing"),
    (401, "authError", "Invalid Credentials", ConnectorAuthError, "credentials"),
    (400, "required", "Bucket is a requester pays bucket but no user project provided.", ConfigError, "`project:`"),
    (429, "rateLimitExceeded", "slow down", ConnectorUnavailableError, "overloaded"),
    (403, "userRateLimitExceeded", "slow down", ConnectorUnavailableError, "overloaded"),
    (503, "backendError", "try later", ConnectorUnavailableError, "overloaded"),
    (418, "teapot", "said\x1b[31m\nthe server", ConnectorError, "the service answered: said"),
]  # fmt: skip


@pytest.mark.usefixtures("at_once")
class TestRefusals:
    @pytest.mark.parametrize("row", REFUSALS, ids=[f"{row[0]} {row[1]}" for row in REFUSALS])
    def test_every_refusal_has_its_text(self, spoilt_gcs, source, tmp_path, row):
        status, reason, said, kind, words = row
        connector = connect(spoilt_gcs.url, spoilt_gcs.new_bucket())
        item = ObjectInfo("x.csv", 1, "1", None)  # type: ignore[arg-type]
        spoilt_gcs.before = lambda request: refusal(status, reason, said)
        attempts = {
            "list": lambda: listed(connector),
            "browse": lambda: list(connector.browse()),
            "stat": lambda: connector.stat("x.csv"),
            "read": lambda: read(connector, item, tmp_path / "s"),
            "put": lambda: connector.put_file("x.csv", source),
        }
        for name, attempt in attempts.items():
            with pytest.raises(WaybillError) as caught:
                attempt()
            text = str(caught.value)
            if status != 401:  # anonymous credentials cannot be renewed, which is another text
                assert isinstance(caught.value, kind), (name, text)
                assert words in text, (name, text)
            assert "lake" in text
            assert len(text) <= 500
            assert "\x1b" not in text
            assert "\n" not in text
        report = connector.check()
        assert not report.ok
        assert not report.steps[-1].ok
        assert all(step.ok for step in report.steps[:-1])

    def test_a_busy_service_is_asked_again(self, spoilt_gcs):
        bucket = spoilt_gcs.new_bucket()
        spoilt_gcs.put(bucket, "x", b"1")
        answers = iter([refusal(503, "backendError", "later"), refusal(429, "", "later")])
        spoilt_gcs.before = lambda request: next(answers, None)
        assert listed(connect(spoilt_gcs.url, bucket)) == ["x"]

    @pytest.mark.parametrize("server_name", ["gcs_server", "gcs_emulator"])
    def test_no_such_bucket(self, request, server_name, source):
        server = request.getfixturevalue(server_name)
        connector = connect(server.url, "no-such-bucket-anywhere")
        for attempt in (
            lambda: listed(connector),
            lambda: list(connector.browse()),
            lambda: connector.put_file("x", source),
        ):
            with pytest.raises(NoSuchBucketError, match="no such bucket"):
                attempt()
        report = connector.check()
        assert "no such bucket" in report.detail
        assert report.steps[-1].name == "list"

    def test_nothing_listens(self, source):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            connector = connect(f"http://127.0.0.1:{closed.getsockname()[1]}", "bucket")
            for attempt in (lambda: listed(connector), lambda: connector.put_file("x", source)):
                with pytest.raises(ConnectorUnavailableError, match="nothing answers"):
                    attempt()
            report = connector.check()
        assert report.steps[-1].name == "port"
        assert "nothing answers" in report.detail

    def test_an_unknown_host(self):
        report = connect("http://no-such-host.invalid", "bucket").check()
        assert not report.ok
        assert report.steps[-1].name == "name resolution"

    def test_no_tls_there(self, gcs_server):
        report = connect(gcs_server.url.replace("http:", "https:"), "bucket").check()
        assert report.steps[-1].name == "TLS"
        assert not report.ok


class TestCheck:
    def test_steps_and_rights(self, spoilt_gcs):
        bucket = spoilt_gcs.new_bucket()
        spoilt_gcs.put(bucket, "x", b"1")
        spoilt_gcs.rights = RIGHTS[:2]
        report = connect(spoilt_gcs.url, bucket).check()
        assert [step.name for step in report.steps] == [
            "credentials",
            "name resolution",
            "port",
            "list",
            "rights",
            "read",
        ]
        assert report.facts["rights"] == "list: yes, read: yes, write: no, replace: no"

    def test_it_writes_nothing(self, spoilt_gcs):
        connect(spoilt_gcs.url, spoilt_gcs.new_bucket()).check()
        assert {request.method for request in spoilt_gcs.requests} == {"GET"}

    def test_listing_without_reading(self, spoilt_gcs):
        bucket = spoilt_gcs.new_bucket()
        spoilt_gcs.put(bucket, "x", b"1")
        spoilt_gcs.before = lambda request: (
            refusal(403, "forbidden", "no storage.objects.get access")
            if "alt" in request.query
            else None
        )
        report = connect(spoilt_gcs.url, bucket).check()
        assert not report.ok
        assert report.steps[-1].name == "read"
        assert "storage.objects.get is missing" in report.detail


class TestConfiguration:
    @pytest.mark.parametrize(
        "url", ["storage:9000", "ftp://x", "http://user:canary@host", "http://h?token=canary"]
    )
    def test_addresses_that_are_none_or_hold_secrets(self, url):
        with pytest.raises(ConfigError, match="endpoint_url") as caught:
            GcsConnector("lake", "bucket", settings=GcsSettings(endpoint_url=url))
        assert "canary" not in str(caught.value)

    def test_two_kinds_of_credentials(self):
        with pytest.raises(ConfigError, match=r"credentials_file.*anonymous") as caught:
            GcsConnector(
                "lake", "b", settings=GcsSettings(credentials_file="canary", anonymous=True)
            )
        assert "canary" not in str(caught.value)

    def test_making_a_connector_does_nothing(self, monkeypatch):
        monkeypatch.setattr(socket, "socket", None)
        GcsConnector("lake", "bucket", credentials_json="no JSON")

    def test_the_project_that_pays_is_named_in_every_request(self, spoilt_gcs, source, tmp_path):
        bucket = spoilt_gcs.new_bucket()
        connector = connect(spoilt_gcs.url, bucket, project="payer")
        stored = connector.put_file("x", source)
        read(connector, stored, tmp_path / "s")
        listed(connector)
        about = [request for request in spoilt_gcs.requests if "upload_id" not in request.query]
        assert {request.query.get("userProject") for request in about} == {"payer"}
