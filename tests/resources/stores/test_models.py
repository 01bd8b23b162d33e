"""Models as versions: kept whole, read whole, damage found (E53, E55, R2, R3)."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from resources.kernel.errors import GoneError, IntegrityError, NotFoundError, StorageError
from resources.stores.models import ModelStore
from resources.stores.versions import VersionStore

KEY = ("models", "worth")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(VersionStore.open(str(tmp_path / "store")))


def publish(store: ModelStore, content: str, run_id: str):
    return store.publish(
        KEY, model=f"model {content}".encode(), card=f"card {content}".encode(), run_id=run_id
    )


def test_the_newest_or_a_given_version_comes_back(store):
    publish(store, "one", "run-1")
    publish(store, "two", "run-2")
    newest = store.load(KEY)
    assert (newest.model, newest.card, newest.version.number) == (b"model two", b"card two", 2)
    assert store.load(KEY, 1).model == b"model one"


def test_a_run_keeps_a_model_once(store):
    first = publish(store, "one", "run-1")
    again = store.publish(KEY, model=b"model one", card=b"card one", run_id="run-1", attempt=1)
    assert again.number == first.number == 1
    assert store.item(KEY).numbers() == [1]


def test_properties_stand_in_the_version(store):
    version = store.publish(
        KEY, model=b"m", card=b"c", run_id="r", properties={"metrics": {"r2": 0.5}}
    )
    assert store.load(KEY, version.number).version.properties["metrics"] == {"r2": 0.5}


def test_what_is_not_there_is_said_so(store):
    with pytest.raises(NotFoundError, match="models/worth"):
        store.load(KEY)
    publish(store, "one", "run-1")
    with pytest.raises(NotFoundError, match="no version 2"):
        store.load(KEY, 2)


def test_a_collected_version_is_gone(store):
    from datetime import timedelta

    for number in range(3):
        publish(store, str(number), f"run-{number}")
    store.item(KEY).collect(keep=1, grace=timedelta(0))
    with pytest.raises(GoneError):
        store.load(KEY, 1)
    assert store.load(KEY).model == b"model 2"


def file_of(tmp_path: Path, name: str) -> Path:
    return next((tmp_path / "store").rglob(name))


@pytest.mark.parametrize("name", ["model.skops", "card.json"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="truncated"),
        pytest.param(lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), id="flipped"),
        pytest.param(lambda path: path.unlink(), id="missing"),
    ],
)
def test_damage_names_the_version_and_leaves_the_others(store, tmp_path, name, damage):
    publish(store, "one", "run-1")
    path = file_of(tmp_path, name)
    publish(store, "two", "run-2")
    path.parent.chmod(0o755)
    if path.exists():
        path.chmod(0o644)
    damage(path)
    with pytest.raises(IntegrityError, match="version 1 of models/worth"):
        store.load(KEY, 1)
    assert store.load(KEY).model == b"model two"


def test_a_full_disk_leaves_the_previous_version(store, monkeypatch):
    publish(store, "one", "run-1")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="No space left"):
        publish(store, "two", "run-2")
    monkeypatch.undo()
    assert store.load(KEY).model == b"model one"
    assert publish(store, "two", "run-3").number == 2


def test_something_else_under_the_key_is_no_model(store, tmp_path):
    with VersionStore.open(str(tmp_path / "store")).item(KEY).publisher("run-1") as publisher:
        path = publisher.new_file("other.bin")
        path.write_bytes(b"x")
        publisher.seal(path)
        publisher.publish()
    with pytest.raises(IntegrityError, match="does not hold a model and its card"):
        store.load(KEY)
