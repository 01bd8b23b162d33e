"""A test of the connection, step by step (F036), and credentials that are not two keys."""

from __future__ import annotations

import socket

import pytest

from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector, S3Keys
from resources.kernel.errors import ConfigError, ConnectorAuthError
from tests.resources.connectors.s3.bucket import OutsideBucket, connect, listed, read
from tests.servers.s3 import SECRET_KEY
from tests.servers.scripted_s3 import Answer, list_page, s3_error

pytestmark = pytest.mark.usefixtures("no_credentials")
TOKEN = "canary-session-token-4f0a"


def steps_of(connector: S3Connector) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in connector.check().steps]


class TestSteps:
    def test_all_is_well(self, s3_server, s3_bucket):
        OutsideBucket(s3_server, s3_bucket, "").put("x.csv", b"1")
        connector = connect(s3_server.url, s3_bucket)
        names = ["credentials", "name resolution", "port", "list", "read"]
        assert steps_of(connector) == [(name, True) for name in names]
        report = connector.check()
        assert report.steps[0].detail == "found: the keys given"
        assert "'x.csv' can be read" in report.steps[-1].detail
        assert SECRET_KEY not in repr(report)

    def test_it_writes_nothing(self, scripted_s3):
        server = scripted_s3(lambda request: list_page(request, [], 10))
        assert connect(server.url).check().ok
        assert {request.method for request in server.requests} == {"GET"}

    def test_no_credentials(self, scripted_s3):
        server = scripted_s3(lambda request: Answer())
        connector = S3Connector("lake", "bucket", settings=S3Settings(endpoint_url=server.url))
        assert steps_of(connector) == [("credentials", False)]
        assert server.requests == []

    def test_an_unknown_host(self):
        connector = connect("http://no-such-host.invalid")
        assert steps_of(connector) == [("credentials", True), ("name resolution", False)]
        assert "not known here" in connector.check().detail

    def test_nothing_listens(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            report = connect(f"http://127.0.0.1:{closed.getsockname()[1]}").check()
        assert report.steps[-1].name == "port"
        assert "nothing answers" in report.detail

    def test_no_tls_there(self, scripted_s3):
        url = scripted_s3(lambda request: Answer()).url.replace("http:", "https:")
        assert steps_of(connect(url))[-1] == ("TLS", False)

    def test_listing_without_reading(self, scripted_s3, once):
        def answer(request):
            if "list-type=2" in request.path:
                return list_page(request, ["x.csv"], 10)
            return s3_error("AccessDenied", status=403)

        report = connect(scripted_s3(answer).url).check()
        assert (report.steps[-1].name, report.steps[-1].ok) == ("read", False)
        assert "access denied" in report.detail

    def test_a_proxy_is_what_is_tried(self, scripted_s3, monkeypatch):
        """Where the process has a proxy, the way to the service is the way to the proxy."""
        server = scripted_s3(lambda request: list_page(request, [], 10))
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("no_proxy", "")
        report = connect("http://no-such-host.invalid").check()
        names = [step.name for step in report.steps]
        assert names[1:3] == ["proxy name resolution", "proxy port"]
        assert report.ok


class TestCredentials:
    def test_a_session_token_travels_along(self, scripted_s3, tmp_path):
        server = scripted_s3(lambda request: list_page(request, ["x"], 10))
        connector = S3Connector(
            "lake",
            "bucket",
            settings=S3Settings(endpoint_url=server.url),
            keys=S3Keys("AKIA", SECRET_KEY, TOKEN),
        )
        assert listed(connector) == ["x"]
        assert server.requests[0].headers["X-Amz-Security-Token"] == TOKEN
        shown = f"{connector!r} {vars(connector)} {connector.check()}"
        assert TOKEN not in shown
        assert "session token" in connector.check().steps[0].detail

    def test_a_profile(self, scripted_s3, monkeypatch, tmp_path):
        path = tmp_path / "credentials"
        path.write_text("[other]\naws_access_key_id = FROMPROFILE\naws_secret_access_key = x\n")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
        server = scripted_s3(lambda request: list_page(request, ["x"], 10))
        connector = S3Connector(
            "lake", "bucket", settings=S3Settings(endpoint_url=server.url, profile="other")
        )
        assert listed(connector) == ["x"]
        assert "FROMPROFILE" in server.requests[0].headers["Authorization"]
        assert "shared credentials file" in connector.check().steps[0].detail

    def test_a_profile_that_is_not_there(self, scripted_s3):
        url = scripted_s3(lambda request: Answer()).url
        connector = S3Connector(
            "lake", "bucket", settings=S3Settings(endpoint_url=url, profile="no-such")
        )
        with pytest.raises(ConnectorAuthError):
            listed(connector)
        assert steps_of(connector) == [("credentials", False)]

    def test_keys_beside_a_profile(self):
        with pytest.raises(ConfigError, match="profile"):
            S3Connector(
                "lake", "b", settings=S3Settings(profile="p"), keys=S3Keys("AKIA", SECRET_KEY)
            )

    def test_who_asks_pays(self, s3_server, s3_bucket, scripted_s3, source, tmp_path):
        server = scripted_s3(lambda request: list_page(request, [], 10))
        listed(connect(server.url, requester_pays=True))
        assert server.requests[0].headers["x-amz-request-payer"] == "requester"
        connector = connect(s3_server.url, s3_bucket, requester_pays=True)
        stored = connector.put_file("x", source)
        assert read(connector, stored, tmp_path / "s") == source.read_bytes()
