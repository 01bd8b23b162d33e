"""Where credentials come from, what happens when they expire (E47), and that they are shown nowhere (R10)."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from resources.connectors.gcs.client import GcsSettings
from resources.connectors.gcs.connector import GcsConnector
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    SignInRefusedError,
    WaybillError,
)
from tests.resources.connectors.gcs.bucket import listed
from tests.servers.gcs import GcsAnswer, refusal

CANARY = "canary-token-9c1e-never-to-be-shown"


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def key_text(private_key, spoilt_gcs) -> str:
    """A service account's key whose tokens the server of the test hands out."""
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "loader@project.example.com",
            "private_key": private_key,
            "private_key_id": "k1",
            "token_uri": f"{spoilt_gcs.url}/token",
        }
    )


class Tokens:
    """Hands out tokens, and refuses requests that carry an old one."""

    def __init__(self, server, *, refused_after: int | None = None) -> None:
        self.given: list[str] = []
        self.valid: set[str] = set()
        self.refused_after = refused_after
        server.before = self

    def __call__(self, request) -> GcsAnswer | None:
        if request.path.startswith("/token"):
            if self.refused_after is not None and len(self.given) >= self.refused_after:
                return GcsAnswer(400, b'{"error": "invalid_grant", "error_description": "expired"}')
            self.given.append(f"{CANARY}-{len(self.given)}")
            self.valid.add(self.given[-1])
            told = {"access_token": self.given[-1], "expires_in": 3600, "token_type": "Bearer"}
            return GcsAnswer(200, json.dumps(told).encode())
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return None if token in self.valid else refusal(401, "authError", "Invalid Credentials")


@pytest.fixture
def bucket(spoilt_gcs):
    name = spoilt_gcs.new_bucket()
    spoilt_gcs.put(name, "x.csv", b"1")
    return name


def connect(server, bucket, text="", **settings) -> GcsConnector:
    given = GcsSettings(endpoint_url=server.url, **settings)
    return GcsConnector("lake", bucket, settings=given, credentials_json=text)


class TestWhereFrom:
    def test_the_json_given(self, spoilt_gcs, bucket, key_text):
        tokens = Tokens(spoilt_gcs)
        connector = connect(spoilt_gcs, bucket, key_text)
        assert listed(connector) == ["x.csv"]
        assert len(tokens.given) == 1
        step = connector.check().steps[0]
        assert step.detail == "found: the JSON given, account loader@project.example.com"

    def test_the_file_given(self, spoilt_gcs, bucket, key_text, tmp_path):
        Tokens(spoilt_gcs)
        path = tmp_path / "key.json"
        path.write_text(key_text)
        connector = connect(spoilt_gcs, bucket, credentials_file=str(path))
        assert listed(connector) == ["x.csv"]
        assert "the file given" in connector.check().steps[0].detail

    def test_the_default_chain(self, spoilt_gcs, bucket, key_text, tmp_path, monkeypatch):
        Tokens(spoilt_gcs)
        path = tmp_path / "key.json"
        path.write_text(key_text)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        connector = connect(spoilt_gcs, bucket)
        assert listed(connector) == ["x.csv"]
        assert "GOOGLE_APPLICATION_CREDENTIALS" in connector.check().steps[0].detail

    def test_none_anywhere(self, spoilt_gcs, bucket):
        connector = connect(spoilt_gcs, bucket)
        with pytest.raises(SignInRefusedError, match="no credentials were found"):
            listed(connector)
        report = connector.check()
        assert [(step.name, step.ok) for step in report.steps] == [("credentials", False)]

    @pytest.mark.parametrize(
        "text",
        [CANARY, "{}", f'{{"type": "{CANARY}"}}', f'["{CANARY}"]', '{"type": "service_account"}'],
    )
    def test_text_that_holds_none(self, spoilt_gcs, bucket, text):
        with pytest.raises(ConfigError, match="credentials_json") as caught:
            listed(connect(spoilt_gcs, bucket, text))
        assert CANARY not in "".join(traceback.format_exception(caught.value))

    def test_a_file_that_is_not_there(self, spoilt_gcs, bucket):
        with pytest.raises(ConfigError, match="credentials_file"):
            listed(connect(spoilt_gcs, bucket, credentials_file="/no/such/file"))

    def test_anonymous_where_credentials_are_needed(self, spoilt_gcs, bucket):
        Tokens(spoilt_gcs)
        with pytest.raises(ConnectorAuthError, match="anonymous"):
            listed(connect(spoilt_gcs, bucket, anonymous=True))


class TestExpiry:
    def test_an_expired_token_is_renewed(self, spoilt_gcs, bucket, key_text, tmp_path):
        """E47: in the middle of a run."""
        tokens = Tokens(spoilt_gcs)
        connector = connect(spoilt_gcs, bucket, key_text)
        (item,) = connector.list_objects("**")
        tokens.valid.clear()
        with connector.local_copy(item, tmp_path / "s") as path:
            assert path.read_bytes() == b"1"
        assert len(tokens.given) == 2

    def test_a_file_renewed_meanwhile_is_read_anew(self, spoilt_gcs, bucket, key_text, tmp_path):
        tokens = Tokens(spoilt_gcs)
        path = tmp_path / "key.json"
        path.write_text(key_text)
        connector = connect(spoilt_gcs, bucket, credentials_file=str(path))
        listed(connector)
        tokens.valid.clear()
        renewed = json.loads(key_text) | {"token_uri": f"{spoilt_gcs.url}/token?renewed"}
        path.write_text(json.dumps(renewed))
        inner = tokens.__call__
        spoilt_gcs.before = lambda request: (
            GcsAnswer(400, b'{"error": "invalid_grant"}')
            if request.path == "/token"
            else inner(request)
        )
        assert listed(connector) == ["x.csv"]

    def test_credentials_that_stay_expired(self, spoilt_gcs, bucket, key_text):
        tokens = Tokens(spoilt_gcs, refused_after=1)
        connector = connect(spoilt_gcs, bucket, key_text)
        listed(connector)
        tokens.valid.clear()
        with pytest.raises(SignInRefusedError, match="credentials of this connector expired"):
            listed(connector)


class TestSecrets:
    def test_errors_logs_and_traces(self, spoilt_gcs, bucket, key_text, private_key, caplog):
        tokens = Tokens(spoilt_gcs)
        connector = connect(spoilt_gcs, bucket, key_text)
        secrets = [CANARY, private_key[100:140], "PRIVATE KEY"]
        with caplog.at_level(logging.DEBUG):
            listed(connector)
            tokens.valid.clear()
            tokens.refused_after = 0
            with pytest.raises(WaybillError) as caught:
                connector.stat("x.csv")
            report = connector.check()
        places = {
            "repr": f"{connector!r} {connector} {vars(connector)}",
            "error": repr(caught.value.facts) + str(caught.value),
            "trace": "".join(traceback.format_exception(caught.value)),
            "report": repr(report),
            "logs": caplog.text,
        }
        for name, text in places.items():
            for secret in secrets:
                assert secret not in text, name
