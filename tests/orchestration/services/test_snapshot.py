"""A snapshot holds until something that the project is made from changes, whatever it is."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.home import Home
from orchestration.services.snapshot import Snapshot, SnapshotFolder

FOUND = Snapshot(
    (DatasetEntry("orders", "datasource", ("datasets", "orders")),), ("a:1: b",), store="s"
)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home", tmp_path / "home" / "dagster")


@pytest.fixture
def defs(tmp_path):
    folder = tmp_path / "defs" / "shop"
    folder.mkdir(parents=True)
    (folder / "defs.yaml").write_text("type: a\n")
    (folder / "query.sql").write_text("select 1\n")
    (folder / "made.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def module(tmp_path):
    """A module that the project takes from elsewhere."""
    file = tmp_path / "elsewhere.py"
    file.write_text("y = 1\n")
    found = ModuleType("elsewhere_of_a_test")
    found.__file__ = str(file)
    sys.modules[found.__name__] = found
    yield file
    del sys.modules[found.__name__]


def load():
    os.environ.get("WAYBILL_TEST_READ")
    "WAYBILL_TEST_ASKED_FOR" in os.environ  # noqa: B015 - asking is the point
    return FOUND


def test_what_did_not_change_is_not_loaded_again(home, defs, module):
    folder = SnapshotFolder(home, defs.parent)
    assert folder.find() is None
    assert folder.make(load) == FOUND
    assert SnapshotFolder(home, defs.parent).find() == FOUND


CHANGES = {
    "yaml edited": lambda d, m, e: (d / "defs.yaml").write_text("type: b\n"),
    "yaml added": lambda d, m, e: (d / "new.yaml").write_text(""),
    "yaml removed": lambda d, m, e: (d / "defs.yaml").unlink(),
    "renamed": lambda d, m, e: (d / "defs.yaml").rename(d / "other.yaml"),
    "sql edited": lambda d, m, e: (d / "query.sql").write_text("select 2\n"),
    "python edited": lambda d, m, e: (d / "made.py").write_text("x = 2\n"),
    "module from elsewhere edited": lambda d, m, e: m.write_text("y = 2\n"),
    "module from elsewhere removed": lambda d, m, e: m.unlink(),
    "variable set": lambda d, m, e: e.setenv("WAYBILL_TEST_READ", "1"),
    "variable asked for": lambda d, m, e: e.setenv("WAYBILL_TEST_ASKED_FOR", ""),
    "store": lambda d, m, e: e.setenv("WAYBILL_STORE", "elsewhere"),
    "home": lambda d, m, e: e.setenv("WAYBILL_HOME", "elsewhere"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_ends_it(change, home, defs, module, monkeypatch):
    monkeypatch.delenv("WAYBILL_TEST_READ", raising=False)
    monkeypatch.delenv("WAYBILL_TEST_ASKED_FOR", raising=False)
    SnapshotFolder(home, defs.parent).make(load)
    change(defs, module, monkeypatch)
    assert SnapshotFolder(home, defs.parent).find() is None


def test_the_projects_own_code_counts(home, defs, monkeypatch, tmp_path):
    root = tmp_path / "project"
    (root / "assets").mkdir(parents=True)
    monkeypatch.setattr("orchestration.services.snapshot.CODE_ROOT", root)
    SnapshotFolder(home, defs.parent).make(load)
    assert SnapshotFolder(home, defs.parent).find() == FOUND
    (root / "assets" / "new.py").write_text("")
    assert SnapshotFolder(home, defs.parent).find() is None


def test_a_variable_that_nobody_read_changes_nothing(home, defs, monkeypatch):
    SnapshotFolder(home, defs.parent).make(load)
    monkeypatch.setenv("SOME_OTHER_VARIABLE_OF_A_TEST", "1")
    assert SnapshotFolder(home, defs.parent).find() == FOUND


def test_a_file_that_changes_while_the_project_loads_is_not_taken_for_loaded(home, defs):
    def slow():
        (defs / "defs.yaml").write_text("type: changed\n")
        return FOUND

    SnapshotFolder(home, defs.parent).make(slow)
    assert SnapshotFolder(home, defs.parent).find() is None


def test_no_value_of_a_variable_is_kept(home, defs, monkeypatch):
    monkeypatch.setenv("WAYBILL_TEST_READ", "hunter2canary")
    SnapshotFolder(home, defs.parent).make(load)
    (file,) = (home.root / "snapshots").glob("*.json")
    assert "hunter2canary" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_many_at_once_and_torn_files_do_no_harm(home, defs):
    folder = SnapshotFolder(home, defs.parent)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: folder.make(lambda: FOUND), range(24)))
    assert found == [FOUND] * 24
    kept = sorted((home.root / "snapshots").glob("*.json"))
    assert 0 < len(kept) <= 16
    kept[0].write_text(kept[0].read_text()[:40])
    kept[1].write_text(json.dumps({"format": 1}))
    for path in kept[2:]:
        path.unlink()
    assert folder.find() is None
    folder.make(load)
    assert folder.find() == FOUND
