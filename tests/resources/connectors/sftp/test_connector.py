from __future__ import annotations

import pytest

from resources.connectors.sftp.connector import SftpConnector
from tests.contract.file_connector import FileConnectorContract
from tests.resources.connectors.sftp.accounts import connect
from tests.servers.sftp import OutsideSftp, running_sftp


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
def connector(sftp, place) -> SftpConnector:
    return connect(sftp, root=place.name)


@pytest.fixture
def outside(place) -> OutsideSftp:
    return OutsideSftp(place)


@pytest.fixture
def place(sftp, tmp_path):
    path = sftp.root / tmp_path.name
    path.mkdir()
    return path


class TestSftpContract(FileConnectorContract):
    """The suite of every file connector, with the protocol's version of OpenSSH."""


class TestNewerSftpContract(FileConnectorContract):
    """The suite of every file connector, with a version that knows parts of a second."""

    @pytest.fixture
    def connector(self, newer_sftp, place):
        return connect(newer_sftp, root=f"/{place.name}")

    @pytest.fixture
    def place(self, newer_sftp, tmp_path):
        path = newer_sftp.root / tmp_path.name
        path.mkdir()
        return path
