"""Targets that a task names and nobody has declared: nothing is written that the task could not fill."""

import pytest

from orchestration.imports.collection import check_new_collection
from orchestration.services.import_tasks.new_targets import declaration_of_target
from orchestration.services.import_tasks.target_connectors import connectors_by_target
from resources.import_tasks.definition import parse_definition
from resources.kernel.errors import InputError, UnknownNameError, WaybillError

SHA = "a" * 64


def objects(connector="lake", path="in/*.csv"):
    return {"type": "connector", "connector": connector, "path": path}


def upload(name):
    return {"type": "upload", "files": [{"sha256": SHA, "name": name, "size": 3}]}


def web(address):
    return {"type": "web", "addresses": [address]}


def task(kind, source, name="fresh"):
    return parse_definition({"name": "", "target": {"kind": kind, "name": name}, "source": source})


@pytest.mark.parametrize("kind", ["dataset", "image_folder"])
@pytest.mark.parametrize(
    ("source", "error", "place"),
    [
        (objects("pond"), UnknownNameError, "source.connector"),
        (objects(path="../x"), InputError, "source.path"),
        (web("https://example.org/"), InputError, "source"),
    ],
)
def test_a_source_that_cannot_be_declares_nothing(bench, kind, source, error, place):
    with pytest.raises(error) as told:
        declaration_of_target(bench.place.location, task(kind, source))
    assert told.value.facts["place"] == place


def test_a_file_that_does_not_tell_how_to_read_it_declares_no_dataset(bench):
    with pytest.raises(InputError, match="does not tell how to read it"):
        declaration_of_target(bench.place.location, task("dataset", upload("a.bin")))


def test_what_can_be_is_declared_with_its_connector(bench):
    for kind in ("dataset", "image_folder"):
        assert "- lake" in declaration_of_target(bench.place.location, task(kind, objects()))
    assert "upload: true" in declaration_of_target(bench.place.location, task("dataset", upload("a.csv")))  # fmt: skip


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        (objects("pond"), "fresh", "unknown connector 'pond'"),
        (objects(path="../x"), "fresh", "cannot select objects"),
        (web("https://localhost/"), "fresh", "this machine"),
        (web("https://127.0.0.1/"), "fresh", "not in the public internet"),
        (objects(), "Not a name", "Not a name"),
    ],
)
def test_a_collection_that_could_not_take_its_first_task_is_refused_before_it_is_declared(
    bench, source, name, said
):
    with pytest.raises(WaybillError, match=said):
        check_new_collection(bench.place.location, task("collection", source, name))


def test_a_collection_that_could_is_not(bench):
    for source in (objects(), web("https://example.org/")):
        check_new_collection(bench.place.location, task("collection", source))


def test_each_target_tells_whose_files_it_takes(bench):
    found = connectors_by_target(bench.place.location)
    assert found["collection:docs"] == ("lake",)
