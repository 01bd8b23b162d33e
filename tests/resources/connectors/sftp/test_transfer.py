from __future__ import annotations

import contextlib
import logging
import os
import threading

import asyncssh
import pytest

from resources.connectors.sftp import transfer
from resources.connectors.sftp.remote import Remote
from resources.kernel.errors import (
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    SourceChangedError,
    StorageError,
)
from tests.faults import count_steps, kill_at
from tests.resources.connectors.sftp.accounts import connect, listed, read
from tests.servers.faulty_proxy import faulty_proxy
from tests.servers.sftp import OutsideSftp, sftp_apart

CONTENT = bytes(range(256)) * 12_000  # 3 MB


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def small_segments(monkeypatch):
    monkeypatch.setattr(transfer, "SEGMENT_BYTES", 300_000)


class TestCuts:
    """E1, E2, E4, E5: never a shorter file."""

    @pytest.mark.usefixtures("small_segments")
    def test_a_download_goes_on_after_a_cut(self, connector, outside, sftp, tmp_path, caplog):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        left = [3, 6]

        def cut():
            if left and sftp.requests.count("read") >= left[0]:
                left.pop(0)
                sftp.hang_up()

        sftp.before["read"] = cut
        with caplog.at_level(logging.WARNING):
            assert read(connector, item, tmp_path / "s") == CONTENT
        assert "cut off after" in caplog.text
        assert left == []

    def test_a_download_that_is_always_cut(self, sftp, place, outside, tmp_path):
        outside.put("x.bin", CONTENT)
        with faulty_proxy(sftp.port, cut_after=1_000_000) as proxy:
            connector = connect(sftp, root=place.name, port=proxy.port)
            item = connector.stat("x.bin")
            with pytest.raises(ConnectorUnavailableError, match="cut"):
                read(connector, item, tmp_path / "s")
        assert list((tmp_path / "s").iterdir()) == []

    def test_a_server_that_sends_less_than_it_announced(self, connector, outside, sftp, tmp_path):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        sftp.most_read_bytes = 1_000_000
        with pytest.raises(
            ConnectorUnavailableError, match="cut off after 1000000 of 3072000 bytes"
        ):
            read(connector, item, tmp_path / "s")

    @pytest.mark.parametrize("stall_after", [1_000, 1_000_000], ids=["signing in", "reading"])
    def test_silence(self, sftp, place, outside, tmp_path, stall_after):
        """E4: one time limit, not one for each try."""
        outside.put("x.bin", CONTENT)
        item = connect(sftp, root=place.name).stat("x.bin")
        sftp.requests.clear()
        with faulty_proxy(sftp.port, stall_after=stall_after) as proxy:
            connector = connect(sftp, root=place.name, port=proxy.port, timeout_seconds=1)
            with pytest.raises(ConnectorUnavailableError, match=r"nothing came for 1 s|no answer"):
                read(connector, item, tmp_path / "s")
        assert sftp.requests.count("open") <= 1

    def test_refused_at_first(self, sftp, place, outside, caplog):
        """E2: one line of the log a try."""
        outside.put("x.csv", b"1")
        with faulty_proxy(sftp.port, refuse_first=2) as proxy, caplog.at_level(logging.WARNING):
            connector = connect(sftp, root=place.name, port=proxy.port)
            assert connector.stat("x.csv").size_bytes == 1
        assert caplog.text.count("trying again") == 2

    def test_a_full_disk_here(self, connector, outside, tmp_path, monkeypatch):
        """E7."""
        outside.put("x.bin", b"1")

        def full(*_):
            raise OSError(28, os.strerror(28))

        item = connector.stat("x.bin")
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(StorageError, match="No space left"):
            read(connector, item, tmp_path / "s")


class TestChanges:
    """E40, E41."""

    @pytest.mark.usefixtures("small_segments")
    @pytest.mark.parametrize("change", ["rewritten", "cut short", "longer"])
    def test_changed_in_the_middle(self, connector, outside, place, sftp, tmp_path, change):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        changed = threading.Event()
        contents = {
            "rewritten": CONTENT[::-1],
            "cut short": CONTENT[:100_000],
            "longer": CONTENT * 2,
        }

        def write():
            if sftp.requests.count("read") > 4 and not changed.is_set():
                changed.set()
                (place / "x.bin").write_bytes(contents[change])

        sftp.before["read"] = write
        with pytest.raises(SourceChangedError, match="changed while it was read"):
            read(connector, item, tmp_path / "s")
        assert changed.is_set()

    @pytest.mark.usefixtures("small_segments")
    def test_replaced_between_a_cut_and_the_rest(self, connector, outside, sftp, tmp_path):
        """Never a mixture of two contents."""
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        replaced = threading.Event()

        def replace():
            if sftp.requests.count("read") > 4 and not replaced.is_set():
                replaced.set()
                outside.put("x.bin", CONTENT[::-1])
                sftp.hang_up()

        sftp.before["read"] = replace
        with pytest.raises(SourceChangedError):
            read(connector, item, tmp_path / "s")
        assert replaced.is_set()

    def test_a_file_replaced_under_its_name_is_read_as_it_was_listed(
        self, connector, outside, sftp, tmp_path
    ):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        sftp.before["read"] = lambda: outside.put("x.bin", b"new")
        assert read(connector, item, tmp_path / "s") == CONTENT

    def test_deleted_before_it_is_opened(self, connector, outside, sftp, tmp_path):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        sftp.before["open"] = lambda: (outside.root / "x.bin").unlink(missing_ok=True)
        with pytest.raises(NotFoundError, match=r"x\.bin"):
            read(connector, item, tmp_path / "s")


class TestUploads:
    """2d, R7: the old file or the new one, and nothing left."""

    def contents(self, place):
        return {path.name: path.read_bytes() for path in place.iterdir()}

    @pytest.mark.parametrize("request_", ["open", "write", "posix_rename"])
    def test_a_server_that_refuses(self, connector, outside, place, sftp, source, request_):
        outside.put("x.bin", b"old")
        sftp.refused[request_] = asyncssh.SFTPPermissionDenied("no")
        with pytest.raises(ConnectorError, match="permission denied"):
            connector.put_file("x.bin", source)
        assert self.contents(place) == {"x.bin": b"old"}

    def test_a_server_that_is_full(self, connector, outside, place, sftp, source):
        outside.put("x.bin", b"old")
        sftp.refused["write"] = asyncssh.SFTPFailure("No space left on device")
        with pytest.raises(ConnectorError, match="No space left"):
            connector.put_file("x.bin", source)
        assert self.contents(place) == {"x.bin": b"old"}

    def test_a_server_without_posix_rename(self, connector, outside, place, sftp, source, caplog):
        sftp.refused["posix_rename"] = asyncssh.SFTPOpUnsupported("no")
        connector.put_file("x.bin", source)
        assert caplog.text == ""
        source.write_bytes(b"second")
        with caplog.at_level(logging.WARNING):
            connector.put_file("x.bin", source)
        assert "cannot replace a file in one step" in caplog.text
        assert self.contents(place) == {"x.bin": b"second"}

    def test_the_old_file_comes_back_when_the_new_one_cannot_follow(
        self, connector, outside, place, sftp, source
    ):
        outside.put("x.bin", b"old")
        sftp.refused["posix_rename"] = asyncssh.SFTPOpUnsupported("no")

        def refuse_the_second():
            count = sftp.requests.count("rename")
            sftp.refused.pop("rename", None)
            if count == 2:
                sftp.refused["rename"] = asyncssh.SFTPPermissionDenied("no")

        sftp.before["rename"] = refuse_the_second
        with pytest.raises(ConnectorError, match="permission denied"):
            connector.put_file("x.bin", source)
        assert self.contents(place) == {"x.bin": b"old"}

    def test_the_connection_breaks_on_the_way(self, connector, outside, place, sftp, source):
        """The next try begins anew and removes what the first one left."""
        outside.put("x.bin", b"old")
        broken = threading.Event()

        def cut():
            if not broken.is_set():
                broken.set()
                sftp.hang_up()

        sftp.before["write"] = cut
        connector.put_file("x.bin", source)
        assert broken.is_set()
        assert self.contents(place) == {"x.bin": CONTENT}

    @pytest.mark.parametrize("cut_after", [2_000, 3_000, 3_500, 4_000])
    def test_cut_for_good(self, sftp, place, outside, source, cut_after):
        outside.put("x.bin", b"old")
        with faulty_proxy(sftp.port, cut_after=cut_after) as proxy:
            connector = connect(sftp, root=place.name, port=proxy.port)
            with contextlib.suppress(ConnectorUnavailableError):
                connector.put_file("x.bin", source)
        assert (place / "x.bin").read_bytes() in (b"old", CONTENT)

    @pytest.mark.kill
    def test_killed_at_every_step(self, tmp_path, source):
        """kill -9 anywhere: the old content or the new one; the next writer leaves nothing behind."""
        (place := tmp_path / "served").mkdir()
        with sftp_apart(place) as server:
            self.kill_everywhere(server, place, source)

    def kill_everywhere(self, server, place, source):
        content, outside = CONTENT[:100_000], OutsideSftp(place)
        source.write_bytes(content)
        steps = [(transfer.SftpUpload, "_send"), (transfer.SftpUpload, "_rename"), (Remote, "look")]

        def body():
            connect(server).put_file("out/x.bin", source)

        body()
        total = len(count_steps(body, steps))
        assert total >= 8
        seen = set()
        for step in range(total):
            outside.put("out/x.bin", b"old")
            assert kill_at(body, steps, step).killed
            found = (place / "out/x.bin").read_bytes()
            assert found in (b"old", content)
            seen.add(len(found))
            assert listed(connect(server)) == ["out/x.bin"]
            body()
            assert [path.name for path in (place / "out").iterdir()] == ["x.bin"]
        assert seen == {3, len(content)}
