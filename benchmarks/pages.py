"""`python -m benchmarks.pages`: how long the server takes for lists over many datasets and runs, for one client and for 20.

A store of small versions, records of an instance (each dataset materialized, runs beside), and the data section's own
application, asked in this process: what is measured is the server's work, without network and guard. Compare within one run: the machine's other work counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pyarrow as pa

from orchestration.api.app import build_api
from orchestration.pages.app import build_pages
from orchestration.services.access.actor import Actor
from orchestration.services.access.visits import FORM_TOKEN
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.home import open_home
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from orchestration.services.snapshot import Snapshot
from resources.kernel.records import BatchStream
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore

PATHS = (
    "/data/bench/datasets",
    "/data/bench/datasets?q=7&status=ready&sort=-updated",
    "/data/bench/datasets/d00007",
    "/api/v1/projects/bench/datasets?limit=50",
    "/api/v1/projects/bench/datasets?limit=1000&sort=-rows",
)


class Bench:
    """One project whose declarations are given."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._project = Project("bench", Path("nobody"), snapshot)

    async def all(self) -> list[Project]:
        """The one."""
        return [self._project]

    async def get(self, _name: str) -> Project:
        """The one."""
        return self._project


def fill(store: TableStore, instance: dg.DagsterInstance, datasets: int) -> list[DatasetEntry]:
    """Datasets with a version each, recorded as materialized."""
    batch = pa.record_batch({"id": [1, 2, 3], "note": ["a", "b", "c"]})
    entries = []
    for n in range(datasets):
        entry = DatasetEntry(f"d{n:05}", "datasource", ("datasets", f"d{n:05}"))
        publish(store, entry, batch, "bench-1")
        instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(entry.key)))
        entries.append(entry)
    return entries


def publish(store: TableStore, entry: DatasetEntry, batch: pa.RecordBatch, run_id: str) -> None:
    store.write_stream(entry.key, lambda: BatchStream(batch.schema, iter([batch])), run_id=run_id)


def add_runs(home: Path, instance: dg.DagsterInstance, runs: int) -> None:
    """Copies one run until there are so many: records, no work."""

    @dg.job
    def nothing() -> None:
        pass

    nothing.execute_in_process(instance=instance)
    with closing(sqlite3.connect(home / "history/runs.db")) as connection, connection:
        columns = [row[1] for row in connection.execute("pragma table_info(runs)")]
        kept = [name for name in columns if name not in ("id", "run_id")]
        listed = ", ".join(kept)
        (old,) = connection.execute("select run_id from runs limit 1").fetchone()
        for _ in range(runs):
            new = str(uuid.uuid4())
            connection.execute(
                f"insert into runs (run_id, {listed}) select ?, {listed} from runs where run_id = ?",
                (new, old),
            )


def build_app(site: Site) -> Any:
    """Pages and API behind an actor who may do anything."""
    apps = {"/data": build_pages(site), "/api/v1": build_api(site)}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        prefix = next(p for p in apps if scope["path"].startswith(p))
        state = {"actor": Actor("bench"), FORM_TOKEN: "bench"}
        await apps[prefix]({**scope, "root_path": prefix, "state": state}, receive, send)

    return app


async def measure(app: Any, path: str, clients: int, requests: int) -> list[float]:
    """Seconds of each answer."""
    transport = httpx.ASGITransport(app=app)
    found: list[float] = []

    async def ask(client: httpx.AsyncClient) -> None:
        for _ in range(requests):
            before = time.perf_counter()
            answer = await client.get(path)
            found.append(time.perf_counter() - before)
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])

    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        await asyncio.gather(*(ask(client) for _ in range(clients)))
    return found


def p95(found: Sequence[float]) -> float:
    return statistics.quantiles(found, n=20)[-1] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WAYBILL_HOME"] = folder
        os.environ.pop("DAGSTER_HOME", None)
        home = open_home()
        store = TableStore.open(f"{folder}/store")
        with dg.DagsterInstance.get() as instance:
            entries = fill(store, instance, given.datasets)
            add_runs(home.dagster, instance, given.runs)
            snapshot = Snapshot(datasets=tuple(entries), store=store.url)
            site = Site(home, instance, Bench(snapshot), CatalogDatabase.open(), "bench", "secret")  # type: ignore[arg-type]
            report(build_app(site), given.requests)


def report(app: Any, requests: int) -> None:
    for path in PATHS:
        first = asyncio.run(measure(app, path, 1, 2))[0]
        one = asyncio.run(measure(app, path, 1, requests))
        many = asyncio.run(measure(app, path, 20, max(requests // 20, 2)))
        print(
            f"{path:58} first {first * 1000:6.0f} ms, p95 of one {p95(one):6.0f} ms, of 20 {p95(many):6.0f} ms"
        )


if __name__ == "__main__":
    main()
