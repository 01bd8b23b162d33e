"""Who has the job that removes kept bytes, and that it may run at any moment of an import. More of what it does: `cli/test_collection.py`."""

import json
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets.collections import build
from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.kept_media import JOB, remove_unneeded
from orchestration.location import Location
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.resource import CatalogResource
from resources.stores.media.writer import MediaWriter
from resources.stores.resource import StoreResource
from tests.project import project

COLLECTION = "type: assets.Collection\nattributes: {name: photos, probe: never}\n"
FOLDER = "type: assets.ImageFolder\nattributes: {name: faces}\n"
UPLOAD = "type: assets.Dataset\nattributes: {name: notes, upload: true}\n"


@pytest.mark.parametrize(("yaml", "has"), [(COLLECTION, True), (FOLDER, True), (UPLOAD, False)])
def test_the_job_is_there_where_something_keeps_bytes(yaml, has):
    with project(yaml) as definitions:
        assert (JOB in [job.name for job in definitions.jobs or []]) == has
        schedules = [schedule.name for schedule in definitions.schedules or []]
        assert (JOB in schedules) == has


COPIES = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Collection
attributes: {name: copies, connectors: [lake], keep_copies: true, probe: never}
"""
DAYS = 3 * 86_400


@pytest.fixture(scope="module")
def copies():
    with project(COPIES) as found:
        yield found


@pytest.fixture
def waybill(copies, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "lake").mkdir()
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(copies), instance)
            result = CliRunner().invoke(app, ["collection", *arguments], obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        yield command


class Nights:
    """The collector at each step of an import, while all that is kept is old: nothing is spared for its youth."""

    def __init__(self, home, patch):
        self.home = home
        self.ran = 0
        self.age("claims")  # those of now are old; a run never lasts as long as the grace period
        self.lock = threading.Lock()
        for owner, name in (
            *((MediaWriter, step) for step in ("keep", "keep_known", "claim")),
            *((CollectionCatalog, "settle"), (build, "publish")),
        ):
            self.between(owner, name, patch)

    def between(self, owner, name, patch):
        step = getattr(owner, name)

        def beside(*given, **named):
            self.pass_by()
            done = step(*given, **named)
            self.pass_by()
            return done

        patch.setattr(owner, name, beside)

    def pass_by(self):
        with self.lock:
            self.age("objects")
            remove_unneeded(dg.build_op_context(), store=StoreResource(), catalog=CatalogResource())
            self.ran += 1

    def age(self, folder):
        old = time.time() - DAYS
        for file in Path(self.home).rglob(f"media/{folder}/**/*"):
            os.utime(file, (old, old))


def import_all(waybill, tmp_path, *names, code=0):
    given = [{"objectUrl": f"file://{tmp_path}/lake/{name}"} for name in names]
    file = tmp_path / "given.json"
    file.write_text(json.dumps({"skip_duplicate_urls": True, "images": given}))
    return waybill("import", str(file), "--collection", "copies", "--json", code=code)


def test_nothing_that_an_import_keeps_goes_whenever_the_job_runs(waybill, tmp_path, monkeypatch):
    for number in range(4):
        (tmp_path / "lake" / f"{number}").write_bytes(bytes([number]) * 1000)
    media = StoreResource().media()
    # What nobody needs any more: the next import keeps two of the same bytes.
    import_all(waybill, tmp_path, "0", "1", "3")
    first = json.loads(waybill("items", "copies", "--json"))["items"]
    unneeded = {item["title"][-1]: item["objects"][0] for item in first}
    ItemCatalog(CatalogResource().collections().database).remove("copies", [i["id"] for i in first])
    import_all(waybill, tmp_path, "2")
    StoreResource().tables().collect(("datasets", "copies"), keep=1, grace=timedelta(0))
    with monkeypatch.context() as patch:
        nights = Nights(tmp_path, patch)
        import_all(waybill, tmp_path, "0", "1", "2")
        assert nights.ran > 10
        # A run that ends before it has published: only the catalog knows what it kept.
        (tmp_path / "lake" / "4").write_bytes(b"4" * 1000)
        with patch.context() as broken:
            broken.setattr(build, "publish", lambda *_, **__: 1 / 0)
            import_all(waybill, tmp_path, "4", code=1)
        for _ in range(3):
            nights.pass_by()
    items = json.loads(waybill("items", "copies", "--json"))["items"]
    assert sorted(item["title"][-1] for item in items) == ["0", "1", "2", "4"]
    assert [item["title"] for item in items if media.find(item["objects"][0]) is None] == []
    assert media.find(unneeded["3"]) is None, "the job did its work beside them"
