"""How the items of a specification get into the tables: what both databases do, each in its own way.

A `Loader` takes sorted drafts batch by batch, and brings them in by one transaction together with the row of the import. What
was found in the folder meanwhile holds as long as the collection's `revision` does; the committing transaction
checks it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import sqlalchemy as sa

from resources.collections.duplicates import Look, Sorted, Tally, state_of
from resources.collections.items import ItemDraft
from resources.stores.catalog.collections.facets import FacetReader, FacetTable
from resources.stores.catalog.collections.folder_look import FolderLook
from resources.stores.catalog.collections.records import Registered, now
from resources.stores.catalog.collections.settling import note_change
from resources.stores.catalog.collections.tables import COLLECTIONS, IMPORTS
from resources.stores.catalog.database import CatalogDatabase

NEW_COLUMNS = (
    "folder_id",
    "type",
    "state",
    "identity",
    "place",
    "title",
    "urls",
    "media",
    "metadata",
)
"""What differs between the items that an import makes, without ids and facets."""
REPLACED_COLUMNS = ("item", "metadata")
"""An item that the folder has, and what its metadata becomes; all there is to tell while every item is ready."""
TAKEN_UP_COLUMNS = ("draft", "type", "state", "place", "media", "updates")
"""What is told besides where items are not: the number of the draft, and whether its metadata replaces the old."""


@dataclass(frozen=True)
class ImportTarget:
    """Where an import puts its items."""

    import_id: int
    collection_id: int
    folder_id: int
    revision: int
    """Of the collection when the folder was first looked at."""
    look: Look
    facets: FacetTable


class Moved(Exception):  # noqa: N818 - a signal, not an error
    """The collection is another one than was looked at: look again."""


class Loader(ABC):
    """Brings the items of one import in. A context; what is not committed within it never happened.

    Args:
        database: the catalog.
        target: where to.
    """

    def __init__(self, database: CatalogDatabase, target: ImportTarget) -> None:
        self.database = database
        self.target = target
        self.read: FacetReader = target.facets.reader()
        self.ready = 0
        """Items that were taken and need no look."""
        self.has_matches = False
        self._matched_drafts = 0
        self.folder: FolderLook
        """What the folder has; of the connection, so known within the context."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *error: object) -> None: ...

    @abstractmethod
    def take(self, drafts: Sorted) -> None:
        """Puts drafts aside, or in the open transaction."""

    @abstractmethod
    def commit(self, tally: Tally) -> Tally:
        """Makes all that was taken hold, with the import's row; returns what became of the drafts."""

    def new_columns(self, pairs: Sequence[tuple[bytes, ItemDraft]]) -> list[Sequence[Any]]:
        """The values of `NEW_COLUMNS`, then those of the facets, one an item."""
        identities, drafts = zip(*pairs, strict=True)
        states = [state_of(draft, self.target.look) for draft in drafts]
        self.ready += states.count("ready")
        return [
            [self.target.folder_id] * len(pairs),
            [draft.type for draft in drafts],
            states,
            identities,
            [draft.at for draft in drafts],
            [draft.title for draft in drafts],
            ["\n".join(draft.urls) for draft in drafts],
            [_text(draft.media) for draft in drafts],
            [_text(draft.metadata) for draft in drafts],
            *self.read.columns([draft.metadata for draft in drafts]),
        ]

    def write(self, connection: sa.Connection, tally: Tally) -> Tally:
        """What the committing transaction does besides the new items, first of all.

        Raises:
            Moved: items came, went or moved since the folder was looked at, or the import is registered by now.
        """
        _check_unmoved(connection, self.target)
        tally = self._matched(connection, tally)
        if not Registered(tally).changes_nothing:
            note_change(connection, self.target.collection_id)
        noted = connection.execute(
            sa.update(IMPORTS)
            .where(IMPORTS.c.id == self.target.import_id, IMPORTS.c.registered_at.is_(None))
            .values(
                registered_at=now(),
                counts=msgspec.json.encode(tally).decode(),
                ready=self.ready,
            )
        )
        if noted.rowcount != 1:
            raise Moved
        return tally

    def _matched(self, connection: sa.Connection, tally: Tally) -> Tally:
        if not self.has_matches:
            return tally
        kind = SqliteMatching if self.target.facets.is_sqlite else Matching
        matching = kind(connection, self.target, has_open=self.folder.has_open)
        matching.prepare()
        if self.folder.has_open:
            tally, ready = matching.take_up(tally)
            self.ready += ready
        if tally.get("updated"):
            matching.replace_metadata()
        matching.refresh_facets()
        return tally

    @property
    def match_columns(self) -> tuple[str, ...]:
        """What the table `matches` has, besides the facets."""
        return REPLACED_COLUMNS + (TAKEN_UP_COLUMNS if self.folder.has_open else ())

    def match_columns_of(self, drafts: Sorted) -> list[Sequence[Any]]:
        """The values of `match_columns`, then those of the facets."""
        if self.folder.has_open:
            return self._taken_up_columns(drafts)
        items, found = self.folder.pairs(drafts.updated)
        metadata = [draft.metadata for draft in found]
        return [items, [_text(one) for one in metadata], *self.read.columns(metadata)]

    def _taken_up_columns(self, drafts: Sorted) -> list[Sequence[Any]]:
        start, updated = self._matched_drafts, len(drafts.updated)
        self._matched_drafts += updated + len(drafts.retried)
        numbered = [
            (identity, (number, draft))
            for number, (identity, draft) in enumerate([*drafts.updated, *drafts.retried], start)
        ]
        items, found = self.folder.pairs(numbered)
        numbers, own = [number for number, _ in found], [draft for _, draft in found]
        updates = [int(number < start + updated) for number in numbers]
        metadata = [
            draft.metadata if is_new else None for draft, is_new in zip(own, updates, strict=True)
        ]
        return [
            items,
            [_text(one) for one in metadata],
            numbers,
            [draft.type for draft in own],
            [state_of(draft, self.target.look) for draft in own],
            [draft.at for draft in own],
            [_text(draft.media) for draft in own],
            updates,
            *self.read.columns(metadata),
        ]


class Matching:
    """The statements that take up items which the folder has, from the table `matches` of this session.

    Args:
        connection: in the committing transaction.
        target: of the import.
        has_open: whether the folder has items that are not ready.
    """

    def __init__(self, connection: sa.Connection, target: ImportTarget, *, has_open: bool) -> None:
        self._connection = connection
        self._target = target
        self._has_open = has_open
        self._updates = " AND m.updates = 1" if has_open else ""
        self._values = {"import": target.import_id, "now": now()}

    def prepare(self) -> None:
        """Lets the database know how many there are."""
        self._run("ANALYZE matches")

    def take_up(self, tally: Tally) -> tuple[Tally, int]:
        """Takes up what is not ready; says how many items became ready by it.

        What became ready since it was looked at counts as skipped.
        """
        settled = self._rows(
            "SELECT type, count(*) FROM (SELECT m.draft, m.type FROM matches m"
            " LEFT JOIN collection_items i ON i.id = m.item AND i.state <> 'ready'"
            " WHERE m.updates = 0 GROUP BY m.draft, m.type HAVING count(i.id) = 0) AS d"
            " GROUP BY type"
        )
        [[ready]] = self._rows(
            "SELECT count(*) FROM matches m JOIN collection_items i ON i.id = m.item"
            " WHERE i.state <> 'ready' AND m.state = 'ready'"
        )
        self._run(
            "UPDATE collection_items AS i SET state = m.state, place = m.place,"
            " import_id = :import, media = COALESCE(m.media, i.media), rule = NULL,"
            " message = NULL, error_url = NULL, changed_at = :now FROM matches m"
            " WHERE i.id = m.item AND i.state <> 'ready'"
        )
        return _moved(tally, dict(map(tuple, settled))), int(ready)

    def replace_metadata(self) -> None:
        """Replaces the metadata of those that bring some."""
        self._run(
            "UPDATE collection_items AS i SET metadata = m.metadata, import_id = :import,"
            f" changed_at = :now FROM matches m WHERE i.id = m.item{self._updates}"
        )

    def refresh_facets(self) -> None:
        """Lets the facets follow; states change only where items were taken up."""
        table = self._target.facets.table
        if self._target.facets.names:
            self._refresh_values()
        if self._has_open:
            self._run(
                f"UPDATE {table} SET state ="
                f" (SELECT state FROM collection_items WHERE id = {table}.item)"
                " WHERE item IN (SELECT item FROM matches)"
            )

    def _refresh_values(self) -> None:
        facets = self._target.facets
        values = ", ".join(f"{name} = m.{name}" for name in facets.names)
        old, new = (", ".join(f"{of}.{name}" for name in facets.names) for of in "fm")
        self._run(
            f"UPDATE {facets.table} AS f SET {values} FROM matches m"
            f" WHERE f.item = m.item{self._updates} AND ({old}) IS DISTINCT FROM ({new})"
        )

    def _rows(self, statement: str) -> Sequence[Any]:
        return self._connection.execute(sa.text(statement), self._values).fetchall()

    def _run(self, statement: str) -> None:
        self._connection.execute(sa.text(statement), self._values)


class SqliteMatching(Matching):
    """The same where a join does not know which table is large, and `UPDATE ... FROM` first writes all values to a table of its own."""

    def prepare(self) -> None:
        """Its table is found by the ids of items as it is."""

    def replace_metadata(self) -> None:
        """Replaces the metadata of those that bring some."""
        self._update(
            "collection_items", "id", ("metadata",), "import_id = :import, changed_at = :now"
        )

    def _refresh_values(self) -> None:
        facets = self._target.facets
        self._update(facets.table, "item", facets.names)

    def _update(self, table: str, key: str, names: Sequence[str], more: str = "") -> None:
        values = ", ".join(f"m.{name}" for name in names)
        others = f", {more}" if more else ""
        chosen = " WHERE updates = 1" if self._has_open else ""
        self._run(
            f"UPDATE {table} SET ({', '.join(names)}) ="
            f" (SELECT {values} FROM matches m WHERE m.item = {table}.{key}){others}"
            f" WHERE {key} IN (SELECT item FROM matches{chosen})"
        )


def _check_unmoved(connection: sa.Connection, target: ImportTarget) -> None:
    """Says that items come: of two transactions with the same view of the collection the second one fails here."""
    advanced = connection.execute(
        sa.update(COLLECTIONS)
        .where(COLLECTIONS.c.id == target.collection_id, COLLECTIONS.c.revision == target.revision)
        .values(revision=COLLECTIONS.c.revision + 1)
    )
    if advanced.rowcount != 1:
        raise Moved


def _moved(tally: Tally, settled: dict[str, int]) -> Tally:
    counts: Tally = {action: dict(by) for action, by in tally.items()}
    for kind, count in settled.items():
        counts["retried"][kind] -= count
        skipped = counts.setdefault("skipped", {})
        skipped[kind] = skipped.get(kind, 0) + count
    return {
        action: {kind: count for kind, count in by.items() if count}
        for action, by in counts.items()
        if any(by.values())
    }


def _text(json: bytes | None) -> str | None:
    return None if json is None else json.decode()
