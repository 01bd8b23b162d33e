"""Items into PostgreSQL: new ones by COPY straight into the tables, all in one transaction.

No other session waits for it: rows that are not committed are visible to none, and lock none of theirs. So nothing needs to be put
aside but what matches items that are there, which a table of the transaction holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from resources.collections.duplicates import Sorted, Tally
from resources.stores.catalog.collections.folder_look import FolderLook
from resources.stores.catalog.collections.loading import (
    NEW_COLUMNS,
    ImportTarget,
    Loader,
)
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.database import CatalogDatabase

_COPIED_AT_ONCE = 4_096
_ITEM_COLUMNS = (
    "id",
    "collection_id",
    "attempts",
    "made_by",
    "import_id",
    "created_at",
    "changed_at",
    *NEW_COLUMNS,
)
_MATCH_TYPES = {
    "item": "bigint",
    "metadata": "jsonb",
    "draft": "bigint",
    "media": "jsonb",
    "updates": "smallint",
}
_NEXT_IDS = "SELECT nextval('collection_items_id_seq') FROM generate_series(1, %s)"


class PostgresLoader(Loader):
    """See `Loader`."""

    def __init__(self, database: CatalogDatabase, target: ImportTarget) -> None:
        super().__init__(database, target)
        self._stack = ExitStack()

    def __enter__(self) -> PostgresLoader:
        self._connection = self._stack.enter_context(self.database.session())
        self._driver: Any = self._connection.connection.driver_connection
        self.folder = FolderLook(
            self._driver, self.target.folder_id, self.target.facets.table, is_sqlite=False
        )
        columns = [f"{name} {_MATCH_TYPES.get(name, 'text')}" for name in self.match_columns]
        columns += [f"{name} {kind}" for name, kind in self.target.facets.columns]
        self._run(f"CREATE TEMP TABLE matches ({', '.join(columns)}) ON COMMIT DROP")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def take(self, drafts: Sorted) -> None:
        """Copies new items, and what matches others."""
        for start in range(0, len(drafts.new), _COPIED_AT_ONCE):
            columns = self.new_columns(drafts.new[start : start + _COPIED_AT_ONCE])
            self._copy_new(list(zip(*columns, strict=True)))
        if drafts.updated or drafts.retried:
            self.has_matches = True
            self._copy("matches", None, zip(*self.match_columns_of(drafts), strict=True))

    def commit(self, tally: Tally) -> Tally:
        """Commits the transaction."""
        tally = self.write(self._connection, tally)
        self._connection.commit()
        return tally

    def _copy_new(self, chunk: list[tuple[Any, ...]]) -> None:
        target, moment = self.target, now()
        ids = [row[0] for row in self._run(_NEXT_IDS, (len(chunk),)).fetchall()]
        same = (target.collection_id, 0, target.import_id, target.import_id, moment, moment)
        count = len(NEW_COLUMNS)
        items = ((item, *same, *row[:count]) for item, row in zip(ids, chunk, strict=True))
        self._copy("collection_items", _ITEM_COLUMNS, items)
        facets = ((item, *row[:3], *row[count:]) for item, row in zip(ids, chunk, strict=True))
        self._copy(target.facets.table, None, facets)

    def _copy(
        self, table: str, columns: Sequence[str] | None, rows: Iterable[Sequence[Any]]
    ) -> None:
        names = f" ({', '.join(columns)})" if columns else ""
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {table}{names} FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def _run(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._driver.execute(statement, values)
