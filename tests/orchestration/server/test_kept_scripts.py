"""Dagster's storages read their migrations once a process, and still find files that need some."""

import sqlite3

import dagster as dg
from alembic.script import ScriptDirectory

from orchestration.server.kept_scripts import read_scripts


@dg.job
def nothing():
    pass


def test_migrations_are_read_once_and_new_files_are_of_the_newest(tmp_path, monkeypatch):
    read = []
    load = ScriptDirectory._load_revisions

    def counted(self):
        read.append(self.dir)
        return load(self)

    read_scripts()
    monkeypatch.setattr(ScriptDirectory, "_load_revisions", counted)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        runs = [nothing.execute_in_process(instance=instance).run_id for _ in range(2)]
        assert all(instance.all_logs(run_id) for run_id in runs)
        instance.upgrade()
    assert read == []
    files = sorted(tmp_path.rglob("*.db"))
    assert len(files) >= 5
    assert {_revision(file) for file in files} == {_newest()}


def _revision(file):
    with sqlite3.connect(file) as database:
        return database.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def _newest():
    from dagster._core.storage import sql
    from dagster._core.storage.event_log.sqlite import sqlite_event_log

    config = sql.get_alembic_config(sqlite_event_log.__file__)
    return ScriptDirectory.from_config(config).as_revision_number("head")
