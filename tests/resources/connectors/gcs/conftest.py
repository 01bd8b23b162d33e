"""Fixtures of these tests: both servers, no credentials of the machine, no pauses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.auth import _regional_access_boundary_utils as boundaries

from resources.connectors.gcs import client
from resources.connectors.gcs import connector as gcs
from tests.servers.gcs import gcs_server, spoilt_gcs
from tests.servers.gcs_emulator import gcs_emulator

__all__ = ["gcs_emulator", "gcs_server", "spoilt_gcs"]


def _nothing(*args: object) -> None: ...


@pytest.fixture(autouse=True)
def no_google(monkeypatch, tmp_path):
    """Nothing of this machine's own credentials, and no look for a metadata server."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    # In the background google-auth asks Google about the account: a test asks nobody outside.
    monkeypatch.setattr(boundaries._RegionalAccessBoundaryManager, "maybe_start_refresh", _nothing)


@pytest.fixture
def small_pages(monkeypatch):
    """Listings in many pages without many objects."""
    monkeypatch.setattr(gcs, "PAGE_KEYS", 50)


@pytest.fixture
def at_once(monkeypatch):
    """No pauses between tries."""
    monkeypatch.setattr(client, "RETRIES", replace(client.RETRIES, pause_seconds=0))
