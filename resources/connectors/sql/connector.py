"""What the SQL connectors share: identity, table lists, errors about names, the way into an export."""

from __future__ import annotations

import copy
import difflib
import importlib
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, Self

from resources.connectors.sql.browsing import browse, table_entry
from resources.connectors.sql.checking import run_checks
from resources.connectors.sql.config import Dialect, SqlConfig
from resources.connectors.sql.names import is_internal_name
from resources.connectors.sql.query_text import Syntax, check_query, with_literals
from resources.connectors.sql.writing.connector import WritingConnector
from resources.kernel.errors import ConfigError, NotFoundError, WaybillError
from resources.kernel.records import (
    BatchStream,
    BrowseEntry,
    CheckReport,
    Retype,
    SqlQuery,
    TableName,
    TableOrQuery,
    TellStep,
)


def open_table_connector(name: str, config: SqlConfig) -> DatabaseConnector:
    """The connector for `config.dialect`, named `name` in error texts. Connects to nothing yet."""
    room, _, attribute = config.spec.connector.partition(":")
    kind: Callable[[str, SqlConfig], DatabaseConnector] = getattr(
        importlib.import_module(f"resources.connectors.sql.{room}.connector"), attribute
    )
    return kind(name, config)


class DatabaseConnector(WritingConnector):
    """A database reached by SQL. Stateless but for what it learnt about values that need a wider type."""

    dialect_name: ClassVar[Dialect]
    syntax: ClassVar[Syntax] = Syntax()
    """How this database reads quotes and writes literals."""

    def __init__(self, name: str, config: SqlConfig) -> None:
        self.name = name
        self.config = config
        self.default_schema = config.db_schema
        self._as_text: dict[str, frozenset[str]] = {}
        self.most_rows: int | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.config.location!r})"

    @property
    def label(self) -> str:
        """How error texts call it."""
        return f"connector {self.name!r}"

    @abstractmethod
    def translate(self, error: Exception, doing: str) -> WaybillError:
        """The error of ours that `error` of the driver means, without any secret.

        Args:
            error: what the driver raised.
            doing: what was attempted, for the text: `reading table flights`.
        """

    @contextmanager
    def head(self, source: TableOrQuery, rows: int) -> Iterator[BatchStream]:
        """See `TableConnector.head`: dialects that tell types by the values look at no more than these rows."""
        part = copy.copy(self)
        part.most_rows = rows
        with part.read(source) as stream:
            yield stream

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Turns what the driver raises inside the block into errors of ours (T27).

        The driver's error is kept as the cause unless its text repeats a secret.
        """
        try:
            yield
        except self.driver_errors() as error:
            leaks = any(secret in str(error) for secret in self.config.secrets)
            raise self.translate(error, doing) from (None if leaks else error)

    def columns_as_text(self, source: TableOrQuery) -> frozenset[str]:
        """Columns of `source` that a read found to hold values which their own type cannot."""
        return self._as_text.get(repr(source), frozenset())

    @contextmanager
    def remembering(self, source: TableOrQuery) -> Iterator[None]:
        """Keeps what a `Retype` inside the block says, so that the next read of `source` holds."""
        try:
            yield
        except Retype as retype:
            self._as_text[repr(source)] = self.columns_as_text(source) | retype.columns.keys()
            raise

    def query_text(self, query: SqlQuery | str) -> str:
        """A query as it is sent: one that reads, with the values of its parameters written into it (T16, T17).

        Raises:
            InputError: no query, one that begins with a word that writes, or values that do not fit its placeholders.
        """
        where = f"{self.label}: {query_subject(query)}"
        if isinstance(query, str):
            query = SqlQuery(query)
        text = check_query(query.text, where=where, syntax=self.syntax)
        return with_literals(replace(query, text=text), self.syntax, where=where)

    def single_query(self, text: str) -> str:
        """See `TableConnector.single_query`."""
        return check_query(text, where=self.label, syntax=self.syntax)

    def limited(self, source: TableOrQuery) -> Self:
        """The connector with the time limit that a query brings; itself when it brings none."""
        seconds = source.timeout_seconds if isinstance(source, SqlQuery) else None
        if seconds is None:
            return self
        if seconds < 1:
            raise ConfigError(f"{self.label}: a query's time limit is at least 1 second")
        other = copy.copy(self)
        other.config = replace(self.config, statement_timeout_seconds=seconds)
        return other

    @abstractmethod
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """The exceptions that this dialect's drivers raise."""

    @abstractmethod
    def probe(self) -> dict[str, str]:
        """Connects and asks once who and what is there: the facts of `check`."""

    def encryption(self) -> str:
        """How the connection is encrypted, in words; empty where the driver does not say."""
        return ""

    def rights(self) -> str:
        """What the user may do, in words."""
        count = len(self.list_tables())
        return f"{count:,} tables and views can be read" if count else "no table can be read there"

    def check(self, tell: TellStep | None = None) -> CheckReport:
        """Tries the way there step by step; see `checking` (F036)."""
        return run_checks(self, tell)

    def browse(
        self, path: str = "", *, limit: int = 1000, after: str = ""
    ) -> Iterator[BrowseEntry]:
        """Databases, schemas, tables; see `browsing` (F039)."""
        return browse(self, path, limit, after)

    def databases(self) -> Sequence[str]:
        """Databases that the user may sign in to, this one first; none where there is no such level."""
        return ()

    def schemas(self) -> Sequence[str]:
        """Schemas whose tables the user may see; none where there is no such level."""
        return sorted({table.schema for table in self.list_tables() if table.schema})

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views of a schema; without an estimate of their rows unless the dialect has one."""
        return [
            table_entry(table.name, table.schema)
            for table in self.list_tables()
            if schema in (None, table.schema)
        ]

    def unknown_table(self, table: TableName, known: Sequence[TableName]) -> NotFoundError:
        """The error about a table that is not there, with the names nearest to it."""
        names = {str(item): item for item in known}
        folded = table.name.casefold()
        wanted = [str(table), *(n for n, item in names.items() if item.name.casefold() == folded)]
        near = difflib.get_close_matches(str(table), names, n=3, cutoff=0.5)
        near += difflib.get_close_matches(table.name, [i.name for i in known], n=3, cutoff=0.6)
        listed = list(dict.fromkeys([*wanted[1:], *near]))[:4]
        return NotFoundError(
            f"{self.label}: no table or view {str(table)!r} in {self.config.location}",
            hint=f"Did you mean {', '.join(map(repr, listed))}?"
            if listed
            else f"{len(known)} tables can be read there; none has a name like it",
            table=str(table),
            near=listed,
        )


@contextmanager
def interrupted_after(seconds: int | None, interrupt: Callable[[], None]) -> Iterator[None]:
    """Calls `interrupt` when the block takes longer, for databases that keep no time themselves."""
    timer = None if seconds is None else threading.Timer(seconds, interrupt)
    if timer:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.cancel()


def is_internal(name: str) -> bool:
    """Whether a table is part of how exports are made rather than data."""
    return is_internal_name(name)


def query_subject(source: TableOrQuery) -> str:
    """A table or a query, for error texts: queries are cut to their first 60 characters."""
    if isinstance(source, TableName):
        return f"table {source}"
    text = " ".join((source.text if isinstance(source, SqlQuery) else source).split())
    return f"query {text[:57] + '...' if len(text) > 60 else text!r}"
