"""The audit log: every change, tried or done, with who, when, from where, and what was there before and after.

Changes of users and tokens are noted in the transaction that makes them. Whatever else changes something is noted by
`audited` around it, or by `note` when it is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from orchestration.services.access.actor import Actor
from orchestration.services.csv_text import csv_lines
from orchestration.services.paging import LIMIT, Page, check_limit, decode_cursor, encode_cursor
from resources.kernel.errors import ForbiddenError, InputError, WaybillError
from resources.stores.catalog.access.log import insert_entry, select_entries
from resources.stores.catalog.access.records import LogEntry, LogFilter, Outcome, now
from resources.stores.catalog.database import CatalogDatabase

__all__ = [
    "Change",
    "LogEntry",
    "LogFilter",
    "audited",
    "list_entries",
    "note",
    "note_within",
    "page_of_entries",
    "stream_csv",
    "stream_json_lines",
]

TEXT_LIMIT = 20_000
"""Of a definition before and after; what is longer is cut, and says so."""

_COLUMNS = ("id", "at", "actor", "via", "address", "action", "subject", "outcome", "detail", "before", "after")  # fmt: skip


@dataclass
class Change:
    """What is known of a change while it is made; the code that makes it fills in what it knows.

    Args:
        subject: on what: `datasets/flights`.
        detail: what it was asked for with.
        before: what was there; a text, or values that become JSON.
        after: what is there now.
    """

    subject: str = ""
    detail: str = ""
    before: Any = None
    after: Any = None
    outcome: Outcome = field(default="done", init=False)


@contextmanager
def audited(
    database: CatalogDatabase, actor: Actor, action: str, subject: str = ""
) -> Iterator[Change]:
    """Notes what happens inside as done, or with the reason as refused or failed."""
    change = Change(subject)
    try:
        yield change
    except BaseException as error:
        change.outcome = "refused" if isinstance(error, ForbiddenError) else "failed"
        change.detail = str(error) if isinstance(error, WaybillError) else type(error).__name__
        raise
    finally:
        note(database, actor, action, change)


def note(database: CatalogDatabase, actor: Actor, action: str, change: Change) -> None:
    """Adds an entry for something that is over."""
    with database.write() as connection:
        note_within(connection, actor, action, change)


def note_within(connection: sa.Connection, actor: Actor, action: str, change: Change) -> None:
    """The same as part of a transaction: the change and its entry, or neither."""
    insert_entry(
        connection,
        LogEntry(
            at=now(),
            actor=_cut(actor.name, 200),
            via=actor.via,
            address=_cut(actor.address, 100),
            action=_cut(action, 200),
            subject=_cut(change.subject, 1_000),
            outcome=change.outcome,
            detail=_cut(change.detail, 2_000),
            before=_as_text(change.before),
            after=_as_text(change.after),
        ),
    )


def list_entries(database: CatalogDatabase, wanted: LogFilter) -> list[LogEntry]:
    """Entries of a filter, newest first."""
    with database.read() as connection:
        return list(select_entries(connection, wanted))


def page_of_entries(
    database: CatalogDatabase, wanted: LogFilter, cursor: str | None = None
) -> Page[LogEntry]:
    """A page of entries, newest first.

    Raises:
        InputError: it is no cursor of this list, or the limit is out of bounds.
    """
    limit = wanted.limit or LIMIT
    check_limit(limit)
    before = None if cursor is None else _number(decode_cursor(cursor))
    found = list_entries(database, replace(wanted, before_id=before, limit=limit + 1))
    shown = tuple(found[:limit])
    more = len(found) > limit
    return Page(shown, encode_cursor((shown[-1].id,)) if more else None)


def stream_csv(database: CatalogDatabase, wanted: LogFilter) -> Iterator[str]:
    """The entries as CSV; a text that a spreadsheet would take for a formula begins with `'`."""
    with database.read() as connection:
        yield from csv_lines(_COLUMNS, map(_plain, select_entries(connection, wanted)))


def stream_json_lines(database: CatalogDatabase, wanted: LogFilter) -> Iterator[str]:
    """The entries as JSON, one a line."""
    with database.read() as connection:
        for entry in select_entries(connection, wanted):
            yield json.dumps(_plain(entry), ensure_ascii=False) + "\n"


def _number(place: list[Any]) -> int:
    if len(place) != 1 or type(place[0]) is not int or place[0] < 0:
        raise InputError("it is no cursor of this list", hint="Take `next` of the page before")
    return min(place[0], 2**62)


def _plain(entry: LogEntry) -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat()}


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else _cut(value, TEXT_LIMIT)
    return _cut(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), TEXT_LIMIT)


def _cut(text: str, limit: int) -> str:
    # NUL is no character of PostgreSQL's texts, a lone surrogate none of UTF-8.
    clean = text.replace("\0", "�").encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else f"{clean[:limit]}… ({len(clean)} characters)"
