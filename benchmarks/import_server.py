"""Import tasks in a running `waybill up`: how soon a start is answered, a small file is in, a stop takes effect: `python -m benchmarks.import_server`.

Each round makes a task of one small file without starting it, starts it, and waits for its end; then makes and starts one at once. The processor
time is that of all processes of the server from the request to its answer, where the server rests at the beginning of each round. The
stop is that of a task of many small files which is at work. Everything is also by the clock: beside other work that says little.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from benchmarks.memory import tree
from orchestration.services.new_project import plan_project

_NAME = "imports"
_DEFS = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Collection
attributes: {name: docs, connectors: [lake], documents: {}}
"""
_READY = re.compile(r"ready at (http://[\d.:]+)")
_TARGET = {"kind": "collection", "name": "docs"}
_TICKS = os.sysconf("SC_CLK_TCK")
_REST_SECONDS = 3.0
_LOOK_SECONDS = 0.02
_STOPPED_FILES = 5_000


class Server:
    """A running server, asked by one client."""

    def __init__(self, url: str, pid: int, home: Path) -> None:
        self.base = f"{url}/api/v1/projects/{_NAME}/imports"
        self.client = httpx.Client(timeout=120, headers={"Origin": url})
        self.pid = pid
        self.home = home

    def post(self, path: str, body: Any = None) -> Any:
        """What is answered."""
        return self.client.post(f"{self.base}{path}", json=body).raise_for_status().json()

    def make(self, path: str, *, start: bool) -> Any:
        """A task of files of the folder."""
        source = {"type": "connector", "connector": "lake", "path": path}
        return self.post("", {"target": _TARGET, "source": source, "start": start})

    def wait(self, task: Any, *states: str) -> Any:
        """The task once it is in one of these states."""
        while True:
            found = self.client.get(f"{self.base}/{task['id']}").raise_for_status().json()
            if found["state"] in states:
                return found
            time.sleep(_LOOK_SECONDS)

    def cpu_seconds(self) -> float:
        """Of all its processes, those that ended too."""
        while True:
            with suppress(OSError):  # one ends just now: its parent has its time a moment later
                return sum(map(_ticks, tree(self.pid))) / _TICKS


def _ticks(pid: int) -> int:
    facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, facts[11:15]))


def rounds(server: Server, numbers: range) -> Iterator[dict[str, float]]:
    """What each round took."""
    for number in numbers:
        for name in ("a", "b"):
            path = server.home / "lake" / f"{name}{number}.txt"
            path.write_text(f"One small file of round {number}, {name}.\n")
        found: dict[str, float] = {}
        time.sleep(_REST_SECONDS)
        task = _noted(found, "made", server, lambda n=number: server.make(f"a{n}.txt", start=False))
        time.sleep(_REST_SECONDS)
        began = time.perf_counter()
        _noted(found, "started", server, lambda made=task: server.post(f"/{made['id']}/start"))
        ended = server.wait(task, "completed", "failed")
        found["start to completed, s"] = time.perf_counter() - began
        time.sleep(_REST_SECONDS)
        began = time.perf_counter()
        task = _noted(
            found, "made and started", server, lambda n=number: server.make(f"b{n}.txt", start=True)
        )
        ended = server.wait(task, "completed", "failed")
        found["made to completed, s"] = time.perf_counter() - began
        assert (ended["state"], ended["created"]) == ("completed", 1), ended
        yield found


def stopping(server: Server) -> float:
    """Seconds from the request to stop to the task's end."""
    folder = server.home / "lake" / "many"
    folder.mkdir()
    for number in range(_STOPPED_FILES):
        (folder / f"{number}.txt").write_text(f"Note {number}.\n")
    task = server.make("many/**", start=True)
    while not server.client.get(f"{server.base}/{task['id']}").json()["done"]:
        time.sleep(_LOOK_SECONDS)
    began = time.perf_counter()
    server.post(f"/{task['id']}/stop")
    server.wait(task, "stopped")
    return time.perf_counter() - began


def _noted(found: dict[str, float], name: str, server: Server, ask: Callable[[], Any]) -> Any:
    before, began = server.cpu_seconds(), time.perf_counter()
    answer = ask()
    found[f"{name}, s"] = time.perf_counter() - began
    found[f"{name}, CPU s"] = server.cpu_seconds() - before
    return answer


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A project of its own, served."""
    root, home = folder / _NAME, folder / "home"
    (home / "lake").mkdir(parents=True)
    for path, text in plan_project(root).files():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / _NAME / "defs" / "defs.yaml").write_text(_DEFS)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "WAYBILL"))}
    command = [Path(sys.executable).with_name("waybill"), "up", "--port", "0", "--no-password"]
    output = folder / "up.txt"
    with output.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=root, env={**kept, "WAYBILL_HOME": str(home)}
        )
    try:
        while not (ready := _READY.search(output.read_text())):
            if process.poll() is not None:
                raise SystemExit(f"the server does not start:\n{output.read_text()}")
            time.sleep(0.1)
        yield Server(ready[1], process.pid, home)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, running_server(Path(scratch)) as server:
        list(rounds(server, range(1)))  # everything was there once
        found = list(rounds(server, range(1, given.rounds + 1)))
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        for name in found[0]:
            values = [one[name] for one in found]
            print(f"{name:>30} {statistics.median(values):8.3f} (most {max(values):.3f})")
        print(f"{'stop to stopped, s':>30} {stopping(server):8.3f}")


if __name__ == "__main__":
    main()
