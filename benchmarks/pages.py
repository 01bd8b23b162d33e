"""`python -m benchmarks.pages`: what the server takes for every page and list over many datasets and runs.

A store of small versions, the records of `benchmarks.site`, and the data section's own application, asked in this
process: what is measured is the server's work, without network. The p95 of one client, of 20 at once, and of 20 of whom
each asks for another dataset, run or page of the list are by the clock: on a machine with other work only the
processor's time counts, and what is compared within one run. The last line is what the guard takes of a request.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import dagster as dg
import httpx
import pyarrow as pa
import sqlalchemy as sa

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.schema import SetColumn, SetSchema
from benchmarks.site import CHECKS, PROJECT, Size, record_runs
from orchestration.api.app import build_api
from orchestration.kept_engines import keep_engines
from orchestration.pages.app import build_pages
from orchestration.server.guard import Guard, GuardRules
from orchestration.server.kept_scripts import keep_scripts
from orchestration.services.access.actor import Actor, Scope
from orchestration.services.access.directory import Directory
from orchestration.services.access.tokens import create_token
from orchestration.services.access.visits import FORM_TOKEN
from orchestration.services.connectors import ConnectorSummary
from orchestration.services.dataset_list import DatasetEntry, DeclaredCheck
from orchestration.services.datasources import DatasourceSummary
from orchestration.services.exports.entries import Delivering, ExporterEntry
from orchestration.services.home import open_home
from orchestration.services.pipelines.entry import PipelineEntry, PipelineStep, ScheduleEntry
from orchestration.services.runs.listing import RunFilter, list_runs
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from orchestration.services.snapshot import Declaration, Snapshot
from resources.kernel.records import BatchStream
from resources.stores.catalog.access.tables import LOG, USERS
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.records import FileFacts, RowChanges
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore

SETS = 50
USERS_COUNT = 50
CLIENTS = 20
_NAME = re.compile(r"\b([cdpsx]|set)\d{5}\b")
_CURSOR = re.compile(r'[?&;]cursor=([^"&]+)[^"]*" rel="next"|"next":"([^"]+)"')
PAGES = (
    "/",
    "/datasets",
    "/datasets?q=7&status=ready&sort=-updated",
    "/datasets/d00007",
    "/datasets/d00007/versions",
    "/datasets/d00007/checks",
    "/datasets/d00007/runs",
    "/connectors",
    "/connectors/c00003",
    "/datasources",
    "/datasources/s00003",
    "/exporters",
    "/exporters?status=failed",
    "/exporters/x00003",
    "/exporters/-/history",
    "/exporters/-/history?status=failed",
    "/pipelines",
    "/pipelines/p00003",
    "/classifications",
    "/classifications/set00003",
    "/runs",
    "/runs?state=failed",
    "/runs?asset=datasets/d00007",
    "/runs/{done}",
    "/runs/{failed}",
    "/users",
    "/audit",
    "/account",
)
ROUTES = (
    "/datasets?limit=50",
    "/datasets?limit=1000&sort=-rows",
    "/datasets/d00007",
    "/datasets/d00007/runs",
    "/connectors",
    "/datasources",
    "/exporters",
    "/exports",
    "/pipelines",
    "/classifications",
    "/classifications/history",
    "/runs",
    "/runs?limit=200",
    "/runs/{done}",
    "/overview",
)


class Bench:
    """One project whose declarations are given."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._project = Project(PROJECT, Path("nobody"), snapshot)

    async def all(self) -> list[Project]:
        """The one."""
        return [self._project]

    async def get(self, _name: str) -> Project:
        """The one."""
        return self._project

    async def clashes(self, _name: str) -> tuple[str, ...]:
        """Nobody else declares anything."""
        return ()


def declare(size: Size, store: TableStore) -> Snapshot:
    """What the project declares."""
    datasets = tuple(_dataset(n, size) for n in range(size.datasets))
    exporters = tuple(_exporter(n, size) for n in range(size.exporters))
    pipelines = tuple(_pipeline(n, size) for n in range(size.pipelines))
    sources = tuple(_source(n) for n in range(size.sources))
    connectors = tuple(_connector(n) for n in range(size.pipelines))
    declared = [
        *(Declaration("dataset", one.name, "assets.Dataset", "defs.yaml", 1) for one in datasets),
        *(Declaration("exporter", e.name, "assets.Exporter", "defs.yaml", 1) for e in exporters),
    ]
    return Snapshot(
        datasets=datasets,
        connectors=tuple(map(asdict, connectors)),
        datasources=tuple(map(asdict, sources)),
        exporters=exporters,
        pipelines=pipelines,
        classifications=tuple(_set(n).to_metadata() for n in range(SETS)),
        declarations=tuple(declared),
        store=store.url,
    )


def _dataset(n: int, size: Size) -> DatasetEntry:
    return DatasetEntry(
        f"d{n:05}",
        "datasource",
        ("datasets", f"d{n:05}"),
        made_from=(f"datasources/s{n % size.sources:05}",),
        used_by=(f"exports/x{n % size.exporters:05}",),
        checks=tuple(DeclaredCheck(name) for name in CHECKS),
        jobs=(f"p{n % size.pipelines:05}",),
        is_declared=True,
    )


def _exporter(n: int, size: Size) -> ExporterEntry:
    ways = (Delivering(f"p{n % size.pipelines:05}", "30 3 * * *", "Europe/Paris"),)
    source = ("datasets", f"d{n:05}")
    return ExporterEntry(f"x{n:05}", source, "c00000", "public.orders", "overwrite", "manual", ways)


def _pipeline(n: int, size: Size) -> PipelineEntry:
    own = [number for number in range(size.datasets) if number % size.pipelines == n]
    steps = tuple(PipelineStep(("datasets", f"d{i:05}"), "dataset", f"d{i:05}") for i in own)
    schedule = ScheduleEntry(f"p{n:05}_schedule", ("30 3 * * *",), "Europe/Paris")
    return PipelineEntry(f"p{n:05}", steps=steps, schedules=(schedule,))


def _source(n: int) -> DatasourceSummary:
    return DatasourceSummary(f"s{n:05}", "c00000", f"orders/{n}.csv", "etag", "", (f"d{n:05}",))


def _connector(n: int) -> ConnectorSummary:
    return ConnectorSummary(f"c{n:05}", "postgres", "db:5432/shop", {"DB_PASSWORD": True}, ())


def _set(n: int) -> ClassificationSpec:
    columns = (SetColumn("Brand", "text"), SetColumn("Size", "integer"))  # type: ignore[arg-type]
    return ClassificationSpec(f"set{n:05}", SetSchema(columns=columns))


def fill_store(store: TableStore, snapshot: Snapshot) -> None:
    """A version of each dataset."""
    batch = pa.record_batch({"id": [1, 2, 3], "note": ["a", "b", "c"]})
    for entry in snapshot.datasets:
        store.write_stream(
            entry.key, lambda: BatchStream(batch.schema, iter([batch])), run_id="bench-1"
        )


def fill_catalog(database: CatalogDatabase, size: Size) -> None:
    """Sets with a file each, users, and a long audit log."""
    catalog = ClassificationCatalog(database)
    rows = {"Key": ["a", "b"], "Brand": ["Oak", "Fir"], "Size": [1, 2]}
    for spec in map(_set, range(SETS)):
        table = pa.table(rows, schema=spec.schema.arrow)
        changes = RowChanges(table, spec.schema.arrow.empty_table(), pa.array([], pa.string()))
        facts = FileFacts(f"run-{spec.name}", "file", "a.csv", "", 10, "bench", {"lines": 2})
        catalog.apply(spec.name, spec.columns, changes, facts, base_version=0, keep=20)
    at = "2026-01-01T00:00:00+00:00"
    user = {"role": "viewer", "password": "", "is_disabled": False, "made_at": at}
    entry = {"at": at, "actor": "bench", "via": "local", "address": "127.0.0.1", "outcome": "done"}
    entry |= {"action": "dataset.rename", "detail": "", "before": "{}", "after": "{}"}
    with database.write() as connection:
        users = [{**user, "name": f"user{n}"} for n in range(USERS_COUNT)]
        connection.execute(sa.insert(USERS), users)
        entries = [{**entry, "subject": f"datasets/d{n:05}"} for n in range(size.runs)]
        connection.execute(sa.insert(LOG), entries)


def build_app(site: Site) -> Any:
    """Pages and API behind an actor who may do anything."""
    apps = {"/data": build_pages(site), "/api/v1": build_api(site)}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        prefix = next(p for p in apps if scope["path"].startswith(p))
        state = {"actor": Actor("bench"), FORM_TOKEN: "bench"}
        await apps[prefix]({**scope, "root_path": prefix, "state": state}, receive, send)

    return app


async def measure(
    app: Any, paths: Sequence[str], clients: int, requests: int, **headers: str
) -> list[float]:
    """Seconds of each answer; each client asks for the next of the paths."""
    transport = httpx.ASGITransport(app=app)
    found: list[float] = []

    async def ask(client: httpx.AsyncClient, path: str) -> None:
        for _ in range(requests):
            before = time.perf_counter()
            answer = await client.get(path, headers=headers)
            found.append(time.perf_counter() - before)
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])

    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        await asyncio.gather(*(ask(client, paths[n % len(paths)]) for n in range(clients)))
    return found


async def places(app: Any, path: str) -> list[str]:
    """The first pages of a list, as many as there are clients; of what is no list the same thing under other names."""
    found = [_NAME.sub(lambda name: f"{name[1]}{n:05}", path) for n in range(CLIENTS)]  # noqa: B023
    if found[0] != found[1]:
        return found
    found = [path]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        while len(found) < CLIENTS:
            answer = await client.get(found[-1])
            further = _CURSOR.search(answer.text)
            if further is None:
                break
            cursor = unquote(further[1] or further[2])
            found.append(str(httpx.URL(path).copy_merge_params({"cursor": cursor})))
    return found


def p95(found: Sequence[float]) -> float:
    """Milliseconds."""
    return statistics.quantiles(found, n=20)[-1] * 1000


def report(app: Any, path: str, requests: int, others: Sequence[str] = ()) -> None:
    """A line for a page: the first time, then the processor's time of one request, then p95.

    Args:
        app: is asked.
        path: what for.
        requests: how often.
        others: the same for other things, where neither names nor places in the list tell.
    """
    first = asyncio.run(measure(app, [path], 1, 2))[0]
    before = time.process_time()
    one = asyncio.run(measure(app, [path], 1, requests))
    cost = (time.process_time() - before) / requests
    each = max(requests // CLIENTS, 2)
    many = asyncio.run(measure(app, [path], CLIENTS, each))
    different = others or asyncio.run(places(app, path))
    apart = asyncio.run(measure(app, different, CLIENTS, each))
    print(
        f"{path:58} first {first * 1000:6.0f} ms, CPU {cost * 1000:6.1f} ms,"
        f" p95 of one {p95(one):6.0f} ms, of {CLIENTS} {p95(many):6.0f} ms,"
        f" of {CLIENTS} for {len(different):2} things {p95(apart):6.0f} ms",
        flush=True,
    )


def report_guard(directory: Directory, requests: int) -> None:
    """What the guard takes of a request that is answered with nothing: users are there, one has signed in with a token."""
    made = create_token(
        directory.database, Actor("user0"), user="user0", alias="bench", scopes=[Scope.READ]
    )

    async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    rules = GuardRules(1, requests_a_second=1e9)
    costs = []
    for app in (nothing, Guard(nothing, rules, directory)):
        before = time.process_time()
        asyncio.run(
            measure(app, ["/api/v1/runs"], 1, requests, Authorization=f"Bearer {made.secret}")
        )
        costs.append((time.process_time() - before) / requests * 1000)
    print(f"{'the guard, of each request':58} CPU {costs[1] - costs[0]:6.1f} ms")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--datasets", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--only", default="", help="pages with this text in their address")
    given = parser.parse_args()
    keep_engines()
    keep_scripts()
    logging.disable(logging.ERROR)  # a run fails on purpose
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WAYBILL_HOME"] = folder
        os.environ.pop("DAGSTER_HOME", None)
        home, size = open_home(), Size(given.datasets, given.runs)
        store = TableStore.open(f"{folder}/store")
        snapshot, catalog = declare(size, store), CatalogDatabase.open()
        with dg.DagsterInstance.get() as instance:
            record_runs(instance, home.dagster, size)
            fill_store(store, snapshot)
            fill_catalog(catalog, size)
            site = Site(home, instance, Bench(snapshot), catalog, "bench", "secret")  # type: ignore[arg-type]
            runs = {
                state: list_runs(instance, RunFilter((state,)), limit=CLIENTS).items  # type: ignore[arg-type]
                for state in ("done", "failed")
            }
            ids = [{state: runs[state][n].run_id for state in runs} for n in range(CLIENTS)]
            app = build_app(site)
            for path in (
                *(f"/data/{PROJECT}{page}" for page in PAGES),
                *(f"/api/v1/projects/{PROJECT}{route}" for route in ROUTES),
            ):
                if given.only in path:
                    others = [path.format(**found) for found in ids] if "{" in path else []
                    report(app, path.format(**ids[0]), given.requests, others)
            report_guard(Directory(catalog), given.requests)


if __name__ == "__main__":
    main()
