"""Pages are counted once for a tree of processes, whoever else maps them."""

import mmap
import os
import signal
import subprocess
import sys

import pytest

from benchmarks.memory import measure, render, tree

SIZE_MB = 32
# Maps a file, fills as much memory of its own, forks a child that shares both, and says so.
PARENT = f"""
import mmap, os, sys, time
file = open(sys.argv[1], "rb")
mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
sum(mapped[::4096])
own = bytearray(os.urandom(1024) * 1024 * {SIZE_MB})
if os.fork() == 0:
    sum(mapped[::4096])
    print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path):
    file = tmp_path / "library"
    file.write_bytes(os.urandom(2**20) * SIZE_MB)
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", PARENT, str(file)], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    yield process, file
    for pid in tree(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_shared_memory_is_counted_once_and_a_stranger_takes_nothing_off(parent):
    process, file = parent
    with file.open("rb") as stranger, mmap.mmap(stranger.fileno(), 0, prot=mmap.PROT_READ) as same:
        sum(same[::4096])
        shares = measure(tree(process.pid))
    assert len(shares) == 2
    assert sum(share.anonymous_mb for share in shares) == pytest.approx(SIZE_MB, abs=12)
    assert sum(share.file_mb for share in shares) == pytest.approx(SIZE_MB, abs=12)
    assert "together" in render(shares)
