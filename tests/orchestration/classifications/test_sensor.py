"""Files that arrive by themselves: once each, one at a time, in order of name; a rejected one moves nothing (R8).

A daemon in small: it evaluates the sensor, runs what is asked for unless a run of that key exists, keeps the cursor;
and it can die in between.
"""

import os
import time
import uuid
from contextlib import ExitStack

import dagster as dg
import pytest

from resources.home import store_url
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {{name: lake, root: lake}}
---
type: assets.ClassificationSet
attributes:
  name: products
  columns: [{{name: Brand}}, {{name: Size, type: integer}}]
  max_bytes: 1000
  files: {{connector: lake, path: "in/*", on_error: {on_error}{settle}}}
"""
NOW = ", settle_seconds: 0"
BAD = "Key,Brand\n,no key\n"


class Daemon:
    def __init__(self, definitions, instance):
        self.definitions, self.instance, self.cursor = definitions, instance, None
        self.sensor = definitions.resolve_sensor_def("products_files")
        self.job = definitions.resolve_job_def("apply_products")

    def evaluate(self):
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=self.definitions,
            resources=self.definitions.resources,
        ) as context:
            return self.sensor.evaluate_tick(context)

    def tick(self, *, dies="", status=None):
        """One tick; the files whose runs it started."""
        found = self.evaluate()
        if dies == "before the run":
            return []
        started = [request for request in found.run_requests if not self._has_run(request)]
        for request in started:
            self._run(request, status)
        if dies != "before the cursor":
            self.cursor = found.cursor
        return [request.tags["waybill/classification_file"] for request in started]

    def drain(self):
        """Ticks until nothing is asked for; the files in the order of their runs."""
        taken = []
        while new := self.tick():
            taken += new
        return taken

    def _tags(self, request):
        own = {"dagster/run_key": request.run_key, "dagster/sensor_name": "products_files"}
        return {**request.tags, **own}

    def _has_run(self, request):
        tags = {"dagster/run_key": request.run_key, "dagster/sensor_name": "products_files"}
        return bool(self.instance.get_runs(dg.RunsFilter(tags=tags)))

    def _run(self, request, status):
        if status is not None:
            self.instance.create_run_for_job(self.job, status=status, tags=self._tags(request))
            return
        self.job.execute_in_process(
            instance=self.instance,
            run_id=str(uuid.uuid4()),
            run_config=request.run_config,
            tags=self._tags(request),
            raise_on_error=False,
        )


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    for name in ("WAYBILL_CATALOG_URL", "WAYBILL_STORE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "lake" / "in"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def projects():
    """A project a way of dealing with errors; each test has a home of its own."""
    with ExitStack() as stack:
        yield {
            on_error: stack.enter_context(project(YAML.format(on_error=on_error, settle=settle)))
            for on_error, settle in (("continue", NOW), ("wait", NOW))
        }


@pytest.fixture
def start(inbox, projects):
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda on_error="continue": Daemon(projects[on_error], instance)


def store():
    return TableStore.open(store_url())


def rows():
    found = store().read(("datasets", "products"))
    return {r["Key"]: (r["Brand"], r["Size"]) for r in found.to_table().to_pylist()}


def history():
    lines = ClassificationCatalog(CatalogDatabase.open()).history("products")
    return [(e.facts.name, e.outcome) for e in reversed(lines)]


def put(inbox, name, text):
    """Writes a file as others do: under another name first, so that nobody sees half of it."""
    scratch = inbox.parent / "scratch"
    scratch.write_text(text)
    scratch.rename(inbox / name)


def test_files_come_in_once_each_in_order_of_name_and_stay_where_they_are(inbox, start):
    put(inbox, "2.csv", "Key,Brand\na,second\nb,second\n")
    put(inbox, "1.csv", "Key,Brand,Size\na,first,1\n")
    put(inbox, "3.json", '{"key":"b","action":"delete-key"}\n')
    daemon = start()
    assert daemon.drain() == ["in/1.csv", "in/2.csv", "in/3.json"]
    assert rows() == {"a": ("second", 1)}
    assert history() == [(f"in/{n}", "applied") for n in ("1.csv", "2.csv", "3.json")]
    assert sorted(path.name for path in inbox.iterdir()) == ["1.csv", "2.csv", "3.json"]
    assert daemon.drain() == []
    put(inbox, "1.csv", "Key,Brand\na,changed\n")
    assert daemon.drain() == ["in/1.csv"]
    assert rows() == {"a": ("changed", 1)}
    entry = ClassificationCatalog(CatalogDatabase.open()).history("products")[0]
    assert entry.facts.author == "connector lake"


def test_a_touched_file_undoes_nothing(inbox, start):
    """An rsync, a backup brought back: all old files are there again, with other times and the same content (M1)."""
    texts = {"1.csv": "Key,Brand\na,first\n", "2.csv": "Key,Brand\na,second\n"}
    for name, text in texts.items():
        put(inbox, name, text)
    daemon = start()
    daemon.drain()
    version = store().read(("datasets", "products")).version.number
    for name, text in texts.items():
        put(inbox, name, text)
    assert daemon.drain() == ["in/1.csv", "in/2.csv"]
    assert rows() == {"a": ("second", None)}
    assert history()[2:] == [("in/1.csv", "skipped"), ("in/2.csv", "skipped")]
    assert store().read(("datasets", "products")).version.number == version
    assert {run.status for run in daemon.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    # Skipped ones count as taken: a second touch is skipped as well.
    put(inbox, "1.csv", texts["1.csv"])
    daemon.drain()
    assert history()[-1] == ("in/1.csv", "skipped")


def test_other_content_and_other_names_are_no_touch(inbox, start):
    first, second = "Key,Brand\na,first\n", "Key,Brand\na,second\n"
    daemon = start()
    for text in (
        first,
        second,
        first,
    ):  # changed, and changed back: the file says something else each time
        put(inbox, "1.csv", text)
        daemon.drain()
        assert rows() == {"a": (text[-7:-1].strip(","), None)}
    put(inbox, "2.csv", second)
    put(inbox, "3.csv", first)  # a copy is a file of its own
    daemon.drain()
    assert rows() == {"a": ("first", None)}
    assert {outcome for _, outcome in history()} == {"applied"}


def test_a_touched_file_that_was_rejected_is_checked_again(inbox, start):
    put(inbox, "1.csv", BAD)
    put(inbox, "2.csv", "Key,Brand\nb,second\n")
    daemon = start("wait")
    daemon.drain()
    put(inbox, "1.csv", BAD)
    assert daemon.drain() == ["in/1.csv"]
    assert history() == [("in/1.csv", "rejected")] * 2
    assert "was not taken" in daemon.evaluate().skip_message


@pytest.mark.parametrize("by_hand", ["without an etag", "executed again"])
def test_who_wants_the_same_content_again_starts_the_run_by_hand(inbox, start, by_hand):
    put(inbox, "1.csv", "Key,Brand\na,first\n")
    daemon = start()
    [request] = daemon.evaluate().run_requests
    daemon.drain()
    put(inbox, "2.csv", "Key,Brand\na,second\n")
    daemon.drain()
    config, tags = dict(request.run_config), {}
    if by_hand == "without an etag":
        del config["ops"]["datasets__products"]["config"]["object_etag"]
    else:
        tags = {"dagster/parent_run_id": daemon.instance.get_runs(ascending=True)[0].run_id}
    daemon.job.execute_in_process(instance=daemon.instance, run_config=config, tags=tags)
    assert rows() == {"a": ("first", None)}


def test_what_lies_beside_data_costs_no_run(inbox, start):
    for name in ("README.md", ".hidden.csv", "_SUCCESS", "1.csv.part", "notes~", "Thumbs.db"):
        put(inbox, name, "no data")
    put(inbox, "1.csv", "Key,Brand\na,first\n")
    put(inbox, "2.jsonl", '{"key":"a","data":{"Brand":"x"}}\n')
    put(inbox, "readings.csv", "Key,Brand\nb,x\n")
    assert start().drain() == ["in/1.csv", "in/2.jsonl", "in/readings.csv"]
    assert history()[1] == (
        "in/2.jsonl",
        "rejected",
    )  # data, and said so: nobody would miss it otherwise


def test_a_rejected_file_changes_nothing_and_the_next_ones_come_in(inbox, start):
    put(inbox, "1.csv", "Key,Brand\na,first\n")
    put(inbox, "2.csv", BAD)
    put(inbox, "3.csv", "Key,Brand\nb,third\n")
    daemon = start()
    assert daemon.drain() == ["in/1.csv", "in/2.csv", "in/3.csv"]
    assert [outcome for _, outcome in history()] == ["applied", "rejected", "applied"]
    assert rows() == {"a": ("first", None), "b": ("third", None)}
    assert (inbox / "2.csv").read_text() == BAD
    put(inbox, "2.csv", "Key,Brand\nc,corrected\n")
    assert daemon.drain() == ["in/2.csv"]
    assert rows()["c"] == ("corrected", None)


@pytest.mark.parametrize("remedy", ["replaced", "removed"])
def test_with_wait_nothing_comes_in_before_a_rejected_file_is_replaced_or_removed(
    inbox, start, remedy
):
    put(inbox, "1.csv", BAD)
    put(inbox, "2.csv", "Key,Brand\nb,second\n")
    daemon = start("wait")
    assert daemon.drain() == ["in/1.csv"]
    waiting = daemon.evaluate()
    assert "in/1.csv was not taken" in waiting.skip_message
    assert history() == [("in/1.csv", "rejected")]
    if remedy == "replaced":
        put(inbox, "1.csv", "Key,Brand\nb,first\n")
        assert daemon.drain() == ["in/1.csv", "in/2.csv"]
    else:
        (inbox / "1.csv").unlink()
        assert daemon.drain() == ["in/2.csv"]
    assert rows() == {"b": ("second", None)}


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING],
)
def test_the_next_file_waits_for_the_run_of_the_one_before(inbox, start, status):
    put(inbox, "1.csv", "Key,Brand\na,first\n")
    put(inbox, "2.csv", "Key,Brand\na,second\n")
    daemon = start()
    assert daemon.tick(status=status) == ["in/1.csv"]
    assert "in/1.csv is being taken" in daemon.evaluate().skip_message
    assert daemon.tick() == []
    [run] = daemon.instance.get_runs()
    daemon.instance.report_run_canceled(run)
    assert daemon.drain() == ["in/2.csv"]


def test_a_run_that_dagster_tries_again_comes_before_the_next_file(inbox, start):
    put(inbox, "1.csv", "Key,Brand\na,first\n")
    put(inbox, "2.csv", "Key,Brand\na,second\n")
    daemon = start()
    daemon.tick(status=dg.DagsterRunStatus.FAILURE)
    [run] = daemon.instance.get_runs()
    daemon.instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    assert daemon.tick() == []
    daemon.instance.add_run_tags(run.run_id, {"dagster/auto_retry_run_id": "other"})
    assert daemon.drain() == ["in/2.csv"]


@pytest.mark.parametrize("dies", ["before the run", "before the cursor"])
def test_a_daemon_that_dies_at_every_tick_misses_and_doubles_nothing(inbox, start, dies):
    names = [f"{n:02d}.csv" for n in range(5)]
    for number, name in enumerate(names):
        put(inbox, name, f"Key,Brand,Size\na,x,{number}\nk{number},x,{number}\n")
    daemon, taken = start(), []
    for _ in range(14):
        taken += daemon.tick(dies=dies)
        taken += daemon.tick()
    assert taken == [f"in/{name}" for name in names]
    assert [name for name, _ in history()] == taken
    assert rows() == {"a": ("x", 4)} | {f"k{n}": ("x", n) for n in range(5)}


def test_a_file_that_is_replaced_while_it_waits_is_taken_in_its_new_state(inbox, start):
    put(inbox, "1.csv", "Key,Brand\na,old\n")
    daemon = start()
    daemon.tick(dies="before the run")
    put(inbox, "1.csv", "Key,Brand\na,newer than that\n")
    daemon.drain()
    assert rows() == {"a": ("newer than that", None)}
    assert history() == [("in/1.csv", "applied")]
    assert {run.status for run in daemon.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}


def test_a_file_that_is_gone_when_its_run_begins_fails_that_run_alone(inbox, start):
    put(inbox, "1.csv", "Key,Brand\na,old\n")
    put(inbox, "2.csv", "Key,Brand\nb,x\n")
    daemon = start()
    daemon.tick(dies="before the run")
    (inbox / "1.csv").unlink()
    assert daemon.drain() == ["in/1.csv", "in/2.csv"]
    assert history() == [("in/2.csv", "applied")]
    assert rows() == {"b": ("x", None)}


def test_a_file_that_is_too_large_is_refused_before_it_is_fetched(inbox, start):
    put(inbox, "1.csv", "Key,Brand\n" + "a,x\n" * 400)
    put(inbox, "2.csv", "Key,Brand\na,x\n")
    daemon = start()
    assert daemon.drain() == ["in/1.csv", "in/2.csv"]
    assert rows() == {"a": ("x", None)}
    assert history() == [("in/1.csv", "rejected"), ("in/2.csv", "applied")]
    entry = ClassificationCatalog(CatalogDatabase.open()).history("products")[-1]
    assert entry.facts.details["errors"][0]["rule"] == "file_too_large"
    assert entry.facts.size_bytes == 1610
    statuses = [run.status for run in daemon.instance.get_runs(ascending=True)]
    assert statuses == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]


def test_a_folder_that_is_not_there_yet_holds_nothing_new(inbox, start):
    inbox.rmdir()
    inbox.parent.rmdir()
    assert "No such file" in start().evaluate().skip_message


def test_a_file_that_may_still_be_written_waits_where_the_place_cannot_say(inbox):
    put(inbox, "1.csv", "Key,Brand\na,whole\n")
    os.utime(inbox / "1.csv", (time.time() - 3600,) * 2)
    put(inbox, "2.csv", "Key,Brand\na,half\n")
    declared = project(YAML.format(on_error="continue", settle=""))
    with declared as definitions, dg.DagsterInstance.ephemeral() as instance:
        assert Daemon(definitions, instance).drain() == ["in/1.csv"]
