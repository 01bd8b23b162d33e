"""What tasks bring into collections: an item, its text and what became of it in the task, in one transaction a lot.

An item is known again by its reference within its folder. Its bytes tell whether anything is to be done: the same ones are
`unchanged`, others make it `updated` (the same item with a new text), those of another item are a `duplicate`. All of it is
decided in the transaction that writes, under the lock of the collection: so nothing is there twice, whoever else imports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from resources.collections.items import MediaType, identity_of
from resources.stores.catalog.collections.facets import FacetTable
from resources.stores.catalog.collections.imports import ensured_collection, ensured_folder
from resources.stores.catalog.collections.opened import Opened
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.collections.settling import advance
from resources.stores.catalog.collections.tables import DOCUMENTS, ITEMS, KNOWN
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks import items as task_items
from resources.stores.catalog.import_tasks.changing import locked_task
from resources.stores.catalog.import_tasks.records import ItemResult


@dataclass(frozen=True)
class TaskFolder:
    """Where a task brings its items.

    Args:
        task_id: of the task.
        collection: its name.
        folder: within it.
        schema: name of the metadata schema of the collection; empty: none.
        takes_duplicates: whether bytes that another item of the folder has make an item of their own.
    """

    task_id: int
    collection: str
    folder: str
    schema: str = ""
    takes_duplicates: bool = False


class ReadText(msgspec.Struct, frozen=True):
    """The text of an item as it was read."""

    document: bytes
    """Packed; see `resources/documents`."""
    output: str
    characters: int
    pages: int
    language: str


class BroughtItem(msgspec.Struct, frozen=True):
    """An item that was fetched and read."""

    number: int
    """Of the item of the task."""
    type: MediaType
    reference: str
    title: str
    sha256: str
    size: int
    fingerprint: str
    made_with: str
    """Stands for the options by which it was read: with others the same bytes are read again."""
    media: bytes | None = None
    """Media metadata as compact JSON."""
    metadata: bytes | None = None
    """Keys of custom metadata that the task fills, as compact JSON; others that the item has stay."""
    objects: bytes | None = None
    """SHA-256 of kept bytes as a JSON array."""
    text: ReadText | None = None


class KnownItem(msgspec.Struct, frozen=True, gc=False):
    """An item that an earlier task brought into the folder and that is still there."""

    item_id: int
    fingerprint: str
    sha256: str
    made_with: str


class TaskCollecting:
    """Brings the items of one task into one folder.

    Args:
        database: the catalog.
        place: where they go.
    """

    def __init__(self, database: CatalogDatabase, place: TaskFolder) -> None:
        self.database = database
        self.place = place
        self._target: tuple[int, int] | None = None

    def known(self, references: Sequence[str]) -> dict[str, KnownItem]:
        """What earlier tasks brought of some references, at most some thousand; by reference."""
        _, folder_id = self._ids()
        with self.database.read() as connection:
            return _known(connection, folder_id, references)

    def settle(
        self,
        results: Sequence[ItemResult],
        brought: Sequence[BroughtItem],
        refreshed: Mapping[str, str] | None = None,
    ) -> int:
        """Writes down what became of items, once, of those that the task still has to take up. Says of how many.

        Args:
            results: of items that came to nothing: failed, or known to be unchanged.
            brought: those that were read.
            refreshed: by reference, fingerprints by which what is unchanged is known from now on.
        """
        with self.database.lock(f"collection-{self.place.collection}"), self.database.write() as c:
            ids = self._ensured(c)
            _refresh(c, ids[1], refreshed or {})
            return self._settle(c, ids, results, brought)

    def _settle(
        self,
        connection: sa.Connection,
        ids: tuple[int, int],
        results: Sequence[ItemResult],
        brought: Sequence[BroughtItem],
    ) -> int:
        task_id = self.place.task_id
        locked_task(connection, task_id)
        numbers = [*(one.number for one in results), *(one.number for one in brought)]
        own = task_items.own_pending(connection, task_id, numbers)
        is_sqlite = self.database.is_sqlite
        opened = Opened.of(connection, self.place.collection, is_sqlite=is_sqlite)
        writing = _Writing(connection, self.place, ids, opened.facets)
        settled = writing.write([one for one in brought if one.number in own])
        settled += [one for one in results if one.number in own]
        return task_items.settle(connection, task_id, settled)

    def _ids(self) -> tuple[int, int]:
        if self._target is None:
            with self.database.write() as connection:
                self._target = self._ensured(connection)
        return self._target

    def _ensured(self, connection: sa.Connection) -> tuple[int, int]:
        place, is_sqlite = self.place, self.database.is_sqlite
        stored = ensured_collection(connection, place.collection, place.schema, is_sqlite=is_sqlite)
        return stored.id, ensured_folder(connection, stored.id, place.folder)


@dataclass(frozen=True)
class _Holder:
    """The item of the folder that has some bytes."""

    item_id: int
    reference: str


class _Writing:
    """One lot, in its transaction."""

    def __init__(
        self,
        connection: sa.Connection,
        place: TaskFolder,
        ids: tuple[int, int],
        facets: FacetTable,
    ) -> None:
        self._connection = connection
        self._place = place
        self._collection_id, self._folder_id = ids
        self._facets = facets
        self._read_facets = facets.reader()
        self._moment = now()

    def write(self, brought: Sequence[BroughtItem]) -> list[ItemResult]:
        """Brings items in; what became of each."""
        if not brought:
            return []
        known = _known(self._connection, self._folder_id, [one.reference for one in brought])
        present = self._present(brought)
        holders = self._holders({one.sha256 for one in brought})
        results: list[ItemResult] = []
        written: list[tuple[int, BroughtItem, bytes | None]] = []
        for one in brought:
            before = known.get(one.reference)
            item_id = (
                before.item_id if before else present.get(identity_of(one.type, [one.reference]))
            )
            if before is not None and (before.sha256, before.made_with) == (
                one.sha256,
                one.made_with,
            ):
                _refresh(self._connection, self._folder_id, {one.reference: one.fingerprint})
                results.append(_skipped(one, "unchanged", before.item_id))
                continue
            holder = holders.get(one.sha256)
            if holder and item_id is None and not self._place.takes_duplicates:
                same = f"the same bytes as item {holder.item_id}: {holder.reference}"
                results.append(_skipped(one, "duplicate", holder.item_id, same))
                continue
            is_new = item_id is None
            item_id, metadata = self._insert(one) if item_id is None else self._update(item_id, one)
            holders.setdefault(one.sha256, _Holder(item_id, one.reference))
            present[identity_of(one.type, [one.reference])] = item_id
            written.append((item_id, one, metadata))
            results.append(_done(one, item_id, is_new=is_new))
        self._follow(written)
        return results

    def _present(self, brought: Iterable[BroughtItem]) -> dict[bytes, int]:
        """Items of the folder that have these identities, whoever made them: the oldest of each."""
        identities = [identity_of(one.type, [one.reference]) for one in brought]
        chosen = (
            sa.select(ITEMS.c.identity, ITEMS.c.id)
            .where(ITEMS.c.folder_id == self._folder_id, ITEMS.c.identity.in_(identities))
            .order_by(ITEMS.c.id.desc())
        )
        return {bytes(row[0]): row[1] for row in self._connection.execute(chosen)}

    def _holders(self, hashes: Collection[str]) -> dict[str, _Holder]:
        chosen = (
            sa.select(KNOWN.c.sha256, KNOWN.c.item_id, KNOWN.c.reference)
            .join(ITEMS, ITEMS.c.id == KNOWN.c.item_id)
            .where(KNOWN.c.folder_id == self._folder_id, KNOWN.c.sha256.in_(hashes))
            .order_by(KNOWN.c.item_id.desc())
        )
        return {row[0]: _Holder(row[1], row[2]) for row in self._connection.execute(chosen)}

    def _insert(self, one: BroughtItem) -> tuple[int, bytes | None]:
        values = self._values(one, one.metadata)
        return int(self._connection.execute(_INSERT, values).scalar_one()), one.metadata

    def _update(self, item_id: int, one: BroughtItem) -> tuple[int, bytes | None]:
        """The item keeps its number and the keys of metadata that the task does not fill."""
        json = "metadata" if self._facets.is_sqlite else "metadata::text"
        chosen = sa.text(f"SELECT {json} FROM collection_items WHERE id = :id")
        old = self._connection.execute(chosen, {"id": item_id}).scalar_one_or_none()
        metadata = _merged(old, one.metadata)
        self._connection.execute(_UPDATE, {**self._values(one, metadata), "id": item_id})
        return item_id, metadata

    def _values(self, one: BroughtItem, metadata: bytes | None) -> dict[str, Any]:
        return {
            "collection": self._collection_id,
            "folder": self._folder_id,
            "identity": identity_of(one.type, [one.reference]),
            "type": one.type,
            "now": self._moment,
            "place": f"import task {self._place.task_id}, item {one.number}",
            "title": one.title,
            "urls": one.reference,
            "media": _text(one.media),
            "objects": _text(one.objects),
            "metadata": _text(metadata),
        }

    def _follow(self, written: Sequence[tuple[int, BroughtItem, bytes | None]]) -> None:
        """Facets, texts and what is known follow the items; the collection says that it changed."""
        if not written:
            return
        ids = [item_id for item_id, _, _ in written]
        # An item that was moved keeps its folder; one that came twice in the lot is as it came last.
        last = {item_id: (one, metadata) for item_id, one, metadata in written}
        chosen = sa.select(ITEMS.c.id, ITEMS.c.folder_id).where(ITEMS.c.id.in_(ids))
        folders = {row[0]: row[1] for row in self._connection.execute(chosen)}
        facets = sa.table(self._facets.table, sa.column("item"))
        self._connection.execute(sa.delete(facets).where(facets.c.item.in_(ids)))
        columns = self._read_facets.columns([metadata for _, metadata in last.values()])
        fixed = [
            list(last),
            [folders[item_id] for item_id in last],
            [one.type for one, _ in last.values()],
            ["ready"] * len(last),
        ]
        self._facets.insert(self._connection, zip(*fixed, *columns, strict=True))
        self._keep_texts({item_id: one for item_id, (one, _) in last.items()})
        self._connection.execute(
            _KNOW, [self._known_row(item_id, one) for item_id, one, _ in written]
        )
        advance(self._connection, self._collection_id)

    def _keep_texts(self, items: Mapping[int, BroughtItem]) -> None:
        self._connection.execute(sa.delete(DOCUMENTS).where(DOCUMENTS.c.item_id.in_(items)))
        rows = [
            {
                "item_id": item_id,
                "collection_id": self._collection_id,
                **msgspec.structs.asdict(one.text),
            }
            for item_id, one in items.items()
            if one.text is not None
        ]
        if rows:
            self._connection.execute(sa.insert(DOCUMENTS), rows)

    def _known_row(self, item_id: int, one: BroughtItem) -> dict[str, Any]:
        return {
            "folder": self._folder_id,
            "identity": task_items.identity_of(one.reference),
            "reference": one.reference,
            "fingerprint": one.fingerprint,
            "sha256": one.sha256,
            "made_with": one.made_with,
            "item": item_id,
            "task": self._place.task_id,
            "now": self._moment,
        }


_INSERT = sa.text(
    "INSERT INTO collection_items (collection_id, folder_id, identity, type, state, attempts, made_by, import_id,"
    " created_at, changed_at, place, title, urls, media, objects, metadata)"
    " VALUES (:collection, :folder, :identity, :type, 'ready', 1, 0, 0,"
    " :now, :now, :place, :title, :urls, :media, :objects, :metadata) RETURNING id"
)
_UPDATE = sa.text(
    "UPDATE collection_items SET identity = :identity, type = :type, state = 'ready', attempts = attempts + 1,"
    " changed_at = :now, place = :place, title = :title, urls = :urls, media = :media, objects = :objects,"
    " metadata = :metadata, rule = NULL, message = NULL, error_url = NULL WHERE id = :id"
)
_KNOW = sa.text(
    "INSERT INTO import_known (folder_id, identity, reference, fingerprint, sha256, made_with, item_id, task_id, changed_at)"
    " VALUES (:folder, :identity, :reference, :fingerprint, :sha256, :made_with, :item, :task, :now)"
    " ON CONFLICT (folder_id, identity) DO UPDATE SET fingerprint = excluded.fingerprint, sha256 = excluded.sha256,"
    " made_with = excluded.made_with, item_id = excluded.item_id, task_id = excluded.task_id,"
    " changed_at = excluded.changed_at"
)
_REFRESH = sa.text(
    "UPDATE import_known SET fingerprint = :fingerprint"
    " WHERE folder_id = :folder AND identity = :identity AND fingerprint <> :fingerprint"
)


def _known(
    connection: sa.Connection, folder_id: int, references: Sequence[str]
) -> dict[str, KnownItem]:
    """Those whose item was not removed since."""
    identities = {task_items.identity_of(reference): reference for reference in references}
    chosen = (
        sa.select(
            KNOWN.c.identity,
            KNOWN.c.item_id,
            KNOWN.c.fingerprint,
            KNOWN.c.sha256,
            KNOWN.c.made_with,
        )
        .join(ITEMS, ITEMS.c.id == KNOWN.c.item_id)
        .where(KNOWN.c.folder_id == folder_id, KNOWN.c.identity.in_(list(identities)))
    )
    return {identities[bytes(row[0])]: KnownItem(*row[1:]) for row in connection.execute(chosen)}


def _refresh(connection: sa.Connection, folder_id: int, refreshed: Mapping[str, str]) -> None:
    rows = [
        {"folder": folder_id, "identity": task_items.identity_of(reference), "fingerprint": told}
        for reference, told in refreshed.items()
        if told
    ]
    if rows:
        connection.execute(_REFRESH, rows)


def _done(one: BroughtItem, item_id: int, *, is_new: bool) -> ItemResult:
    outcome = "created" if is_new else "updated"
    return replace(_skipped(one, "unchanged", item_id), state="done", outcome=outcome)


def _skipped(one: BroughtItem, outcome: Any, item_id: int, message: str = "") -> ItemResult:
    return ItemResult(
        one.number,
        "skipped",
        outcome,
        message=message,
        size=one.size,
        fingerprint=one.fingerprint,
        sha256=one.sha256,
        target_item=item_id,
    )


def _merged(old: str | None, new: bytes | None) -> bytes | None:
    if old is None or new is None:
        return new if old is None else old.encode()
    return msgspec.json.encode({**msgspec.json.decode(old), **msgspec.json.decode(new)})


def _text(json: bytes | None) -> str | None:
    return None if json is None else json.decode()
