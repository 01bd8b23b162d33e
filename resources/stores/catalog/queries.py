"""The queries that people ran: who, when, what, how long, how many rows, why not. Never a row of a result.

Everybody has a history of their own, of the newest `KEPT` queries of a project. The address of a query holds its id, which
nobody can guess, and shows its statement to whoever was given it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from resources.kernel.errors import MESSAGE_LIMIT, ConflictError, NotFoundError
from resources.stores.catalog.database import CatalogDatabase

KEPT = 500
"""Queries of one person in one project; older ones are forgotten."""
LOST_AFTER = timedelta(hours=1)
"""No query runs that long: one that still seems to run then was cut off with its server."""
RUNNING, DONE, FAILED, STOPPED, LOST = "running", "done", "failed", "stopped", "lost"
METADATA = sa.MetaData()

QUERIES = sa.Table(
    "queries",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=True),
    sa.Column("rows", sa.BigInteger, nullable=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Index("queries_of_actor", "project", "actor", "asked_at"),
)


@dataclass(frozen=True)
class QueryEntry:
    """A query that was run."""

    id: str
    project: str
    actor: str
    asked_at: datetime
    statement: str
    state: str
    """`running`, `done`, `failed`, `stopped`, or `lost` when its server ended first."""
    seconds: float | None
    rows: int | None
    """Of the result, as far as it was shown or downloaded."""
    error: str


@dataclass(frozen=True)
class QueryEnd:
    """What became of a query."""

    state: str
    seconds: float
    rows: int | None = None
    error: str = ""


def new_query_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(12)


class QueryLog:
    """The histories of a catalog.

    Args:
        database: the catalog.
    """

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def begin(self, project: str, actor: str, statement: str, query_id: str) -> str:
        """Writes down that a query runs; returns its id.

        Raises:
            ConflictError: another query has the id.
        """
        row = {"id": query_id, "project": project, "actor": actor, "statement": statement}
        now = datetime.now(UTC).isoformat()
        with self._database.write() as connection:
            if connection.execute(sa.select(QUERIES.c.id).where(QUERIES.c.id == query_id)).first():
                raise ConflictError(f"there is a query {query_id} already", hint="Leave the id out")
            connection.execute(
                sa.insert(QUERIES).values(**row, asked_at=now, state=RUNNING, error="")
            )
            connection.execute(_forget(project, actor))
        return query_id

    def end(self, query_id: str, end: QueryEnd) -> None:
        """Writes down what became of it."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(QUERIES)
                .where(QUERIES.c.id == query_id, QUERIES.c.state == RUNNING)
                .values(
                    state=end.state,
                    seconds=end.seconds,
                    rows=end.rows,
                    error=end.error[:MESSAGE_LIMIT],
                )
            )

    def find(self, project: str, query_id: str) -> QueryEntry:
        """A query by its id, whoever ran it.

        Raises:
            NotFoundError: there is none, or it was forgotten.
        """
        chosen = sa.select(QUERIES).where(QUERIES.c.id == query_id, QUERIES.c.project == project)
        with self._database.read() as connection:
            row = connection.execute(chosen).one_or_none()
        if row is None:
            raise NotFoundError(
                f"there is no query {query_id[:40]!r}",
                hint=f"The newest {KEPT} queries of a person are kept",
            )
        return _entry(row)

    def history(
        self, project: str, actor: str, *, limit: int, before: Sequence[Any] | None = None
    ) -> list[QueryEntry]:
        """The queries of one person, newest first.

        Args:
            project: theirs in it.
            actor: whose.
            limit: most of them.
            before: (when, id) of the last one of the page before.
        """
        chosen = sa.select(QUERIES).where(QUERIES.c.project == project, QUERIES.c.actor == actor)
        if before is not None:
            chosen = chosen.where(sa.tuple_(QUERIES.c.asked_at, QUERIES.c.id) < sa.tuple_(*before))
        newest = chosen.order_by(QUERIES.c.asked_at.desc(), QUERIES.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(newest)]


def _forget(project: str, actor: str) -> sa.Delete:
    own = sa.and_(QUERIES.c.project == project, QUERIES.c.actor == actor)
    newest = sa.select(QUERIES.c.id).where(own).order_by(QUERIES.c.asked_at.desc()).limit(KEPT)
    return sa.delete(QUERIES).where(own, QUERIES.c.id.not_in(newest))


def _entry(row: Any) -> QueryEntry:
    asked_at = datetime.fromisoformat(row.asked_at)
    is_lost = row.state == RUNNING and datetime.now(UTC) - asked_at > LOST_AFTER
    return QueryEntry(
        id=row.id,
        project=row.project,
        actor=row.actor,
        asked_at=asked_at,
        statement=row.statement,
        state=LOST if is_lost else row.state,
        seconds=row.seconds,
        rows=row.rows,
        error=row.error,
    )
