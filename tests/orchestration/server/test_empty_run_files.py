"""The file of a new run is a copy of an empty one: as Dagster would have made it, and never in the place of one that is there."""

import sqlite3

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.server import empty_run_files
from orchestration.server.empty_run_files import keep_empty_file


@dg.job
def nothing():
    pass


@pytest.fixture
def statements(monkeypatch):
    """How many tables the storage made by itself."""
    found = []
    execute = empty_run_files.sa.MetaData.create_all

    def counted(self, *given, **options):
        found.append(self)
        return execute(self, *given, **options)

    monkeypatch.setattr(SqliteEventLogStorage, "_initdb", empty_run_files._made)
    with dg.instance_for_test():  # makes what has nothing to do with a run
        keep_empty_file()
        monkeypatch.setattr(empty_run_files.sa.MetaData, "create_all", counted)
        yield found


def run_file(folder, run_id):
    return folder / "history" / "runs" / f"{run_id}.db"


def look(path):
    """All that a file says but its rows."""
    with sqlite3.connect(path) as database:
        made = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name")
        told = made.fetchall(), database.execute("PRAGMA journal_mode").fetchone()
    database.close()
    return told


def test_a_run_has_the_file_that_dagster_makes(tmp_path, statements, monkeypatch):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        before = len(statements)
        copied = nothing.execute_in_process(instance=instance).run_id
        assert len(statements) == before
        assert instance.get_run_by_id(copied).is_success
        assert len(instance.all_logs(copied)) > 3
        monkeypatch.setattr(SqliteEventLogStorage, "_initdb", empty_run_files._made)
        made = nothing.execute_in_process(instance=instance).run_id
        assert len(statements) > before
        assert look(run_file(tmp_path, copied)) == look(run_file(tmp_path, made))
    assert not list(tmp_path.rglob("*.new"))


def test_without_links_dagster_makes_the_file_and_one_that_is_there_stays(
    tmp_path, statements, monkeypatch
):
    def refused(*_):
        raise OSError("no links")

    monkeypatch.setattr(empty_run_files.Path, "hardlink_to", refused)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run_id = nothing.execute_in_process(instance=instance).run_id
        events = len(instance.all_logs(run_id))
        assert run_file(tmp_path, run_id).exists()
    with dg.instance_for_test(temp_dir=str(tmp_path)) as again:
        assert len(again.all_logs(run_id)) == events
    assert not list(tmp_path.rglob("*.new"))
