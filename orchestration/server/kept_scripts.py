"""Dagster's SQLite storages read all of their migrations whenever they are opened; here they are read once a process.

Runs, schedules and the events of each single run are files of their own. A process that forks reads them beforehand
(`read_scripts`): its forks have them then.
"""

from __future__ import annotations

import threading

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage import sql
from dagster._core.storage.event_log.sqlite import sqlite_event_log

_known: dict[str | None, ScriptDirectory] = {}
_lock = threading.Lock()


class KeptScripts(ScriptDirectory):
    """Takes the place of `ScriptDirectory` where one is made of a config: the files belong to what is installed."""

    @classmethod
    def from_config(cls, config: Config) -> ScriptDirectory:
        """The migrations that a config names."""
        place = config.get_main_option("script_location")
        with _lock:
            if place not in _known:
                _known[place] = super().from_config(config)
            return _known[place]


def keep_scripts() -> None:
    """Has the storages of this process keep their migrations."""
    for module in (sql, alembic.command):
        vars(module)["ScriptDirectory"] = KeptScripts


def read_scripts() -> None:
    """Reads those of all three storages, which are the same files."""
    keep_scripts()
    KeptScripts.from_config(sql.get_alembic_config(sqlite_event_log.__file__)).get_heads()
