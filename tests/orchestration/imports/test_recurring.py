"""Import tasks that make themselves: by the clock, when files arrive, by hand; each once, whatever dies."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.import_tasks.items import list_items
from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.pipelines.declared import pipeline_entries
from orchestration.services.runs.watch import run_here
from resources.kernel.errors import ConfigError
from tests.project import project

PLACES = """
type: resources.FolderConnector
attributes: {name: landing, root: landing}
---
type: assets.Dataset
attributes: {name: sales, upload: true, connectors: [landing]}
---
type: assets.Dataset
attributes: {name: plain, upload: true}
---
type: assets.Collection
attributes: {name: docs, connectors: [landing], documents: {}}
---
type: assets.Collection
attributes: {name: bare, connectors: [landing]}
"""
RECURRING = """
---
type: orchestration.RecurringImport
attributes:
  name: sales_inbox
  target: {kind: dataset, name: sales}
  inbox: {connector: landing, path: "in/*.csv", settle_seconds: 0}
---
type: orchestration.RecurringImport
attributes:
  name: nightly_docs
  target: {name: docs, folder: texts}
  objects: {connector: landing, path: "texts/*.txt"}
  schedule: {cron: "0 3 * * *", timezone: Europe/Paris}
  options: {output: text}
  keep_tasks: 2
"""


@pytest.fixture(scope="module")
def definitions():
    with project(PLACES + RECURRING) as loaded:
        yield loaded


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for folder in ("in", "texts"):
        (tmp_path / "landing" / folder).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def instance(home):
    with dg.instance_for_test(temp_dir=str(home)) as found:
        yield found


@pytest.fixture
def look(definitions, instance):
    """A tick of the inbox's sensor, and what the daemon makes of it."""
    state = {"cursor": None}

    def tick(*, launch=True):
        sensor = definitions.resolve_sensor_def("sales_inbox_new_objects")
        with dg.build_sensor_context(
            instance=instance,
            cursor=state["cursor"],
            definitions=definitions,
            resources=definitions.resources,
        ) as context:
            found = sensor.evaluate_tick(context)
        state["cursor"] = found.cursor
        for request in found.run_requests if launch else ():
            ran(definitions, instance, request, {"dagster/sensor_name": sensor.name})
        return [int(request.tags["waybill/new_objects"]) for request in found.run_requests]

    return tick


def ran(definitions, instance, request, tags):
    job = definitions.resolve_job_def("sales_inbox")
    key = {"dagster/run_key": request.run_key}
    tags = {**request.tags, **tags, **key}
    result = job.execute_in_process(
        instance=instance, run_config=request.run_config, tags=tags, raise_on_error=False
    )
    assert result.success


def tasks(definitions, instance):
    records = TaskRecords.of(Location(definitions), instance)
    found = [records.tasks.find(one) for one in sorted(records.tasks.ids())]
    return [(one, [i.name for i in list_items(records, one.id).items]) for one in found]


def test_new_files_of_an_inbox_become_a_task_each_version_of_a_file_once(
    definitions, instance, home, look
):
    inbox = home / "landing" / "in"
    (inbox / "a.csv").write_text("id\n1\n")
    (inbox / "b.csv").write_text("id\n2\n")
    assert look() == [2]
    assert (look(), look()) == ([], [])
    (inbox / "b.csv").write_text("id\n2\n3\n")
    assert look() == [1]
    (first, names), (second, more) = tasks(definitions, instance)
    assert (names, more) == (["in/a.csv", "in/b.csv"], ["in/b.csv"])
    assert {(one.via, one.asked_by, one.state, one.name) for one in (first, second)} == {
        ("sensor", "sensor sales_inbox_new_objects", "completed", "sales_inbox")
    }
    versions = Location(definitions).store().item(("datasets", "sales")).versions()
    assert [version.rows for version in versions] == [2, 2]


def test_a_request_that_no_run_came_of_is_asked_again_with_the_same_files(
    definitions, instance, home, look
):
    (home / "landing" / "in" / "a.csv").write_text("id\n1\n")
    assert look(launch=False) == [1]  # the daemon is killed before it heard of it
    (home / "landing" / "in" / "b.csv").write_text("id\n2\n")
    assert look() == [1, 1]
    assert look() == []
    assert [names for _, names in tasks(definitions, instance)] == [["in/a.csv"], ["in/b.csv"]]


def test_a_file_that_is_still_written_to_waits(home, instance):
    slow = RECURRING.replace("settle_seconds: 0", "settle_seconds: 3600")
    (home / "landing" / "in" / "half.csv").write_text("id\n1")
    with project(PLACES + slow) as found:
        sensor = found.resolve_sensor_def("sales_inbox_new_objects")
        with dg.build_sensor_context(
            instance=instance, definitions=found, resources=found.resources
        ) as context:
            tick = sensor.evaluate_tick(context)
    assert (tick.run_requests, "1 waiting" in tick.skip_message) == ([], True)


def test_the_clock_makes_a_task_at_its_time_and_the_next_one_finds_nothing_new(
    definitions, instance, home
):
    (home / "landing" / "texts" / "a.txt").write_text("Some words that can be read.\n")
    schedule = definitions.resolve_schedule_def("nightly_docs_schedule")
    job = definitions.resolve_job_def("nightly_docs")
    for day in (1, 2):
        moment = datetime(2026, 1, day, 2, 0, tzinfo=UTC)
        with dg.build_schedule_context(
            instance=instance, scheduled_execution_time=moment
        ) as context:
            (request,) = schedule.evaluate_tick(context).run_requests
        tags = {**request.tags, "dagster/schedule_name": schedule.name}
        job.execute_in_process(instance=instance, run_config=request.run_config or None, tags=tags)
    (first, _), (second, _) = tasks(definitions, instance)
    assert (first.via, first.asked_by) == ("schedule", "schedule nightly_docs_schedule")
    assert (first.state, first.created, first.folder) == ("completed", 1, "texts")
    assert (second.state, second.done, second.unchanged) == ("completed", 0, 1)
    for _ in range(2):
        job.execute_in_process(instance=instance)
    assert [one.id for one, _ in tasks(definitions, instance)] == [2, 3, 4]  # the first has gone
    assert Location(definitions).store().read(("datasets", "docs")).to_table().num_rows == 1


def test_a_time_passes_by_while_the_task_of_the_one_before_is_at_work(definitions, instance):
    schedule = definitions.resolve_schedule_def("nightly_docs_schedule")
    moment = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
    instance.create_run_for_job(
        definitions.resolve_job_def("nightly_docs"), status=dg.DagsterRunStatus.STARTED
    )
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=moment) as context:
        assert schedule.evaluate_tick(context).run_requests == []


def test_by_hand_it_makes_a_task_too_and_it_is_listed_with_its_times(definitions, instance, home):
    (home / "landing" / "in" / "a.csv").write_text("id\n1\n")
    location = Location(definitions)
    tags = {"waybill/actor": "ann"}
    job = location.job("sales_inbox")
    outcome = run_here(open_home(), instance, job, lambda _: None, tags=tags)
    assert outcome.ok, outcome.error
    ((task, names),) = tasks(definitions, instance)
    assert (task.asked_by, task.state, names) == ("ann", "completed", ["in/a.csv"])
    entries = {entry.name: entry for entry in pipeline_entries(location)}
    assert entries["nightly_docs"].schedules[0].timezone == "Europe/Paris"
    assert entries["sales_inbox"].sensors[0].name == "sales_inbox_new_objects"
    assert entries["sales_inbox"].targets == ("datasets/sales",)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("target: {kind: dataset, name: plain}, inbox: {connector: landing, path: x}", "`connectors:`"),
        ("target: {name: docs}, web: {addresses: ['https://a.org']}, schedule: {cron: '0 3 * * *'}", "public web"),
        ("target: {name: docs}, objects: {connector: landing, path: x}", "it has no times"),
        ("target: {name: docs}", "it names nothing to import"),
        ("target: {name: nope}, inbox: {connector: landing, path: x}", "nope"),
        ("target: {name: docs}, inbox: {connector: landing, path: x}, options: {colour: red}", "'colour'"),
        ("target: {name: docs}, objects: {connector: landing, path: x}, schedule: {cron: now}", "now"),
        ("target: {name: bare}, inbox: {connector: landing, path: x}, options: {ocr: true}", "keeps no texts"),
        ("target: {kind: dataset, name: sales}, inbox: {connector: landing, path: x}, options: {keep_raw: true}", "no use for the option 'keep_raw'"),
        ("target: {name: docs}, inbox: {connector: landing, path: x}, options: {output: xml}", "output"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_line(attributes, said):
    yaml = f"{PLACES}---\ntype: orchestration.RecurringImport\nattributes: {{name: one, {attributes}}}\n"
    with pytest.raises(ConfigError, match=said) as error, project(yaml):
        pass
    assert "defs.yaml:" in str(error.value)
