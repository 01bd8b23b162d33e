"""The media store in a local folder: the contract, a full disk, and what lies on it."""

from __future__ import annotations

import errno
import io
import os
import resource
import shutil
import signal
from pathlib import Path

import pytest

from resources.kernel.errors import StorageError
from resources.stores.media.store import MediaStore
from resources.stores.open_storage import open_storage as open_at
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore
from tests.contract.media_store import (
    KEY,
    NOW,
    MediaStoreContract,
    MediaStoreFaultContract,
    OpenStorage,
    assert_whole,
    import_files,
    objects,
)
from tests.contract.media_store_kills import MediaStoreKillContract
from tests.faults import failing_at, run_forked

STEPS = [
    (os, "link"),
    (os, "fsync"),
    (Path, "mkdir"),
    (Path, "unlink"),
    (shutil, "rmtree"),
]
"""What changes something."""


class _Local:
    @pytest.fixture
    def open_storage(self, tmp_path: Path) -> OpenStorage:
        return lambda: open_at(str(tmp_path / "store"), {})

    @pytest.fixture
    def rot(self, tmp_path: Path):
        def change(path, damage):
            file = tmp_path / "store" / path
            file.write_bytes(damage(file.read_bytes()))

        return change

    @pytest.fixture
    def steps(self):
        return STEPS


class TestLocalMedia(_Local, MediaStoreContract):
    pass


class TestLocalMediaFaults(_Local, MediaStoreFaultContract):
    pass


class TestLocalMediaKills(_Local, MediaStoreKillContract):
    pass


def test_plain_layout(tmp_path):
    version = import_files(open_at(str(tmp_path), {}), "3f1c", [b"x"])
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    files = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert files == [
        "datasets/flights/data/3f1c-0/part-00000.parquet",
        "datasets/flights/v/00000000000000000001.json",
        f"media/claims/datasets~flights/{version.properties['media']['claim']}",
        f"media/objects/2d/{sha256}-000000",
    ]
    assert (tmp_path / files[2]).read_text() == f"{sha256}-000000\n"


def test_through_the_resource(tmp_path):
    store = StoreResource(url=str(tmp_path / "absent"))
    with pytest.raises(LookupError), store.media().read("0" * 64):
        pass
    assert not (tmp_path / "absent").exists()
    with store.media().writer(KEY, run_id="run-1") as writer:
        kept = writer.keep(io.BytesIO(b"bytes"))
    assert store.media().read_range(kept.sha256, 1, 3) == b"yte"
    assert store.tables().keys(("datasets",)) == []


def test_every_failing_call_is_a_named_storage_error_and_nothing_is_lost(tmp_path):
    """E7, E8: the disk may fill at any call."""
    storage = open_at(str(tmp_path), {})
    import_files(storage, "run-0", [b"first"])
    messages = []
    for step in range(80):
        error = OSError(errno.ENOSPC, "No space left on device")
        try:
            with failing_at([(os, "fsync"), (os, "link"), (Path, "mkdir")], step, error):
                import_files(storage, f"run-{step + 1}", [b"first", b"%d" % step])
        except StorageError as caught:
            messages.append(str(caught))
        else:
            break
        assert_whole(storage, KEY, 1)
        assert storage.data_folders("media/writers") == {}
    assert len(messages) >= 12
    assert all("No space left" in text and str(tmp_path) in text for text in messages)
    MediaStore(storage).collect(NOW)
    needed = set()
    for version in TableStore(storage).item(KEY).versions():  # a call can fail after the commit
        with MediaStore(storage).objects_of(KEY, version) as hashes:
            needed.update(hashes)
    assert [name[:64] for name in objects(storage)] == sorted(needed)
    assert not list(tmp_path.rglob(".tmp*"))


@pytest.mark.parametrize("size", [60_000, 51_000])
def test_an_object_that_does_not_fit(tmp_path, size):
    """E7: a size limit where a full disk would be."""
    import_files(open_at(str(tmp_path), {}), "run-1", [b"first"])

    def body():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        with pytest.raises(StorageError) as caught:
            import_files(open_at(str(tmp_path), {}), "run-2", [bytes(size)])
        return str(caught.value)

    answer = run_forked(body).answer
    assert "No space left (or a quota or size limit reached) while writing" in answer
    assert "/media/writers/run-2-0-" in answer
    storage = open_at(str(tmp_path), {})
    assert len(objects(storage)) == 1
    assert storage.data_folders("media/writers") == {}
    assert_whole(storage)
