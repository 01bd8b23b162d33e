"""Classification files: what a set does with one, and the bare passes of the standard library that it is held against."""

from __future__ import annotations

import csv
import json
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from assets.classifications.applying import FileOrder, apply_file
from assets.classifications.checking import check_file
from assets.classifications.declaration import ClassificationSpec
from assets.classifications.schema import VALUE_LIMIT, ParseOptions, SetColumn, SetSchema
from benchmarks.classification_files import COLUMNS, classification_file
from benchmarks.task import Task
from resources.connectors.sql.config import SqlConfig
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore

Ending = Literal["csv", "json"]

_MOST_BYTES = 256 * 1024 * 1024  # the JSON form of 50 MB of CSV is about twice as long
_SPEC = ClassificationSpec(
    "products",
    SetSchema(tuple(SetColumn(name) for name in COLUMNS), max_bytes=_MOST_BYTES),
)


def check_csv(task: Task) -> Callable[[], str]:
    """`waybill classification check` of a CSV file for an empty set."""
    return _check(task, "csv")


def check_json(task: Task) -> Callable[[], str]:
    """The same of JSON lines."""
    return _check(task, "json")


def apply_csv(task: Task) -> Callable[[], str]:
    """What a run of `apply` does until the changes are committed: the first file of a set."""
    return _apply(task, "csv")


def apply_json(task: Task) -> Callable[[], str]:
    """The same with JSON lines."""
    return _apply(task, "json")


def replace_csv(task: Task) -> Callable[[], str]:
    """The same with a file that changes every row of a set."""
    filling = multiprocessing.get_context("spawn").Process(target=_fill, args=(task,))
    filling.start()
    filling.join()
    return _apply(task, "csv", edition=2)


def csv_pass(task: Task) -> Callable[[], str]:
    """The csv module over all rows, with the number of fields and their lengths checked."""
    path = classification_file(task, "csv")
    return lambda: _expect(task, sum(1 for _ in _csv_rows(path)))


def csv_upsert(task: Task) -> Callable[[], str]:
    """The same, then the rows in order of key into a table of SQLite."""
    path = classification_file(task, "csv")
    return lambda: _expect(task, _upsert(task, _csv_rows(path)))


def json_pass(task: Task) -> Callable[[], str]:
    """`json.loads` of each line, the lengths checked."""
    path = classification_file(task, "json")
    return lambda: _expect(task, sum(1 for _ in _json_rows(path)))


def json_upsert(task: Task) -> Callable[[], str]:
    """The same, then the rows in order of key into a table of SQLite."""
    path = classification_file(task, "json")
    return lambda: _expect(task, _upsert(task, _json_rows(path)))


def _check(task: Task, ending: Ending) -> Callable[[], str]:
    path = classification_file(task, ending)
    catalog, store = _catalog(task), _store(task)
    options = ParseOptions.for_set(_SPEC.schema)

    def job() -> str:
        with path.open("rb") as stream:
            found = check_file(catalog, store, _SPEC, stream, file_name=path.name, options=options)
        return _expect(task, found.changes.new.count)

    return job


def _apply(task: Task, ending: Ending, edition: int = 1) -> Callable[[], str]:
    path = classification_file(task, ending, edition)
    catalog, store = _catalog(task), _store(task)
    options = ParseOptions.for_set(_SPEC.schema)
    order = FileOrder(f"run-{edition}", path.name, "", path.stat().st_size, "bench", options)

    def job() -> str:
        with path.open("rb") as stream, catalog.lock(_SPEC.name):
            applied = apply_file(catalog, store, _SPEC, stream, order)
        return _expect(task, applied.entry.facts.counts["modified_lines"])

    return job


def _fill(task: Task) -> None:
    _apply(task, "csv")()


def _catalog(task: Task) -> ClassificationCatalog:
    path = Path(task.out) / "catalog.sqlite"
    catalog = CatalogDatabase(SqlConfig(dialect="sqlite", path=path))
    catalog.prepare()
    return ClassificationCatalog(catalog)


def _store(task: Task) -> TableStore:
    return TableStore.open(str(Path(task.out) / "store"))


def _expect(task: Task, count: int) -> str:
    """No rows to look at, but their number.

    Raises:
        RuntimeError: it is another one.
    """
    if count != task.rows:
        raise RuntimeError(f"{count:,} rows instead of {task.rows:,}")
    return ""


def _csv_rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        width = len(next(rows))
        for row in rows:
            if len(row) != width or max(map(len, row)) > VALUE_LIMIT:
                raise RuntimeError("a row that the file does not have")
            yield row


def _json_rows(path: Path) -> Iterator[list[str]]:
    with path.open("rb") as file:
        for line in file:
            record = json.loads(line)
            row = [record["key"], *record["data"].values()]
            if max(map(len, row)) > VALUE_LIMIT:
                raise RuntimeError("a value that the file does not have")
            yield row


def _upsert(task: Task, rows: Iterator[list[str]]) -> int:
    """Rows in order of key by one prepared statement, in one transaction as durable as the catalog's."""
    names = ", ".join(f"c{number}" for number in range(len(COLUMNS)))
    updates = ", ".join(f"c{n} = excluded.c{n}" for n in range(len(COLUMNS)))
    connection = sqlite3.connect(Path(task.out) / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"CREATE TABLE t (key TEXT PRIMARY KEY, {names}) WITHOUT ROWID")
    connection.execute("BEGIN IMMEDIATE")
    cursor = connection.executemany(
        f"INSERT INTO t VALUES (?{', ?' * len(COLUMNS)}) ON CONFLICT (key) DO UPDATE SET {updates}",
        sorted(rows),
    )
    count = cursor.rowcount
    connection.execute("COMMIT")
    connection.close()
    return count
