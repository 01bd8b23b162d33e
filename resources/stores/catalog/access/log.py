"""The log of what was changed: entries are added and read; the database refuses to change or remove one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from resources.stores.catalog.access.records import LogEntry, LogFilter, to_text, to_time
from resources.stores.catalog.access.tables import LOG


def insert_entry(connection: sa.Connection, entry: LogEntry) -> None:
    """Adds an entry; it gets the next number."""
    values = asdict(entry)
    del values["id"]
    connection.execute(sa.insert(LOG).values(**values | {"at": to_text(entry.at)}))


def select_entries(connection: sa.Connection, wanted: LogFilter) -> Iterator[LogEntry]:
    """Entries of a filter, newest first, one by one."""
    query = sa.select(LOG).order_by(LOG.c.id.desc())
    for condition in _conditions(wanted):
        query = query.where(condition)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    for row in connection.execution_options(yield_per=500).execute(query):
        yield _to_entry(row)


def _conditions(wanted: LogFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.actor:
        of_tokens = LOG.c.actor.startswith(f"{wanted.actor} (", autoescape=True)
        yield (LOG.c.actor == wanted.actor) | of_tokens
    if wanted.action.endswith("."):
        yield LOG.c.action.startswith(wanted.action, autoescape=True)
    elif wanted.action:
        yield LOG.c.action == wanted.action
    if wanted.since is not None:
        yield LOG.c.at >= to_text(wanted.since)
    if wanted.until is not None:
        yield LOG.c.at < to_text(wanted.until)
    if wanted.before_id is not None:
        yield LOG.c.id < wanted.before_id


def _to_entry(row: sa.Row[Any]) -> LogEntry:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return LogEntry(**values | {"at": to_time(values["at"])})
