"""`python -m benchmarks.analysis_pages`: what the analysis of a dataset of 200 columns, and of 10,000, costs server and browser.

Of each page: bytes as sent, the processor's time of one request, and, in Debian's Chromium on this machine, when
something is seen first and when the page answers to a click, the median of some visits. Of the report: bytes. The browser's
figures are by the clock: other work on the machine is in them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import httpx
import numpy as np
import pyarrow as pa
import uvicorn

from benchmarks.pages import Bench, build_app
from benchmarks.profiles import wide_batches
from benchmarks.site import PROJECT
from orchestration.server.kept_scripts import keep_scripts
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.home import open_home
from orchestration.services.site.site import Site
from orchestration.services.snapshot import Snapshot
from resources.kernel.records import BatchStream
from resources.profiles.compute import compute_profile
from resources.profiles.kept import keep_profile
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore

WIDE, VAST = "wide", "vast"
_ROWS = {WIDE: 20_000, VAST: 50}
_VAST_COLUMNS = 10_000
PARTS = ("", "/columns", "/column?column=c5", "/associations", "/sample", "/report")
MOST_SECONDS, MOST_BYTES, MOST_REPORT = 1.0, 500_000, 5_000_000
_CHROMIUM = "/usr/bin/chromium"
_SEEN = """() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    const page = performance.getEntriesByType('navigation')[0];
    return [paint ? paint.startTime : page.domContentLoadedEventEnd, page.domContentLoadedEventEnd];
}"""


def fill(store: TableStore) -> None:
    """Both datasets, a version with its profile each."""
    for name, batch in ((WIDE, next(wide_batches(_ROWS[WIDE]))), (VAST, _vast(_ROWS[VAST]))):
        key = ("datasets", name)
        store.write_stream(key, lambda b=batch: BatchStream(b.schema, iter([b])), run_id="made")  # type: ignore[misc]
        before = time.process_time()
        profile = compute_profile(key, store.read(key))
        keep_profile(store, profile, run_id="profiled")
        spent = time.process_time() - before
        print(f"{name}: {batch.num_rows:,} x {batch.num_columns:,}, its profile CPU {spent:.1f} s")


def _vast(rows: int) -> pa.RecordBatch:
    """A third texts, the rest whole numbers, as a table of measurements that was pivoted."""
    random = np.random.default_rng(1)
    columns = [
        pa.array([f"t{n}" for n in random.integers(0, 9, rows)])
        if place % 3 == 0
        else pa.array(random.integers(0, 50, rows))
        for place in range(_VAST_COLUMNS)
    ]
    return pa.RecordBatch.from_arrays(columns, [f"c{n}" for n in range(_VAST_COLUMNS)])


async def _ask(app: Any, path: str, requests: int) -> tuple[int, float, float]:
    """Bytes of the answer, and processor seconds of the first request and of one of the others."""
    transport = httpx.ASGITransport(app=app)
    spent = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        for _ in range(requests + 1):
            before = time.process_time()
            answer = await client.get(path)
            spent.append(time.process_time() - before)
            answer.raise_for_status()
    return len(answer.content), spent[0], statistics.median(spent[1:])


@contextmanager
def _served(app: Any) -> Iterator[str]:
    """The application at an address of its own on loopback."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def look(address: str, paths: list[str], visits: int) -> dict[str, tuple[float, float]]:
    """Seconds until something of each page is seen, and until it answers to clicks."""
    from playwright.sync_api import sync_playwright

    found: dict[str, tuple[float, float]] = {}
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        for path in paths:
            seen = []
            for _ in range(visits):
                page.goto(f"{address}{path}")
                seen.append(page.evaluate(_SEEN))
            found[path] = tuple(
                statistics.median(times) / 1000 for times in zip(*seen, strict=True)
            )  # type: ignore[assignment]
        browser.close()
    return found


def report(app: Any, requests: int, visits: int) -> None:
    """A line for each page; says which goal is missed."""
    paths = [
        f"/data/{PROJECT}/datasets/{name}/analysis{part}" for name in (WIDE, VAST) for part in PARTS
    ]
    sizes = {path: asyncio.run(_ask(app, path, requests)) for path in paths}
    pages = [path for path in paths if not path.endswith("/report")]
    with _served(app) as address:
        seen = look(address, pages, visits)
    for path, (size, first, again) in sizes.items():
        most = MOST_REPORT if path.endswith("/report") else MOST_BYTES
        line = f"{path:52} {size / 1000:7.0f} kB, CPU first {first * 1000:6.0f} ms, again {again * 1000:6.0f} ms"
        missed = [f"more than {most / 1000:,.0f} kB"] if size > most else []
        if path in seen:
            paint, ready = seen[path]
            line += f", seen after {paint:5.2f} s, interactive after {ready:5.2f} s"
            missed += ["later than 1 s"] if max(paint, ready) > MOST_SECONDS else []
        print(line + (f"  MISSED: {', '.join(missed)}" if missed else ""), flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.analysis_pages", description=__doc__
    )
    parser.add_argument("--requests", type=int, default=5)
    parser.add_argument("--visits", type=int, default=5)
    given = parser.parse_args()
    keep_scripts()
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WAYBILL_HOME"] = folder
        os.environ.pop("DAGSTER_HOME", None)
        home, store = open_home(), TableStore.open(f"{folder}/store")
        fill(store)
        entries = tuple(
            DatasetEntry(name, "datasource", ("datasets", name), is_declared=True)
            for name in (WIDE, VAST)
        )
        snapshot = Snapshot(datasets=entries, store=store.url)
        with dg.DagsterInstance.get() as instance:
            site = Site(home, instance, Bench(snapshot), CatalogDatabase.open(), "bench", "secret")  # type: ignore[arg-type]
            report(build_app(site), given.requests, given.visits)


if __name__ == "__main__":
    main()
