"""How the items of a specification get into the tables: what both databases do, each in its own way.

A `Loader` takes sorted drafts batch by batch, and brings them in by one transaction together with the row of the import. What
was found in the folder meanwhile holds as long as the collection's `revision` does; the committing transaction
checks it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
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
MATCH_COLUMNS = ("identity", "type", "state", "place", "media", "metadata", "updates")
"""What is known of a draft whose identity the folder has; `updates`: whether its metadata replaces the old."""


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

    def new_rows(self, pairs: Sequence[tuple[bytes, ItemDraft]]) -> Iterator[tuple[Any, ...]]:
        """Rows of `NEW_COLUMNS`, then the facets."""
        if not pairs:
            return iter(())
        identities, drafts = zip(*pairs, strict=True)
        states = [state_of(draft, self.target.look) for draft in drafts]
        self.ready += states.count("ready")
        return zip(
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
            strict=True,
        )

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
        has_open = self.folder.has_open
        kind = SqliteMatching if self.target.facets.is_sqlite else Matching
        matching = kind(connection, self.target, has_open=has_open)
        matching.prepare()
        if has_open:
            tally, ready = matching.take_up(tally)
            self.ready += ready
        if tally.get("updated"):
            matching.replace_metadata()
        matching.refresh_facets()
        return tally

    def match_rows(self, drafts: Sorted) -> Iterator[tuple[Any, ...]]:
        """Rows of `MATCH_COLUMNS`, then the facets."""
        pairs = [*drafts.updated, *drafts.retried]
        updates = [1] * len(drafts.updated) + [0] * len(drafts.retried)
        metadata = [
            draft.metadata if is_new else None
            for (_, draft), is_new in zip(pairs, updates, strict=True)
        ]
        return zip(
            [identity for identity, _ in pairs],
            [draft.type for _, draft in pairs],
            [state_of(draft, self.target.look) for _, draft in pairs],
            [draft.at for _, draft in pairs],
            [_text(draft.media) for _, draft in pairs],
            [_text(one) for one in metadata],
            updates,
            *self.read.columns(metadata),
            strict=True,
        )


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
        self._is_same = "i.folder_id = :folder AND i.identity = m.identity"
        self._values = {"import": target.import_id, "folder": target.folder_id, "now": now()}

    def prepare(self) -> None:
        """Lets the database find a match by its identity."""
        self._run("CREATE UNIQUE INDEX matches_identity ON matches (identity)")
        self._run("ANALYZE matches")

    def take_up(self, tally: Tally) -> tuple[Tally, int]:
        """Takes up what is not ready; says how many items became ready by it.

        What became ready since it was looked at counts as skipped.
        """
        settled = self._rows(
            f"SELECT m.type, count(*) FROM matches m WHERE m.updates = 0 AND NOT EXISTS"
            f" (SELECT 1 FROM collection_items i WHERE {self._is_same} AND i.state <> 'ready')"
            " GROUP BY m.type"
        )
        [[ready]] = self._rows(
            "SELECT count(*) FROM matches m CROSS JOIN collection_items i"
            f" WHERE {self._is_same} AND i.state <> 'ready' AND m.state = 'ready'"
        )
        self._run(
            "UPDATE collection_items AS i SET state = m.state, place = m.place,"
            " import_id = :import, media = COALESCE(m.media, i.media), rule = NULL,"
            f" message = NULL, error_url = NULL, changed_at = :now FROM matches m"
            f" WHERE {self._is_same} AND i.state <> 'ready'"
        )
        return _moved(tally, dict(map(tuple, settled))), int(ready)

    def replace_metadata(self) -> None:
        """Replaces the metadata of those that bring some."""
        self._run(
            "UPDATE collection_items AS i SET metadata = m.metadata, import_id = :import,"
            f" changed_at = :now FROM matches m WHERE m.updates = 1 AND {self._is_same}"
        )

    def refresh_facets(self) -> None:
        """Lets the facets follow."""
        facets = self._target.facets
        names = "".join(f", {name}" for name in facets.names)
        values = "".join(f", m.{name}" for name in facets.names)
        updated = "".join(f", {name} = excluded.{name}" for name in facets.names)
        self._run(
            f"INSERT INTO {facets.table} (item, folder_id, type, state{names})"
            f" SELECT i.id, i.folder_id, i.type, i.state{values} FROM matches m"
            f" CROSS JOIN collection_items i WHERE {self._is_same} AND m.updates = 1"
            f" ON CONFLICT (item) DO UPDATE SET state = excluded.state{updated}"
        )
        self._refresh_states(" AND m.updates = 0")

    def _refresh_states(self, of: str) -> None:
        facets = self._target.facets.table
        self._run(
            f"UPDATE {facets} SET state ="
            f" (SELECT state FROM collection_items WHERE id = {facets}.item)"
            " WHERE item IN (SELECT i.id FROM matches m"
            f" CROSS JOIN collection_items i WHERE {self._is_same}{of})"
        )

    def _rows(self, statement: str) -> Sequence[Any]:
        return self._connection.execute(sa.text(statement), self._values).fetchall()

    def _run(self, statement: str) -> None:
        self._connection.execute(sa.text(statement), self._values)


class SqliteMatching(Matching):
    """The same where a join does not know which table is large, and `UPDATE ... FROM` first writes all values to a table of its own.

    The index of identities is looked into once, for the ids; all else goes by these.
    """

    _MATCHES = "FROM matched x CROSS JOIN matches m ON m.rowid = x.number"

    def prepare(self) -> None:
        """Finds the items whose metadata are replaced."""
        if self._has_open:
            super().prepare()
        self._run("CREATE TEMP TABLE matched (item INTEGER PRIMARY KEY, number INTEGER NOT NULL)")
        self._run(
            "INSERT INTO matched SELECT i.id, m.rowid FROM matches m CROSS JOIN collection_items i"
            f" WHERE {self._is_same} AND m.updates = 1 ORDER BY i.id"
        )

    def replace_metadata(self) -> None:
        """Replaces the metadata of those that bring some."""
        self._run(
            "UPDATE collection_items SET (metadata, import_id, changed_at) ="
            f" (SELECT m.metadata, :import, :now {self._MATCHES} WHERE x.item = collection_items.id)"
            " WHERE id IN (SELECT item FROM matched)"
        )

    def refresh_facets(self) -> None:
        """Lets the facets follow; states change only where items were taken up."""
        facets = self._target.facets
        if facets.names:
            values = "".join(f", m.{name}" for name in facets.names)
            updated = ", ".join(f"{name} = excluded.{name}" for name in facets.names)
            self._run(
                f"INSERT INTO {facets.table} (item, folder_id, type, state, {', '.join(facets.names)})"
                f" SELECT x.item, :folder, m.type, m.state{values} {self._MATCHES}"
                f" WHERE true ON CONFLICT (item) DO UPDATE SET {updated}"
            )
        if self._has_open:
            self._refresh_states("")


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
