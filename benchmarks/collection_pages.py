"""`python -m benchmarks.collection_pages`: filters and pages of a collection of 1,000,000 items, on SQLite and PostgreSQL.

The items lie in 40 folders, most are images, one in a hundred was never looked at; five keys are declared. Filters are asked of the
catalog: a page of 100 items and the count. Pages and lists of the API are asked of the data section's own application in
this process, without network. Every request filters by other numbers, so nothing that is counted was counted before,
except for the lines that say so. What is shown is the processor's time of this process and of
the server, the median of the requests; PostgreSQL may work with several processes at once. By the clock it is less or more, as the
machine has other work.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import msgspec

from assets.collections.declaration import CollectionSpec
from benchmarks.collection_items import KEYS, server_config, server_cpu
from benchmarks.pages import Bench, build_app
from benchmarks.postgres import running_server
from benchmarks.site import PROJECT
from orchestration.services.home import open_home
from orchestration.services.site.site import Site
from orchestration.services.snapshot import Snapshot
from resources.collections.duplicates import ImportFlags
from resources.collections.items import ItemDraft, MediaType
from resources.connectors.sql.config import SqlConfig
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.records import ImportRequest
from resources.stores.catalog.collections.tallies import Tallies
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config

NAME = "street"
FOLDERS = 40
AT_ONCE = 4_096
FILTER_GOAL_MS, PAGE_GOAL_MS = 100, 300
FILTERS = (
    '"video.site" = site7 and lux > 999.{n}',
    '"video.site" = site7 and lux in {n}..900',
    '"video.site" = nowhere and lux > {n}',
    'lux in {n}..900 and "video.site" in (site1, site2)',
    "weather = fog and checked = true and lux < 9{n}",
    'taken >= 2026-11-{day} and "video.site" = site7 and lux > {n}',
    "not lux > {n} or video.site ~ SITE49",
    'weather != sun or not "video.site" exists or lux = {n}',
)
PAGES = (
    "",
    "?limit=300&filter=lux+>+{n}",
    '?filter="video.site"+%3D+site7+and+lux+>+999.{n}',
    "?is:weather=fog&from:lux={n}&to:lux=900",
    "?has:video.site=ite7&from:lux=99{n}",
    "?folder=north&from:lux={n}",
    "?state=pending&from:lux={n}",
    "?type=video&type=audio&from:lux={n}&view=table",
    '?sort=-"lux"&to:lux=9{n}',
    '?sort="lux"&from:lux={n}',
    '?sort="video.site"&from:lux={n}',
    "?sort=-id&from:lux={n}",
    "?sort=title&from:lux={n}",
    "?sort=-changed&from:lux={n}",
    "?q=item+{n}00",
    "?filter=media.width+>+3{n}00",
)
"""`{n}` is another number each time."""


def drafts(items: int, folder: int) -> Iterator[list[ItemDraft]]:
    """The items of one folder."""
    chance, part = random.Random(folder), []
    kinds: tuple[MediaType, ...] = ("video", "audio", "pdf")
    for n in range(items):
        kind: MediaType = kinds[n % 3] if n % 7 == 0 else "image"
        media = {"mime_type": f"{kind}/x", "file_size": n, "width": 1920 + n % 2000}
        part.append(
            ItemDraft(
                f"/images/{n}",
                kind,
                f"item {chance.randrange(items)} of {folder}",
                (f"s3://some-bucket/{folder:03}/camera-{n % 13}/{n:08}",),
                None if n % 100 == 0 else msgspec.json.encode(media),
                msgspec.json.encode(_metadata(chance, n)),
            )
        )
        if len(part) == AT_ONCE:
            yield part
            part = []
    yield part


def _metadata(chance: random.Random, n: int) -> dict[str, Any]:
    return {
        "video.site": f"site{chance.randrange(50)}",
        "lux": round(chance.random() * 1000, 3),
        "taken": f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:00:00Z",
        "weather": chance.choice(["sun", "rain", "fog"]),
        "checked": n % 3 == 0,
    }


def fill(database: CatalogDatabase, items: int) -> None:
    """The collection: an import a folder."""
    MetadataCatalog(database).declare("labels", KEYS, "benchmark")
    catalog, each = CollectionCatalog(database), items // FOLDERS
    for number in range(FOLDERS):
        folder = f"{'north' if number < FOLDERS // 2 else 'south'}/{number:02}"
        wanted = ImportRequest(key=folder, folder=folder, schema="labels", look="missing")
        import_id = catalog.begin(NAME, wanted)
        catalog.register(import_id, lambda n=number: drafts(each, n), ImportFlags(True))


class Timer:
    """Runs one thing several times and prints a line of it."""

    def __init__(self, pid: int, rounds: int) -> None:
        self._pid, self._rounds = pid, rounds

    def line(self, what: str, act: Callable[[int], object], goal_ms: int) -> None:
        """One line; `act` gets another number each time."""
        seconds, used, answer = [], [], None
        for n in range(self._rounds):
            started, cpu = time.perf_counter(), self._cpu()
            answer = act(n)
            used.append(self._cpu() - cpu)
            seconds.append(time.perf_counter() - started)
        cost, middle = (statistics.median(one) * 1000 for one in (used, seconds))
        mark = "" if cost <= goal_ms else f"  ABOVE {goal_ms}"
        print(
            f"  CPU {cost:6.1f} ms, first {used[0] * 1000:6.1f} (clock {middle:6.1f})"
            f"  {what}  {answer if answer is not None else ''}{mark}",
            flush=True,
        )

    def _cpu(self) -> float:
        return time.process_time() + server_cpu(self._pid)


def filters(database: CatalogDatabase, timer: Timer) -> None:
    """Filters by two keys and more: a page, and the count."""
    items, tallies = ItemCatalog(database), Tallies(database)
    for text in FILTERS:

        def page(n: int, text: str = text) -> int:
            return len(items.items(NAME, filter_text=_filled(text, n), limit=100).items)

        def count(n: int, text: str = text) -> int:
            return tallies.count(NAME, _filled(text, 50 + n))

        timer.line(f"page of {text}", page, FILTER_GOAL_MS)
        timer.line(f"count of {text}", count, FILTER_GOAL_MS)


def _filled(text: str, n: int) -> str:
    return text.replace("{n}", f"{10 + n}").replace("{day}", f"{10 + n % 20}")


def pages(database: CatalogDatabase, timer: Timer) -> None:
    """The pages of the collection, and the list of the API."""
    home = open_home()
    spec = CollectionSpec(NAME, metadata_schema="labels", schema_keys=tuple(KEYS))
    snapshot = Snapshot(collections=(spec.to_metadata(),), store=f"{home.root}/store")
    with dg.DagsterInstance.get() as instance:
        site = Site(home, instance, Bench(snapshot), database, "bench", "secret")  # type: ignore[arg-type]
        app = build_app(site)
        for query in PAGES:
            path = f"/data/{PROJECT}/collections/{NAME}{query}"
            timer.line(
                f"page {query or 'without filter'}", lambda n, p=path: _ask(app, p, n), PAGE_GOAL_MS
            )
        path = f"/api/v1/projects/{PROJECT}/collections/{NAME}/items?limit=100&filter=lux+>+{{n}}"
        timer.line("API, 100 of lux > {n}", lambda n: _ask(app, path, n), PAGE_GOAL_MS)


def _ask(app: Any, path: str, n: int) -> None:
    async def once() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
            answer = await client.get(_filled(path, n))
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])

    asyncio.run(once())


def measure(config: SqlConfig, pid: int, given: argparse.Namespace) -> None:
    """All lines of one database."""
    database = CatalogDatabase(config)
    started = time.perf_counter()
    fill(database, given.items)
    print(
        f"{config.dialect}: {given.items:,} items in {time.perf_counter() - started:.0f} s",
        flush=True,
    )
    timer = Timer(pid, given.rounds)
    filters(database, timer)
    pages(database, timer)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.collection_pages", description=__doc__
    )
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="waybill-pages.", dir=given.work) as name:
        os.environ["WAYBILL_HOME"] = name
        os.environ.pop("DAGSTER_HOME", None)
        if given.only != "postgresql":
            measure(sqlite_config(Path(name) / "catalog.sqlite"), 0, given)
        if given.only != "sqlite":
            with running_server(Path(name)) as server:
                measure(server_config(server), server.pid, given)


if __name__ == "__main__":
    main()
