"""Import tasks into classification sets: each file whole or not at all, in their order."""

import pytest

from orchestration.location import Location
from orchestration.services.import_tasks.listing import show_task
from orchestration.services.import_tasks.starting import retry_here, start_here
from resources.kernel.errors import InputError
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from tests import import_tasks
from tests.faults import kill_at
from tests.import_tasks import handed_in, objects, outcomes, records, workplace
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: landing, root: landing}
---
type: assets.ClassificationSet
attributes: {name: brands, columns: [{name: Brand}], connectors: [landing]}
"""
GOOD, MORE, BAD = (
    b"Key,Brand\na,Acme\nb,Bolt\n",
    b"Key,Brand\nb,Bolts\nc,Crux\n",
    b"Key,Colour\na,red\n",
)


@pytest.fixture(scope="module")
def location():
    with project(YAML) as loaded:
        yield Location(loaded)


@pytest.fixture
def place(location, tmp_path):
    with workplace(location, tmp_path) as found:
        yield found


def created(place, source, **options):
    return import_tasks.created(place, "classification_set", "brands", source, **options)


def ended(place, source, **options):
    return start_here(place, created(place, source, **options).id, lambda _: None)


def held(place):
    table = place.location.store().read(("datasets", "brands")).to_table().to_pylist()
    return {row["Key"]: row["Brand"] for row in table}


def test_files_are_applied_in_their_order_each_with_its_result(place, tmp_path):
    task = ended(place, handed_in(tmp_path, {"1.csv": GOOD, "2.csv": MORE, "3.csv": MORE}))
    assert outcomes(place, task) == {
        "1.csv": ("done", "created"),
        "2.csv": ("done", "created"),
        "3.csv": ("skipped", "unchanged"),
    }
    assert held(place) == {"a": "Acme", "b": "Bolts", "c": "Crux"}


def test_a_rejected_file_ends_it_and_those_before_it_stay(place, tmp_path):
    task = ended(place, handed_in(tmp_path, {"1.csv": GOOD, "2.csv": BAD, "3.csv": MORE}))
    assert (task.state, task.done, task.failed, task.pending) == ("failed", 1, 1, 1)
    assert outcomes(place, task)["2.csv"] == ("failed", "dataset_refused")
    lenient = ended(place, handed_in(tmp_path, {"2.csv": BAD, "3.csv": MORE}), ignore_errors=True)
    assert (lenient.state, lenient.done, lenient.failed) == ("completed", 1, 1)
    assert held(place) == {"a": "Acme", "b": "Bolts", "c": "Crux"}


def test_a_mended_file_is_taken_by_a_retry(place, tmp_path):
    (tmp_path / "landing" / "x.csv").write_bytes(BAD)
    task = ended(place, objects("*.csv"))
    assert (task.state, task.failed) == ("failed", 1)
    (tmp_path / "landing" / "x.csv").write_bytes(GOOD)
    assert retry_here(place, task.id, lambda _: None).state == "completed"
    assert held(place) == {"a": "Acme", "b": "Bolt"}


def test_a_killed_run_applies_each_file_once(place, tmp_path):
    task = created(place, handed_in(tmp_path, {"1.csv": GOOD, "2.csv": MORE}))
    body = lambda: start_here(place, task.id, lambda _: None) and 0  # noqa: E731
    assert kill_at(body, [(TaskItemCatalog, "settle")], 0).killed  # applied, and not written down
    assert show_task(records(place), task.id).state == "failed"
    done = retry_here(place, task.id, lambda _: None)
    assert (done.state, done.done, done.created) == ("completed", 2, 2)
    assert held(place) == {"a": "Acme", "b": "Bolts", "c": "Crux"}


def test_a_reading_that_cannot_be_is_refused(place):
    with pytest.raises(InputError, match="'colour'"):
        created(place, objects("*.csv"), form={"colour": 1})
