"""Imports that ended: noted in the same transaction as the event that tells webhooks of it."""

from __future__ import annotations

import sqlalchemy as sa

from resources.stores.catalog.collections.imports import SELECT_IMPORTS, known_import, to_import
from resources.stores.catalog.collections.records import StoredImport, now
from resources.stores.catalog.collections.tables import IMPORTS, ITEMS
from resources.stores.catalog.webhooks.outbox import note_event
from resources.stores.catalog.webhooks.records import Event, EventName

_EVENTS: dict[str, EventName] = {
    "completed": "import.completed",
    "failed": "import.failed",
    "interrupted": "import.failed",
    "stopped": "import.stopped",
}


def note_end(connection: sa.Connection, import_id: int, outcome: str, message: str = "") -> None:
    """Notes that an import ended, and how; each webhook that wants to know will be told."""
    changed = sa.update(IMPORTS).where(IMPORTS.c.id == import_id)
    connection.execute(changed.values(ended_at=now(), outcome=outcome, message=message))
    note_event(connection, _event(connection, known_import(connection, import_id)))


def unended_imports(connection: sa.Connection) -> list[StoredImport]:
    """Imports that a run was asked to work on and that have not ended."""
    chosen = SELECT_IMPORTS.where(IMPORTS.c.outcome == "", IMPORTS.c.run_ids != "[]")
    return [to_import(row) for row in connection.execute(chosen)]


def note_lost(connection: sa.Connection, seen: StoredImport, outcome: str, message: str) -> None:
    """Notes how an import ended whose run did not say so; nothing, where something was noted of it meanwhile."""
    stored = known_import(connection, seen.id)
    if not stored.outcome and stored.run_ids == seen.run_ids:
        note_end(connection, seen.id, outcome, message)


def _event(connection: sa.Connection, stored: StoredImport) -> Event:
    counted = connection.execute(
        sa.select(
            sa.select(IMPORTS.c.ready).where(IMPORTS.c.id == stored.id).scalar_subquery(),
            sa.select(sa.func.count())
            .where(ITEMS.c.import_id == stored.id, ITEMS.c.state == "failed")
            .scalar_subquery(),
        )
    ).one()
    counts = {action: stored.registered.total(action) for action in stored.registered.counts}
    target = {"kind": "collection", "name": stored.collection, "folder": stored.folder}
    return Event(
        _EVENTS[stored.outcome],
        f"collections/{stored.collection}/imports/{stored.id}",
        {
            "kind": "specification",
            "id": stored.id,
            "name": stored.file_name,
            "target": target,
            "state": stored.outcome,
            "reason": stored.message,
            "items": {**counts, "ready": counted[0], "failed": counted[1]},
        },
        run_id=stored.run_ids[-1] if stored.run_ids else "",
    )
