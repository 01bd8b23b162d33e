"""Running a query under the eyes of its history: whatever becomes of it is written down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from orchestration.services.queries.limits import STATEMENT_LIMIT
from orchestration.services.queries.running import RUNNING, QueryStoppedError, RunningQueries
from resources.kernel.errors import InputError, WaybillError
from resources.stores.catalog.queries import (
    DONE,
    FAILED,
    STOPPED,
    QueryEnd,
    QueryLog,
    new_query_id,
)

R = TypeVar("R")
_ID_LIMIT = 64


@dataclass(frozen=True)
class Asked:
    """A query that is to be run.

    Args:
        project: in which.
        actor: by whom.
        sql: the statement.
        query_id: under which it is stopped and found again; a new one by default.
    """

    project: str
    actor: str
    sql: str
    query_id: str = ""

    def checked(self) -> Asked:
        """The same with an id.

        Raises:
            InputError: an id that is none, or a statement that is too long to be kept.
        """
        if len(self.sql) > STATEMENT_LIMIT:
            raise InputError(
                f"a query has at most {STATEMENT_LIMIT:,} characters, not {len(self.sql):,}"
            )
        given = self.query_id
        if given and not (given.isascii() and given.isalnum() and 16 <= len(given) <= _ID_LIMIT):
            raise InputError(
                f"{given[:40]!r} is no id of a query",
                hint=f"Give 16 to {_ID_LIMIT} letters and digits at random, or leave it out",
            )
        return Asked(self.project, self.actor, self.sql, given or new_query_id())


class Outcome:
    """What is written down of a query at its end."""

    rows: int | None = None


@contextmanager
def recorded(log: QueryLog, asked: Asked) -> Iterator[Outcome]:
    """Writes down that a query runs, and at the end of the context what became of it."""
    log.begin(asked.project, asked.actor, asked.sql, asked.query_id)
    started, outcome = time.monotonic(), Outcome()
    state, text = STOPPED, ""  # by Ctrl-C, or with an asker that was cancelled
    try:
        yield outcome
        state = DONE
    except WaybillError as error:
        if not isinstance(error, QueryStoppedError):
            state, text = FAILED, str(error)
        raise
    finally:
        log.end(asked.query_id, QueryEnd(state, time.monotonic() - started, outcome.rows, text))


@asynccontextmanager
async def recorded_while(
    log: QueryLog, asked: Asked, running: RunningQueries = RUNNING
) -> AsyncIterator[None]:
    """The same for what is read as a stream: the query runs as long as the context lives.

    Raises:
        ConflictError: too many queries run already.
    """
    with running.held(asked.query_id, asked.actor):
        entry = recorded(log, asked)
        await asyncio.to_thread(entry.__enter__)
        try:
            yield
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(entry.__exit__, type(error), error, None))
            raise
        await asyncio.to_thread(entry.__exit__, None, None, None)


async def run_recorded(
    log: QueryLog,
    asked: Asked,
    work: Callable[[], Coroutine[Any, Any, R]],
    rows_of: Callable[[R], int | None],
    is_gone: Callable[[], Awaitable[bool]],
    running: RunningQueries = RUNNING,
) -> R:
    """The result of `work`, which asks another process, with its history written beside it.

    Raises:
        ConflictError: too many queries run already.
        QueryStoppedError: it was stopped, or the client that waits for it has gone.
        WaybillError: what the query raised.
    """
    running.check(asked.query_id, asked.actor)
    entry = recorded(log, asked)
    outcome = await asyncio.to_thread(entry.__enter__)
    try:
        found = await running.run(asked.query_id, asked.actor, work, is_gone)
        outcome.rows = rows_of(found)
    except BaseException as error:
        await asyncio.shield(asyncio.to_thread(entry.__exit__, type(error), error, None))
        raise
    await asyncio.to_thread(entry.__exit__, None, None, None)
    return found
