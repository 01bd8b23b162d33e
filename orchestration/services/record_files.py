"""The SQLite files in which an instance of Dagster keeps its records, opened to be read. Imports no Dagster.

Only of an instance that keeps everything in its own folder: of any other Dagster itself has to be asked.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import yaml

_ELSEWHERE = ("storage", "run_storage", "event_log_storage", "local_artifact_storage")
_AT_ONCE = 400  # values of a statement
SETTLED_NS = 2_000_000_000
"""A change so soon after another may leave the same time."""
T = TypeVar("T")


class RecordFiles:
    """The files of an instance.

    Args:
        dagster_home: its folder.
    """

    def __init__(self, dagster_home: Path) -> None:
        self.home = dagster_home
        self.events = dagster_home / "history/runs/index.db"
        self.runs = dagster_home / "history/runs.db"
        self.schedules = dagster_home / "schedules/schedules.db"
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


def times_of(files: Iterable[Path]) -> tuple[tuple[object, ...], bool]:
    """Times and sizes of databases and their logs, and whether a change after now must show in them."""
    found = []
    for file in files:
        for path in (str(file), f"{file}-wal"):
            try:
                stat = os.stat(path)  # noqa: PTH116 - a list of paths as text
            except FileNotFoundError:
                continue
            if stat.st_size:  # SQLite makes an empty log for whoever only reads
                found.append((path, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    newest = max((times[1] for times in found), default=0)
    return tuple(found), newest < time.time_ns() - SETTLED_NS


class KeptAnswer(Generic[T]):
    """An answer out of files, kept until one of them has changed.

    Args:
        files: databases.
    """

    def __init__(self, files: Collection[Path]) -> None:
        self._files = tuple(files)
        self._kept: tuple[tuple[object, ...], T] | None = None

    def get(self, read: Callable[[], T]) -> T:
        """The answer of before where nothing has changed since, else that of `read`."""
        seen, is_settled = times_of(
            self._files
        )  # first: what changes while it is read is news next
        kept = self._kept
        if seen and kept is not None and kept[0] == seen:
            return kept[1]
        found = read()
        self._kept = (seen, found) if is_settled else None
        return found


class KeptAnswers(Generic[T]):
    """Answers by what was asked: made once for all who ask at the same time, and kept until one of the files has changed.

    For a few seconds at most: what an answer says of times changes without a record.

    Args:
        files: databases.
        seconds: how long one is kept.
        most: how many; the oldest goes first.
    """

    def __init__(self, files: Collection[Path], *, seconds: float = 5, most: int = 64) -> None:
        self._files = tuple(files)
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept[T]] = {}

    def get(self, asked: Hashable, basis: object, read: Callable[[], T]) -> T:
        """The answer of before where nothing has changed since, else that of `read`.

        Args:
            asked: what is wanted.
            basis: what the answer rests on besides the files; another object, another answer.
            read: makes the answer.
        """
        with self._lock:
            kept = self._kept.get(asked)
            if kept is None or kept.basis is not basis or kept.until < time.monotonic():
                self._kept.pop(asked, None)
                until = time.monotonic() + self._seconds
                kept = self._kept[asked] = _Kept(basis, until, KeptAnswer(self._files))
            while len(self._kept) > self._most:
                self._kept.pop(next(iter(self._kept)))
        with kept.lock:  # who asks for something else does not wait
            return kept.answer.get(read)


@dataclass(frozen=True)
class _Kept(Generic[T]):
    basis: object
    until: float
    answer: KeptAnswer[T]
    lock: threading.Lock = field(default_factory=threading.Lock)


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
