"""Which items a folder has, asked by many identities at once; registering and its preview ask the same questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from resources.collections.duplicates import KnownIdentities

T = TypeVar("T")
_HAS_OPEN = "SELECT 1 FROM collection_items WHERE state <> 'ready' AND folder_id = {0} LIMIT 1"
_HAS_OPEN_FACETS = "SELECT 1 FROM {1} WHERE state <> 'ready' AND folder_id = {0} LIMIT 1"
_COUNT = "SELECT count(*) FROM collection_items WHERE folder_id = {0}"
_WHOLE = "SELECT identity, id FROM collection_items WHERE folder_id = {0}"
_WHOLE_MOST = 600_000
"""Items of a folder that are read at once at most: about 200 bytes of memory each."""
_WHOLE_FROM = 8
"""A folder is read at once when one in so many of its items was asked for: to look each up costs more than to read it."""
_FEW = 50_000
"""Items of a folder that are read themselves to know whether all are ready; of more the narrow facets of the collection are."""
_SEVERAL = (
    "SELECT identity, id FROM collection_items WHERE folder_id = {0} AND identity IN"
    " (SELECT identity FROM collection_items WHERE folder_id = {0}"
    " GROUP BY identity HAVING count(*) > 1)"
)


class FolderLook:
    """One folder, as a connection sees it.

    An empty folder is asked once. As long as everything in it is ready, the index of identities answers alone.

    Args:
        driver: the driver's connection.
        folder_id: of the folder; None: there is none.
        facets: name of the collection's table of facets.
        is_sqlite: whose driver it is.
    """

    def __init__(self, driver: Any, folder_id: int | None, facets: str, *, is_sqlite: bool) -> None:
        self._driver = driver
        self._folder_id = folder_id
        self._mark = "?" if is_sqlite else "%s"
        self._facets = facets
        self._count = 0 if folder_id is None else self._counted()
        is_large = self._count > _FEW
        self.has_open = self._count > 0 and self._has(_HAS_OPEN_FACETS if is_large else _HAS_OPEN)
        """Whether some item of the folder is not ready."""
        self._items: dict[bytes, int] = {}
        self._several: dict[bytes, list[int]] = {}
        self._is_whole = False
        self._asked = 0

    def known(self, identities: Sequence[bytes]) -> KnownIdentities | None:
        """Which of them the folder has, and of which of those an item is not ready; None where it has none."""
        if not self._count or not identities:
            return None
        self._asked += len(identities)
        if not self._is_whole and self._is_worth_reading():
            self._read_whole()
        if self._is_whole:
            return KnownIdentities(self._items)
        rows = self._find(identities)
        self._items = dict(row[:2] for row in rows)
        self._several = _grouped(row[:2] for row in rows) if len(rows) > len(self._items) else {}
        return KnownIdentities(self._items, {row[0] for row in rows if row[2]}) if rows else None

    def pairs(self, told: Sequence[tuple[bytes, T]]) -> tuple[list[int], list[T]]:
        """The ids of the items of identities that were known the last time that some were asked for, and what is told of each.

        Mostly an identity has one; who imports without looking for duplicates, or moves items, has several.
        """
        items, several = self._items, self._several
        if not several:
            return [items[identity] for identity, _ in told], [one for _, one in told]
        found = [
            (item, one)
            for identity, one in told
            for item in several.get(identity) or (items[identity],)
        ]
        return [item for item, _ in found], [one for _, one in found]

    @property
    def _folder(self) -> tuple[int | None]:
        return (self._folder_id,)

    def _is_worth_reading(self) -> bool:
        if self.has_open:
            return False
        return self._count <= min(self._asked * _WHOLE_FROM, _WHOLE_MOST)

    def _read_whole(self) -> None:
        self._is_whole = True
        self._items = dict(self._driver.execute(_WHOLE.format(self._mark), self._folder))
        if len(self._items) != self._count:
            values = self._folder * 2
            self._several = _grouped(self._driver.execute(_SEVERAL.format(self._mark), values))

    def _find(self, identities: Sequence[bytes]) -> list[tuple[bytes, int, bool]]:
        is_open = "state <> 'ready'" if self.has_open else "1 = 0"
        if self._mark == "?":
            listed = ", ".join("?" * len(identities))
            query = (
                f"SELECT identity, id, {is_open} FROM collection_items"
                f" WHERE folder_id = ? AND identity IN ({listed})"
            )
            found = self._driver.execute(query, (self._folder_id, *identities))
        else:
            # One look into the index each, whatever the planner thinks of a table that it has no statistics of yet.
            query = (
                "SELECT u.identity, found.id, found.is_open"
                " FROM unnest(%s::bytea[]) AS u(identity) CROSS JOIN LATERAL"
                f" (SELECT id, {is_open} AS is_open FROM collection_items"
                " WHERE folder_id = %s AND identity = u.identity OFFSET 0) AS found"
            )
            found = self._driver.execute(query, (list(identities), self._folder_id))
        rows: list[tuple[bytes, int, bool]] = found.fetchall()
        return rows

    def _counted(self) -> int:
        [count] = self._driver.execute(_COUNT.format(self._mark), self._folder).fetchone()
        return int(count)

    def _has(self, query: str) -> bool:
        found = self._driver.execute(query.format(self._mark, self._facets), self._folder)
        return found.fetchone() is not None


def _grouped(rows: Iterable[tuple[bytes, int]]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for identity, item in rows:
        found.setdefault(identity, []).append(item)
    return found
