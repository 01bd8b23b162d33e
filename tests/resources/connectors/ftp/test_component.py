"""The YAML and Dagster faces of the FTP and SFTP connectors."""

from __future__ import annotations

import pytest

from resources.connectors.ftp.component import FtpConnectorResource
from resources.connectors.ftp.connector import FtpConnector
from resources.connectors.sftp.component import SftpConnectorResource
from resources.connectors.sftp.connector import SftpConnector
from tests.assets.loading import told_by_loading
from tests.project import project

FTP = """
type: resources.FtpConnector
attributes:
  name: partner
  host: files.example.com
  username: loader
  password: {password}
"""
SFTP = """
type: resources.SftpConnector
attributes:
  name: partner
  host: files.example.com
  username: loader
  private_key: {password}
"""


@pytest.mark.parametrize("yaml", [FTP, SFTP], ids=["ftp", "sftp"])
@pytest.mark.parametrize("given", ["canary-literal", "'{{ env.CANARY }}'"])
def test_a_literal_secret_is_refused_and_not_repeated(yaml, given):
    told = told_by_loading(yaml.format(password=given))
    assert "must name an environment variable" in told
    assert "canary-literal" not in told


@pytest.mark.parametrize("yaml", [FTP, SFTP], ids=["ftp", "sftp"])
def test_it_loads_without_the_variable_and_the_library(yaml, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with project(yaml.format(password="{env: NOT_SET_ANYWHERE}")):
        pass


def test_ftp_fields_reach_the_connector(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    given = {"connector_name": "p", "host": "h", "password": "s", "ca_file": "ca.pem", "root": "in"}
    connector = FtpConnectorResource(**given, tls="implicit", connections=2).connect()
    assert isinstance(connector, FtpConnector)
    settings = connector.settings
    assert (settings.address, settings.tls, settings.connections) == ("h:990", "implicit", 2)
    assert (settings.password(), settings.root) == ("s", "in")
    assert settings.ca_file.endswith("/ca.pem")
    plain = FtpConnectorResource(connector_name="p", host="h", insecure_plain_ftp=True).connect()
    assert isinstance(plain, FtpConnector)
    assert (plain.settings.tls, plain.settings.username) == ("none", "anonymous")


def test_sftp_fields_reach_the_connector():
    given = {"connector_name": "p", "host": "h", "username": "u", "host_key": "SHA256:" + "A" * 43}
    connector = SftpConnectorResource(
        **given, private_key="k", passphrase="w", private_key_file="", root="/in"
    ).connect()
    assert isinstance(connector, SftpConnector)
    settings = connector.settings
    assert (settings.address, settings.username, settings.root) == ("h:22", "u", "/in")
    assert (settings.private_key(), settings.passphrase(), settings.password()) == ("k", "w", "")
