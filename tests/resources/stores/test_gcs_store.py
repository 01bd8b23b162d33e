"""The version store in a GCS bucket: the contract through gcsfs, with the service's own conditions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from resources.stores.versions import VersionStore
from tests.contract.version_store import KEY, Open, VersionStoreContract, assert_whole, publish
from tests.contract.version_store_faults import VersionStoreFaultContract
from tests.contract.version_store_tags import VersionStoreTagContract
from tests.servers.gcs import GcsServer, gcs_server

__all__ = ["gcs_server"]  # a fixture: only these tests need it


class _Gcs:
    @pytest.fixture
    def bucket(self, gcs_server: GcsServer) -> str:
        return gcs_server.new_bucket()

    @pytest.fixture
    def open_store(self, gcs_server: GcsServer, bucket: str) -> Open:
        given = {"token": "anon", "endpoint_url": gcs_server.url}
        return lambda: VersionStore.open(f"gs://{bucket}/some/prefix", given)

    @pytest.fixture
    def rot(self, gcs_server: GcsServer, bucket: str):
        def change(path, damage):
            held = gcs_server.objects[bucket]
            name = f"some/prefix/{'/'.join(KEY)}/{path}"
            held[name] = (damage(held[name][0]), held[name][1])

        return change


class TestGcsStore(_Gcs, VersionStoreContract):
    pass


class TestGcsStoreFaults(_Gcs, VersionStoreFaultContract):
    pass


class TestGcsStoreTags(_Gcs, VersionStoreTagContract):
    pass


class TestGcsRaces(_Gcs):
    def test_writers_at_once_get_a_number_each(self, open_store: Open):
        with ThreadPoolExecutor(6) as pool:
            published = list(
                pool.map(lambda i: publish(open_store().item(KEY), f"run-{i}"), range(6))
            )
        assert sorted(version.number for version in published) == [1, 2, 3, 4, 5, 6]
        for version in published:
            assert_whole(open_store().item(KEY), version)
