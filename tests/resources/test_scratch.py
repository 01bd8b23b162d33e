"""Scratch folders end with their process, also by kill -9; those in use stay."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from resources.scratch import ScratchFolder, remove_abandoned

HOLD = """
import os, sys
from resources.scratch import ScratchFolder
folder = ScratchFolder("import")
(folder.path / "half.csv").write_text("1")
if len(sys.argv) > 1 and os.fork():
    os._exit(0)
print(folder.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def holder(*arguments):
    command = [sys.executable, "-c", HOLD, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


def test_it_is_there_and_then_it_is_gone(place):
    with ScratchFolder("transform") as scratch:
        (scratch.path / "x").touch()
        assert [path.name for path in place.iterdir()] == [scratch.path.name]
        assert scratch.path.name.startswith("waybill.transform.")
    scratch.cleanup()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_that_needs_one(place):
    process, left = holder()
    with process:
        with ScratchFolder("import") as other:
            assert [path.name for path in left.iterdir()] == ["half.csv"]  # in use: not touched
            assert other.path != left
        process.send_signal(signal.SIGKILL)
    assert left.exists()
    with ScratchFolder("transform"):
        assert not left.exists()


def test_one_that_a_fork_still_holds_is_in_use():
    process, left = holder("fork")
    process.wait()
    assert remove_abandoned() == 0
    assert left.exists()
    process.communicate("")  # the fork reads to the end and goes
    while left.exists():
        remove_abandoned()


def test_what_is_not_ours_stays(place):
    (place / "waybill.import.file").touch()
    (place / "precious").mkdir()
    (place / "precious" / "x").touch()
    (place / "waybill.import.link").symlink_to("precious")
    (place / "waybill-postgres-x").mkdir()
    (
        place / "waybill-unpack-x"
    ).mkdir()  # of an earlier release, which may be at work and locks nothing
    if os.getuid() == 0:
        (place / "waybill.import.theirs").mkdir()
        os.chown(place / "waybill.import.theirs", 4711, 4711)
    before = sorted(place.rglob("*"))
    assert remove_abandoned() == 0
    assert sorted(place.rglob("*")) == before


def test_where_nothing_can_be_locked_a_folder_is_made_and_nobody_removes_it(place, monkeypatch):
    def refuse(_descriptor, _operation):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with ScratchFolder("import") as scratch:
        assert remove_abandoned() == 0
        assert scratch.path.is_dir()
    assert list(place.iterdir()) == []


def test_many_at_once_each_keep_their_own(place):
    # Between the making of a folder and its locking another may take it for abandoned.
    code = (
        "from resources.scratch import ScratchFolder\n"
        "for n in range(200):\n"
        "    with ScratchFolder('unpack') as scratch:\n"
        "        (scratch.path / 'x').write_text('1')\n"
        "        assert (scratch.path / 'x').read_text() == '1'\n"
    )
    crowd = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in crowd] == [0, 0, 0, 0]
    assert list(place.iterdir()) == []
