"""`python -m benchmarks.uploads`: a CSV uploaded over HTTP and imported, beside the import of the same file from a folder.

Starts `waybill up` for a project in a temporary folder. Each round writes the bytes once (the bare limit), imports them from a
folder, and uploads and imports them; every round changes the file, so that nothing is skipped. The goal is an upload in at
most 1.2 times the folder's time beside writing once. CPU counts the server and this process, which stands for the client; seconds depend
on what else the machine does, so compare ratios within a round.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.memory import tree
from benchmarks.meter import tree_cpu_seconds
from orchestration.client.client import Client
from orchestration.client.runs import Run
from orchestration.client.transport import Transport
from orchestration.client.uploads import Uploads

_READY = re.compile(r"ready at (http://\S+)")
_START_SECONDS = 300.0
_SAMPLE_SECONDS = 0.1
_BLOCK_BYTES = 256 * 1024  # larger ones cost more: their memory is made anew each time
GOAL = 1.2

DECLARED = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: taken, datasource: files, profile: "off"}
---
type: assets.Dataset
attributes: {name: sent, upload: true, profile: "off"}
"""


@dataclass
class Server:
    """`waybill up` of one project."""

    url: str
    pid: int
    home: Path

    @property
    def client(self) -> Client:
        """A client of it."""
        return Client(self.url, project="bench")

    @property
    def uploads(self) -> Uploads:
        """What sends files to it."""
        return Uploads(Transport(self.url), "/projects/bench")


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A project with a folder to import from and a dataset to upload to."""
    waybill = str(Path(sys.executable).with_name("waybill"))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "WAYBILL"))}
    environment = {**kept, "WAYBILL_HOME": str(folder / "home"), "WAYBILL_UPLOAD_LIMIT": "100GB"}
    made = [waybill, "init", str(folder / "bench"), "--example", "none", "--json"]
    subprocess.run(made, check=True, env=environment, stdout=subprocess.DEVNULL)
    (folder / "home" / "lake").mkdir(parents=True, exist_ok=True)
    declared = folder / "bench" / "bench" / "defs" / "bench" / "defs.yaml"
    declared.parent.mkdir(parents=True, exist_ok=True)
    declared.write_text(DECLARED, encoding="utf-8")
    output = folder / "up.txt"
    with output.open("w") as out:
        server = subprocess.Popen(
            [waybill, "up", "--port", "0", "--no-password"],
            stdout=out,
            stderr=out,
            env=environment,
            cwd=folder / "bench",
        )
    try:
        yield Server(_address(server, output), server.pid, folder / "home")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def _address(server: subprocess.Popen[bytes], output: Path) -> str:
    end = time.monotonic() + _START_SECONDS
    while not (found := _READY.search(output.read_text())):
        if server.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"the server does not start:\n{output.read_text()}")
        time.sleep(0.2)
    return found[1]


@dataclass
class Peaks:
    """The most memory that each kind of process had for itself while the context lived."""

    pid: int
    first: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)

    def __enter__(self) -> Peaks:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            now: dict[str, float] = {}
            for pid in tree(self.pid):
                with suppress(OSError):
                    name = Path(f"/proc/{pid}/comm").read_text().strip()
                    now[name] = max(now.get(name, 0.0), _own_mb(pid))
            for name, mb in now.items():
                self.first.setdefault(name, mb)
                self.most[name] = max(self.most.get(name, 0.0), mb)

    def told(self) -> str:
        """A line of all of them, in MB, from the first look to the peak."""
        return ", ".join(
            f"{name} {self.first[name]:.0f} to {mb:.0f} MB"
            for name, mb in sorted(self.most.items())
        )


def _own_mb(pid: int) -> float:
    """Memory that is no page of a file: what a process has made itself, shared with forks or not."""
    status = Path(f"/proc/{pid}/status").read_text()
    return sum(int(kb) for kb in re.findall(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)) / 1024


@dataclass(frozen=True)
class Taken:
    """What a step took."""

    seconds: float
    cpu_seconds: float


def timed(server: Server, act: Callable[[], object]) -> Taken:
    """Seconds by the clock, and of CPU of the server and of this process."""
    before = _cpu(server), time.perf_counter()
    act()
    return Taken(time.perf_counter() - before[1], _cpu(server) - before[0])


def _cpu(server: Server) -> float:
    return tree_cpu_seconds(server.pid) + time.process_time()


def make_csv(path: Path, size: int) -> None:
    """Numbers, codes, text and times, until the file has so many bytes."""
    lines = [
        f"{n},{(n * 7919) % 1_000_003 / 100:.2f},{['AA', 'UA', 'B6', 'DL'][n % 4]},word{n % 5000} and more,"
        f"2013-{n % 12 + 1:02}-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:00\n"
        for n in range(100_000, 200_000)
    ]
    block = "".join(lines).encode()
    with path.open("wb") as file:
        file.write(b"id,amount,carrier,note,at\n")
        while file.tell() < size:
            file.write(block)


def change(path: Path, turn: int) -> None:
    """Makes another file of it: one number in its first row."""
    with path.open("r+b") as file:
        file.seek(len(b"id,amount,carrier,note,at\n"))
        file.write(f"{200_000 + turn}".encode())


def write_once(source: Path, target: Path) -> None:
    """The bare limit: the bytes read and written, onto the disk."""
    with source.open("rb") as data, target.open("wb") as out:
        while block := data.read(_BLOCK_BYTES):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    target.unlink()


def run_round(server: Server, path: Path, folder: Path, turn: int) -> None:
    """Writes once, imports from the folder, uploads and imports, the last two in turns first; tells what each took."""
    change(path, turn)
    limit = {"write once": timed(server, lambda: write_once(path, folder / "copy"))}
    upload: dict[str, Taken] = {}
    with Peaks(server.pid) as peaks:
        if turn % 2:
            upload = take_upload(server, path)
        limit["from a folder"] = take_folder(server, path)
        upload = upload or take_upload(server, path)
    for name, taken in (limit | upload).items():
        print(f"  {name:16} {taken.seconds:8.2f} s {taken.cpu_seconds:8.2f} s of CPU")
    for by in ("seconds", "cpu_seconds"):
        ratio = (_sum(upload, by) - getattr(limit["write once"], by)) / getattr(
            limit["from a folder"], by
        )
        print(f"  (upload - write once) / from a folder: {ratio:.2f} by {by}, goal {GOAL}")
    print(f"  memory of their own: {peaks.told()}", flush=True)


def take_folder(server: Server, path: Path) -> Taken:
    """Imports the file from a folder."""
    os.sync()  # what the disk has to write still is no part of it
    lake = server.home / "lake" / "data.csv"
    os.link(path, lake)
    taken = timed(server, lambda: server.client.datasets["taken"].refresh().wait())
    lake.unlink()
    return taken


def take_upload(server: Server, path: Path) -> dict[str, Taken]:
    """Sends the file, has it imported, waits for the run."""
    uploads, sent, run = server.uploads, list[str](), list[Run]()
    os.sync()  # what the disk has to write still is no part of it
    return {
        "sent": timed(server, lambda: sent.append(uploads.send(path))),
        "kept, run begun": timed(
            server, lambda: run.append(uploads.start_import(sent, "sent", {}))
        ),
        "imported": timed(server, lambda: run[0].wait()),  # noqa: PLW0108 - there is none yet
    }


def _sum(steps: dict[str, Taken], by: str) -> float:
    return sum(getattr(one, by) for one in steps.values())


def _warm_up(server: Server, folder: Path) -> None:
    """The first run of a server imports libraries, whichever way its rows come."""
    path = folder / "small.csv"
    make_csv(path, 1_000_000)
    print("a small file first")
    run_round(server, path, folder, 0)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uploads", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1_000, help="of the file (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="waybill-uploads.", dir=given.work) as name:
        folder = Path(name)
        path = folder / "data.csv"
        make_csv(path, given.megabytes * 10**6)
        with served(folder) as server:
            _warm_up(server, folder)
            for turn in range(1, given.rounds + 1):
                print(f"round {turn} of {given.rounds}, {path.stat().st_size:,} bytes")
                run_round(server, path, folder, turn)


if __name__ == "__main__":
    main()
