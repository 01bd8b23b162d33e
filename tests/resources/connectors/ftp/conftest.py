"""Servers and no pauses for the tests of the FTP connector."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resources.connectors.ftp.connector import FtpConnector
from tests.resources.connectors.ftp.accounts import connect
from tests.servers.ftp import OutsideFtp, running_ftp


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(FtpConnector, "retries", replace(FtpConnector.retries, pause_seconds=0.01))


@pytest.fixture(scope="session")
def ftps(tmp_path_factory, ftp_certificates):
    """A server with explicit TLS."""
    with running_ftp(tmp_path_factory.mktemp("ftps"), "explicit", ftp_certificates) as server:
        yield server


@pytest.fixture(scope="session")
def old_ftp(tmp_path_factory):
    """A server without TLS that knows LIST, SIZE and MDTM only, as old ones do."""
    with running_ftp(tmp_path_factory.mktemp("old-ftp"), mlsd=False) as server:
        yield server


@pytest.fixture
def place(ftps, tmp_path):
    """The folder on the server's machine that the connector's root is; no fault is under way."""
    ftps.faults.__init__()
    ftps.resumed.clear()
    path = ftps.root / tmp_path.name
    path.mkdir()
    yield path
    ftps.faults.__init__()


@pytest.fixture
def connector(ftps, place):
    return connect(ftps, root=place.name)


@pytest.fixture
def outside(place):
    return OutsideFtp(place)
