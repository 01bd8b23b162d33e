"""Tasks made and started for the server: once for a key, queued at once, refused with the state, never half made."""

import sys
from dataclasses import replace

import dagster as dg
import pytest

from orchestration.services.import_tasks.starting import (
    create_task,
    retry_task,
    start_all,
    start_task,
)
from orchestration.services.runs.start import Asked
from resources.import_tasks.definition import parse_definition
from resources.kernel.errors import (
    GoneError,
    InputError,
    MissingDependencyError,
    NotFoundError,
    UnknownNameError,
)
from resources.stores.catalog.import_tasks.records import TransitionError

LAKE = {"type": "connector", "connector": "lake", "path": "*"}


def definition(source=LAKE, *, name="docs", kind="collection", **more):
    return parse_definition({"name": "", "target": {"kind": kind, "name": name}, "source": source, **more})  # fmt: skip


def keyed(bench, key: str):
    return replace(bench.place, asked=Asked("ada", key))


def test_a_task_may_be_made_without_being_started(bench):
    made = create_task(bench.place, definition(), start=False, via="api")
    assert (made.state, made.via, made.asked_by, made.total) == ("not_started", "api", "ada", None)
    assert (made.can, made.run_ids, made.next_step) == (("start", "delete"), (), "start it")
    assert bench.place.instance.get_runs() == []


def test_the_same_key_makes_and_starts_one_task(bench):
    place = keyed(bench, "k1")
    first = create_task(place, definition(), start=True, via="api")
    again = create_task(place, definition(), start=True, via="api")
    assert first == again
    assert (first.state, first.queued) == ("importing", True)
    [run] = bench.place.instance.get_runs()
    assert run.status == dg.DagsterRunStatus.QUEUED
    assert run.tags["waybill/import_task"] == str(first.id)
    with pytest.raises(InputError, match="another import task"):
        create_task(place, definition(options={"ocr": True}), start=True, via="api")
    assert start_task(keyed(bench, "k1"), first.id).state == "importing"  # the same request again


def test_a_second_start_tells_the_state(bench):
    made = create_task(bench.place, definition(), start=True, via="api")
    with pytest.raises(TransitionError, match="already running") as told:
        start_task(bench.place, made.id)
    assert (told.value.facts["state"], told.value.facts["can"]) == ("importing", ["stop", "delete"])
    with pytest.raises(TransitionError):
        retry_task(bench.place, made.id)
    assert len(bench.place.instance.get_runs()) == 1


def test_several_have_an_answer_each(bench):
    one, two = (create_task(bench.place, definition(), start=n, via="api") for n in (False, True))
    told = {a.id: a for a in start_all(bench.place, [one.id, two.id, 99])}
    assert (told[one.id].ok, told[one.id].state) == (True, "importing")
    assert (told[two.id].ok, told[two.id].state) == (False, "importing")
    assert (told[99].ok, told[99].state) == (False, None)
    assert "no import task 99" in told[99].message


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"name": "dox"}, UnknownNameError, "Known: docs, photos"),
        ({"source": {**LAKE, "connector": "pond"}}, InputError, "none of its connectors"),
        ({"name": "photos", "source": {"type": "web", "addresses": ["https://example.org/"]}}, InputError, "web: true"),
        ({"source": {"type": "upload", "files": [{"sha256": "a" * 64, "name": "a.txt", "size": 1}]}}, GoneError, "hand the file in"),
    ],
)  # fmt: skip
def test_what_the_target_does_not_take_is_no_task(bench, given, error, said):
    with pytest.raises(error, match=said):
        create_task(bench.place, definition(**given), start=True, via="api")
    assert bench.records.tasks.ids() == set()
    with pytest.raises(NotFoundError):
        bench.show(1)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": "dcos"}, "target.name"),
        ({"source": {**LAKE, "connector": "lak"}}, "source.connector"),
        ({"source": {**LAKE, "path": "../x"}}, "source.path"),
        ({"source": {"type": "web", "addresses": ["https://localhost/"]}}, "source.addresses"),
        ({"name": "photos", "source": {"type": "web", "addresses": ["https://a.org/"]}}, "source"),
    ],
)
def test_what_the_target_does_not_take_is_told_by_its_field(bench, given, place):
    with pytest.raises((InputError, UnknownNameError)) as told:
        create_task(bench.place, definition(**given), start=False, via="api")
    assert told.value.facts["place"] == place


def test_a_field_over_the_path_needs_no_text(bench):
    fields = [{"key": "year", "source": "path", "pattern": "x"}]
    given = definition(name="photos", options={"fields": fields})
    assert create_task(bench.place, given, start=False, via="api").state == "not_started"


@pytest.mark.parametrize(
    ("name", "missing", "options", "said"),
    [
        ("docs", "rapidocr", {"ocr": True}, r'pip install "waybill\[ocr\]"'),
        ("docs", "striprtf", {}, r'pip install "waybill\[documents\]"'),
        ("photos", "", {"ocr": True}, "photos keeps no texts"),
        ("photos", "", {"output": "json"}, "none would be shown as json"),
        (
            "photos",
            "",
            {"fields": [{"key": "no", "source": "regex", "pattern": "x"}]},
            "over the path alone",
        ),
    ],
)
def test_what_could_not_be_read_is_told_before_anything_is_brought(
    bench, monkeypatch, name, missing, options, said
):
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises((MissingDependencyError, InputError), match=said):
        create_task(bench.place, definition(name=name, options=options), start=False, via="api")
    assert bench.records.tasks.ids() == set()


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(InputError, match="without user name") as told:
        definition({"type": "web", "addresses": ["https://ann:s3cret@example.org/x?sig=s3cret"]})
    assert "s3cret" not in f"{told.value} {told.value.facts}"
