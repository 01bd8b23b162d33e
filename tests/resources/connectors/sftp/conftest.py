"""Servers and no pauses for the tests of the SFTP connector."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resources.connectors.sftp.connector import SftpConnector
from tests.resources.connectors.sftp.accounts import connect
from tests.servers.sftp import OutsideSftp, running_sftp


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(
        SftpConnector, "retries", replace(SftpConnector.retries, pause_seconds=0.01)
    )


@pytest.fixture(scope="session")
def sftp(tmp_path_factory):
    """A server that speaks version 3, as OpenSSH does."""
    with running_sftp(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(scope="session")
def newer_sftp(tmp_path_factory):
    """A server that speaks version 6."""
    with running_sftp(tmp_path_factory.mktemp("newer-sftp"), version=6) as server:
        yield server


@pytest.fixture
def place(sftp, tmp_path):
    """The folder on the server's machine that the connector's root is; no fault is under way."""
    sftp.forgive()
    path = sftp.root / tmp_path.name
    path.mkdir()
    yield path
    sftp.forgive()


@pytest.fixture
def connector(sftp, place):
    return connect(sftp, root=place.name)


@pytest.fixture
def outside(place):
    return OutsideSftp(place)
