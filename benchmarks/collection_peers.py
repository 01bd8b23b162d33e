"""`python -m benchmarks.collection_peers --datumaro PYTHON [--items N]`: a collection imported, beside another open tool's import.

Both are given images by their paths with two values each, metadata of the pictures included, so that neither reads one. Ours checks
the specification with a schema of two keys and registers it in SQLite, where it stays and can be filtered. Datumaro, the library of CVAT, reads the same from a
file of its own format into memory. PYTHON is of an environment in which it is installed (`pip install datumaro`). What each
takes is the processor time of a process of its own, from the first line of the import on: no libraries loaded, no file made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from assets.collections.specification.reading import read_specification
from benchmarks.meter import peak_memory_bytes
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.records import ImportRequest
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config

KEYS = (MetadataKey("site", "varchar"), MetadataKey("lux", "number"))
_DATUMARO = """
import datumaro, json, sys, time
began = time.process_time()
found = datumaro.Dataset.import_from(sys.argv[1], "datumaro")
count = sum(1 for item in found if item.attributes["lux"] >= 0)
used = time.process_time() - began
status = open("/proc/self/status").read()
print(json.dumps([datumaro.__version__, count, used, int(status.partition("VmHWM:")[2].split()[0]) / 1024]))
"""


def values(items: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Paths, and what is told of each."""
    for number in range(items):
        yield f"street/image-{number:08}.jpg", {"site": f"site{number % 50}", "lux": number % 1000}


def make_files(folder: Path, items: int) -> None:
    """The same items as a specification and as a data set of Datumaro's."""
    size = {"mime_type": "image/jpeg", "file_size": 200_000, "width": 1920, "height": 1080}
    images = [
        {"objectUrl": f"s3://bucket/{path}", "clientMetadata": told, "imageMetadata": size}
        for path, told in values(items)
    ]
    specification = {"images": images, "skip_duplicate_urls": True}
    (folder / "spec.json").write_text(json.dumps(specification), encoding="utf-8")
    own = [
        {"id": path, "annotations": [], "attr": told, "image": {"path": path, "size": [1080, 1920]}}
        for path, told in values(items)
    ]
    head = {"info": {}, "categories": {}, "dm_format_version": "1.0", "media_type": 2}
    (folder / "annotations").mkdir()
    (folder / "annotations" / "all.json").write_text(
        json.dumps({**head, "items": own}), encoding="utf-8"
    )


def ours(folder: Path) -> list[object]:
    """Version, items, processor seconds, MB."""
    database = CatalogDatabase(sqlite_config(folder / "catalog.sqlite"))
    MetadataCatalog(database).declare("labels", KEYS, "benchmark")
    catalog = CollectionCatalog(database)
    began = time.process_time()
    schema = MetadataSchema("labels", {key.name: key for key in KEYS})
    read = read_specification(folder / "spec.json", "spec.json", schema)
    import_id = catalog.begin("street", ImportRequest(key="one", schema="labels"))
    done = catalog.register(import_id, read.batches, read.flags)
    used = time.process_time() - began
    return ["", done.total("created"), used, peak_memory_bytes(os.getpid()) / 2**20]


def main() -> None:
    """Prints a line a tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--datumaro", type=Path, help="A Python that has it.")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ours:
        print(json.dumps(ours(given.ours)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        make_files(Path(scratch), given.items)
        commands = {
            "ours": [sys.executable, "-m", "benchmarks.collection_peers", "--ours", scratch]
        }
        if given.datumaro:
            commands["datumaro"] = [str(given.datumaro), "-c", _DATUMARO, scratch]
        for name, command in commands.items():
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            version, count, used, memory = json.loads(told.splitlines()[-1])
            print(f"{name:>9} {version:8} {count:9,} items {used:8.2f} s of CPU {memory:7.0f} MB")


if __name__ == "__main__":
    main()
