"""Uploads: kept by content, whole or not at all, never through a link (T40)."""

import hashlib
import os
import time
from dataclasses import replace

import pytest

from resources.kernel.errors import GoneError, InputError, IntegrityError, StorageError
from resources.stores.uploads import KEEP_SECONDS, UploadStore
from tests.faults import count_steps, kill_at

BYTES = b"Key,Brand\nsku-1,Cedar\n"
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def store(tmp_path):
    return UploadStore(tmp_path / "uploads")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(BYTES)
    return path


def test_the_same_bytes_are_kept_once_and_read_back(store, source, tmp_path):
    first, second = store.stage(source, limit=100), store.stage(source, limit=100)
    assert (first.is_new, second) == (True, replace(first, is_new=False))
    assert (first.sha256, first.size_bytes) == (SHA256, len(BYTES))
    with store.read(SHA256) as path:
        assert path.read_bytes() == BYTES
    assert [p.name for p in (tmp_path / "uploads").iterdir()] == [SHA256]
    assert (tmp_path / "uploads" / SHA256).stat().st_mode & 0o077 == 0


def test_a_file_of_ours_is_kept_without_a_copy(store, source, tmp_path):
    """Twice, and beside one that was copied before: the same name, the same bytes, nothing left over."""
    store.stage(source, limit=100)
    old = time.time() - 2 * KEEP_SECONDS
    os.utime(source, (old, old))
    for known in (SHA256, ""):
        assert store.adopt(source, known) == store.adopt(source, known)
    kept = tmp_path / "uploads" / SHA256
    assert kept.samefile(source)
    source.unlink()
    store.stage(kept, limit=100)  # forgets what is old
    with store.read(SHA256) as path:
        assert path.read_bytes() == BYTES
    assert [p.name for p in (tmp_path / "uploads").iterdir()] == [SHA256]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no file"):
        store.adopt(tmp_path / "pipe")
    with pytest.raises(IntegrityError), store.read(store.adopt(kept, "0" * 64).sha256):
        pass


def test_a_file_at_the_limit_is_taken_and_one_byte_more_is_not(store, source, tmp_path):
    store.stage(source, limit=len(BYTES))
    with pytest.raises(InputError, match=r"a\.csv: the file has more than 21 bytes"):
        store.stage(source, limit=len(BYTES) - 1)
    assert [p.name for p in (tmp_path / "uploads").iterdir()] == [SHA256]


def test_what_is_no_file_is_refused_at_once(store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "missing", "/dev/zero"):
        with pytest.raises(InputError, match=r"is no file|cannot be read"):
            store.stage(type(tmp_path)(path), limit=10)


def test_a_damaged_or_replaced_upload_is_not_read(store, source, tmp_path):
    store.stage(source, limit=100)
    kept = tmp_path / "uploads" / SHA256
    kept.chmod(0o600)
    kept.write_bytes(BYTES[:-1])
    with pytest.raises(IntegrityError, match="damaged"), store.read(SHA256):
        pass
    kept.unlink()
    kept.symlink_to(source)
    with pytest.raises(GoneError, match="30 days"), store.read(SHA256):
        pass
    store.stage(source, limit=100)
    with store.read(SHA256) as path:
        assert not path.is_symlink()


@pytest.mark.parametrize("wanted", ["../a.csv", "a" * 63, "A" * 64, ""])
def test_only_a_hash_names_an_upload(store, wanted):
    with pytest.raises(InputError, match="no SHA-256"), store.read(wanted):
        pass


def test_old_uploads_go_with_the_next_one(store, source, tmp_path):
    store.stage(source, limit=100)
    old = time.time() - KEEP_SECONDS - 60
    os.utime(tmp_path / "uploads" / SHA256, (old, old))
    other = tmp_path / "b.csv"
    other.write_bytes(b"x")
    store.stage(other, limit=100)
    with pytest.raises(GoneError), store.read(SHA256):
        pass


def test_a_home_that_cannot_be_written_is_named(source, tmp_path):
    with pytest.raises(StorageError, match="WAYBILL_HOME"):
        UploadStore(source / "uploads").stage(source, limit=100)


@pytest.mark.kill
def test_killed_anywhere_an_upload_is_whole_or_absent(store, source, tmp_path):
    targets = [(os, "open"), (os, "fsync"), (UploadStore, "_publish"), (UploadStore, "_copy")]

    def body():
        store.stage(source, limit=100)

    for step in range(len(count_steps(body, targets))):
        (tmp_path / "uploads" / SHA256).unlink(missing_ok=True)
        assert kill_at(body, targets, step).killed
        if (tmp_path / "uploads" / SHA256).exists():
            assert (tmp_path / "uploads" / SHA256).read_bytes() == BYTES
        body()
        with store.read(SHA256) as path:
            assert path.read_bytes() == BYTES
