"""What an import found out about its items, written down once: only items that are its own and pending take an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from resources.collections.items import FileError, ItemOutcome
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.collections.tables import COLLECTIONS, FAILURES, IMPORTS, ITEMS

_UPDATE = sa.text(
    "UPDATE collection_items SET state = :state, media = COALESCE(:media, media),"
    " objects = COALESCE(:objects, objects), rule = :rule, message = :message,"
    " error_url = :error_url, attempts = attempts + 1, changed_at = :now WHERE id = :id"
)
_LOG = sa.text(
    "INSERT INTO collection_file_failures (import_id, item_id, position, place, type, title, url,"
    " rule, message, attempts, failed_at)"
    " SELECT import_id, id, :position, place, type, title, :url, :rule, :message, attempts,"
    " changed_at FROM collection_items WHERE id = :id"
)


def settle(
    connection: sa.Connection,
    collection_id: int,
    import_id: int,
    outcomes: Sequence[ItemOutcome],
) -> int:
    """Writes outcomes down; those of items that are no longer pending in this import are dropped. Says how many held."""
    own = _own(connection, import_id, [outcome.item_id for outcome in outcomes])
    taken = {outcome.item_id: outcome for outcome in outcomes if outcome.item_id in own}
    if not taken:
        return 0
    moment = now()
    connection.execute(_UPDATE, [_values(outcome, moment) for outcome in taken.values()])
    failed = [outcome for outcome in taken.values() if outcome.rule]
    ready = [number for number, outcome in taken.items() if not outcome.rule]
    set_state(connection, collection_id, [outcome.item_id for outcome in failed], "failed")
    set_state(connection, collection_id, ready, "ready")
    connection.execute(
        sa.update(IMPORTS)
        .where(IMPORTS.c.id == import_id)
        .values(ready=IMPORTS.c.ready + len(ready))
    )
    _log(connection, import_id, list(taken), failed)
    note_change(connection, collection_id)
    return len(taken)


def set_state(
    connection: sa.Connection, collection_id: int, ids: Sequence[int], state: str
) -> None:
    """Lets the facets of items follow their state."""
    if not ids:
        return
    facets = sa.table(f"facets_{collection_id}", sa.column("item"), sa.column("state"))
    connection.execute(sa.update(facets).where(facets.c.item.in_(ids)).values(state=state))


def note_change(connection: sa.Connection, collection_id: int) -> None:
    """Says that what is published of the collection is no longer current."""
    connection.execute(
        sa.update(COLLECTIONS)
        .where(COLLECTIONS.c.id == collection_id)
        .values(changes=COLLECTIONS.c.changes + 1)
    )


def advance(connection: sa.Connection, collection_id: int) -> None:
    """Says that items came, went or moved: an import that looked at the folder before looks again."""
    connection.execute(
        sa.update(COLLECTIONS)
        .where(COLLECTIONS.c.id == collection_id)
        .values(revision=COLLECTIONS.c.revision + 1, changes=COLLECTIONS.c.changes + 1)
    )


def retry(connection: sa.Connection, collection_id: int, import_id: int) -> int:
    """Makes the failed items of an import pending again; the log keeps them until they are ready."""
    facets = f"facets_{collection_id}"
    chosen = "SELECT id FROM collection_items WHERE import_id = :import AND state = 'failed'"
    values = {"import": import_id, "now": now()}
    connection.execute(
        sa.text(f"UPDATE {facets} SET state = 'pending' WHERE item IN ({chosen})"), values
    )
    changed = connection.execute(
        sa.text(
            "UPDATE collection_items SET state = 'pending', rule = NULL, message = NULL,"
            " error_url = NULL, changed_at = :now WHERE import_id = :import AND state = 'failed'"
        ),
        values,
    )
    note_change(connection, collection_id)
    return int(changed.rowcount)


def _own(connection: sa.Connection, import_id: int, ids: Sequence[int]) -> set[int]:
    chosen = (
        sa.select(ITEMS.c.id)
        .where(ITEMS.c.id.in_(ids), ITEMS.c.import_id == import_id, ITEMS.c.state == "pending")
        .order_by(ITEMS.c.id)
        .with_for_update()
    )
    return set(connection.execute(chosen).scalars())


def _values(outcome: ItemOutcome, moment: int) -> dict[str, Any]:
    return {
        "id": outcome.item_id,
        "state": "failed" if outcome.rule else "ready",
        "media": None if outcome.media is None else outcome.media.decode(),
        "objects": None if outcome.objects is None else outcome.objects.decode(),
        "rule": outcome.rule or None,
        "message": outcome.message or None,
        "error_url": outcome.url or None,
        "now": moment,
    }


def _log(
    connection: sa.Connection, import_id: int, ids: Sequence[int], failed: Sequence[ItemOutcome]
) -> None:
    """Puts what is wrong now in place of what was wrong with these items before."""
    connection.execute(
        sa.delete(FAILURES).where(FAILURES.c.import_id == import_id, FAILURES.c.item_id.in_(ids))
    )
    lines = [
        {"id": outcome.item_id, **msgspec.structs.asdict(one)}
        for outcome in failed
        for one in outcome.files or (FileError(0, outcome.url, outcome.rule, outcome.message),)
    ]
    if lines:
        connection.execute(_LOG, lines)
