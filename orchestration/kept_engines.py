"""Dagster's SQLite storages make an engine of SQLAlchemy for each question; here they get the one of before.

An engine remembers how statements are compiled and what its database can do, which is half of what a short question costs. No
connection is kept: each question opens the file and closes it, as before, so a file that was replaced is seen.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy.pool import NullPool

KEPT = 64
"""Engines: one each for runs, schedules and the index of events, the others for runs that were looked at last."""
_MODULES: tuple[ModuleType, ...] = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)


class KeptEngines:
    """Takes the place of `create_engine` for files whose engines keep no connection.

    Args:
        make: the function itself.
    """

    def __init__(self, make: Callable[..., sa.Engine]) -> None:
        self._make = make
        self._known: OrderedDict[str, sa.Engine] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, url: str, **options: Any) -> sa.Engine:
        """The engine of a file."""
        if options.get("poolclass") is not NullPool:
            return self._make(url, **options)
        key = f"{url} {sorted(options.items(), key=str)}"
        with self._lock:
            if key not in self._known:
                self._known[key] = self._make(url, **options)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return self._known[key]


def keep_engines() -> None:
    """Has the storages of this process keep their engines."""
    for module in _MODULES:
        if not isinstance(module.create_engine, KeptEngines):
            vars(module)["create_engine"] = KeptEngines(module.create_engine)
