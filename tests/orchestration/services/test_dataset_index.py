"""What a look at a thousand datasets costs, and that it sees what another process has done."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.services.dataset_index import FRESH_SECONDS, LISTING_SECONDS, DatasetIndex
from orchestration.services.dataset_list import DatasetEntry, DatasetTitle, Tried
from resources.kernel.errors import ConnectorUnavailableError
from resources.stores import local
from resources.stores.manifest_log import ManifestLog
from resources.stores.remote import RemoteStorage
from resources.stores.versions import VersionStore
from tests.contract.version_store import publish
from tests.faults import run_forked, wait_until
from tests.resources.stores.test_remote_store import options

MANY = 40
ENTRIES = [DatasetEntry(f"d{n:02}", "datasource", ("datasets", f"d{n:02}")) for n in range(MANY)]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(
        local, "_SETTLED_NS", 0
    )  # a file system that tells every change by its time
    found = VersionStore.open(str(tmp_path / "store"))
    for entry in ENTRIES[: MANY // 2]:
        publish(found.item(entry.key), "run-1")
    return found


class Recorded:
    """What Dagster says."""

    def __init__(self):
        self.tried = {}
        self.titles = {}

    def index(self, store, clock, **given):
        return DatasetIndex(
            store, lambda _: dict(self.tried), lambda: self.titles, clock=clock, **given
        )


@contextmanager
def counted(monkeypatch):
    """Calls that read something of the store, by name."""
    calls = Counter()
    with monkeypatch.context() as patch:
        for owner, name in (
            (ManifestLog, "latest"),
            (ManifestLog, "listed"),
            (RemoteStorage, "_find"),
            (RemoteStorage, "_list"),
            (RemoteStorage, "read_many"),
        ):
            real = getattr(owner, name)

            def call(*args, _real=real, _name=name, **kwargs):
                calls[_name] += 1
                return _real(*args, **kwargs)

            patch.setattr(owner, name, call)
        yield calls


def line(view, name):
    return next(found for found in view.items if found.name == name)


def test_a_look_reads_what_has_changed_and_nothing_else(store, clock, monkeypatch):
    recorded = Recorded()
    index = recorded.index(store, clock)
    with counted(monkeypatch) as calls:
        first = index.view(ENTRIES)
    assert calls["latest"] == MANY // 2, "what the store does not have is not looked for"
    assert [d.version for d in first.items] == [1] * (MANY // 2) + [None] * (MANY // 2)
    with counted(monkeypatch) as calls:
        assert index.view(ENTRIES) is first
        clock.now += FRESH_SECONDS
        second = index.view(ENTRIES)
    assert calls == {}, "nothing has changed"
    assert second.items is first.items
    assert second.as_of > first.as_of
    for entry in ENTRIES[:3]:
        publish(store.item(entry.key), "run-2")
    clock.now += FRESH_SECONDS
    with counted(monkeypatch) as calls:
        third = index.view(ENTRIES)
    assert calls["latest"] == 3
    assert [d.version for d in third.items[:4]] == [2, 2, 2, 1]


def test_what_another_process_makes_or_removes_shows(store, clock):
    index = Recorded().index(store, clock)
    index.view(ENTRIES)
    url = store.url

    def elsewhere():
        other = VersionStore.open(url)
        publish(other.item(ENTRIES[-1].key), "run-9")
        other.remove(ENTRIES[0].key)

    assert run_forked(elsewhere).status == 0
    clock.now += FRESH_SECONDS
    view = index.view(ENTRIES)
    assert line(view, ENTRIES[-1].name).version == 1
    assert (line(view, "d00").status, line(view, "d00").version) == ("pending", None)
    assert "removed" in line(view, "d00").reason


def test_runs_and_titles_show_with_the_next_look_and_at_once_when_told(store, clock):
    recorded = Recorded()
    index = recorded.index(store, clock)
    index.view(ENTRIES)
    recorded.tried = {ENTRIES[3].key: Tried("failed", "run-2", error="no file")}
    recorded.titles = {ENTRIES[3].key: DatasetTitle("Third")}
    assert line(index.view(ENTRIES), "d03").status == "ready"
    index.forget()
    found = line(index.view(ENTRIES), "d03")
    assert (found.status, found.reason, found.title) == ("failed", "no file", "Third")


def test_other_declarations_are_looked_at_at_once(store, clock, monkeypatch):
    index = Recorded().index(store, clock)
    index.view(ENTRIES)
    with counted(monkeypatch) as calls:
        assert len(index.view(ENTRIES[:5]).items) == 5
    assert calls == {}


def test_damage_is_a_line_and_a_store_that_is_away_leaves_the_old_view(store, clock, monkeypatch):
    index = Recorded().index(store, clock)
    publish(store.item(ENTRIES[0].key), "run-2")
    (file,) = [p for p in os.scandir(f"{store.url}/datasets/d00/v") if p.name.endswith("2.json")]
    Path(file.path).write_text("{")
    view = index.view(ENTRIES)
    assert (line(view, "d00").status, line(view, "d01").status) == ("damaged", "ready")

    def away(*_):
        raise ConnectorUnavailableError("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(store, "marks", away)
        clock.now += FRESH_SECONDS
        kept = index.view(ENTRIES)
    assert (kept.items, kept.as_of) == (view.items, view.as_of)
    assert "does not answer" in kept.problem
    clock.now += FRESH_SECONDS
    assert index.view(ENTRIES).problem == ""
    monkeypatch.setattr(store, "marks", away)
    with pytest.raises(ConnectorUnavailableError):
        Recorded().index(store, clock).view(ENTRIES)


def test_a_bucket_is_listed_now_and_then_and_never_asked_for_each_dataset(
    s3_server, s3_bucket, clock, monkeypatch
):
    store = VersionStore.open(
        f"s3://{s3_bucket}/root", options(s3_server.url, s3_server.secret_key)
    )
    for entry in ENTRIES[:3]:
        publish(store.item(entry.key), "run-1")
    recorded = Recorded()
    index = recorded.index(store, clock, is_quick=False)
    with counted(monkeypatch) as calls:
        first = index.view(ENTRIES)
    assert (calls["_find"], calls["_list"], calls["read_many"]) == (1, 3, 3)
    assert [d.version for d in first.items[:4]] == [1, 1, 1, None]
    publish(store.item(ENTRIES[0].key), "run-2")
    publish(store.item(ENTRIES[5].key), "run-2")

    def looked_again(seconds):
        clock.now += seconds
        before = index.view(ENTRIES).as_of  # looks on a thread beside, and answers at once
        wait_until(lambda: index._view.as_of > before and not index._lock.locked())
        return index._view

    recorded.tried = {ENTRIES[0].key: Tried("ready", "run-2")}
    with counted(monkeypatch) as calls:
        second = looked_again(FRESH_SECONDS)
    assert (calls["_find"], calls["_list"], calls["read_many"]) == (0, 1, 1), "Dagster told of one"
    assert [line(second, name).version for name in ("d00", "d05")] == [2, None]
    with counted(monkeypatch) as calls:
        third = looked_again(LISTING_SECONDS)
    assert calls["_find"] == 1
    assert line(third, "d05").version == 1
