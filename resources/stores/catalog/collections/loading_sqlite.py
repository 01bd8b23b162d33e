"""Items into SQLite: put aside in a temporary table of the connection, then moved by one short transaction.

SQLite has one writer. While a specification is read and its items are put aside, others write; they wait for the move alone.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from resources.collections.duplicates import Sorted, Tally
from resources.stores.catalog.collections.facets import FIXED
from resources.stores.catalog.collections.folder_look import FolderLook
from resources.stores.catalog.collections.loading import (
    NEW_COLUMNS,
    ImportTarget,
    Loader,
)
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.database import CatalogDatabase

_CACHE_KIB = 64_000  # the index of identities is filled in no order: it should fit
_ORDERED = ", ".join(NEW_COLUMNS)


class SqliteLoader(Loader):
    """See `Loader`."""

    def __init__(self, database: CatalogDatabase, target: ImportTarget) -> None:
        super().__init__(database, target)
        self._stack = ExitStack()
        self._facets = "".join(f", {name}" for name in target.facets.names)

    def __enter__(self) -> SqliteLoader:
        self._connection = self._stack.enter_context(self.database.session())
        driver: Any = self._connection.connection.driver_connection
        self._driver = driver
        kinds = "".join(f", {name} {kind}" for name, kind in self.target.facets.columns)
        for statement in (
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "PRAGMA temp.journal_mode = OFF",
            f"CREATE TEMP TABLE new_items (number INTEGER PRIMARY KEY, {_ORDERED}{kinds})",
        ):
            driver.execute(statement)
        self.folder = FolderLook(
            driver, self.target.folder_id, self.target.facets.table, is_sqlite=True
        )
        item, *others = self.match_columns
        listed = ", ".join([f"{item} INTEGER PRIMARY KEY", *others])
        driver.execute(f"CREATE TEMP TABLE matches ({listed}{kinds})")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def take(self, drafts: Sorted) -> None:
        """Puts drafts aside."""
        marks = ", ?" * len(self.target.facets.names)
        self._driver.execute("BEGIN")
        if drafts.new:
            names = "?" + ", ?" * (len(NEW_COLUMNS) - 1)
            self._driver.executemany(
                f"INSERT INTO new_items ({_ORDERED}{self._facets}) VALUES ({names}{marks})",
                zip(*self.new_columns(drafts.new), strict=True),
            )
        if drafts.updated or drafts.retried:
            self.has_matches = True
            names = "?" + ", ?" * (len(self.match_columns) - 1)
            self._driver.executemany(
                f"INSERT INTO matches VALUES ({names}{marks})",
                zip(*self.match_columns_of(drafts), strict=True),
            )
        self._driver.execute("COMMIT")

    def commit(self, tally: Tally) -> Tally:
        """Moves all into the tables."""
        with self.database.transaction(self._connection):
            tally = self.write(self._connection, tally)
            self._move()
        return tally

    def _move(self) -> None:
        target = self.target
        [base] = self._driver.execute(
            "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'collection_items'"
        ).fetchone()
        moment = now()
        self._driver.execute(
            "INSERT INTO collection_items (id, collection_id, attempts, made_by, import_id,"
            f" created_at, changed_at, {_ORDERED})"
            f" SELECT ? + number, ?, 0, ?, ?, ?, ?, {_ORDERED} FROM new_items ORDER BY number",
            (base, target.collection_id, target.import_id, target.import_id, moment, moment),
        )
        self._driver.execute(
            f"INSERT INTO {target.facets.table} ({', '.join(FIXED)}{self._facets})"
            f" SELECT ? + number, folder_id, type, state{self._facets} FROM new_items"
            " ORDER BY number",
            (base,),
        )
