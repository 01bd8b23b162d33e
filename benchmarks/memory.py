"""The memory of `waybill up`, idle, a process a line: `python -m benchmarks.memory`. Linux only.

Makes a home folder, runs the demo in it, starts the server, lets it idle and measures. `--pid` measures what runs already.

PSS, which the system computes, divides a page of a library's file among all processes that map it: beside another
installation that links to the same files, or while tests run, a server looks small. So a page of a file counts here as if
this tree of processes were alone on the machine: whole, divided among those of the tree that map it. Anonymous
memory is PSS: only forks share it, and they are in the tree.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PRESENT, _OF_A_FILE = 1 << 63, 1 << 61  # of an entry of /proc/PID/pagemap
_READY = re.compile(r"ready at http")
_START_SECONDS = 300

FilePage = tuple[str, str, int]
"""Device, inode, number of the page in the file."""


@dataclass(frozen=True)
class Share:
    """What one process needs."""

    pid: int
    name: str
    anonymous_mb: float
    file_mb: float

    @property
    def mb(self) -> float:
        """All of it."""
        return self.anonymous_mb + self.file_mb


def tree(pid: int) -> list[int]:
    """A process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(folder.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def measure(pids: Sequence[int]) -> list[Share]:
    """The shares of processes; of one that ends meanwhile nothing is said."""
    pages: dict[int, set[FilePage]] = {}
    for pid in pids:
        with suppress(OSError):
            pages[pid] = _file_pages(pid)
    users = Counter(page for own in pages.values() for page in own)
    shares = []
    for pid, own in pages.items():
        with suppress(OSError):
            file_mb = sum(_PAGE / users[page] for page in own) / 2**20
            shares.append(Share(pid, _name(pid), _anonymous_mb(pid), file_mb))
    return shares


def _file_pages(pid: int) -> set[FilePage]:
    found: set[FilePage] = set()
    folder = _PROC / str(pid)
    with (folder / "pagemap").open("rb", buffering=0) as pagemap:
        for line in (folder / "maps").read_text().splitlines():
            addresses, _rights, offset, device, inode = line.split()[:5]
            if inode == "0":
                continue
            start, end = (int(text, 16) // _PAGE for text in addresses.split("-"))
            pagemap.seek(start * 8)
            entries = array("Q", pagemap.read((end - start) * 8))
            first = int(offset, 16) // _PAGE
            found |= {
                (device, inode, first + number)
                for number, entry in enumerate(entries)
                if entry & _PRESENT and entry & _OF_A_FILE
            }
    return found


def _anonymous_mb(pid: int) -> float:
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss_Anon:"))


def _name(pid: int) -> str:
    name = (_PROC / str(pid) / "comm").read_text().strip()
    words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    known = [part for part in ("zygote", "reaper") if any(part in word for word in words)]
    return f"{name} ({known[0]})" if known and name.startswith("python") else name


def render(shares: Sequence[Share]) -> str:
    """A table of them and their sum."""
    lines = [f"{'process':22}{'anonymous':>10}{'files':>8}{'MB':>8}"]
    rows = [(share.name, share.anonymous_mb, share.file_mb) for share in shares]
    rows.append(("together", sum(s.anonymous_mb for s in shares), sum(s.file_mb for s in shares)))
    lines += [f"{name:22}{own:10.1f}{file:8.1f}{own + file:8.1f}" for name, own, file in rows]
    return "\n".join(lines)


@contextmanager
def idle_server(idle_seconds: float) -> Iterator[int]:
    """A server with the demo's data that has been idle for a while; its process id."""
    waybill = str(Path(sys.executable).with_name("waybill"))
    with tempfile.TemporaryDirectory(prefix="waybill-memory.") as name:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "DEMO_"))}
        environment = {**kept, "HOME": name, "WAYBILL_HOME": f"{name}/home"}
        subprocess.run([waybill, "demo", "--json"], check=True, env=environment, stdout=sys.stderr)
        output = Path(name, "up.txt")
        with output.open("w") as out:
            server = subprocess.Popen(
                [waybill, "up", "--port", "0", "--no-password"], stdout=out, env=environment
            )
        try:
            _wait_until_ready(server, output)
            time.sleep(idle_seconds)
            yield server.pid
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not _READY.search(output.read_text()):
        if server.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"the server does not start:\n{output.read_text()}")
        time.sleep(0.2)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--pid", type=int, help="measure this process and its descendants")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds of idling (default 30)")
    options = parser.parse_args()
    if options.pid:
        print(render(measure(tree(options.pid))))
        return
    with idle_server(options.idle) as pid:
        print(render(measure(tree(pid))))


if __name__ == "__main__":
    main()
