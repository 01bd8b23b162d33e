"""Dagster's storages keep their engines, and see what they saw before: other writers, new runs, a file that was replaced."""

import shutil

import dagster as dg
import pytest

from orchestration import kept_engines
from orchestration.kept_engines import KeptEngines, keep_engines


@pytest.fixture
def made(monkeypatch):
    """Addresses of the files for which an engine was made."""
    found = []
    for module in kept_engines._MODULES:
        make = getattr(module.create_engine, "_make", module.create_engine)

        def counted(url, make=make, **options):
            found.append(url.rpartition("/")[2])
            return make(url, **options)

        monkeypatch.setattr(module, "create_engine", counted)
    keep_engines()
    keep_engines()
    return found


@dg.job
def nothing():
    pass


@pytest.fixture
def instance(made, tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def test_one_engine_a_file_whatever_is_asked(instance, made):
    assert all(isinstance(m.create_engine, KeptEngines) for m in kept_engines._MODULES)
    run_id = nothing.execute_in_process(instance=instance).run_id
    for _ in range(3):
        assert [run.run_id for run in instance.get_runs()] == [run_id]
        assert instance.get_asset_records() == []
        assert instance.all_instigator_state() == []
        assert instance.all_logs(run_id)
    assert len(made) == len(set(made))
    assert {"runs.db", "index.db", "schedules.db", f"{run_id}.db"} <= set(made)


def test_what_others_write_and_a_file_put_in_its_place_are_seen(instance, tmp_path):
    first = nothing.execute_in_process(instance=instance).run_id
    kept = shutil.copytree(tmp_path / "history", tmp_path / "kept")
    with dg.DagsterInstance.from_ref(instance.get_ref()) as other:
        second = nothing.execute_in_process(instance=other).run_id
    assert [run.run_id for run in instance.get_runs()] == [second, first]
    shutil.rmtree(tmp_path / "history")
    shutil.copytree(kept, tmp_path / "history")
    assert [run.run_id for run in instance.get_runs()] == [first]
    assert instance.all_logs(first)


def test_no_more_are_kept_than_are_looked_at(monkeypatch, made, instance):
    monkeypatch.setattr(kept_engines, "KEPT", 2)
    runs = [nothing.execute_in_process(instance=instance).run_id for _ in range(3)]
    assert all(instance.all_logs(run_id) for run_id in runs)
    assert all(len(m.create_engine._known) <= 2 for m in kept_engines._MODULES)
