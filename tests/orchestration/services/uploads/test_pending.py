"""Imports that were asked for: what a removal of their dataset leaves to them."""

import dagster as dg
import pytest

from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_removal import remove_dataset
from orchestration.services.home import Home
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.pending import (
    ComingUploads,
    PendingImport,
    PendingImports,
    uploading,
)
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


def test_a_removal_leaves_the_bytes_of_what_a_command_uploads(home, store, tmp_path):
    home.locks.mkdir(parents=True, exist_ok=True)
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\n1\n")
    kept, upload_id = KeptUploads(store), "1" * 32
    with dg.DagsterInstance.ephemeral() as instance:
        with uploading(home, "other", "2" * 32), uploading(home, "sales", upload_id):
            new = kept.keep("sales", [GivenFile("a.csv", file)], upload_id=upload_id, by="ada")
            remove_dataset(SALES, store, instance, home, force=True)
            assert kept.has_bytes(new)
        assert list(home.locks.glob("upload-*")) == []
        remove_dataset(SALES, store, instance, home, force=True)
        assert not kept.has_bytes(new)


def test_what_a_killed_command_left_behind_protects_nothing(home, store, tmp_path):
    home.locks.mkdir(parents=True, exist_ok=True)
    upload_id = "1" * 32
    (home.locks / f"upload-{upload_id}.lock").write_text("sales")  # its process is gone
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\n1\n")
    kept = KeptUploads(store)
    new = kept.keep("sales", [GivenFile("a.csv", file)], upload_id=upload_id, by="ada")
    with dg.DagsterInstance.ephemeral() as instance:
        remove_dataset(SALES, store, instance, home, force=True)
    assert not kept.has_bytes(new)


def test_a_removal_leaves_the_bytes_of_what_was_kept_since_it_began(home, store, tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\n1\n")
    kept = KeptUploads(store)
    old = kept.keep("sales", [GivenFile("a.csv", file)], upload_id="1" * 32, by="ada")
    coming = ComingUploads(home, "sales")
    new = kept.keep("sales", [GivenFile("a.csv", file)], upload_id="2" * 32, by="ada")
    kept.forget("sales", but=coming.ids, since=coming.since)
    assert [kept.has_bytes(one) for one in (old, new)] == [False, True]
