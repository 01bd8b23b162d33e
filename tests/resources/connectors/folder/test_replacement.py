from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.connectors.folder.replacement import _open_partial
from resources.kernel.errors import InputError, NotFoundError, StorageError
from tests.faults import Child


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "landing"
    path.mkdir()
    return path


@pytest.fixture
def connector(root: Path) -> FolderConnector:
    return FolderConnector("lake", root)


def listed(connector: FolderConnector, pattern: str = "**") -> list[str]:
    return [item.key for item in connector.list_objects(pattern)]


class TestPartialFiles:
    def test_names_of_partial_files_are_kept(self, connector, root, source):
        with pytest.raises(InputError, match="kept for files being written"):
            connector.put_file("a/.waybill-0123-45.part", source)
        (root / ".waybill-0123-45.part").touch()
        assert listed(connector) == []
        assert listed(connector, ".waybill-0123-45.part") == []
        with pytest.raises(NotFoundError):
            connector.stat(".waybill-0123-45.part")

    def test_new_files_get_the_usual_rights(self, connector, root, source):
        old = os.umask(0o027)
        try:
            connector.put_file("a/x.csv", source)
        finally:
            os.umask(old)
        assert (root / "a" / "x.csv").stat().st_mode & 0o777 == 0o640

    @pytest.mark.kill
    def test_a_killed_writer_leaves_the_old_file_and_the_next_one_cleans_up(
        self, connector, root, tmp_path
    ):
        """2d, R7: kill -9 at any moment; readers see whole contents only; nothing is left after a retry."""
        for name, letter in (("a", b"a"), ("b", b"b")):
            (tmp_path / name).write_bytes(letter * 3_000_000)
        connector.put_file("x.bin", tmp_path / "a")

        def write_for_ever():
            while True:
                for name in "ab":
                    connector.put_file("x.bin", tmp_path / name)

        for round_ in range(12):
            writer = Child(write_for_ever)
            time.sleep(0.003 * round_)
            writer.kill()
            assert writer.wait().killed
            content = (root / "x.bin").read_bytes()
            assert content in (b"a" * 3_000_000, b"b" * 3_000_000)
            assert listed(connector) == ["x.bin"]
            assert len(list(root.iterdir())) <= 2
        connector.put_file("x.bin", tmp_path / "b")
        assert [path.name for path in root.iterdir()] == ["x.bin"]

    def test_a_living_writer_is_left_alone(self, connector, root, source):
        connector.put_file("x.csv", source)
        handle, partial = _open_partial(root / "x.csv")
        connector.put_file("x.csv", source)
        assert partial.exists()
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
        connector.put_file("x.csv", source)
        assert not partial.exists()

    def test_a_partial_file_that_was_taken_for_abandoned_is_not_written_to(self, root, monkeypatch):
        """Another writer locks the new file before its own writer does, and removes it a moment later."""
        opened, remover = os.open, []

        def open_and_be_seen(path, flags, mode=0o777):
            handle = opened(path, flags, mode)
            if not remover:
                other = opened(path, os.O_RDWR)
                fcntl.flock(other, fcntl.LOCK_EX)
                remover.append(threading.Timer(0.2, lambda: (Path(path).unlink(), os.close(other))))
                remover[0].start()
            return handle

        monkeypatch.setattr(os, "open", open_and_be_seen)
        handle, partial = _open_partial(root / "x.csv")
        remover[0].join()
        os.close(handle)
        assert partial.exists()

    def test_many_writers_of_one_key(self, connector, root, tmp_path):
        contents = [bytes([65 + i]) * 300_000 for i in range(6)]
        for i, content in enumerate(contents):
            (tmp_path / str(i)).write_bytes(content)
        with ThreadPoolExecutor(6) as pool:
            infos = list(
                pool.map(lambda i: connector.put_file("x.bin", tmp_path / str(i % 6)), range(60))
            )
        assert len({info.etag for info in infos}) > 1
        assert (root / "x.bin").read_bytes() in contents
        assert [path.name for path in root.iterdir()] == ["x.bin"]


class TestFullDisk:
    """E7."""

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
    def test_a_full_disk(self, connector, root, source, monkeypatch, code):
        (root / "x.csv").write_bytes(b"old")

        def full(handle: int) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageError) as caught:
            connector.put_file("x.csv", source)
        assert str(root / "x.csv") in str(caught.value)
        assert os.strerror(code) in str(caught.value)
        assert [path.name for path in root.iterdir()] == ["x.csv"]
        assert (root / "x.csv").read_bytes() == b"old"

    def test_a_real_limit_on_the_size_of_files(self, connector, root, source):
        (root / "x.csv").write_bytes(b"old")
        source.write_bytes(b"x" * 100_000)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        try:
            with pytest.raises(StorageError, match=r"x\.csv"):
                connector.put_file("x.csv", source)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, previous)
        assert [path.name for path in root.iterdir()] == ["x.csv"]
        assert (root / "x.csv").read_bytes() == b"old"
