from __future__ import annotations

import socket
import threading

import pytest

from resources.connectors.s3 import client
from resources.connectors.s3.client import S3Settings
from resources.connectors.s3.connector import S3Connector
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    NoSuchBucketError,
    SignInRefusedError,
    WaybillError,
)
from tests.resources.connectors.s3.bucket import (
    OutsideBucket,
    connect,
    item_of,
    listed,
    read,
)
from tests.servers.s3 import S3Server
from tests.servers.scripted_s3 import Answer, Request, list_page, s3_error

pytestmark = pytest.mark.usefixtures("no_credentials")


@pytest.fixture
def connector(s3_server: S3Server, s3_bucket: str) -> S3Connector:
    return connect(s3_server.url, s3_bucket)


@pytest.fixture
def outside(s3_server: S3Server, s3_bucket: str) -> OutsideBucket:
    return OutsideBucket(s3_server, s3_bucket, "")


REFUSALS = [
    ("NoSuchBucket", 404, NoSuchBucketError, "there is no such bucket"),
    ("AccessDenied", 403, ConnectorAuthError, "access denied"),
    ("InvalidAccessKeyId", 403, SignInRefusedError, "access key is unknown"),
    ("SignatureDoesNotMatch", 403, SignInRefusedError, "secret key does not fit"),
    ("ExpiredToken", 400, SignInRefusedError, "expired"),
    ("InvalidToken", 400, SignInRefusedError, "session token"),
    ("RequestTimeTooSkewed", 403, SignInRefusedError, "clock"),
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
            assert type(caught.value) is kind, (name, caught.value)
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
            with pytest.raises(NoSuchBucketError, match="no such bucket"):
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
        monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", 0.2)
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
                for _ in range(2):  # the short way and the long one
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
        monkeypatch.setattr(client, "MAX_ATTEMPTS", 3)
        answers = iter([s3_error("SlowDown", status=503)])
        server = scripted_s3(lambda request: next(answers, None) or list_page(request, ["x"], 10))
        assert listed(connect(server.url)) == ["x"]

    def test_no_credentials_anywhere(self, scripted_s3):
        connector = S3Connector(
            "lake",
            "bucket",
            settings=S3Settings(endpoint_url=scripted_s3(lambda request: Answer()).url),
        )
        with pytest.raises(SignInRefusedError, match="no credentials were found"):
            listed(connector)

    def test_credentials_of_the_process(self, scripted_s3, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMTHECHAIN")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        server = scripted_s3(lambda request: list_page(request, ["x"], 10))
        assert listed(
            S3Connector("lake", "bucket", settings=S3Settings(endpoint_url=server.url))
        ) == ["x"]
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

        assert listed(
            S3Connector("lake", "bucket", settings=S3Settings(endpoint_url=scripted_s3(answer).url))
        ) == ["x"]

    def test_credentials_that_stay_expired(self, scripted_s3, once):
        server = scripted_s3(lambda request: s3_error("ExpiredToken"))
        with pytest.raises(SignInRefusedError, match="credentials of this connector expired"):
            listed(connect(server.url))
        assert len(server.requests) == 4  # the short way and the long one, each twice
