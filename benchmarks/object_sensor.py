"""`python -m benchmarks.object_sensor`: what a sensor on a bucket of a million objects costs a tick (E39, R8).

The bucket is a scripted lister in pages of 1,000 keys, as an object store answers, so that what is measured is the
sensor: merging the listing with its ledger, asking for runs, noting which were submitted. What a store itself takes to
list is measured with the store. Each scene runs in a process of its own, whose peak memory is the kernel's figure.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

PAGE = 1000
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TICK_SECONDS, TICK_MEGABYTES, TICK_RUNS, TICK_PAGES = 60, 500, 100, 1000


@dataclass
class Tick:
    """One tick as it was measured."""

    seconds: float
    listed: int
    pages: int
    requests: int
    complete: bool
    waiting: int


class Bucket:
    """A million keys in order, with some that came late or changed."""

    def __init__(self, objects: int) -> None:
        self.keys = [f"landing/{i // 5000:04}/{i:08}.csv" for i in range(objects)]
        self.etags: dict[str, str] = {}
        self.late: list[str] = []
        self.pages = 0

    def list_after(self, after: str) -> Iterator:
        """As a store lists: in order of key, a page at a time, from any key on."""
        from bisect import bisect_right

        from resources.kernel.records import ObjectInfo

        keys = sorted([*self.keys, *self.late]) if self.late else self.keys
        for number, at in enumerate(range(bisect_right(keys, after), len(keys))):
            self.pages += number % PAGE == 0
            key = keys[at]
            etag = self.etags.get(key, "d41d8cd98f00b204e9800998ecf8427e")
            yield ObjectInfo(key, 1000, etag, EPOCH + timedelta(seconds=at % 86_400))


class Watching:
    """A sensor's ticks over a bucket, one after the other, and what they cost.

    Args:
        bucket: what is watched.
        mode: one run for a tick's objects, or for each.
        folder: where the ledger is.
    """

    def __init__(self, bucket: Bucket, mode: str, folder: Path) -> None:
        from orchestration.watching.new_objects import WatchPolicy

        self._bucket, self._folder = bucket, folder
        self._policy = WatchPolicy(
            sensor="watch",
            scope="lake landing/**",
            one_run_per=mode,
            include_existing=mode == "tick",
        )
        self._cursor: str | None = None
        self._now = EPOCH
        self.runs: dict[str, int] = {}
        self.ticks: dict[str, list[Tick]] = {}

    def tick(self, phase: str, *, dies: bool = False) -> Tick:
        """One tick, 30 seconds after the one before; one that dies leaves its ledger and no run."""
        from orchestration.watching.new_objects import find_new_objects

        self._now += timedelta(seconds=30)
        pages, started = self._bucket.pages, time.monotonic()
        found = find_new_objects(
            self._bucket.list_after,
            self._policy,
            ledger=self._folder / "ledger.sqlite",
            cursor=self._cursor,
            has_run=self.runs.__contains__,
            now=self._now,
        )
        seconds = round(time.monotonic() - started, 2)
        if not dies:
            for request in found.requests:
                assert request.run_key not in self.runs, "doubled"
                self.runs[request.run_key] = request.objects
            self._cursor = found.cursor
        calls = self._bucket.pages - pages
        asked = len(found.requests)
        measured = Tick(seconds, found.listed, calls, asked, found.is_complete, found.waiting)
        self.ticks.setdefault(phase, []).append(measured)
        return measured

    def settle(self, phase: str) -> None:
        """Ticks until there is nothing left to ask for."""
        while True:
            done = self.tick(phase)
            if done.complete and not done.requests and not done.waiting:
                return


def scene(objects: int, mode: str, folder: Path) -> dict:
    """First look, quiet ticks, late and changed objects, a tick that died before its cursor; in this process."""
    bucket = Bucket(objects)
    watching = Watching(bucket, mode, folder)
    watching.settle("first look")
    covered_at_first = sum(watching.runs.values())
    watching.settle("quiet")
    late = 250
    bucket.late = [f"landing/0000/late-{i:05}.csv" for i in range(late)]
    changed = bucket.keys[:: max(objects // 250, 1)][:250]
    bucket.etags = dict.fromkeys(changed, "changed")
    watching.tick("late and changed, died before its cursor", dies=True)
    watching.settle("late and changed")
    expected = (objects if mode == "tick" else 0) + late + len(changed)
    return {
        "objects": objects,
        "mode": mode,
        "ticks": {phase: [asdict(t) for t in found] for phase, found in watching.ticks.items()},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "ledger_mb": round((folder / "ledger.sqlite").stat().st_size / 1e6),
        "existing": covered_at_first,
        "missed": expected - sum(watching.runs.values()),
    }


def measure(objects: int, mode: str) -> dict:
    """A scene in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.object_sensor",
                "--scene",
                mode,
                "--objects",
                str(objects),
            ],
            env={**os.environ, "BENCH_FOLDER": folder},
            check=True,
            capture_output=True,
            text=True,
        )
    return json.loads(result.stdout)


def verdicts(found: dict) -> dict[str, bool]:
    """What E39 and R8 ask for."""
    ticks = [t for phase in found["ticks"].values() for t in phase]
    return {
        f"a tick takes at most {TICK_SECONDS} s": max(t["seconds"] for t in ticks) <= TICK_SECONDS,
        f"memory is at most {TICK_MEGABYTES} MB": found["peak_mb"] <= TICK_MEGABYTES,
        f"at most {TICK_RUNS} runs a tick": max(t["requests"] for t in ticks) <= TICK_RUNS,
        f"at most {TICK_PAGES} list calls a tick": max(t["pages"] for t in ticks) <= TICK_PAGES,
        "nothing missed, nothing doubled": found["missed"] == 0,
    }


def main() -> int:
    """Prints a table a mode; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.object_sensor", description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--scene", choices=["tick", "object"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scene:
        print(json.dumps(scene(options.objects, options.scene, Path(os.environ["BENCH_FOLDER"]))))
        return 0
    kept = True
    for mode in ("tick", "object"):
        found = measure(options.objects, mode)
        print(
            f"\none run per {mode}, {found['objects']:,} objects:"
            f" peak {found['peak_mb']} MB, ledger {found['ledger_mb']} MB"
        )
        for phase, ticks in found["ticks"].items():
            longest = max(ticks, key=lambda t: t["seconds"])
            print(
                f"  {phase}: {len(ticks)} ticks, longest {longest['seconds']} s,"
                f" {max(t['pages'] for t in ticks)} list calls, {max(t['requests'] for t in ticks)} runs at most"
            )
        for text, holds in verdicts(found).items():
            print(f"  {'ok  ' if holds else 'FAIL'} {text}")
            kept = kept and holds
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
