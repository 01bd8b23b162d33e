from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from resources.connectors.files.partial_names import new_partial_name
from resources.connectors.ftp import transfer
from resources.connectors.ftp.session import FtpSession
from resources.kernel.errors import (
    ConnectorError,
    ConnectorUnavailableError,
    NotFoundError,
    SourceChangedError,
    StorageError,
)
from tests.faults import count_steps, kill_at
from tests.resources.connectors.ftp.accounts import connect, listed, read
from tests.servers.faulty_proxy import faulty_proxy
from tests.servers.scripted_ftp import scripted_ftp

CONTENT = bytes(range(256)) * 8_000  # 2 MB


class TestCuts:
    """E1, E2, E4, E5: never a shorter file."""

    def test_a_download_goes_on_after_a_cut(self, connector, outside, ftps, tmp_path, caplog):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        ftps.faults.cut_after, ftps.faults.cuts = 700_000, 2
        with caplog.at_level(logging.WARNING):
            assert read(connector, item, tmp_path / "s") == CONTENT
        assert "cut off after" in caplog.text
        assert any(line.startswith("REST ") for line in ftps.faults.commands)

    def test_a_download_that_is_always_cut(self, connector, outside, ftps, tmp_path):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        ftps.faults.cut_after = 100_000
        with pytest.raises(ConnectorUnavailableError, match=r"cut off after \d+ of 2048000 bytes"):
            read(connector, item, tmp_path / "s")
        assert list((tmp_path / "s").iterdir()) == []

    def test_silence_in_the_middle(self, ftps, place, outside, tmp_path):
        """E4: one time limit, not one for each try."""
        connector = connect(ftps, root=place.name, timeout_seconds=1)
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        ftps.faults.stall_after = 200_000
        ftps.faults.commands.clear()
        with pytest.raises(ConnectorUnavailableError, match=r"nothing came for 1 s after \d+ of"):
            read(connector, item, tmp_path / "s")
        assert sum(line.startswith("RETR") for line in ftps.faults.commands) == 1

    def test_silence_on_the_control_connection(self):
        release = threading.Event()

        def stall(verb, argument):
            if verb == "MLST":
                release.wait(20)
            return ""

        from resources.connectors.ftp.connector import FtpConnector
        from resources.connectors.ftp.settings import FtpSettings

        with scripted_ftp(stall) as server:
            connector = FtpConnector(
                FtpSettings("p", "127.0.0.1", server.port, tls="none", timeout_seconds=0.3)
            )
            with pytest.raises(ConnectorUnavailableError, match="no answer within"):
                connector.stat("x.csv")
            release.set()
        assert sum(line.startswith("MLST") for line in server.commands) == 1

    def test_refused_at_first(self, ftps, place, outside, caplog):
        """E2: one line of the log a try."""
        outside.put("x.csv", b"1")
        with faulty_proxy(ftps.port, refuse_first=2) as proxy, caplog.at_level(logging.WARNING):
            connector = connect(ftps, root=place.name, port=proxy.port)
            assert connector.stat("x.csv").size_bytes == 1
        assert caplog.text.count("trying again") == 2

    def test_the_control_connection_breaks(self, ftps, place, outside):
        """E1."""
        outside.put("x.csv", b"1")
        with faulty_proxy(ftps.port, cut_after=3_000) as proxy:
            connector = connect(ftps, root=place.name, port=proxy.port)
            with pytest.raises(ConnectorUnavailableError, match="cut"):
                [connector.stat("x.csv") for _ in range(200)]

    def test_a_full_disk_here(self, connector, outside, tmp_path, monkeypatch):
        """E7."""
        outside.put("x.bin", b"1")

        def full(*_):
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(StorageError, match="No space left"):
            read(connector, connector.stat("x.bin"), tmp_path / "s")


class TestParts:
    """A part is asked for by REST and broken off: what lies around it stays where it is, and so does the session."""

    def test_of_a_large_file_only_what_is_asked_for_moves(self, connector, ftps, place, tmp_path):
        with (place / "film.mp4").open("wb") as file:
            file.truncate(200 << 20)
            file.seek(150 << 20)
            file.write(b"the middle")
        with connector.open_object("film.mp4", tmp_path) as opened:
            before, said = ftps.sent, len(ftps.faults.commands)
            assert opened.read(150 << 20, 10) == b"the middle"
            assert opened.read((200 << 20) - 3, 10) == bytes(3)
            assert opened.read(0, 70_000) == bytes(70_000)
        assert ftps.sent - before < 20 << 20
        commands = [line.split()[0] for line in ftps.faults.commands[said:]]
        assert commands.count("REST") == 2
        assert "USER" not in commands

    def test_a_part_that_is_cut_comes_whole_at_the_next_try(
        self, connector, outside, ftps, tmp_path
    ):
        outside.put("x.bin", CONTENT)
        with connector.ranges(connector.stat("x.bin"), tmp_path) as read_part:
            ftps.faults.cut_after, ftps.faults.cuts = 100_000, 1
            assert read_part(300_000, 400_000) == CONTENT[300_000:700_000]


class TestChanges:
    """E40, E41."""

    def test_replaced_in_the_middle(self, connector, outside, tmp_path, monkeypatch):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        keep, kept = transfer.FtpDownload._keep, []

        def replace_once(self, handle, block):
            keep(self, handle, block)
            if not kept:
                outside.put("x.bin", CONTENT[::-1])
            kept.append(len(block))

        monkeypatch.setattr(transfer.FtpDownload, "_keep", replace_once)
        with pytest.raises(SourceChangedError, match="changed while it was read"):
            read(connector, item, tmp_path / "s")

    def test_replaced_between_a_cut_and_the_rest(
        self, connector, outside, ftps, tmp_path, monkeypatch
    ):
        """Never a mixture of two contents."""
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        ftps.faults.cut_after, ftps.faults.cuts = 700_000, 1
        retrieve = FtpSession.retrieve

        def replace_before_the_rest(self, path, offset, sink):
            if offset:
                outside.put("x.bin", CONTENT[::-1])
            retrieve(self, path, offset, sink)

        monkeypatch.setattr(FtpSession, "retrieve", replace_before_the_rest)
        with pytest.raises(SourceChangedError):
            read(connector, item, tmp_path / "s")

    def test_deleted_in_the_middle(self, connector, outside, tmp_path, monkeypatch):
        outside.put("x.bin", CONTENT)
        item = connector.stat("x.bin")
        keep = transfer.FtpDownload._keep

        def delete(self, handle, block):
            keep(self, handle, block)
            (outside.root / "x.bin").unlink(missing_ok=True)

        monkeypatch.setattr(transfer.FtpDownload, "_keep", delete)
        with pytest.raises(NotFoundError, match=r"x\.bin"):
            read(connector, item, tmp_path / "s")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


class TestUploads:
    """2d, R7: the old file or the new one, and nothing left."""

    def test_a_server_that_keeps_less_than_it_was_sent(
        self, connector, outside, place, ftps, source
    ):
        outside.put("x.bin", b"old")
        ftps.faults.keep_at_most = 1_000
        with pytest.raises(ConnectorUnavailableError, match="cut off after 1000 of 2048000 bytes"):
            connector.put_file("x.bin", source)
        assert {path.name: path.read_bytes() for path in place.iterdir()} == {"x.bin": b"old"}

    def test_a_server_that_does_not_replace_by_renaming(
        self, connector, outside, place, ftps, source
    ):
        outside.put("x.bin", b"old")
        ftps.faults.refuse_rename_over = True
        with pytest.raises(
            ConnectorError, match=r"does not replace 'x\.bin' by renaming"
        ) as caught:
            connector.put_file("x.bin", source)
        assert "old file is untouched" in str(caught.value)
        assert {path.name: path.read_bytes() for path in place.iterdir()} == {"x.bin": b"old"}
        connector.put_file("new.bin", source)

    @pytest.mark.parametrize("cut_after", [2_500, 4_000, 5_500, 7_000])
    def test_cut_on_the_way(self, ftps, place, outside, source, cut_after):
        outside.put("x.bin", b"old")
        with faulty_proxy(ftps.port, cut_after=cut_after) as proxy:
            connector = connect(ftps, root=place.name, port=proxy.port)
            with contextlib.suppress(ConnectorUnavailableError):
                connector.put_file("x.bin", source)
        assert (place / "x.bin").read_bytes() in (b"old", CONTENT)
        connect(ftps, root=place.name).put_file("x.bin", source)
        assert (place / "x.bin").read_bytes() == CONTENT

    @pytest.mark.kill
    def test_killed_at_every_step(self, ftps, place, outside, source):
        """kill -9 anywhere: the old content or the new one; the next writer leaves nothing behind."""
        steps = [
            (FtpSession, "store"),
            (FtpSession, "stat"),
            (FtpSession, "rename"),
            (FtpSession, "make_folders"),
        ]

        def body():
            connect(ftps, root=place.name).put_file("out/x.bin", source)

        body()
        total = len(count_steps(body, steps))
        assert total >= 8
        seen = set()
        for step in range(total):
            outside.put("out/x.bin", b"old")
            assert kill_at(body, steps, step).killed
            content = (place / "out/x.bin").read_bytes()
            assert content in (b"old", CONTENT)
            seen.add(len(content))
            assert listed(connect(ftps, root=place.name)) == ["out/x.bin"]
            body()
            assert [path.name for path in (place / "out").iterdir()] == ["x.bin"]
        assert seen == {3, len(CONTENT)}

    def test_what_living_and_foreign_writers_left(self, connector, place, source):
        """Only what a dead process of this machine left, or what is old, is removed."""
        living = new_partial_name("x.bin")
        dead = subprocess.run(
            [
                sys.executable,
                "-c",
                "from resources.connectors.files.partial_names import new_partial_name as n; print(n('x.bin'))",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        foreign_new = ".waybill-0123456789ab-01234567-1-1-01234567.part"
        foreign_old = ".waybill-0123456789ab-01234567-1-1-0123456f.part"
        old = (datetime.now(UTC) - timedelta(days=5)).timestamp()
        for name in (living, dead, foreign_new, foreign_old):
            (place / name).touch()
        os.utime(place / foreign_old, (old, old))
        connector.put_file("x.bin", source)
        assert {path.name for path in place.iterdir()} == {"x.bin", living, foreign_new}


def test_a_killed_download_leaves_the_server_as_it_was(ftps, place, outside, tmp_path):
    outside.put("x.bin", CONTENT)
    ftps.faults.stall_after = 100_000
    pid = os.fork()
    if pid == 0:
        connector = connect(ftps, root=place.name)
        read(connector, connector.stat("x.bin"), tmp_path / "s")
        os._exit(1)
    deadline = time.monotonic() + 30
    while not any(line.startswith("RETR") for line in ftps.faults.commands):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    ftps.faults.stall_after = None
    connector = connect(ftps, root=place.name)
    assert read(connector, connector.stat("x.bin"), tmp_path / "t") == CONTENT
