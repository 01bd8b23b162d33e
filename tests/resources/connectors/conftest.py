"""Fixtures of the connectors' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.connectors.s3 import client, connector


@pytest.fixture
def no_credentials(monkeypatch, tmp_path):
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
    monkeypatch.setattr(connector, "PAGE_KEYS", 50)


@pytest.fixture
def once(monkeypatch):
    """No pauses between tries."""
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"new content")
    return path


@pytest.fixture
def long_way(monkeypatch):
    """No object is small enough for the one request that small ones come by."""
    monkeypatch.setattr(connector, "SMALL_BYTES", -1)
