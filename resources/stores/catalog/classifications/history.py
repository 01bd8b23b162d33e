"""The lines of history: what became of every file and undo of a set, written with the changes that it made."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from resources.stores.catalog.classifications.records import (
    FileEntry,
    FileFacts,
    HistoryFilter,
    StoredSet,
)
from resources.stores.catalog.classifications.tables import FILES, SETS


def select_entries(name: str = "") -> sa.Select[Any]:
    """Lines of the history of one set, or of all, newest first."""
    found = sa.select(FILES, SETS.c.name.label("set_name")).join(SETS, SETS.c.id == FILES.c.set_id)
    chosen = found.where(SETS.c.name == name) if name else found
    return chosen.order_by(FILES.c.id.desc())


def select_history(wanted: HistoryFilter) -> sa.Select[Any]:
    """The lines that a filter asks for, newest first."""
    found = select_entries(wanted.set_name)
    if wanted.outcomes:
        found = found.where(FILES.c.outcome.in_(wanted.outcomes))
    if wanted.file:
        found = found.where(FILES.c.file_name.contains(wanted.file, autoescape=True))
    # Times are texts of one form, in UTC: their order is that of the times.
    if wanted.since:
        found = found.where(FILES.c.recorded_at >= wanted.since.astimezone(UTC).isoformat())
    if wanted.until:
        found = found.where(FILES.c.recorded_at < wanted.until.astimezone(UTC).isoformat())
    return found if wanted.limit is None else found.limit(wanted.limit)


def find_entry(connection: sa.Connection, name: str, run_id: str) -> FileEntry | None:
    """What a run did to a set; None when it has not done it."""
    row = connection.execute(select_entries(name).where(FILES.c.run_id == run_id)).one_or_none()
    return None if row is None else to_entry(row)


def record(
    connection: sa.Connection, stored: StoredSet, facts: FileFacts, outcome: Any, version: int
) -> FileEntry:
    """Writes a line; `version` is the set's after it."""
    recorded_at = datetime.now(UTC).isoformat()
    connection.execute(
        sa.insert(FILES).values(
            set_id=stored.id,
            run_id=facts.run_id,
            kind=facts.kind,
            outcome=outcome,
            version=version,
            file_name=facts.name,
            sha256=facts.sha256,
            size_bytes=facts.size_bytes,
            author=facts.author,
            recorded_at=recorded_at,
            counts=json.dumps(dict(facts.counts)),
            details=json.dumps(dict(facts.details)),
        )
    )
    return FileEntry(facts, outcome, version, datetime.fromisoformat(recorded_at), stored.name)


def to_entry(row: Any) -> FileEntry:
    """A row of `select_entries` as a record."""
    facts = FileFacts(
        run_id=row.run_id,
        kind=row.kind,
        name=row.file_name,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        author=row.author,
        counts=json.loads(row.counts),
        details=json.loads(row.details),
    )
    at = datetime.fromisoformat(row.recorded_at)
    return FileEntry(facts, row.outcome, row.version, at, row.set_name)
