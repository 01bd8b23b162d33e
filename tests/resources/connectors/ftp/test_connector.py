from __future__ import annotations

import pytest

from resources.connectors.ftp.connector import FtpConnector
from tests.contract.file_connector import FileConnectorContract
from tests.resources.connectors.ftp.accounts import connect
from tests.servers.ftp import OutsideFtp, running_ftp


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
def connector(ftps, place) -> FtpConnector:
    return connect(ftps, root=place.name)


@pytest.fixture
def outside(place) -> OutsideFtp:
    return OutsideFtp(place)


@pytest.fixture
def place(ftps, tmp_path):
    path = ftps.root / tmp_path.name
    path.mkdir()
    return path


class TestFtpsContract(FileConnectorContract):
    """The suite of every file connector, with TLS."""

    unheld_characters = "\r\n"  # a name with a line break would be two commands


class TestOldFtpContract(FileConnectorContract):
    """The suite of every file connector, on a server that knows no MLSD."""

    unheld_characters = "\r\n"

    @pytest.fixture
    def connector(self, old_ftp, place):
        return connect(old_ftp, root=f"/{place.name}")

    @pytest.fixture
    def place(self, old_ftp, tmp_path):
        path = old_ftp.root / tmp_path.name
        path.mkdir()
        return path
