"""A project with a collection that tasks go into, and a bench to make, run and look at tasks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import dagster as dg
import pytest

from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.import_tasks.items import list_items
from orchestration.services.import_tasks.listing import show_task
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.import_tasks.starting import create_task, retry_here, start_here
from orchestration.services.runs.start import Asked
from orchestration.services.runs.workplace import Workplace
from resources.import_tasks.definition import parse_definition
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.uploads import UploadStore
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Collection
attributes: {name: photos, connectors: [lake], types: [image]}
---
type: assets.MetadataSchema
attributes:
  name: papers
  keys:
    - {name: year, type: number}
    - {name: kind, type: enum, options: [report, memo]}
---
type: assets.Collection
attributes:
  name: docs
  connectors: [lake]
  folder: in
  metadata_schema: papers
  web: true
  documents: {chunks: {by: heading, size: 400}, limits: {file_mb: 1}}
---
type: assets.SqlTransform
attributes: {name: pieces, sql: 'select c.title, d.characters from "docs/chunks" c join docs d on d.id = c.item', refresh: manual}
---
type: assets.Embedding
attributes: {name: piece_vectors, dataset: docs/chunks, key: [item, number], refresh: manual}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Exporter
attributes: {name: pieces_out, dataset: docs/chunks, connector: warehouse, table: pieces, refresh: manual}
"""


class Bench:
    """Tasks of one project, from the outside."""

    def __init__(self, place: Workplace, home: Path) -> None:
        self.place = place
        self.lake = home / "lake"
        self.records = TaskRecords.of(place.location, place.instance)

    def put(self, name: str, data: bytes | str) -> Path:
        path = self.lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def uploads(self, **files: bytes) -> dict:
        """The source of a task with these files, kept as uploads."""
        listed = []
        for name, data in files.items():
            path = self.lake.parent / "handed-in"
            path.write_bytes(data)
            kept = UploadStore.open().stage(path, limit=10**9)
            assert kept.sha256 == hashlib.sha256(data).hexdigest()
            listed.append({"sha256": kept.sha256, "name": name, "size": len(data)})
        return {"type": "upload", "files": listed}

    def make(self, source: dict | str, *, into: str = "docs", folder: str = "", **options):
        if isinstance(source, str):
            source = {"type": "connector", "connector": "lake", "path": source}
        target = {"kind": "collection", "name": into, "folder": folder}
        given = {"name": "", "target": target, "source": source, "options": options}
        return create_task(self.place, parse_definition(given), start=False, via="cli")

    def run(self, source: dict | str, **given):
        """A task made and worked on to its end, as it is then."""
        return self.start(self.make(source, **given).id)

    def start(self, task_id: int):
        return start_here(self.place, task_id, lambda _: None)

    def retry(self, task_id: int):
        return retry_here(self.place, task_id, lambda _: None)

    def show(self, task_id: int):
        return show_task(self.records, task_id)

    def items(self, task_id: int, **wanted):
        return list_items(self.records, task_id, limit=1_000, **wanted).items

    def rows(self, name: str = "docs"):
        """The collection's table, newest version."""
        return (
            self.place.location.store().read(("datasets", *name.split("/"))).to_table().to_pylist()
        )

    def in_collection(self, name: str = "docs"):
        return ItemCatalog(self.records.database).items(name, limit=1_000).items


@pytest.fixture(scope="session")
def definitions():
    with project(YAML) as found:
        yield found


@pytest.fixture
def bench(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "lake").mkdir()
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        place = Workplace(open_home(), Location(definitions), instance, Asked("ada"))
        yield Bench(place, tmp_path)
