"""Which items a folder has, asked by many identities at once; registering and its preview ask the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resources.collections.duplicates import Known

_HAS_ITEMS = "SELECT 1 FROM collection_items WHERE folder_id = {0} LIMIT 1"
_HAS_OPEN = "SELECT 1 FROM collection_items WHERE state <> 'ready' AND folder_id = {0} LIMIT 1"


class FolderLook:
    """One folder, as a connection sees it.

    An empty folder is asked once. As long as everything in it is ready, the index of identities answers alone.

    Args:
        driver: the driver's connection.
        folder_id: of the folder; None: there is none.
        is_sqlite: whose driver it is.
    """

    def __init__(self, driver: Any, folder_id: int | None, *, is_sqlite: bool) -> None:
        self._driver = driver
        self._folder_id = folder_id
        self._mark = "?" if is_sqlite else "%s"
        self._has_items = folder_id is not None and self._has(_HAS_ITEMS)
        self.has_open = self._has_items and self._has(_HAS_OPEN)
        """Whether some item of the folder is not ready."""

    def known(self, identities: Sequence[bytes]) -> Known:
        """Which of them the folder has, and whether an item of each is not ready."""
        if not self._has_items or not identities:
            return {}
        known = dict.fromkeys(self._find(identities, ""), False)
        if known and self.has_open:
            known |= dict.fromkeys(self._find(identities, " AND state <> 'ready'"), True)
        return known

    def _find(self, identities: Sequence[bytes], condition: str) -> list[bytes]:
        if self._mark == "?":
            listed = ", ".join("?" * len(identities))
            query = (
                "SELECT identity FROM collection_items"
                f" WHERE folder_id = ? AND identity IN ({listed}){condition}"
            )
            rows = self._driver.execute(query, (self._folder_id, *identities))
        else:
            # One look into the index each, whatever the planner thinks of a table that it has no statistics of yet.
            query = (
                "SELECT u.identity FROM unnest(%s::bytea[]) AS u(identity) CROSS JOIN LATERAL"
                " (SELECT 1 FROM collection_items WHERE folder_id = %s"
                f" AND identity = u.identity{condition} LIMIT 1) AS found"
            )
            rows = self._driver.execute(query, (list(identities), self._folder_id))
        return [row[0] for row in rows]

    def _has(self, query: str) -> bool:
        found = self._driver.execute(query.format(self._mark), (self._folder_id,))
        return found.fetchone() is not None
