"""`waybill collection`: a specification checked, imported, gone on with; items, folders and what failed."""

import csv
import io
import json
import os
import signal
from datetime import timedelta

import dagster as dg
import pytest
from PIL import Image
from typer.testing import CliRunner

from assets.collections import build
from assets.collections.looking import Looker
from orchestration import kept_media
from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from resources.collections.schema_changes import AddGeospatial
from resources.stores.catalog.collections.items import ItemCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.resource import StoreResource
from tests.faults import Child
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.MetadataSchema
attributes:
  name: site
  keys:
    - {name: lux, type: number}
    - {name: phase, type: enum, options: [roof, base]}
---
type: assets.Collection
attributes: {name: photos, connectors: [lake], types: [image, pdf], metadata_schema: site, folder: north}
---
type: assets.Collection
attributes: {name: copies, connectors: [lake], keep_copies: true}
---
type: assets.Collection
attributes: {name: named, connectors: [lake], probe: never}
---
type: assets.Collection
attributes: {name: synced, connectors: [lake], types: [image], watch: {connector: lake, path: "in/**"}}
---
type: assets.SqlTransform
attributes: {name: wide, sql: "select title, media_width, meta_lux from photos where state = 'ready'"}
"""


@pytest.fixture(scope="module")
def definitions():
    with project(YAML) as found:
        yield found


@pytest.fixture
def waybill(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "lake").mkdir()
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, ["collection", *arguments], obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        command.location = Location(definitions)
        command.instance = instance
        yield command


@pytest.fixture
def lake(tmp_path, waybill):
    folder = tmp_path / "lake"
    for number in range(4):
        Image.new("RGB", (32 + number, 16)).save(folder / f"a{number}.png")
    (folder / "bad.png").write_bytes(b"no image at all")
    return folder


def spec(tmp_path, name, **sections):
    path = tmp_path / name
    path.write_text(json.dumps({"skip_duplicate_urls": True, **sections}))
    return str(path)


def images(lake, *names, **more):
    return [{"objectUrl": f"file://{lake}/{name}", **more} for name in names]


def test_a_specification_comes_in_once_and_its_items_are_found(waybill, lake, tmp_path):
    given = [
        {**one, "clientMetadata": {"lux": number, "phase": "roof"}}
        for number, one in enumerate(images(lake, *(f"a{n}.png" for n in range(4))))
    ]
    file = spec(tmp_path, "site.json", images=given)
    told = json.loads(waybill("check-spec", file, "--collection", "photos", "--json"))
    assert (told["accepted"], told["would"]) == (True, {"created": {"image": 4}})
    done = json.loads(waybill("import", file, "--collection", "photos", "--json"))
    assert (done["state"], done["did"], done["ready"]) == (
        "completed",
        {"created": {"image": 4}},
        4,
    )
    query = ("--filter", "lux > 1 and media.width in 34..40", "--sort", "-lux", "--json")
    found = json.loads(waybill("items", "photos", *query))
    assert [(i["metadata"]["lux"], i["media"]["width"], i["folder"]) for i in found["items"]] == [(3, 35, "north"), (2, 34, "north")]  # fmt: skip
    again = json.loads(waybill("import", file, "--collection", "photos", "--json"))
    assert again["did"] == {"skipped": {"image": 4}}
    assert json.loads(waybill("folders", "photos", "--json")) == [{"path": "north", "items": 4}]
    (line,) = [one for one in json.loads(waybill("list", "--json")) if one["name"] == "photos"]
    assert (line["items"], line["failed"], line["last_import"]) == (4, 0, again["id"])
    # The items are a dataset like any other; an import without effect made no version of it.
    table = waybill.location.store().item(("datasets", "photos")).versions()
    assert len(table) == 1
    assert waybill.location.store().read(("datasets", "photos")).to_table().num_rows == 4


def test_items_are_renamed_moved_saved_and_removed(waybill, lake, tmp_path):
    file = spec(tmp_path, "site.json", images=images(lake, "a0.png", "a1.png"))
    waybill("import", file, "--collection", "photos")
    one, two = (i["id"] for i in json.loads(waybill("items", "photos", "--json"))["items"])
    assert "is called The gate" in waybill("rename-item", "photos", str(one), "The gate")
    waybill("rename-item", "photos", str(one), "x" * 301, code=1)
    assert "larger than any" in waybill("item", "photos", "9" * 20, code=1)
    was = json.loads(waybill("item", "photos", str(one)))["revision"]
    changed = ("merge-metadata", "photos", str(one))
    assert "2 keys changed" in waybill(*changed, '{"lux": 3.5, "note": "x"}', "--revision", was)
    assert "was changed meanwhile" in waybill(*changed, '{"lux": 4}', "--revision", was, code=1)
    assert "is declared as number" in waybill(*changed, '{"lux": "bright"}', code=1)
    assert "Give an object" in waybill(*changed, "lux=4", code=1)
    kept = json.loads(waybill(*changed, '{"note": null}', "--json"))
    assert kept["metadata"] == {"lux": 3.5}
    assert json.loads(waybill("items", "photos", "--filter", "lux = 3.5", "--json"))["items"] == [kept]  # fmt: skip
    assert "2 moved" in waybill("move-items", "photos", str(one), str(two), "--to", "south")
    shown = json.loads(waybill("show", "photos", "--json"))
    assert (shown["states"], shown["types"], shown["is_published"]) == ({"ready": 2}, {"image": 2}, False)  # fmt: skip
    assert "image" in waybill("show", "photos")
    waybill("content", "photos", str(one), "-o", str(tmp_path / "saved.png"))
    assert (tmp_path / "saved.png").read_bytes() == (lake / "a0.png").read_bytes()
    waybill("content", "photos", str(one), "--file", "1", "-o", str(tmp_path / "no.png"), code=2)
    assert "1 removed" in waybill("remove-items", "photos", str(one), "--yes")
    assert json.loads(waybill("folders", "photos", "--json"))[-1] == {"path": "south", "items": 1}


def test_every_problem_is_told_and_nothing_of_a_refused_file_comes_in(waybill, lake, tmp_path):
    bad = [*images(lake, "a0.png", clientMetadata={"lux": "bright"}), {"objectUrl": "x y"}]
    file, report = spec(tmp_path, "bad.json", images=bad), tmp_path / "report.csv"
    told = waybill("check-spec", file, "--collection", "photos", "--report", str(report), code=1)
    assert "metadata_type_mismatch" in told
    assert "Correct the value, or give the key another type in the schema" in told
    rows = list(csv.DictReader(io.StringIO(report.read_text())))
    assert [row["at"] for row in rows] == ["/images/0/clientMetadata/lux", "/images/1/objectUrl"]
    done = json.loads(waybill("import", file, "--collection", "photos", "--json", code=1))
    assert (done["state"], done["registered"], done["did"]) == ("failed", False, {})
    assert "Nothing was imported" in done["message"]
    other = spec(tmp_path, "other.json", videos=images(lake, "a0.png"))
    assert "type_not_taken" in waybill("check-spec", other, "--collection", "photos", code=1)
    waybill("check-spec", file, "--collection", "unknown", code=2)


def test_one_column_is_of_videos_and_another_type_is_told_as_the_item_s_error(
    waybill, lake, tmp_path
):
    file = tmp_path / "old.csv"
    file.write_text(f"ObjectUrl\nfile://{lake}/a0.png\n")
    command = ("import", str(file), "--collection", "copies", "--ignore-errors", "--json")
    done = json.loads(waybill(*command))
    assert (done["did"], done["failed"]) == ({"created": {"video": 1}}, 1)
    [row] = csv.DictReader(io.StringIO(waybill("failures", str(done["id"]))))
    assert (row["row_or_pointer"], row["rule"]) == ("2", "object_type_mismatch")
    assert row["message"] == "Expected a video, got a file of type image/png"


def test_an_import_that_cannot_begin_says_why(waybill, lake, tmp_path):
    MetadataCatalog(CatalogDatabase.open()).apply("site", AddGeospatial("lux"), "ada")
    file = spec(tmp_path, "a.json", images=images(lake, "a0.png"))
    done = json.loads(waybill("import", file, "--collection", "photos", "--json", code=1))
    assert (done["state"], done["can"]) == ("failed", ["resume"])
    assert "metadata key 'lux': it is declared as geospatial" in done["message"]


def test_an_upsert_replaces_the_metadata_of_known_items_whole(waybill, lake, tmp_path):
    def given(**metadata):
        return images(lake, "a0.png", clientMetadata=metadata)

    first = spec(tmp_path, "first.json", images=[*given(lux=1, note="x"), *images(lake, "a1.png")])
    waybill("import", first, "--collection", "named")
    second = spec(
        tmp_path,
        "second.json",
        images=[*given(lux=2), *images(lake, "a1.png"), *images(lake, "a2.png")],
        upsert_metadata=True,
    )
    done = json.loads(waybill("import", second, "--collection", "named", "--json"))
    assert done["did"] == {"created": {"image": 1}, "updated": {"image": 1}, "skipped": {"image": 1}}  # fmt: skip
    held = json.loads(waybill("items", "named", "--json"))["items"]
    assert [item["metadata"] for item in held] == [{"lux": 2}, None, None]


def test_single_errors_end_an_import_or_are_told_in_its_log(waybill, lake, tmp_path):
    """F105, F106: a type that was not announced, an object that is not there, a URL that leads nowhere."""
    urls = ["bad.png", "gone.png", "a1.png"]
    file = spec(tmp_path, "mixed.json", images=[*images(lake, *urls), {"objectUrl": "s3://x/y"}])
    done = json.loads(
        waybill("import", file, "--collection", "photos", "--ignore-errors", "--json")
    )
    assert (done["state"], done["ready"], done["failed"]) == ("completed", 1, 3)
    rows = list(csv.DictReader(io.StringIO(waybill("failures", str(done["id"])))))
    assert [(row["row_or_pointer"], row["rule"]) for row in rows] == [
        ("/images/0", "object_type_mismatch"),
        ("/images/1", "object_not_found"),
        ("/images/3", "url_not_allowed"),
    ]
    assert rows[0]["message"].startswith("Expected an image, got a file of type")
    Image.new("RGB", (9, 9)).save(lake / "gone.png")
    again = json.loads(waybill("resume", str(done["id"]), "--retry-failed", "--json"))
    assert (again["id"], again["ready"], again["failed"]) == (done["id"], 2, 2)
    strict = json.loads(waybill("import", file, "--collection", "copies", "--json", code=1))
    assert strict["state"] == "failed"
    assert strict["failed"] >= 1
    assert strict["registered"]


def test_an_import_that_is_killed_goes_on_where_it_was(waybill, lake, tmp_path, monkeypatch):
    """The process dies while it looks at objects: what was settled stays, the rest is done by `resume`, once."""
    file = spec(tmp_path, "all.json", images=images(lake, *(f"a{n}.png" for n in range(4))))
    look = Looker.look

    def deadly(self, item):
        if item.urls[0].endswith("a3.png"):
            os.kill(os.getpid(), signal.SIGKILL)
        return look(self, item)

    def die():
        monkeypatch.setattr(Looker, "look", deadly)
        waybill("import", file, "--collection", "photos", "--json")

    Child(die).wait()
    (found,) = json.loads(waybill("imports", "photos", "--json"))
    assert (found["registered"], found["did"]) == (True, {"created": {"image": 4}})
    done = json.loads(waybill("resume", str(found["id"]), "--json"))
    assert (done["state"], done["pending"], done["ready"]) == ("completed", 0, 4)
    assert len(json.loads(waybill("items", "photos", "--json"))["items"]) == 4
    waybill("resume", str(found["id"]), code=1)  # nothing is left to do


def test_bytes_are_kept_where_the_collection_says_so(waybill, lake, tmp_path):
    file = spec(tmp_path, "copies.json", images=images(lake, "a0.png", "a1.png"))
    waybill("import", file, "--collection", "copies", "--json")
    found = json.loads(waybill("items", "copies", "--json"))["items"]
    content = (lake / "a0.png").read_bytes()
    (lake / "a0.png").unlink()
    media = StoreResource().media()
    with media.read(found[0]["objects"][0]) as kept:
        assert kept.read() == content


def test_no_byte_is_read_where_nothing_is_looked_at(waybill, tmp_path):
    """F084: `probe: never`; the object is not even there."""
    file = spec(tmp_path, "named.json", images=[{"objectUrl": "s3://bucket/a.png"}])
    done = json.loads(waybill("import", file, "--collection", "named", "--json"))
    assert (done["state"], done["ready"]) == ("completed", 1)
    shown = json.loads(waybill("item", "named", "1"))
    assert (shown["state"], shown["media"], shown["attempts"]) == ("ready", None, 0)
    waybill("item", "named", "99", code=2)
    assert "character" in waybill("items", "named", "--filter", "lux = 1", code=1)


def test_a_specification_is_made_of_a_listing_the_same_to_the_byte(waybill, lake, tmp_path):
    """F108, F109."""
    (lake / "a0.png.metadata.json").write_text('{"lux": 7}')
    (lake / "notes.xyz").write_text("x")
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    for output in (first, second):
        waybill("make-spec", "lake", "*", "-o", str(output), "--skip-duplicates")
    assert first.read_bytes() == second.read_bytes()
    waybill("import", str(first), "--collection", "photos", "--ignore-errors")
    query = ("--filter", "lux = 7", "--json")
    (item,) = json.loads(waybill("items", "photos", *query))["items"]
    assert item["urls"] == [f"file://{lake}/a0.png"]
    waybill("make-spec", "lake", "*.xyz", "-o", str(first), code=2)
    grouped = tmp_path / "grouped.csv"
    waybill("make-spec", "lake", "a?.png", "-o", str(grouped), "--group-by", "(a)")
    assert len(grouped.read_text().splitlines()) == 5


def test_what_is_new_in_a_watched_place_comes_in_once(waybill, lake, definitions):
    """The run that the sensor asks for; which objects are new is told by `orchestration/watching/new_objects.py`."""
    from orchestration.services.home import open_home
    from orchestration.services.runs.watch import run_here

    def sync():
        location = Location(definitions)
        config = {"ops": {"datasets__synced": {"config": {"watched": True}}}}
        done = run_here(open_home(), waybill.instance, location.job("import_synced"), lambda _: None, config=config)  # fmt: skip
        assert done.ok, done.error
        return sorted(i["title"] for i in json.loads(waybill("items", "synced", "--json"))["items"])

    (lake / "in").mkdir()
    Image.new("RGB", (5, 5)).save(lake / "in" / "1.png")
    (lake / "in" / "2.txt").write_text("no image, and not taken")
    assert len(sync()) == 1
    Image.new("RGB", (6, 5)).save(lake / "in" / "3.png")
    (lake / "in" / "4.png").write_bytes(b"broken")
    assert len(sync()) == len(sync()) == 3
    states = [i["state"] for i in json.loads(waybill("items", "synced", "--json"))["items"]]
    assert states == ["ready", "ready", "failed"]


def test_a_specification_that_lies_in_a_connector_is_kept_and_read_from_there(
    waybill, lake, definitions
):
    from orchestration.services.home import open_home
    from orchestration.services.runs.watch import run_here

    spec(lake, "spec.json", images=images(lake, "a0.png", "gone.png"))
    config = {"connector": "lake", "object_key": "spec.json"}
    done = run_here(
        open_home(),
        waybill.instance,
        Location(definitions).job("import_photos"),
        lambda _: None,
        config={"ops": {"datasets__photos": {"config": config}}},
    )
    assert not done.ok
    (found,) = json.loads(waybill("imports", "photos", "--json"))
    assert (found["file_name"], found["did"]) == ("spec.json", {"created": {"image": 2}})
    (lake / "spec.json").unlink()
    Image.new("RGB", (5, 5)).save(lake / "gone.png")
    again = json.loads(waybill("resume", str(found["id"]), "--retry-failed", "--json"))
    assert (again["state"], again["ready"]) == ("completed", 2)


@pytest.fixture
def collect(waybill, definitions, monkeypatch):
    """The job of each night; nothing is too young for it."""
    monkeypatch.setattr(kept_media, "DEFAULT_GRACE", timedelta(0))

    def run():
        job = definitions.get_job_def(kept_media.JOB)
        assert job.execute_in_process(instance=waybill.instance).success

    return run


def take(waybill, lake, tmp_path, name):
    file = spec(tmp_path, f"{name}.json", images=images(lake, name))
    waybill("import", file, "--collection", "copies", "--json")
    return json.loads(waybill("items", "copies", "--json"))["items"]


def test_what_a_killed_run_has_kept_stays_for_its_items(
    waybill, lake, tmp_path, collect, monkeypatch
):
    def die():
        monkeypatch.setattr(build, "publish", lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL))
        take(waybill, lake, tmp_path, "a0.png")

    assert Child(die).wait().killed
    assert waybill.location.store().item(("datasets", "copies")).numbers() == []
    collect()  # twice: the dead writer goes with the first
    collect()
    found = take(waybill, lake, tmp_path, "a1.png")
    collect()
    media = StoreResource().media()
    assert [media.find(one["objects"][0]) is not None for one in found] == [True, True]


def test_kept_bytes_go_when_no_version_and_no_item_needs_them(waybill, lake, tmp_path, collect):
    (item,) = take(waybill, lake, tmp_path, "a0.png")
    catalog = waybill.location.catalog().collections()
    ItemCatalog(catalog.database).remove("copies", [item["id"]])
    media = StoreResource().media()
    collect()
    assert media.find(item["objects"][0]) is not None, "a kept version refers to it"
    (left,) = take(waybill, lake, tmp_path, "a2.png")
    waybill.location.store().collect(("datasets", "copies"), keep=1, grace=timedelta(0))
    collect()
    assert media.find(item["objects"][0]) is None
    assert media.find(left["objects"][0]) is not None
