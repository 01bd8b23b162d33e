"""`query.history`: the queries that a user ran, and any query by its id."""

from __future__ import annotations

from orchestration.services.paging import Page, check_limit, decode_cursor, encode_cursor
from resources.kernel.errors import InputError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.queries import QueryEntry, QueryLog, new_query_id

__all__ = [
    "QueryEntry",
    "QueryLog",
    "history_page",
    "log_of",
    "new_query_id",
    "open_log",
    "own_history",
]


def log_of(catalog: CatalogDatabase) -> QueryLog:
    """The histories of a catalog."""
    return QueryLog(catalog)


def open_log() -> QueryLog:
    """The histories of the catalog that the environment names."""
    return QueryLog(CatalogDatabase.open())


def own_history(project: str, actor: str, *, limit: int) -> list[QueryEntry]:
    """The newest queries of one person.

    Raises:
        InputError: a limit out of bounds.
    """
    check_limit(limit)
    return open_log().history(project, actor, limit=limit)


def history_page(
    log: QueryLog, project: str, actor: str, *, cursor: str | None, limit: int
) -> Page[QueryEntry]:
    """A page of the queries of one person, newest first.

    Raises:
        InputError: no cursor of this list; a limit out of bounds.
    """
    check_limit(limit)
    before = None if cursor is None else decode_cursor(cursor)
    if before is not None and (len(before) != 2 or not all(isinstance(p, str) for p in before)):
        raise InputError("this cursor is of another list", hint="Take `next` of the page before")
    found = log.history(project, actor, limit=limit + 1, before=before)
    shown = tuple(found[:limit])
    more = (
        encode_cursor((shown[-1].asked_at.isoformat(), shown[-1].id))
        if len(found) > limit
        else None
    )
    return Page(shown, more)
