"""A SELECT on its way to a driver: what stands between parentheses, which values are bound, how its rows are fetched."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    nullcontext,
)
from typing import Any

import sqlalchemy as sa

from resources.connectors.sql.query_text import (
    Syntax,
    bound_query,
)
from resources.connectors.sql.sqlalchemy.silence import SilenceWatch
from resources.kernel.errors import (
    InputError,
)
from resources.kernel.records import (
    QueryValue,
    SqlQuery,
)

FETCH_BYTES = 1024 * 1024
MOST_FETCHED_ROWS = 4096
WATCH = "waybill_silence_watch"
"""Where a connection keeps the watch over its silence."""
_MARK = "\x02"  # stands around the name of a placeholder
_MARKED = re.compile("\x02([A-Za-z_][A-Za-z0-9_]*)\x02")


class SourceSelect:
    """A SELECT of a whole source, and the values for its placeholders.

    Args:
        sql: what can stand between parentheses.
        values: what the driver binds.
        prefix: `WITH ...`, where that cannot.
    """

    def __init__(
        self, sql: str, values: Mapping[str, QueryValue] | None = None, *, prefix: str = ""
    ) -> None:
        self.sql = sql
        self.values = values or {}
        self.prefix = prefix

    @property
    def text(self) -> str:
        """The whole statement."""
        return f"{self.prefix}\n{self.sql}" if self.prefix else self.sql

    def around(self, select_list: str, alias: str) -> SourceSelect:
        """A SELECT of some of its columns."""
        sql = f"SELECT {select_list} FROM ({self.sql}\n){alias}"
        return SourceSelect(sql, self.values, prefix=self.prefix)


def bound_selection(query: SqlQuery, syntax: Syntax, *, where: str) -> SourceSelect:
    """The query with its values apart, for the driver to bind.

    Args:
        query: text and values.
        syntax: how the database reads quotes.
        where: the place, for errors.

    Raises:
        InputError: a value whose meaning depends on the driver: a NUL character, a number that is not finite.
    """
    bound = bound_query(query, syntax, where=where)
    text = bound.parts[0] + "".join(
        f" {_MARK}{name}{_MARK} {part}"
        for name, part in zip(bound.names, bound.parts[1:], strict=True)
    )
    for name, value in query.parameters.items():
        # What a driver does with these depends on the driver.
        if isinstance(value, str) and "\0" in value:
            raise InputError(f"{where}: parameter {name!r} holds a NUL character")
        if isinstance(value, float) and value - value != 0:
            raise InputError(f"{where}: parameter {name!r} is not a finite number")
    return SourceSelect(text, query.parameters)


def run(connection: sa.Connection, selection: SourceSelect) -> sa.CursorResult[Any]:
    """Runs a statement whose rows are fetched as they are asked for."""
    streaming = connection.execution_options(stream_results=True)
    # Colons mean something to SQLAlchemy, wherever they stand.
    text = _MARKED.sub(r":\1", selection.text.replace(":", "\\:"))
    with waiting_on(connection)():
        return streaming.execute(sa.text(text), dict(selection.values))


def fetched(result: sa.CursorResult[Any], most: int | None = None) -> Iterator[Sequence[Any]]:
    """The rows, so many at a time that they are about `FETCH_BYTES`; the first alone, to see how wide they are.

    Args:
        result: the cursor; closed in the end.
        most: how many rows to take at most; all when None.
    """
    size, left = 1, sys.maxsize if most is None else most
    waiting = waiting_on(result.connection)
    try:
        while left > 0:
            with waiting():
                rows = result.fetchmany(min(size, left))
            if not rows:
                break
            left -= len(rows)
            yield rows
            if size < MOST_FETCHED_ROWS:
                width = max(1, sum(map(_size, rows[-1])))
                size = max(1, min(MOST_FETCHED_ROWS, size * 8, FETCH_BYTES // width))
    finally:
        with waiting():
            result.close()


def waiting_on(connection: sa.Connection) -> Callable[[], AbstractContextManager[None]]:
    """What tells the watch of a connection, if it has one, that a caller waits for the server.

    Asked for once, while the connection is sound: a broken one would connect anew to tell.
    """
    watch: SilenceWatch | None = connection.info.get(WATCH)
    return watch.waiting if watch else nullcontext


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes, bytearray, memoryview)) else 16
