"""Changes of single items, and their end. Each is one transaction, and says so in the collection's row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from resources.collections.metadata_frames import check_metadata, normalised
from resources.collections.metadata_values import (
    METADATA_BYTES,
    MetadataProblem,
    check_storable,
    compact,
)
from resources.kernel.errors import ConflictError, InputError, NotFoundError
from resources.stores.catalog.collections.imports import ensured_folder
from resources.stores.catalog.collections.opened import Opened
from resources.stores.catalog.collections.records import StoredCollection, now, revision_of
from resources.stores.catalog.collections.settling import advance, note_change
from resources.stores.catalog.collections.tables import (
    COLLECTIONS,
    DOCUMENTS,
    FAILURES,
    FOLDERS,
    IMPORTS,
    ITEMS,
    KNOWN,
)

TITLE_LIMIT = 300
_AT_ONCE = 10_000


def rename(connection: sa.Connection, stored: StoredCollection, item_id: int, title: str) -> None:
    """Gives an item another title.

    Raises:
        NotFoundError: there is no such item.
        InputError: a title that is none.
    """
    if not 1 <= len(title) <= TITLE_LIMIT:
        raise InputError(f"a title of {len(title):,} characters", hint=f"Give 1 to {TITLE_LIMIT}")
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in title):
        raise InputError("a title of which a character is no text", hint="Leave it out")
    changed = connection.execute(
        sa.update(ITEMS)
        .where(ITEMS.c.id == item_id, ITEMS.c.collection_id == stored.id)
        .values(title=title, changed_at=now())
    )
    if changed.rowcount != 1:
        raise no_item(stored.name, item_id)
    note_change(connection, stored.id)


def merge_metadata(
    connection: sa.Connection,
    opened: Opened,
    item_id: int,
    patch: Mapping[str, Any],
    revision: str,
) -> None:
    """Changes keys of an item's custom metadata; null takes one out.

    Raises:
        NotFoundError: there is no such item.
        ConflictError: it is no longer as it was at `revision`.
        InputError: what comes of it breaks a rule.
    """
    stored = opened.stored
    metadata = "metadata" if opened.facets.is_sqlite else "metadata::text"
    lock = "" if opened.facets.is_sqlite else " FOR UPDATE"
    chosen = sa.text(
        f"SELECT type, {metadata}, changed_at FROM collection_items"
        f" WHERE id = :id AND collection_id = :collection{lock}"
    )
    row = connection.execute(chosen, {"id": item_id, "collection": stored.id}).one_or_none()
    if row is None:
        raise no_item(stored.name, item_id)
    _check_revision(stored.name, item_id, revision, revision_of(row[2]))
    old = {} if row[1] is None else msgspec.json.decode(row[1])
    merged = {name: value for name, value in {**old, **patch}.items() if value is not None}
    written = _checked(merged, patch, row[0], opened)
    connection.execute(
        sa.text("UPDATE collection_items SET metadata = :json, changed_at = :now WHERE id = :id"),
        {"json": written.decode(), "now": now(), "id": item_id},
    )
    _write_facets(connection, opened, item_id, written)
    note_change(connection, stored.id)


def _check_revision(collection: str, item_id: int, wanted: str, found: str) -> None:
    if wanted not in ("", found):
        raise ConflictError(
            f"item {item_id} of {collection!r} has revision {found}, not {wanted}:"
            " it was changed meanwhile",
            hint="Look at it again, then change it",
            revision=found,
        )


def move(
    connection: sa.Connection, stored: StoredCollection, ids: Sequence[int], folder: str
) -> int:
    """Puts items into a folder; says how many."""
    target = ensured_folder(connection, stored.id, folder)
    facets = sa.table(f"facets_{stored.id}", sa.column("item"), sa.column("folder_id"))
    moved = 0
    for some in _parts(ids):
        moved += connection.execute(
            sa.update(ITEMS)
            .where(ITEMS.c.collection_id == stored.id, ITEMS.c.id.in_(some))
            .values(folder_id=target, changed_at=now())
        ).rowcount
        connection.execute(
            sa.update(facets).where(facets.c.item.in_(some)).values(folder_id=target)
        )
    advance(connection, stored.id)
    return moved


def remove(connection: sa.Connection, stored: StoredCollection, ids: Sequence[int]) -> int:
    """Takes items out; says how many."""
    facets = sa.table(f"facets_{stored.id}", sa.column("item"))
    removed = 0
    for some in _parts(ids):
        connection.execute(sa.delete(facets).where(facets.c.item.in_(some)))
        is_own = sa.and_(ITEMS.c.collection_id == stored.id, ITEMS.c.id.in_(some))
        own = sa.select(ITEMS.c.id).where(is_own)  # ids of other collections may be among them
        connection.execute(sa.delete(DOCUMENTS).where(DOCUMENTS.c.item_id.in_(own)))
        connection.execute(sa.delete(KNOWN).where(KNOWN.c.item_id.in_(own)))
        removed += connection.execute(sa.delete(ITEMS).where(is_own)).rowcount
    advance(connection, stored.id)
    return removed


def remove_collection(connection: sa.Connection, stored: StoredCollection) -> int:
    """Takes a collection out with all that belongs to it; says how many items it had."""
    own = {"collection": stored.id}
    removed = connection.execute(
        sa.text(f"DELETE FROM collection_items WHERE id IN (SELECT item FROM facets_{stored.id})")
    ).rowcount
    connection.exec_driver_sql(f"DROP TABLE facets_{stored.id}")
    imports = sa.select(IMPORTS.c.id).where(IMPORTS.c.collection_id == stored.id)
    connection.execute(sa.delete(FAILURES).where(FAILURES.c.import_id.in_(imports)))
    folders = sa.select(FOLDERS.c.id).where(FOLDERS.c.collection_id == stored.id)
    connection.execute(sa.delete(KNOWN).where(KNOWN.c.folder_id.in_(folders)))
    for table in (DOCUMENTS, IMPORTS, FOLDERS):
        connection.execute(sa.delete(table).where(table.c.collection_id == own["collection"]))
    connection.execute(sa.delete(COLLECTIONS).where(COLLECTIONS.c.id == stored.id))
    return int(removed)


def no_item(collection: str, item_id: int) -> NotFoundError:
    """The error of an item that is not there."""
    return NotFoundError(
        f"collection {collection!r} has no item {item_id}", hint="It may have been removed"
    )


def _checked(merged: dict[str, Any], patch: Mapping[str, Any], kind: Any, opened: Opened) -> bytes:
    """The metadata as it is kept. What was there and no longer fits is no fault of who changes another key."""
    misfits = [*check_storable(dict(patch))]
    if not misfits:
        found = check_metadata(merged, kind, opened.schema)
        misfits = [one for one in found if not one.path or one.path[0] in patch]
    if misfits:
        raise _refusal(misfits)
    written = compact(normalised(merged))
    if len(written) > METADATA_BYTES:
        reason = f"the metadata has {len(written):,} bytes, {METADATA_BYTES:,} are allowed"
        raise _refusal([MetadataProblem((), "client_metadata_too_large", reason)])
    return written


def _refusal(misfits: Sequence[MetadataProblem]) -> InputError:
    first = misfits[0]
    more = f"; {len(misfits) - 1} more" if len(misfits) > 1 else ""
    return InputError(
        f"metadata {'.'.join(first.path)}: {first.message}{more}",
        hint=first.hint,
        rule=first.rule,
        problems=[{"path": list(m.path), "rule": m.rule, "message": m.message} for m in misfits],
    )


def _write_facets(connection: sa.Connection, opened: Opened, item_id: int, metadata: bytes) -> None:
    facets = opened.facets
    if not facets.names:
        return
    columns = facets.reader().columns([metadata])
    values = {name: column[0] for name, column in zip(facets.names, columns, strict=True)}
    settings = ", ".join(f"{name} = :{name}" for name in values)
    connection.execute(
        sa.text(f"UPDATE {facets.table} SET {settings} WHERE item = :item"),
        {**values, "item": item_id},
    )


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[n : n + _AT_ONCE] for n in range(0, len(ids), _AT_ONCE)]
