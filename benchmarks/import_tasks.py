"""Import tasks from a folder into a collection, from their making to their end: `python -m benchmarks.import_tasks documents|files|list`.

`documents` takes the mixed documents of `benchmarks.document_files` in one task, and reads the same files by the bare libraries in two
plain processes. `files` takes many texts of a line in one task, and the unchanged folder again in another; `--count 100000` is that of a
bucket. `list` makes tasks, and asks for a page of them, filtered and searched. Processor time is that of all processes, parsers included;
memory is the most that the run and the largest of its parsers had.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Self

import dagster as dg

from benchmarks.document_files import made_documents, parse_bare
from benchmarks.media import cpu_seconds
from benchmarks.memory import tree
from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.import_tasks.listing import TaskFilter, list_tasks
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.import_tasks.starting import create_task, start_here
from orchestration.services.runs.start import Asked
from orchestration.services.runs.workplace import Workplace
from resources.import_tasks.definition import parse_definition
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Collection
attributes: {name: docs, connectors: [lake], documents: {%s}}
"""
_CHUNKS = "chunks: {by: heading, size: 1000}"
_QUIET = {"telemetry": {"enabled": False}}
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_LOOK_SECONDS = 0.1
_PAGES = {
    "newest": TaskFilter(),
    "one state": TaskFilter(states=("stopped",)),
    "searched": TaskFilter(q="7 of"),
    "searched in a state, by name": TaskFilter(states=("not_started",), q="9 of", sort="name"),
    "nothing found": TaskFilter(q="no such task"),
}


@contextmanager
def workplace(home: Path, *, chunks: bool = False) -> Iterator[Workplace]:
    """A project with a folder and a collection."""
    os.environ["WAYBILL_HOME"] = str(home)
    (home / "lake").mkdir(exist_ok=True)
    with (
        project(YAML % (_CHUNKS if chunks else "")) as definitions,
        dg.DagsterInstance.local_temp(str(home), _QUIET) as instance,
    ):
        yield Workplace(open_home(), Location(definitions), instance, Asked("benchmark"))


def make_task(place: Workplace, name: str, path: str = "**") -> ImportTask:
    """A task that takes files of the folder."""
    given = {
        "name": name,
        "target": {"kind": "collection", "name": "docs"},
        "source": {"type": "connector", "connector": "lake", "path": path},
        "options": {"ignore_errors": True},
    }
    return create_task(place, parse_definition(given), start=False, via="cli")


def documents(home: Path, count: int, *, chunks: bool) -> dict[str, float]:
    """A whole task beside the bare libraries."""
    with workplace(home, chunks=chunks) as place:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            paths = pool.apply(_documents, (home / "lake", count))
        bare, bare_cpu = _measured(lambda: _parse_all(paths))
        run = _measured_run(place, "documents")
    return {
        **run,
        "MB": sum(path.stat().st_size for path in paths) / 1e6,
        "bare, s": bare,
        "bare, CPU s": bare_cpu,
        "speed beside the bare parsers, by CPU": bare_cpu / run["CPU s"],
        "by the clock": bare / run["s"],
    }


def files(home: Path, count: int, *, chunks: bool) -> dict[str, float]:
    """Small files, and the same once more."""
    with workplace(home, chunks=chunks) as place:
        for number in range(count):
            path = home / "lake" / f"{number // 1_000:03}" / f"{number:06}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"A note of one line, and its number is {number}.\n")
        run = _measured_run(place, "first")
        again = _measured_run(place, "again")
    return {
        **run,
        "ms a file": run["s"] / count * 1e3,
        "CPU ms a file": run["CPU s"] / count * 1e3,
        **{f"again, {name}": value for name, value in again.items()},
    }


def listed(home: Path, count: int, rounds: int = 20) -> dict[str, float]:
    """Milliseconds of processor time for a page of the list."""
    with workplace(home) as place:
        for number in range(count):
            task = make_task(place, f"task {number} of {count}")
            if number % 3 == 0:
                TaskRecords.of(place.location, place.instance).tasks.act(task.id, "stop", "ada")
        records = TaskRecords.of(place.location, place.instance)
        return {
            f"{name}, CPU ms": statistics.median(
                _measured(partial(list_tasks, records, wanted))[1] * 1e3 for _ in range(rounds)
            )
            for name, wanted in _PAGES.items()
        }


def _measured_run(place: Workplace, name: str) -> dict[str, float]:
    """A task from its making to its end."""
    Path("/proc/self/clear_refs").write_text("5")  # what was the most so far is forgotten
    ended: list[ImportTask] = []
    with _Parsers() as parsers:
        took, cpu = _measured(
            lambda: ended.append(start_here(place, make_task(place, name).id, lambda _: None))
        )
    assert (ended[0].state, ended[0].failed) == ("completed", 0), ended[0]
    return {
        "s": took, "CPU s": cpu, "new": ended[0].created, "unchanged": ended[0].unchanged,
        "memory of the run, MB": _peak_mb(os.getpid()), "of its largest parser, MB": parsers.peak_mb,
    }  # fmt: skip


class _Parsers:
    """The most memory that one of the processes below this one had. What the system tells of ended ones counts what they were forked with."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._ended = Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            for pid in tree(os.getpid())[1:]:
                with suppress(OSError):
                    self.peak_mb = max(self.peak_mb, _peak_mb(pid))


def _peak_mb(pid: int) -> float:
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _documents(folder: Path, count: int) -> list[Path]:
    return list(made_documents(folder, count))


def _parse_all(paths: Sequence[Path]) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert all(pool.map(parse_bare, paths, chunksize=4))
        pool.close()
        pool.join()


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - began, cpu_seconds() - began_cpu


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["documents", "files", "list"])
    parser.add_argument("--count", type=int, help="documents (1,000), files or tasks (10,000)")
    parser.add_argument("--chunks", action="store_true", help="the texts in pieces too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")
        home = Path(scratch)
        if given.what == "documents":
            found = documents(home, given.count or 1_000, chunks=given.chunks)
        elif given.what == "files":
            found = files(home, given.count or 10_000, chunks=given.chunks)
        else:
            found = listed(home, given.count or 10_000)
        for name, value in found.items():
            print(f"{name:>40} {value:10.2f}")


if __name__ == "__main__":
    main()
