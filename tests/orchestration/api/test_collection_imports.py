"""Imports into collections over HTTP: from the first byte of a specification to the last item, stopped, killed and gone on with."""

import csv
import io
import json
import os
import signal
import uuid
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from orchestration.services.access.audit import LogFilter, list_entries
from orchestration.services.instance import open_instance
from orchestration.services.locks import is_held
from orchestration.services.runs.process import RunProcess
from orchestration.services.webhooks.courier import Courier
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore
from tests.resources.stores.catalog.webhooks.made import deliveries, make_webhook
from tests.served import served, wait_until

YAML = """
type: resources.FolderConnector
attributes: {{name: lake, root: {lake}}}
---
type: resources.FolderConnector
attributes: {{name: other, root: {lake}/other}}
---
type: assets.MetadataSchema
attributes: {{name: site, keys: [{{name: lux, type: number}}]}}
---
type: assets.Collection
attributes: {{name: photos, connectors: [lake], types: [image], metadata_schema: site, folder: north}}
---
type: assets.Collection
attributes: {{name: named, connectors: [lake], probe: never}}
---
type: assets.Collection
attributes: {{name: slow, connectors: [lake]}}
---
type: resources.SftpConnector
attributes: {{name: far, host: 127.0.0.1, username: u, password: {{env: NOWHERE_SET}}, host_key: "ssh-ed25519 AAAA"}}
---
type: assets.Collection
attributes: {{name: locked, connectors: [far]}}
"""
LIMIT = 40_000_000
BYTES = {"Content-Type": "application/octet-stream"}
HTML = "<img src=x onerror=alert(1)>"


@dg.job
def _nothing_of_it():
    pass


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    (folder / "other").mkdir()
    for number in range(4):
        Image.new("RGB", (32 + number, 16)).save(folder / f"a{number}.png")
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory, lake):
    files = {"photos/defs.yaml": YAML.format(lake=lake)}
    variables = {"WAYBILL_UPLOAD_LIMIT": str(LIMIT)}
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, files, daemon=True, variables=variables) as found:
        yield found


@pytest.fixture
def api(shop):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield Api(client, shop)


class Api:
    """The routes of collections, as a program asks them."""

    def __init__(self, client, shop) -> None:
        self.client = client
        self.base = f"/api/v1/projects/{shop.name}"

    def check(self, name="photos", **asked):
        return self._post(f"collections/{name}/check", 200, **asked)

    def take(self, name="photos", code=202, **asked):
        return self._post(f"collections/{name}/imports", code, **asked)

    def act(self, started, verb, code=202, **params):
        return self._post(f"{self._place(started)}/{verb}", code, params=params)

    def show(self, started):
        return self.get(self._place(started))

    def ended(self, started):
        wait_until(
            lambda: self.show(started)["state"] not in ("queued", "importing", "not started")
        )
        return self.show(started)

    def get(self, place):
        return self.client.get(f"{self.base}/{place}").raise_for_status().json()

    def failures(self, started):
        place = f"{self.base}/{self._place(started)}/failures"
        return self.client.get(place, params={"format": "csv"}).raise_for_status()

    def _place(self, started):
        return started["progress"].removeprefix(f"{self.base}/")

    def _post(self, place, code, **asked):
        answer = self.client.post(f"{self.base}/{place}", **asked)
        assert answer.status_code == code, answer.text
        return answer.json()


def spec(*items, **more) -> bytes:
    return json.dumps({"images": items, "skip_duplicate_urls": True, **more}).encode()


def image(lake, name, **more):
    return {"objectUrl": f"file://{lake}/{name}", **more}


def body(content: bytes, name="photos.json", **params):
    return {"content": content, "params": {"file_name": name, **params}, "headers": BYTES}


def test_a_specification_is_checked_and_imported_to_its_last_item(shop, api, lake):
    given = spec(*(image(lake, f"a{n}.png", clientMetadata={"lux": n}) for n in range(4)))
    checked = api.check(**body(given))
    assert (checked["accepted"], checked["would"]) == (True, {"created": {"image": 4}})
    assert (checked["folder"], checked["skip_duplicate_urls"]) == ("north", True)
    named = {"upload": checked["upload"], "file_name": "photos.json"}
    key = {"Idempotency-Key": "first"}
    started = api.take(params=named, headers=key)
    assert (
        api.take(params=named, headers=key) == started
    )  # asked again by the same key: the same import
    done = api.ended(started)
    assert (done["state"], done["ready"], done["did"]) == (
        "completed",
        4,
        {"created": {"image": 4}},
    )
    assert (done["can"], done["next_step"], done["run_id"]) == ([], "", started["run_id"])
    store = TableStore.open(f"file://{shop.home.root / 'store'}")
    wait_until(lambda: store.item(("datasets", "photos")).versions())
    assert store.read(("datasets", "photos")).to_table().num_rows == 4
    again = api.check(**body(given))
    assert again["would"] == {"skipped": {"image": 4}}
    api.take(
        params={**named, "folder": "south"}, headers=key, code=422
    )  # the key was for another one
    [entry, *_] = list_entries(CatalogDatabase.open(), LogFilter(action="collection.import"))
    assert entry.subject == "collections/photos"
    assert api.get("collections/photos/imports")["items"][0]["id"] == started["import_id"]
    # A key of other work leaves no import that nothing will ever work on.
    assert "used for other work" in api.take("named", params=named, headers=key, code=422)["detail"]
    assert api.get("collections/named/imports")["items"] == []


def test_a_collection_that_never_took_anything_is_empty_and_jobs_of_imports_are_no_pipelines(api):
    assert api.get("collections/locked/items") == {"items": [], "next": None, "total": 0}
    assert api.get("collections/locked/folders") == []
    for wrong in ("filter=lux%20>>", "sort=nothing"):
        assert api.client.get(f"{api.base}/collections/locked/items?{wrong}").status_code == 422
    names = [one["name"] for one in api.get("pipelines")["items"]]
    assert not [name for name in names if name.startswith("import_")]


def test_what_cannot_begin_is_refused_and_not_written_down(api):
    """A variable that is not set: no import is left that was never started."""
    given = body(spec({"objectUrl": "sftp://u@127.0.0.1/a.png"}))
    assert "NOWHERE_SET" in api.take("locked", code=409, **given)["detail"]
    assert api.get("collections/locked/imports")["items"] == []


def test_a_run_that_fails_before_it_begins_says_why(shop, api, lake):
    """Its step never ran, so the catalog knows of no end: what Dagster recorded is the reason."""
    started = api.take("slow", **body(spec(image(lake, "a0.png"))))
    api.ended(started)
    with open_instance(shop.home) as instance:
        run = instance.create_run_for_job(
            _nothing_of_it,
            run_id=str(uuid.uuid4()),
            tags={"waybill/import": str(started["import_id"])},
        )
        CollectionCatalog(CatalogDatabase.open()).await_run(started["import_id"], run.run_id)
        instance.report_run_failed(run, "resource 'store' cannot be opened: no route to it")
    told = api.show(started)
    assert (told["state"], told["run_id"]) == ("interrupted", run.run_id)
    assert told["message"] == "resource 'store' cannot be opened: no route to it"


def test_it_comes_by_an_upload_or_lies_in_a_connector(api, lake):
    content = spec(image(lake, "a0.png"))
    sent = api.client.post(f"{api.base}/uploads", files={"file": ("by.json", content)}).json()
    started = api.take("named", params={"upload": sent["id"], "folder": "up"})
    assert api.ended(started)["file_name"] == "by.json"
    (lake / "specs").mkdir(exist_ok=True)
    (lake / "specs" / "here.json").write_bytes(content)
    lies = {"connector": "lake", "object_key": "specs/here.json", "folder": "lying"}
    done = api.ended(api.take("named", params=lies))
    assert (done["state"], done["folder"], done["ready"]) == ("completed", "lying", 1)
    told = api.take("named", code=422, params={**lies, "connector": "other"})
    assert "none of its connectors" in told["detail"]
    api.take("named", code=404, params={**lies, "object_key": "gone.json"})


def test_errors_of_items_end_an_import_or_are_ignored_and_are_tried_again(api, lake):
    (lake / "bad.png").write_bytes(b"no image")
    items = [image(lake, n, title=f"={HTML}") for n in ("bad.png", "a1.png", "late.png")]
    strict = api.ended(api.take(**body(spec(*items), folder="strict")))
    assert (strict["state"], strict["failed"] >= 1) == ("failed", True)
    assert "retry" in strict["can"]
    started = api.take(**body(spec(*items), folder="loose", ignore_errors=True))
    done = api.ended(started)
    assert (done["state"], done["ready"], done["failed"]) == ("completed", 1, 2)
    assert done["next_step"] == "retry looks at the 2 failed items once more"
    log = api.failures(started)
    rows = list(csv.reader(io.StringIO(log.text)))
    assert rows[0] == [
        "row_or_pointer",
        "type",
        "title",
        "object_url",
        "rule",
        "message",
        "attempts",
        "when",
    ]
    found = [(row[0], row[1], row[3], row[4], row[6]) for row in rows[1:]]
    assert found == [
        ("/images/0", "image", f"file://{lake}/bad.png", "object_type_mismatch", "1"),
        ("/images/2", "image", f"file://{lake}/late.png", "object_not_found", "1"),
    ]
    assert {row[2] for row in rows[1:]} == {f"'={HTML}"}  # no spreadsheet computes it
    assert rows[1][5].startswith("Expected an image, got a file of type")
    assert log.headers["content-disposition"].startswith("attachment")
    page = api.get(f"{api._place(started)}/failures?limit=1")
    more = api.get(f"{api._place(started)}/failures?limit=1&cursor={page['next']}")
    assert [one["rule"] for one in page["items"] + more["items"]] == [row[4] for row in rows[1:]]
    Image.new("RGB", (9, 9)).save(lake / "late.png")
    api.act(started, "resume", code=409)  # nothing is pending
    api.act(started, "retry")
    mended = api.ended(started)
    assert (mended["id"], mended["ready"], mended["failed"]) == (done["id"], 2, 1)
    assert len(api.failures(started).text.splitlines()) == 2


def test_one_that_is_stopped_goes_on_where_it_was(shop, api, lake):
    given = spec(*(image(lake, f"a{n}.png") for n in range(4)))
    catalog = CatalogDatabase.open()
    with catalog.lock("collection-slow"):  # its items cannot be registered meanwhile
        started = api.take("slow", **body(given, folder="stopped"))
        wait_until(lambda: api.show(started)["state"] == "importing")
        assert api.show(started)["can"] == ["stop"]
        api.act(started, "resume", code=409)
        api.act(started, "stop", code=200)
        stopped = api.ended(started)
    assert (stopped["state"], stopped["can"]) == ("stopped", ["resume"])
    assert stopped["next_step"] == "stopped: resume goes on with it from its beginning"
    api.act(started, "stop", code=409)
    again = api.act(started, "resume")
    assert again["run_id"] != started["run_id"]
    done = api.ended(started)
    assert (done["state"], done["ready"], done["run_id"]) == ("completed", 4, again["run_id"])
    told = [entry.action for entry in list_entries(catalog, LogFilter())]
    assert {"collection.stop", "collection.resume"} <= set(told)


def test_one_that_is_killed_is_interrupted_and_goes_on(shop, api, lake):
    database = CatalogDatabase.open()
    make_webhook(database, "told", "import.completed", "import.failed", is_paused=True)
    with database.lock("collection-slow"):
        started = api.take("slow", **body(spec(image(lake, "a3.png")), folder="killed"))
        wait_until(lambda: api.show(started)["state"] == "importing")
        os.kill(process_of(shop, started["run_id"]), signal.SIGKILL)
        wait_until(lambda: api.show(started)["state"] == "interrupted")
    resumed = api.act(started, "resume")
    assert api.ended(started)["ready"] == 1
    with dg.DagsterInstance.get() as instance:
        courier = Courier(database, instance)
        wait_until(
            lambda: (
                courier.round() == [] and {one.state for one in deliveries(database)} == {"waiting"}
            )
        )
    told = {(one.event, one.run_id) for one in deliveries(database)}
    assert ("import.completed", resumed["run_id"]) in told, "told when its run is over"
    assert {event for event, _ in told} == {"import.completed"}, "what goes on has not failed"


def test_two_imports_at_once_double_nothing(api, lake):
    given = spec(*(image(lake, f"a{n}.png") for n in range(4)))
    both = [api.take("named", **body(given, folder="both")) for _ in range(2)]
    done = [api.ended(one) for one in both]
    assert [one["state"] for one in done] == ["completed", "completed"]
    created = [one["did"].get("created", {}).get("image", 0) for one in done]
    assert sorted(created) == [0, 4]


def test_every_problem_of_a_hostile_file_is_paged_and_nothing_of_it_comes_in(api):
    items = b",".join(b"7" if n % 2 else b'{"objectUrl": "a b"}' for n in range(10_000))
    given = b'{"images": [%s]}' % items
    first = api.check(**body(given, after=0, limit=2))
    assert (first["accepted"], first["would"], first["next"]) == (False, {}, 2)
    assert first["problem_count"] == sum(first["problems_by_rule"].values()) >= 10_000
    named = {"upload": first["upload"], "file_name": "photos.json"}
    late = api.check(params={**named, "after": first["problem_count"] - 1, "limit": 5})
    assert (late["problems"][0]["at"], late["next"]) == ("/images/9999", None)
    place = f"{api.base}/collections/photos/check"
    report = api.client.post(place, params={**named, "report": "csv"}).raise_for_status().text
    assert len(report.splitlines()) == first["problem_count"] + 1
    refused = api.ended(api.take(params=named))
    assert (refused["state"], refused["registered"]) == ("failed", False)
    assert "Nothing was imported" in refused["message"]


def test_a_change_of_a_schema_that_a_rule_forbids_is_told_by_its_rule(api):
    def change(code, **given):
        return api._post("schemas/site/changes", code, json=given)

    changed = change(200, operation="add_enum", key="phase", values=["roof", "base"])
    for rule, given in (
        ("schema_key_invalid", {"operation": "add_scalar", "key": "$x", "data_type": "text"}),
        ("schema_key_exists", {"operation": "add_geospatial", "key": "phase"}),
        ("enum_duplicate", {"operation": "add_enum_options", "key": "phase", "values": ["roof"]}),
        ("embedding_size_range", {"operation": "add_embedding", "key": "v", "size": 4097}),
    ):
        told = change(422, **given)
        assert (told["facts"]["rule"], bool(told["detail"])) == (rule, True)
    stale = {"operation": "delete_key", "key": "phase", "revision": changed["revision"] - 1}
    change(409, **stale)
    change(409, operation="delete_key", key="lux")  # a file declares it
    change(200, operation="delete_key", key="phase")


def test_a_body_without_end_is_cut_off_and_leaves_nothing(shop, api):
    def endless():
        while True:
            yield b"x" * 1_000_000

    incoming = shop.home.root / "incoming"
    before = sorted(incoming.rglob("bytes"))
    place, name = f"{api.base}/collections/photos/imports", {"file_name": "a.json"}
    answer = api.client.post(place, params=name, content=endless(), headers=BYTES)
    assert answer.status_code == 413
    assert sorted(incoming.rglob("bytes")) == before
    api.take(code=422, **body(b""))
    api.take(code=422, **body(spec(), folder="../up"))
    api.take("unknown", code=404, **body(spec()))
    assert api.client.get(f"{api.base}/collections/named/imports/1").status_code == 404
    assert api.client.get(f"{api.base}/collections/photos/imports/999999").status_code == 404


def process_of(shop, run_id) -> int:
    """The process that works on a run: it holds the run's lock."""
    with open_instance(shop.home) as instance:
        run = instance.get_run_by_id(run_id)
    lock = RunProcess.of(run_id, run.tags).own_lock
    assert is_held(lock)
    held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    inode = str(lock.stat().st_ino)
    return next(int(line[4]) for line in held if line[5].rpartition(":")[2] == inode)
