"""`python -m benchmarks.profiles`: the profile of 5M rows x 19 columns and of 1M x 200, beside DuckDB's own exact aggregates.

Each contender has a process of its own, in turns; what counts is the processor time of both in one run, and the largest memory. Ours
opens the store, proves the files, and keeps nothing. fg-data-profiling in its minimal mode runs on 1M rows where it is installed in
`--peer`, a Python of its own: it needs an older pandas than Waybill has.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.inputs import make_inputs
from benchmarks.profile_queries import BareProfile
from resources.kernel.records import BatchStream
from resources.profiles.compute import compute_profile
from resources.stores.tables import TableStore

KEY = ("datasets", "profiled")
WIDE_COLUMNS = 200
MOST_RATIO = 1.15
MOST_MB = {"flights": 600, "wide": 1_000}
_WIDE_BATCH = 20_000

_PEER = """
import json, resource, sys, time
import pandas as pd
from data_profiling import ProfileReport
frame = pd.read_parquet(sys.argv[1])
started, clock = time.process_time(), time.monotonic()
ProfileReport(frame, minimal=True, progress_bar=False).to_html()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
spent = {"cpu": time.process_time() - started, "wall": time.monotonic() - clock}
print(json.dumps({**spent, "mb": peak, "steps": {}}))
"""


def main() -> None:
    """Reads the command line, runs the contenders in turns, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=("flights", "wide"), default="flights")
    parser.add_argument(
        "--rows", type=int, default=None, help="5,000,000 flights, 1,000,000 wide rows"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=None, help="keeps inputs for the next run")
    parser.add_argument("--peer", default="", help="a Python with fg-data-profiling")
    parser.add_argument("--child", choices=("ours", "bare"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(given.child, str(given.work), given.threads)
        return
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        _compare(given, given.work or Path(folder))


def _compare(given: argparse.Namespace, work: Path) -> None:
    rows = given.rows or (5_000_000 if given.shape == "flights" else 1_000_000)
    root = work / f"profiles-{given.shape}-{rows}"
    if not (root / KEY[0]).exists():
        _fill(TableStore.open(str(root)), given.shape, rows, work)
    command = [
        sys.executable,
        "-m",
        "benchmarks.profiles",
        "--work",
        str(root),
        "--threads",
        str(given.threads),
    ]
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "bare": []}
    for _ in range(given.turns):
        for name, runs in found.items():
            runs.append(_run([*command, "--child", name]))
            print(f"{name:5} {_line(runs[-1])}", flush=True)
    _report(given.shape, found)
    if given.peer:
        peer = _run([given.peer, "-c", _PEER, str(_peer_file(root, work))])
        print(f"fg-data-profiling, minimal, 1M rows: {_line(peer)}")


def _report(shape: str, found: dict[str, list[dict[str, Any]]]) -> None:
    cpu = {name: median(run["cpu"] for run in runs) for name, runs in found.items()}
    peak = max(run["mb"] for run in found["ours"])
    print("bare, steps in CPU seconds:", json.dumps(found["bare"][-1]["steps"]))
    repeated = found["bare"][-1]["steps"]["repeated rows"]
    print(
        f"ours/bare: {cpu['ours'] / cpu['bare']:.2f} of processor time (at most {MOST_RATIO} wanted);",
        end=" ",
    )
    print(f"without the bare's repeated rows {cpu['ours'] / (cpu['bare'] - repeated):.2f}")
    print(f"memory: {peak} MB (at most {MOST_MB[shape]} wanted)")


def _run(command: list[str]) -> dict[str, Any]:
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _line(run: dict[str, Any]) -> str:
    return f"CPU {run['cpu']:6.1f} s, wall {run['wall']:6.1f} s, {run['mb']:5} MB"


def _child(name: str, root: str, threads: int) -> None:
    store = TableStore.open(root)
    started, clock = time.process_time(), time.monotonic()
    if name == "ours":
        compute_profile(KEY, store.read(KEY))
        steps: dict[str, float] = {}
    else:
        files = sorted((Path(root) / "/".join(KEY)).rglob("*.parquet"))
        bare = BareProfile(files, threads)
        bare.run()
        steps = bare.seconds
    peak = _peak_mb()
    spent = {"cpu": time.process_time() - started, "wall": time.monotonic() - clock}
    print(json.dumps({**spent, "mb": peak, "steps": steps}))


def _peak_mb() -> int:
    """Of this process: `ru_maxrss` would count its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def _fill(store: TableStore, shape: str, rows: int, work: Path) -> None:
    with store.writer(KEY, run_id="made") as writer:
        if shape == "flights":
            file = pq.ParquetFile(make_inputs(work, rows).parquet)
            writer.write(BatchStream(file.schema_arrow, file.iter_batches(65_536)))
        else:
            batches = wide_batches(rows)
            first = next(batches)
            writer.write(BatchStream(first.schema, _with_first(first, batches)))
        writer.publish({})


def _with_first(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def wide_batches(rows: int) -> Iterator[pa.RecordBatch]:
    """Rows of 200 columns of many types, some that go together."""
    random = np.random.default_rng(1)
    for start in range(0, rows, _WIDE_BATCH):
        size = min(_WIDE_BATCH, rows - start)
        base = random.normal(size=size)
        columns = [_wide_column(place, base, random) for place in range(WIDE_COLUMNS)]
        yield pa.RecordBatch.from_arrays(columns, [f"c{place}" for place in range(WIDE_COLUMNS)])


def _wide_column(place: int, base: Any, random: np.random.Generator) -> pa.Array:
    """Doubles that go together, some with gaps, whole numbers, texts of few and of many values, times."""
    size, turn = len(base), place % 10
    if turn < 4:
        values = np.round(base * (place % 3) + random.normal(size=size), 2 + place % 4)
        return pa.array(values, mask=(random.random(size) < 0.05) if place % 4 == 0 else None)
    if turn < 7:
        return pa.array(random.integers(0, (10, 1_000, 10**6)[turn - 4], size))
    if turn < 9:
        texts = np.array([f"value {number}" for number in range((20, 500)[turn - 7])])
        return pa.array(texts[random.integers(0, len(texts), size)])
    return pa.array(random.integers(0, 10**15, size), pa.timestamp("us"))


def _peer_file(root: Path, work: Path) -> Path:
    """The first million rows as one file."""
    file = work / "peer.parquet"
    table = TableStore.open(str(root)).read(KEY)
    pq.write_table(table.to_table().slice(0, 1_000_000), file)
    return file


if __name__ == "__main__":
    main()
