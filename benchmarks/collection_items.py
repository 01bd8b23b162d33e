"""`python -m benchmarks.collection_items`: items of collections in the catalog, beside what each database does without one.

The bare way decodes the same JSON with msgspec, makes the same identities and upserts into one table: `executemany` in SQLite,
COPY and insert-select in PostgreSQL; it can answer no filter. The bare way with keys has two typed columns besides, and an index of them in SQLite, of each in
PostgreSQL: what it takes to answer a filter on two keys at once. Ours registers (with a schema of two and of five declared keys), registers the file again, replaces all
metadata by other values, and filters by two keys. Each scene runs in a process of its own; processor time is that of the process and of the
server. Specifications are read elsewhere (`assets/collections/specification`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.postgres import running_server
from benchmarks.task import Server
from resources.collections.duplicates import ImportFlags
from resources.collections.items import ItemDraft, identity_of
from resources.collections.metadata_schema import MetadataKey
from resources.connectors.sql.config import SqlConfig
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.records import ImportRequest
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config

AT_ONCE = 4_096
KEYS = [
    MetadataKey("video.site", "varchar"),
    MetadataKey("lux", "number"),
    MetadataKey("taken", "datetime"),
    MetadataKey("weather", "enum", ("fog", "rain", "sun")),
    MetadataKey("checked", "boolean"),
]
FILTERS = [
    '"video.site" = site7 and lux > 999.9',
    '"video.site" = nowhere and lux > 1',
    'lux in 10..900 and "video.site" in (site1, site2)',
    "not lux > 1 or video.site ~ SITE49",
]
_INSERT = "INSERT INTO bare ({}) {} ON CONFLICT (folder, identity) DO UPDATE SET metadata = excluded.metadata{}"
_KEYED = ", site TEXT, lux DOUBLE PRECISION"
_COLUMNS = "folder, identity, type, title, urls, media, metadata, state"


class _Keys(msgspec.Struct):
    site: str = msgspec.field(name="video.site")
    lux: float


class _Item(msgspec.Struct):
    objectUrl: str  # noqa: N815 - as the file has it
    title: str
    clientMetadata: msgspec.Raw  # noqa: N815
    imageMetadata: msgspec.Raw  # noqa: N815


def make_file(path: Path, items: int, seed: int = 3) -> None:
    """A line an item: about 310 bytes. Another seed makes other metadata of the same items."""
    chance = random.Random(seed)
    with path.open("wb") as file:
        for n in range(items):
            metadata = {
                "video.site": f"site{chance.randrange(50)}",
                "lux": round(chance.random() * 1000, 3),
                "taken": f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:00:00Z",
                "weather": chance.choice(["sun", "rain", "fog"]),
                "checked": n % 3 == 0,
            }
            media = {"mime_type": "image/jpeg", "file_size": n, "width": 1920, "height": 1080}
            url = f"s3://some-bucket/street/2026/{n % 97:02}/camera-{n % 13}/image-{n:08}.jpg"
            file.write(msgspec.json.encode(_Item(url, f"image {n}", _raw(metadata), _raw(media))))
            file.write(b"\n")


def _changed(path: Path) -> Path:
    """The file of the same items with other metadata."""
    return path.with_suffix(".changed")


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _items(path: Path) -> Iterator[list[_Item]]:
    decode = msgspec.json.Decoder(_Item).decode
    with path.open("rb") as file:
        part: list[_Item] = []
        for line in file:
            part.append(decode(line))
            if len(part) == AT_ONCE:
                yield part
                part = []
        yield part


def _drafts(path: Path) -> Iterator[list[ItemDraft]]:
    for part in _items(path):
        yield [
            ItemDraft(
                "/images/0",
                "image",
                one.title,
                (one.objectUrl,),
                bytes(one.imageMetadata),
                bytes(one.clientMetadata),
            )
            for one in part
        ]


def _bare_rows(path: Path, *, keyed: bool) -> Iterator[tuple[Any, ...]]:
    read = msgspec.json.Decoder(_Keys).decode
    for part in _items(path):
        for one in part:
            keys = read(one.clientMetadata) if keyed else None
            yield (
                1,
                identity_of("image", (one.objectUrl,)),
                "image",
                one.title,
                one.objectUrl,
                bytes(one.imageMetadata).decode(),
                bytes(one.clientMetadata).decode(),
                "ready",
                *((keys.site, keys.lux) if keys else ()),
            )


def _insert(values: str, *, keyed: bool) -> str:
    names, also = (", site, lux", ", site = excluded.site, lux = excluded.lux")
    return _INSERT.format(_COLUMNS + names * keyed, values, also * keyed)


def bare_sqlite(
    path: Path, folder: Path, *, keyed: bool
) -> Iterator[tuple[str, Callable[[], object]]]:
    """One table with the same index; the same journal and synchronisation."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -64000;"
    )
    connection.execute(
        "CREATE TABLE bare (id INTEGER PRIMARY KEY, folder INT, identity BLOB, type TEXT,"
        f" title TEXT, urls TEXT, media TEXT, metadata TEXT, state TEXT{_KEYED * keyed})"
    )
    connection.execute("CREATE UNIQUE INDEX bare_identity ON bare (folder, identity)")
    if keyed:
        connection.execute("CREATE INDEX bare_keys ON bare (site, lux)")

    def upsert(file: Path) -> None:
        connection.execute("BEGIN IMMEDIATE")
        marks = ", ".join("?" * (10 if keyed else 8))
        statement = _insert(f"VALUES ({marks})", keyed=keyed)
        connection.executemany(statement, _bare_rows(file, keyed=keyed))
        connection.execute("COMMIT")

    yield "first", lambda: upsert(path)
    yield "upsert", lambda: upsert(_changed(path))


def bare_postgresql(
    path: Path, server: Server, *, keyed: bool
) -> Iterator[tuple[str, Callable[[], object]]]:
    """COPY into a temporary table, then insert-select."""
    import psycopg

    connection = psycopg.connect(server.url())
    connection.execute(
        "CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, folder INT, identity BYTEA, type TEXT,"
        f" title TEXT, urls TEXT, media JSONB, metadata JSONB, state TEXT{_KEYED * keyed},"
        " UNIQUE (folder, identity))"
    )
    if keyed:  # as ours: a filter may name either of them
        connection.execute("CREATE INDEX bare_site ON bare (site)")
        connection.execute("CREATE INDEX bare_lux ON bare (lux)")
    connection.commit()
    columns = _COLUMNS + ", site, lux" * keyed

    def upsert(file: Path) -> None:
        connection.execute(
            f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {columns} FROM bare LIMIT 0"
        )
        with connection.cursor() as cursor, cursor.copy("COPY staged FROM STDIN") as copy:
            for row in _bare_rows(file, keyed=keyed):
                copy.write_row(row)
        connection.execute(_insert(f"SELECT {columns} FROM staged", keyed=keyed))
        connection.commit()

    yield "first", lambda: upsert(path)
    yield "upsert", lambda: upsert(_changed(path))


def ours(path: Path, config: SqlConfig, keys: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """The catalog, with so many declared keys."""
    database = CatalogDatabase(config)
    MetadataCatalog(database).declare("labels", KEYS[:keys], "benchmark")
    catalog, items = CollectionCatalog(database), ItemCatalog(database)

    def register(name: str, file: Path, flags: ImportFlags) -> Callable[[], object]:
        import_id = catalog.begin("street", ImportRequest(key=name, schema="labels"))
        return lambda: dict(catalog.register(import_id, lambda: _drafts(file), flags).counts)

    yield "first", register("first", path, ImportFlags(skip_duplicate_urls=True))
    yield "again", register("again", path, ImportFlags(skip_duplicate_urls=True))
    yield "upsert", register("upsert", _changed(path), ImportFlags(True, True))
    for text in FILTERS:
        yield (
            f"page of {text}",
            lambda text=text: len(items.items("street", filter_text=text, limit=100).items),
        )
        yield f"count of {text}", lambda text=text: items.count("street", text)


def server_config(server: Server) -> SqlConfig:
    """A server as a catalog is told of it."""
    return SqlConfig(
        dialect="postgresql",
        host=server.host,
        port=server.port,
        database=server.database,
        username=server.username,
        password=server.password,
    )


def server_cpu(pid: int) -> float:
    """Processor seconds of a server and all that it started, ended ones included."""
    if not pid:
        return 0.0
    stats = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        stats[int(folder.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    own = [ticks for number, (parent, ticks) in stats.items() if pid in (number, parent)]
    return sum(own) / os.sysconf("SC_CLK_TCK")


def _scene(
    arguments: argparse.Namespace, folder: Path
) -> Iterator[tuple[str, Callable[[], object]]]:
    path = Path(arguments.file)
    server = Server(**json.loads(arguments.server)) if arguments.server else None
    if arguments.scene in {"bare", "keyed"}:
        keyed = arguments.scene == "keyed"
        if server:
            return bare_postgresql(path, server, keyed=keyed)
        return bare_sqlite(path, folder, keyed=keyed)
    config = server_config(server) if server else sqlite_config(folder / "catalog.sqlite")
    return ours(path, config, int(arguments.scene.removeprefix("ours")))


def run_scene(arguments: argparse.Namespace) -> None:
    """One scene in this process; a line of JSON a step."""
    pid = json.loads(arguments.server)["pid"] if arguments.server else 0
    with tempfile.TemporaryDirectory(prefix="waybill-items.", dir=arguments.work) as name:
        for step, act in _scene(arguments, Path(name)):
            times = []
            for _ in range(5 if " of " in step else 1):
                started, cpu = time.perf_counter(), time.process_time() + server_cpu(pid)
                answer = act()
                used = time.process_time() + server_cpu(pid) - cpu
                times.append((time.perf_counter() - started, used))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            seconds, used = min(times)
            line = {"step": step, "seconds": seconds, "cpu": used, "mb": peak, "answer": answer}
            print(json.dumps(line), flush=True)


def measure(work: str, file: Path, scene: str, server: Server | None) -> list[dict[str, Any]]:
    """A scene in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.collection_items", "--scene", scene]
    command += ["--file", str(file), "--work", work]
    command += ["--server", json.dumps(vars(server))] if server else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def report(name: str, scenes: dict[str, list[dict[str, Any]]]) -> None:
    """A line a step, with its ratios to the bare one and the bare one with keys, by processor time."""
    limits = [{line["step"]: line["cpu"] for line in scenes[bare]} for bare in ("bare", "keyed")]
    for scene, lines in scenes.items():
        own = next((line["cpu"] for line in lines if line["step"] == "first"), 0.0)
        for line in lines:
            step = line["step"]
            ratios = [f"{line['cpu'] / limit[step]:5.2f}x" for limit in limits if step in limit]
            if step == "again":
                ratios = [f"{line['cpu'] / own:5.2f} of the first time"]
            ratio = " ".join(ratios)
            print(
                f"{name:11}{scene:6}{line['seconds']:8.3f} s{line['cpu']:8.2f} CPU s {ratio:14}"
                f"{line['mb']:5.0f} MB  {line['step']}  {line['answer'] or ''}"
            )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collection_items")
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--work", default=tempfile.gettempdir())
    parser.add_argument("--scene", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    parser.add_argument("--server", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.scene:
        run_scene(arguments)
        return
    scenes = ("bare", "keyed", "ours2", "ours5")
    with tempfile.TemporaryDirectory(prefix="waybill-items.", dir=arguments.work) as name:
        file = Path(name) / "items.jsonl"
        make_file(file, arguments.items)
        make_file(_changed(file), arguments.items, seed=4)
        found: dict[str, list[dict[str, Any]]] = {}
        if arguments.only != "postgresql":
            found = {scene: measure(name, file, scene, None) for scene in scenes}
            report("SQLite", found)
        if arguments.only != "sqlite":
            for scene in scenes:
                with running_server(Path(name)) as server:
                    found[scene] = measure(name, file, scene, server)
            report("PostgreSQL", found)


if __name__ == "__main__":
    main()
