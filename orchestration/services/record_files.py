"""The SQLite files in which an instance of Dagster keeps its records, opened to be read. Imports no Dagster.

Only of an instance that keeps everything in its own folder: of any other Dagster itself has to be asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import yaml

_ELSEWHERE = ("storage", "run_storage", "event_log_storage", "local_artifact_storage")
_AT_ONCE = 400  # values of a statement


class RecordFiles:
    """The files of an instance.

    Args:
        dagster_home: its folder.
    """

    def __init__(self, dagster_home: Path) -> None:
        self.home = dagster_home
        self.events = dagster_home / "history/runs/index.db"
        self.runs = dagster_home / "history/runs.db"
        self._settings: tuple[object, bool] = (None, False)

    def are_all(self) -> bool:
        """Whether all records are in them. Dagster makes them when it is opened for the first time, or says what is wrong."""
        return self._keeps_its_own() and self.events.exists() and self.runs.exists()

    def of_run(self, run_id: str) -> Path:
        """The file with a run's own events."""
        return self.home / "history/runs" / f"{run_id}.db"

    def _keeps_its_own(self) -> bool:
        settings = self.home / "dagster.yaml"
        try:
            found = settings.stat()
            seen: object = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            seen = None
        if seen is None or seen != self._settings[0]:
            self._settings = seen, _keeps_its_own(settings)
        return self._settings[1]


def open_records(file: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)


def in_parts(values: Iterable[str]) -> Iterable[tuple[str, list[str]]]:
    """Values, with the marks that stand for them in a statement, no more at once than a statement takes."""
    listed = list(values)
    for start in range(0, len(listed), _AT_ONCE):
        part = listed[start : start + _AT_ONCE]
        yield ",".join("?" * len(part)), part


def _keeps_its_own(settings: Path) -> bool:
    """Whether the instance's records are in its own folder, and nothing is wrong with its settings."""
    try:
        given = yaml.safe_load(settings.read_text(encoding="utf-8")) if settings.exists() else {}
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(given, dict) and not any(name in given for name in _ELSEWHERE)
