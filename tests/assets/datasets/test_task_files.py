"""Import tasks into datasets: files together are one version or none, each with its own result."""

import gzip

import dagster as dg
import pytest

from assets import task_run
from orchestration.location import Location
from orchestration.services.import_tasks.listing import show_task
from orchestration.services.import_tasks.starting import retry_here, start_here
from orchestration.services.import_tasks.steering import delete_task, stop_task
from orchestration.services.runs.watch import run_here
from resources.home import waybill_home
from resources.kernel.errors import InputError, UnknownNameError
from resources.sources import whole_files
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.kept_uploads import KeptUploads
from resources.stores.table_writer import TableWriter
from tests import import_tasks
from tests.faults import kill_at
from tests.import_tasks import handed_in, objects, outcomes, records, workplace
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: landing, root: landing}
---
type: assets.Dataset
attributes: {name: sales, upload: true, connectors: [landing]}
---
type: assets.Dataset
attributes: {name: prices, upload: true, format: csv, options: {separator: ";"}}
---
type: assets.Datasource
attributes: {name: files, connector: landing, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: sourced, datasource: files}
"""
KEY = ("datasets", "sales")


@pytest.fixture(scope="module")
def shared_project():
    with project(YAML) as loaded:
        yield Location(loaded)


@pytest.fixture
def place(shared_project, tmp_path):
    with workplace(shared_project, tmp_path) as found:
        yield found


@pytest.fixture
def store(place):
    return place.location.store()


@pytest.fixture
def given(tmp_path):
    return lambda **files: handed_in(
        tmp_path, {name.replace("__", "."): data for name, data in files.items()}
    )


def created(place, source, *, name="sales", **options):
    return import_tasks.created(place, "dataset", name, source, **options)


def ended(place, source, **options):
    return start_here(place, created(place, source, **options).id, lambda _: None)


def rows(store, name="sales"):
    return store.read(("datasets", name)).to_table().to_pylist()


def test_files_of_a_task_become_one_version_each_with_its_result(place, store, given):
    task = ended(place, given(b__csv=b"id,n\n3,c\n", a__csv__gz=gzip.compress(b"id,n\n1,a\n2,b\n")))
    assert (task.state, task.total, task.done, task.created) == ("completed", 2, 2, 2)
    assert rows(store) == [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}, {"id": 3, "n": "c"}]
    assert outcomes(place, task) == {"b.csv": ("done", "created"), "a.csv.gz": ("done", "created")}
    (upload,) = KeptUploads(store).all("sales")
    source = store.read(KEY).version.properties["source"]
    assert (upload.by, source["upload"], source["import_task"]) == ("ann", 1, task.id)
    made = place.instance.get_latest_materialization_event(dg.AssetKey(KEY))
    metadata = made.asset_materialization.metadata
    assert (metadata["items"].value, metadata["author"].value) == (2, "ann")


def test_a_task_of_what_is_there_already_says_0_new_and_one_changed_file_says_1(
    place, store, tmp_path
):
    landing = tmp_path / "landing"
    for name in "abc":
        (landing / f"{name}.csv").write_text("id\n1\n")
    ended(place, objects("*.csv"))
    again = ended(place, objects("*.csv"))
    assert (again.state, again.done, again.skipped, again.unchanged) == ("completed", 0, 3, 3)
    (landing / "b.csv").write_text("id\n1\n2\n")
    (landing / "d.csv").write_text("id\n9\n")
    third = ended(place, objects("*.csv"))
    assert (third.created, third.updated, third.unchanged) == (1, 1, 2)
    assert [version.rows for version in store.item(KEY).versions()] == [3, 5]


def test_a_bad_file_is_named_and_nothing_comes_in(place, store, given):
    files = {f"f{n}__csv": f"id,n\n{n},x\n".encode() for n in range(1, 10)}
    task = ended(place, given(**{**files, "f7__csv": b"id,n\n7,x,too,many\n"}))
    assert task.state == "failed"
    assert "f7.csv" in task.reason
    found = outcomes(place, task)
    assert found.pop("f7.csv") == ("failed", "unreadable")
    assert set(found.values()) == {("pending", "")}
    assert store.item(KEY).latest() is None
    assert KeptUploads(store).all("sales") == []


def test_bad_files_are_left_out_if_asked_for_and_a_retry_takes_them_once_they_are_mended(
    place, store, tmp_path
):
    landing = tmp_path / "landing"
    for n in range(1, 6):
        (landing / f"f{n}.csv").write_text(f"id,n\n{n},x\n")
    (landing / "f2.csv").write_bytes(b"")
    (landing / "f3.csv").write_text("id,n\n3,x,too,many\n")
    task = ended(place, objects("*.csv"), ignore_errors=True)
    assert (task.state, task.done, task.failed, task.can) == (
        "completed",
        3,
        2,
        ("retry", "delete"),
    )
    found = outcomes(place, task)
    assert (found["f2.csv"], found["f3.csv"]) == (("failed", "empty"), ("failed", "unreadable"))
    assert [row["id"] for row in rows(store)] == [1, 4, 5]
    for n in (2, 3):
        (landing / f"f{n}.csv").write_text(f"id,n\n{n},mended\n")
    retried = retry_here(place, task.id, lambda _: None)
    assert (retried.state, retried.done, retried.failed) == ("completed", 5, 0)
    assert [row["id"] for row in rows(store)] == [1, 2, 3, 4, 5]


def test_files_of_which_most_are_bad_are_refused_whatever_the_task_says(place, store, given):
    files = given(a__csv=b"id\n1\n", b__csv=b"", c__parquet=b"PAR1", d__csv=b"")
    task = ended(place, files, ignore_errors=True)
    assert (task.state, task.failed) == ("failed", 3)
    assert "at most half" in task.reason
    assert outcomes(place, task)["c.parquet"] == ("failed", "type_mismatch")
    assert store.item(KEY).latest() is None


@pytest.mark.parametrize(
    ("name", "source", "error", "said"),
    [
        ("sourced", objects("*.csv"), InputError, "upload: true"),
        ("nope", objects("*.csv"), UnknownNameError, "nope"),
        ("prices", objects("*.csv"), InputError, "none of its connectors"),
        ("sales", {"type": "web", "addresses": ["https://example.org/"]}, InputError, "collection"),
    ],
)
def test_what_a_dataset_does_not_take_is_refused_before_anything_is_made(
    place, name, source, error, said
):
    with pytest.raises(error, match=said):
        created(place, source, name=name)
    assert records(place).tasks.ids() == set()


def test_a_path_that_means_nothing_fails_and_names_what_is_there(place, tmp_path):
    (tmp_path / "landing" / "Sales.csv").write_text("id\n1\n")
    task = ended(place, objects("sales.csv"))
    assert task.state == "failed"
    assert "differs in capital letters" in task.reason


def test_a_task_that_is_stopped_leaves_nothing_and_goes_on_when_it_is_started_again(
    place, store, given, monkeypatch
):
    task = created(place, given(**{f"f{n}__csv": f"id\n{n}\n".encode() for n in range(9)}))
    monkeypatch.setattr(task_run, "_LOOK_SECONDS", 0)
    bring, seen = whole_files._own, []

    def stop_at_the_third(*arguments, **options):
        seen.append(1)
        if len(seen) == 3:
            stop_task(records(place), task.id, "bob")
        bring(*arguments, **options)

    monkeypatch.setattr(whole_files, "_own", stop_at_the_third)
    stopped = start_here(place, task.id, lambda _: None)
    assert (stopped.state, stopped.pending, stopped.can) == ("stopped", 9, ("start", "delete"))
    assert place.instance.get_run_by_id(stopped.run_id).status == dg.DagsterRunStatus.CANCELED
    assert (store.item(KEY).latest(), KeptUploads(store).all("sales")) == (None, [])
    done = start_here(place, task.id, lambda _: None)
    assert (done.state, done.done, len(rows(store))) == ("completed", 9, 9)


def test_a_task_that_is_deleted_lets_its_uploads_go_and_keeps_the_version(place, store, given):
    task = ended(place, given(a__csv=b"id\n1\n"))
    kept = waybill_home() / "import-uploads" / str(task.id)
    assert kept.is_dir()
    assert delete_task(records(place), task.id, "ann") is None
    assert not kept.exists()
    assert (rows(store), records(place).tasks.ids()) == ([{"id": 1}], set())


@pytest.mark.parametrize("told", ["task", "new_task"])
def test_a_run_of_another_dataset_leaves_a_task_alone(place, store, given, told):
    task = created(place, given(a__csv=b"id\n1\n"))
    definition = records(place).find(task.id).definition_json.decode()
    config = {"task": {"task": task.id}, "new_task": {"new_task": definition}}[told]
    ran = run_here(
        place.home,
        place.instance,
        place.location.asset_job(),
        lambda _: None,
        config={"ops": {"datasets__prices": {"config": config}}},
        assets=[dg.AssetKey(("datasets", "prices"))],
    )
    assert "goes into dataset 'sales': a run of dataset 'prices' cannot" in ran.error
    assert [show_task(records(place), one).state for one in records(place).tasks.ids()] == [
        "not_started"
    ]
    assert store.item(("datasets", "prices")).latest() is None


@pytest.mark.parametrize(
    "target",
    [
        (whole_files, "_own"),
        (KeptUploads, "keep"),
        (TableWriter, "publish"),
        (TaskItemCatalog, "settle"),
        (ImportTaskCatalog, "end"),
    ],
    ids=["fetched", "kept", "published", "settled", "ended"],
)
def test_a_killed_run_is_seen_to_be_and_a_retry_brings_each_row_in_once(
    place, store, given, target
):
    task = created(place, given(a__csv=b"id\n1\n", b__csv=b"id\n2\n"))
    assert kill_at(lambda: start_here(place, task.id, lambda _: None) and 0, [target], 1).killed
    found = show_task(records(place), task.id)
    if target[1] == "end":  # it had been written down
        assert (found.state, found.done) == ("completed", 2)
    else:
        assert (found.state, found.reason[:11]) == ("failed", "interrupted")
        found = retry_here(place, task.id, lambda _: None)
    assert (found.state, found.done, found.created) == ("completed", 2, 2)
    assert [version.rows for version in store.item(KEY).versions()] == [2]
    assert sorted(row["id"] for row in rows(store)) == [1, 2]
