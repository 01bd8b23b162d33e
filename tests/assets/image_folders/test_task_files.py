"""Import tasks into image folders: what is new joins what is there, each file whole or not at all."""

import pytest

from assets import task_run
from assets.image_folders import task_files
from orchestration.location import Location
from orchestration.services.import_tasks.listing import show_task
from orchestration.services.import_tasks.starting import retry_here, start_here
from orchestration.services.import_tasks.steering import stop_task
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.media.store import MediaStore
from resources.stores.media.writer import MediaWriter
from resources.stores.table_writer import TableWriter
from tests import import_tasks
from tests.assets.image_folders.zips import JPEG, PNG, zipped
from tests.faults import kill_at
from tests.import_tasks import handed_in, objects, outcomes, records, workplace
from tests.project import project
from tests.resources.media import media_files as make

YAML = """
type: resources.FolderConnector
attributes: {name: landing, root: landing}
---
type: assets.ImageFolder
attributes: {name: photos, connectors: [landing]}
"""
KEY = ("datasets", "photos")
OTHER = make.noise("PNG", (20, 30))


@pytest.fixture(scope="module")
def location():
    with project(YAML) as loaded:
        yield Location(loaded)


@pytest.fixture
def place(location, tmp_path):
    with workplace(location, tmp_path) as found:
        yield found


def created(place, source, **options):
    return import_tasks.created(place, "image_folder", "photos", source, **options)


def ended(place, source, **options):
    return start_here(place, created(place, source, **options).id, lambda _: None)


def images(place):
    table = place.location.store().read(KEY).to_table().to_pylist()
    return {row["path"]: row["duplicate_of"] for row in table}


def test_zips_and_images_join_what_is_there_each_with_its_result(place, tmp_path):
    first = ended(place, handed_in(tmp_path, {"a.zip": zipped({"x/1.png": PNG, "x/2.jpg": JPEG})}))
    assert (first.state, first.created) == ("completed", 1)
    second = ended(
        place,
        handed_in(tmp_path, {"new.png": OTHER, "same.png": PNG, "b.zip": zipped({"x/1.png": PNG})}),
    )
    assert outcomes(place, second) == {
        "new.png": ("done", "created"),
        "same.png": ("skipped", "duplicate"),
        "b.zip": ("skipped", "unchanged"),
    }
    assert images(place) == {"x/1.png": None, "x/2.jpg": None, "new.png": None}
    store = place.location.store()
    source = store.read(KEY).version.properties["source"]
    assert (source["import_task"], source["uploaded_by"]) == (second.id, "ann")
    media = MediaStore.open(store.url)
    for row in store.read(KEY).to_table().to_pylist():
        with media.local_file(row["sha256"]) as path:
            assert path.stat().st_size == row["size_bytes"]


def test_a_duplicate_is_taken_if_asked_for_and_told_of_its_twin(place, tmp_path):
    ended(place, handed_in(tmp_path, {"a.png": PNG}))
    task = ended(place, handed_in(tmp_path, {"b.png": PNG}), on_duplicate="new_version")
    assert (task.created, images(place)) == (1, {"a.png": None, "b.png": "a.png"})


def test_a_bad_file_ends_it_unless_the_others_are_to_go_on(place, tmp_path):
    files = handed_in(
        tmp_path,
        {
            "good.png": PNG,
            "words.png": b"no image",
            "empty.jpg": b"",
            "mixed.zip": zipped({"1.png": OTHER, "note.txt": b"hello"}),
            "GOOD.png": JPEG,
        },
    )
    strict = ended(place, files)
    assert (strict.state, strict.done, strict.failed) == ("failed", 0, 1)
    assert place.location.store().item(KEY).latest() is None
    task = ended(place, files, ignore_errors=True)
    assert (task.state, images(place)) == ("completed", {"good.png": None})
    assert outcomes(place, task) == {
        "good.png": ("done", "created"),
        "words.png": ("failed", "type_mismatch"),
        "empty.jpg": ("failed", "type_mismatch"),
        "mixed.zip": ("failed", "unreadable"),
        "GOOD.png": ("failed", "name_not_allowed"),
    }


def test_the_second_task_of_a_folder_says_0_new_and_a_refresh_changes_nothing(place, tmp_path):
    (tmp_path / "landing" / "in").mkdir()
    for name, data in {"a.png": PNG, "b.jpg": JPEG}.items():
        (tmp_path / "landing" / "in" / name).write_bytes(data)
    assert ended(place, objects("in/*")).created == 2
    assert set(images(place)) == {"in/a.png", "in/b.jpg"}
    again = ended(place, objects("in/*"))
    assert (again.state, again.done, again.unchanged) == ("completed", 0, 2)
    (tmp_path / "landing" / "in" / "a.png").write_bytes(OTHER)
    assert ended(place, objects("in/*")).updated == 1
    assert len(place.location.store().item(KEY).versions()) == 2


def test_it_stops_and_goes_on(place, tmp_path, monkeypatch):
    task = created(
        place, handed_in(tmp_path, {f"{n}.png": make.noise("PNG", (9, n + 5)) for n in range(5)})
    )
    look = task_files._look

    def stopping(looker, file, check):
        if file.item.number == 3:
            monkeypatch.setattr(task_files, "_look", look)
            stop_task(records(place), task.id, "bob")
        return look(looker, file, check)

    monkeypatch.setattr(task_files, "_look", stopping)
    monkeypatch.setattr(task_run, "_LOOK_SECONDS", 0)
    assert start_here(place, task.id, lambda _: None).state == "stopped"
    assert place.location.store().item(KEY).latest() is None
    assert start_here(place, task.id, lambda _: None).created == 5
    assert len(images(place)) == 5


@pytest.mark.parametrize(
    "target",
    [(MediaWriter, "claim"), (TableWriter, "publish"), (TaskItemCatalog, "settle")],
    ids=["claimed", "published", "settled"],
)
def test_a_killed_run_is_taken_up_again_and_every_image_is_there_once(place, tmp_path, target):
    task = created(place, handed_in(tmp_path, {"a.png": PNG, "b.zip": zipped({"c.jpg": JPEG})}))
    assert kill_at(lambda: start_here(place, task.id, lambda _: None) and 0, [target], 1).killed
    assert show_task(records(place), task.id).state == "failed"
    done = retry_here(place, task.id, lambda _: None)
    assert (done.state, done.created) == ("completed", 2)
    assert images(place) == {"a.png": None, "c.jpg": None}
