"""Imports that were asked for: what a removal of their dataset leaves to them."""

import dagster as dg
import pytest

from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_removal import remove_dataset
from orchestration.services.home import Home
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.pending import PendingImport, PendingImports
from orchestration.services.uploads.settings import UploadSettings
from resources.stores.kept_uploads import GivenFile, KeptUploads
from resources.stores.versions import VersionStore

SALES = DatasetEntry("sales", "upload", ("datasets", "sales"))


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path, tmp_path / "dagster")


@pytest.fixture
def store(tmp_path):
    return VersionStore.open(str(tmp_path / "store"))


def received(home, tmp_path):
    upload_id = IncomingUploads(home).begin("a.csv", size_bytes=4, by="ada").upload_id
    with IncomingUploads(home).writer(upload_id, 0) as writer:
        writer.write(b"a\n1\n")
    IncomingUploads(home).finish(upload_id)
    return upload_id


@pytest.mark.parametrize("force", [False, True])
def test_a_removal_leaves_the_bytes_of_an_upload_that_waits_to_be_imported(
    home, store, tmp_path, force
):
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\n1\n")
    kept, pending = KeptUploads(store), PendingImports(home)
    old = kept.keep("sales", [GivenFile("a.csv", file)], upload_id="0" * 32, by="ada")
    upload_id = received(home, tmp_path)
    asked = PendingImport(upload_id, (upload_id,), "sales", "shop", UploadSettings(), {}, "k", "r")
    with dg.DagsterInstance.ephemeral() as instance:
        for phase in ("waiting", "kept"):
            pending.write(asked.at(phase))
            new = kept.keep("sales", [GivenFile("a.csv", file)], upload_id=upload_id, by="ada")
            remove_dataset(SALES, store, instance, home, force=force)
            assert [kept.has_bytes(one) for one in (old, new)] == [False, True]
        pending.write(asked.at("failed"))
        remove_dataset(SALES, store, instance, home, force=force)
        assert not kept.has_bytes(new)
