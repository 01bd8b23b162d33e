"""The suite of every file connector, on an emulator that others wrote and on a server with all the conditions."""

from __future__ import annotations

import pytest

from resources.kernel.errors import InputError
from tests.contract.file_connector import FileConnectorContract
from tests.resources.connectors.gcs.bucket import OutsideBucket, connect


class _Gcs(FileConnectorContract):
    unheld_characters = "\n\r"  # the service itself has no such names; see test_connector.py

    @pytest.fixture
    def bucket(self, server):
        return server.new_bucket()

    @pytest.fixture
    def connector(self, server, bucket):
        return connect(server.url, bucket)

    @pytest.fixture
    def outside(self, server, bucket):
        return OutsideBucket(server, bucket)


class TestOnTheEmulator(_Gcs):
    @pytest.fixture
    def server(self, gcs_emulator):
        return gcs_emulator


@pytest.mark.usefixtures("small_pages")
class TestBelowAPrefix(_Gcs):
    """On a part of a bucket whose other parts look alike, in many pages."""

    @pytest.fixture
    def server(self, gcs_server):
        return gcs_server

    @pytest.fixture
    def connector(self, server, bucket):
        for key in ("landing", "landing/", "landing/inner/", "landing-2/x.csv", "a.csv", "a/1.csv"):
            server.put(bucket, key, b"of others")
        return connect(server.url, bucket, "/landing/inner/")

    @pytest.fixture
    def outside(self, server, bucket):
        return OutsideBucket(server, bucket, "landing/inner/")

    def test_a_key_of_1024_bytes(self, connector, source, scratch):
        key = "k" * (1024 - len("landing/inner/"))
        self.test_an_odd_key_goes_all_the_way(connector, source, scratch, key)
        with pytest.raises(InputError, match="1024 bytes"):
            connector.put_file(key + "k", source)
