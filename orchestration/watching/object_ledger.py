"""What a sensor remembers about the objects it watches: one SQLite file beside Dagster's own storage.

Here: the tables, their transaction, and their errors. Not here: when an object counts as new (`new_objects.py`).

A row per key holds up to three versions: `seen` has a run; `asked` was requested, and it is not proven yet that a
run came of it; `waiting` is newer than both. A version is `<etag>@<modification time in microseconds>`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from resources.kernel.errors import ConflictError, StorageError

BUSY_SECONDS = 5.0
"""How long a tick waits for another one of the same sensor (a test in the UI, say) before it gives up."""

_PAGE_ROWS = 5000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    key TEXT PRIMARY KEY, seen TEXT, asked TEXT, run TEXT, waiting TEXT, size INTEGER,
    first_seen REAL, looked REAL, missing REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_asked ON objects (run) WHERE run IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_waiting ON objects (key) WHERE waiting IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_missing ON objects (missing) WHERE missing IS NOT NULL;
CREATE TABLE IF NOT EXISTS requests (
    run TEXT PRIMARY KEY, objects INTEGER NOT NULL, size INTEGER NOT NULL, first_keys TEXT NOT NULL
) WITHOUT ROWID;
"""
_SETTLED = "waiting IS NOT NULL AND looked - first_seen >= :settle"
_BETWEEN = "key BETWEEN :first AND :last"


class KnownObject(NamedTuple):
    """What the ledger holds about one key."""

    key: str
    seen: str | None
    asked: str | None
    waiting: str | None
    first_seen: float | None
    looked: float | None
    missing: float | None


class Waiting(NamedTuple):
    """A version that no run has been asked for."""

    key: str
    version: str
    size: int
    seen: str | None


@dataclass(frozen=True)
class ObjectsRequest:
    """One run to ask for.

    Attributes:
        run_key: the same for the same new objects, however often it is asked for: Dagster makes one run of it.
        objects: how many new objects it stands for.
        size_bytes: all of them together.
        first_keys: the first of them in order of key, ten at most.
        keys: all of them, where the policy asks for that.
    """

    run_key: str
    objects: int
    size_bytes: int
    first_keys: tuple[str, ...]
    keys: tuple[str, ...] = ()


class ObjectLedger:
    """One sensor's ledger inside one transaction: see `open_ledger`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def fact(self, name: str, default: str = "") -> str:
        """A remembered fact."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set_fact(self, name: str, value: str) -> None:
        """Remembers a fact."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def forget_everything(self) -> None:
        """An empty ledger again."""
        for table in ("facts", "objects", "requests"):
            self._db.execute(f"DELETE FROM {table}")

    def known_after(self, key: str) -> Iterator[KnownObject]:
        """What is known of the keys greater than `key`, ascending; rows already passed may change meanwhile."""
        while True:
            page = self._db.execute(
                "SELECT key, seen, asked, waiting, first_seen, looked, missing FROM objects"
                " WHERE key > ? ORDER BY key LIMIT ?",
                (key, _PAGE_ROWS),
            ).fetchall()
            yield from map(KnownObject._make, page)
            if len(page) < _PAGE_ROWS:
                return
            key = page[-1][0]

    def wait(self, rows: Iterable[tuple[str, str, int, float, float]]) -> None:
        """Notes new versions: (key, version, size, unchanged since, now)."""
        self._db.executemany(
            "INSERT INTO objects (key, waiting, size, first_seen, looked) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT (key) DO UPDATE SET waiting = ?2, size = ?3, first_seen = ?4, looked = ?5, missing = NULL",
            rows,
        )

    def looked_again(self, rows: Iterable[tuple[float, str]]) -> None:
        """Notes that waiting versions are unchanged: (now, key)."""
        self._db.executemany(
            "UPDATE objects SET looked = ?1, first_seen = min(first_seen, ?1), missing = NULL WHERE key = ?2",
            rows,
        )

    def settled_back(self, rows: Iterable[tuple[str | None, str | None, str]]) -> None:
        """Notes that a key shows what is `seen` or `asked`: (seen, asked, key)."""
        self._db.executemany(
            "UPDATE objects SET seen = ?, asked = ?, waiting = NULL, missing = NULL WHERE key = ?",
            rows,
        )

    def miss(self, rows: Iterable[tuple[float, str]]) -> None:
        """Notes that keys are no longer listed: (now, key)."""
        self._db.executemany("UPDATE objects SET waiting = NULL, missing = ? WHERE key = ?", rows)

    def forget_missing(self, before: float) -> None:
        """Forgets keys that have been away since `before`, and those that never had a run."""
        self._db.execute(
            "DELETE FROM objects WHERE missing IS NOT NULL AND asked IS NULL AND (seen IS NULL OR missing < ?)",
            (before,),
        )

    def take_for_seen(self, upto_modified: int | None = None) -> None:
        """Counts what waits as seen: all of it, or what is not newer than `upto_modified` (microseconds)."""
        condition = "" if upto_modified is None else " AND " + _modified("waiting") + " <= ?"
        self._db.execute(
            "UPDATE objects SET seen = waiting, waiting = NULL WHERE waiting IS NOT NULL"
            + condition,
            () if upto_modified is None else (upto_modified,),
        )

    def take_some_for_seen(self, first: str, last: str, settle: float) -> None:
        """Counts what waits and has settled as seen, with keys from `first` to `last`."""
        self._db.execute(
            f"UPDATE objects SET seen = waiting, waiting = NULL WHERE {_SETTLED} AND {_BETWEEN}",
            {"settle": settle, "first": first, "last": last},
        )

    def waiting(self, settle: float) -> Iterator[Waiting]:
        """Versions to ask for, ascending by key."""
        rows = self._db.execute(
            f"SELECT key, waiting, size, seen FROM objects WHERE {_SETTLED} ORDER BY key",
            {"settle": settle},
        )
        return map(Waiting._make, rows)

    def ask(self, request: ObjectsRequest, first: str, last: str, settle: float) -> None:
        """Notes that a run is asked for what waits and has settled, with keys from `first` to `last`."""
        self._add_request(request)
        self._db.execute(
            "UPDATE objects SET asked = waiting, run = :run, waiting = NULL"
            f" WHERE {_SETTLED} AND {_BETWEEN}",
            {"run": request.run_key, "settle": settle, "first": first, "last": last},
        )

    def requests(self) -> list[ObjectsRequest]:
        """What was asked for and not proven yet."""
        rows = self._db.execute("SELECT run, objects, size, first_keys FROM requests ORDER BY run")
        return [
            ObjectsRequest(run, n, size, tuple(json.loads(keys))) for run, n, size, keys in rows
        ]

    def keys_of(self, run_key: str) -> tuple[str, ...]:
        """What a request that is not proven yet stands for, ascending."""
        rows = self._db.execute("SELECT key FROM objects WHERE run = ? ORDER BY key", (run_key,))
        return tuple(key for (key,) in rows)

    def is_asked(self, run_key: str) -> bool:
        """Whether a run was asked for under this key and is not proven yet."""
        row = self._db.execute("SELECT 1 FROM requests WHERE run = ?", (run_key,)).fetchone()
        return row is not None

    def confirm(self, run_keys: Sequence[str]) -> None:
        """What was asked for under these keys has its run: it is seen."""
        for run in run_keys:
            self._db.execute(
                "UPDATE objects SET seen = asked, asked = NULL, run = NULL WHERE run = ?", (run,)
            )
            self._db.execute("DELETE FROM requests WHERE run = ?", (run,))

    def count_waiting(self) -> int:
        """How many versions wait, settled or not."""
        return int(
            self._db.execute("SELECT count(*) FROM objects WHERE waiting IS NOT NULL").fetchone()[0]
        )

    def _add_request(self, request: ObjectsRequest) -> None:
        self._db.execute(
            "INSERT INTO requests VALUES (?, ?, ?, ?)",
            (request.run_key, request.objects, request.size_bytes, json.dumps(request.first_keys)),
        )


def _modified(column: str) -> str:
    """The microseconds at the end of a version: an etag may hold `@` itself, digits end at the last one."""
    return f"CAST(substr({column}, length(rtrim({column}, '-0123456789')) + 1) AS INTEGER)"


@contextmanager
def open_ledger(path: Path, scope: str) -> Iterator[ObjectLedger]:
    """The ledger at `path` in one transaction, all or nothing, one at a time; made when it is not there.

    Args:
        path: the file; its folder is made too.
        scope: what is watched. A ledger of something else is emptied: its keys mean other objects.

    Raises:
        ConflictError: another tick of the same sensor is at it.
        StorageError: no space, no rights, or a file that is no ledger.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    try:
        # One more fsync a tick than WAL, and nothing that a crash could lose.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        ledger = ObjectLedger(connection)
        if ledger.fact("scope", scope) != scope:
            ledger.forget_everything()
        ledger.set_fact("scope", scope)
        yield ledger
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise ConflictError(
                f"another tick of this sensor is using {path.name}", hint="The next tick goes on"
            ) from error
        raise _unusable(path, error) from error
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    finally:
        connection.close()  # rolls back what was not committed


def _unusable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"the ledger {path} cannot be used: {error}",
        hint="Free space or give rights; a damaged file may be deleted: objects that have runs are recognised by them",
        path=str(path),
    )
