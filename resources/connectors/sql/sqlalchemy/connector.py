"""Reading any database that SQLAlchemy has a driver for: the path that always works.

One connection, one transaction that is rolled back in the end, one statement whose rows are fetched a few at a time. A
dialect says in a subclass how it begins that transaction and what its driver tells about columns.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
    suppress,
)
from typing import Any, ClassVar

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from resources.connectors.sql.browsing import table_entry
from resources.connectors.sql.connector import (
    DatabaseConnector,
    interrupted_after,
    is_internal,
    query_subject,
)
from resources.connectors.sql.query_text import (
    bound_query,
    check_enclosable,
    check_query,
    split_with,
    with_literals,
)
from resources.connectors.sql.reading import (
    check_result_names,
    coalesced,
    pieces,
)
from resources.connectors.sql.sqlalchemy.column_types import (
    Seen,
    UnfitError,
    ValueColumn,
    as_text,
    widened,
)
from resources.connectors.sql.sqlalchemy.errors import driver_error
from resources.connectors.sql.sqlalchemy.silence import SilenceWatch
from resources.connectors.sql.tcp import opened_with_socket
from resources.kernel.errors import (
    ConnectorUnavailableError,
    InputError,
    MissingDependencyError,
    WaybillError,
)
from resources.kernel.records import (
    BatchStream,
    BrowseEntry,
    QueryValue,
    Retype,
    SqlQuery,
    TableName,
    TableOrQuery,
)

FETCH_BYTES = 1024 * 1024
MOST_FETCHED_ROWS = 4096
_SYSTEM = frozenset({"information_schema", "sys", "guest", "mysql", "performance_schema"})
_HASH_BITS = 128
_WATCH = "waybill_silence_watch"
_MARK = "\x02"  # stands around the name of a placeholder
_MARKED = re.compile("\x02([A-Za-z_][A-Za-z0-9_]*)\x02")


class Selection:
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

    def around(self, select_list: str, alias: str) -> Selection:
        """A SELECT of some of its columns."""
        sql = f"SELECT {select_list} FROM ({self.sql}\n){alias}"
        return Selection(sql, self.values, prefix=self.prefix)


class SqlalchemyConnector(DatabaseConnector):
    """A database read through SQLAlchemy."""

    max_identifier = (128, "characters")
    max_columns = 1000
    package: ClassVar[str] = ""
    """The driver's package, for the error when it is not installed."""
    extra: ClassVar[str] = ""
    alias: ClassVar[str] = " AS source"
    """What stands behind a SELECT between parentheses."""
    is_watched: ClassVar[bool] = False
    """Whether the driver has no limit of silence of its own, so that the line is watched from outside (E4)."""
    encloses: ClassVar[bool] = True
    """Whether a query can stand between parentheses, which keeps everything but a SELECT out (T17)."""

    binds: ClassVar[bool] = True
    """Whether the driver takes every kind of parameter value; else they are written into the query."""

    @abstractmethod
    def url(self) -> sa.URL:
        """Driver, place and credentials."""

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:  # noqa: ARG002 - for those who can tell
        """What the driver is told beside the URL: time limits and the user's options."""
        return {}

    def prepare(self, connection: Any, *, read_only: bool) -> None:
        """Settings of a new session of the driver."""

    def begin(self, connection: sa.Connection) -> None:
        """Makes the transaction one that only reads, from one state of the database."""

    def alarm(self, connection: sa.Connection) -> tuple[int | None, Callable[[], None]]:  # noqa: ARG002
        """After how many seconds to call what, for drivers whose database keeps no time; never, usually."""
        return None, lambda: None

    def plan(self, connection: sa.Connection, selection: Selection) -> list[ValueColumn]:
        """The columns of a source as far as the driver can tell their types; no row is read."""
        nothing = Selection(
            f"{selection.around('*', self.alias).sql} WHERE 1 = 0", selection.values
        )
        if not self.encloses:
            nothing = selection
        result = self.run(connection, nothing)
        try:
            return [self.plan_column(item) for item in result.cursor.description or ()]
        finally:
            result.close()

    def plan_column(self, described: Any) -> ValueColumn:
        """What one entry of the cursor's description means; nothing but a name where drivers differ."""
        return ValueColumn(str(described[0]))

    def engine(self, *, read_only: bool = False) -> sa.Engine:
        """An engine without a pool: every `connect()` is a new session.

        Raises:
            MissingDependencyError: the driver is not installed.
            ConfigError: there is no such driver.
        """
        try:
            engine = sa.create_engine(
                self.url(),
                poolclass=NullPool,
                hide_parameters=True,
                connect_args=self.connect_args(read_only=read_only),
            )
        except ImportError:
            raise MissingDependencyError(
                self.package, extra=self.extra, purpose=f"A connection to {self.config.spec.title}"
            ) from None
        sa.event.listen(
            engine,
            "connect",
            lambda connection, _record: self.prepare(connection, read_only=read_only),
        )
        return engine

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """SQLAlchemy's, into which it wraps the driver's; some drivers let an OSError through."""
        return (sa.exc.SQLAlchemyError, OSError)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """See `sqlalchemy_errors`."""
        return driver_error(error, self.config, doing)

    def quote(self, name: str) -> str:
        """By the dialect's own rule; a name in lower case stands for one that was made without quotes."""
        super().quote(name)  # refuses what cannot be a name
        return str(self._preparer.quote(name))

    @functools.cached_property
    def _preparer(self) -> sa.sql.compiler.IdentifierPreparer:
        # Names go into texts, in which SQLAlchemy itself sees to percent signs: no paramstyle that doubles them.
        kind: Callable[..., sa.Dialect] = self.url().get_dialect()
        return kind(paramstyle="named").identifier_preparer

    def probe(self) -> dict[str, str]:
        """Version and user, as far as the driver tells."""
        with self.session("connecting") as connection:
            self.run(connection, Selection(self.probe_statement())).all()
            version = connection.dialect.server_version_info
        number = ".".join(map(str, version)) if version else "unknown"
        return {"version": f"{self.config.spec.title} {number}", "driver": self.url().drivername}

    def probe_statement(self) -> str:
        """The least that a database can be asked."""
        return "SELECT 1"

    def rights(self) -> str:
        """How many tables there are; whether each may be read no catalog tells in a way that all have."""
        return f"{len(self.list_tables()):,} tables and views can be seen"

    system_schemas: ClassVar[frozenset[str]] = frozenset()
    """Schemas that hold the system's own tables, in lower case."""

    def schemas(self) -> Sequence[str]:
        """Schemas of the database, the system's own left out; none where it has none."""
        with self.session("listing schemas") as connection:
            names = sa.inspect(connection).get_schema_names()
        wanted = self.config.schema
        return [
            name
            for name in sorted(names)
            if wanted in (None, name)
            and name.lower() not in _SYSTEM | self.system_schemas
            and not name.lower().startswith(("pg_", "crdb_"))
        ]

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views; how many rows they have no standard tells."""
        with self.session(f"listing schema {schema}") as connection:
            inspector = sa.inspect(connection)
            tables = inspector.get_table_names(schema=schema)
            views = inspector.get_view_names(schema=schema)
        entries = [table_entry(name, schema) for name in tables if name not in set(views)]
        return entries + [table_entry(name, schema, is_view=True) for name in views]

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views of the schema, in order of name."""
        with self.session("listing tables") as connection:
            return self._tables(connection)

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query; all values are looked at where the driver names no types."""
        doing = f"describing {query_subject(source)}"
        with self.session(doing, source) as connection:
            columns = self._columns(connection, self._selection(connection, source), source)
        return _schema(columns)

    def fingerprint(self, source: TableOrQuery) -> str:
        """A checksum over all values, whatever their order, made here: every row comes over the network."""
        doing = f"fingerprinting {query_subject(source)}"
        with self.session(doing, source) as connection:
            selection = self._selection(connection, source)
            columns = self.plan(connection, selection)
            self._check_names(columns, source)
            total = count = 0
            statement = self._reading(selection, columns)
            for rows in fetched(self.run(connection, statement), self.most_rows):
                count += len(rows)
                total += sum(_row_hash(row) for row in rows)
        text = f"{[(c.name, str(c.type)) for c in columns]} {count} {total % 2**_HASH_BITS}"
        return f"h:{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query; see `TableConnector.read`.

        Raises:
            Retype: while iterating, when a value does not fit the type that the database named.
        """
        doing = f"reading {query_subject(source)}"
        with ExitStack() as stack:
            with self.translated(doing):
                connection = stack.enter_context(self.connected(source))
                selection = self._selection(connection, source)
                columns = self._columns(connection, selection, source)
            # A cursor that still stands on a row may keep what it reads locked.
            batches = stack.enter_context(
                closing(self._batches(connection, selection, columns, source, batch_rows))
            )
            guesses = [column.guess for column in columns if column.guess]
            # Outside `translated`: an error of whoever takes the batches is not the database's.
            yield BatchStream(_schema(columns), batches, guesses=guesses)

    def _batches(
        self,
        connection: sa.Connection,
        selection: Selection,
        columns: Sequence[ValueColumn],
        source: TableOrQuery,
        batch_rows: int,
    ) -> Generator[pa.RecordBatch]:
        with self.translated(f"reading {query_subject(source)}"), self.remembering(source):
            raw = self.raw_batches(connection, self._reading(selection, columns), columns)
            for batch in coalesced(raw, batch_rows=batch_rows):
                yield from pieces(batch, batch_rows)

    def raw_batches(
        self, connection: sa.Connection, selection: Selection, columns: Sequence[ValueColumn]
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a statement in batches of about `FETCH_BYTES`.

        Raises:
            Retype: values that an announced type cannot hold; all such columns are named, since the rest is then read
                only to look for more.
        """
        schema = _schema(columns)
        unfit: set[str] = set()
        for rows in fetched(self.run(connection, selection), self.most_rows):
            arrays = []
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                try:
                    arrays.append(column.convert(values))
                except UnfitError:
                    unfit.add(column.name)
            if not unfit:
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        if unfit:
            raise Retype(dict.fromkeys(sorted(unfit), "string"))

    def _columns(
        self, connection: sa.Connection, selection: Selection, source: TableOrQuery
    ) -> list[ValueColumn]:
        columns = self.plan(connection, selection)
        self._check_names(columns, source)
        wide = self.columns_as_text(source)
        columns = [widened(column) if column.name in wide else column for column in columns]
        if all(column.type is not None for column in columns):
            return columns
        where = f"{self.label}: {query_subject(source)}"
        seen = [Seen() for _ in columns]
        result = self.run(connection, self._reading(selection, columns))
        for rows in fetched(result, self.most_rows):
            for noted, values in zip(seen, zip(*rows, strict=True), strict=True):
                noted.add(values)
        return [
            column
            if column.type is not None
            else noted.column(column.name, where=where, expression=column.expression)
            for column, noted in zip(columns, seen, strict=True)
        ]

    def _check_names(self, columns: Sequence[ValueColumn], source: TableOrQuery) -> None:
        where = f"{self.label}: {query_subject(source)}"
        check_result_names([column.name for column in columns], where=where)

    def _reading(self, selection: Selection, columns: Sequence[ValueColumn]) -> Selection:
        if not any(column.expression for column in columns):
            return selection
        items = []
        for column in columns:
            name = self.result_name(column.name)
            items.append(f"{column.expression} AS {name}" if column.expression else name)
        return selection.around(", ".join(items), self.alias)

    def result_name(self, name: str) -> str:
        """A column of a result, spelt exactly as the driver told it."""
        return str(self._preparer.quote_identifier(name))

    def _selection(self, connection: sa.Connection, source: TableOrQuery) -> Selection:
        if isinstance(source, TableName):
            table = TableName(source.name, source.schema or self.config.schema)
            if not sa.inspect(connection).has_table(table.name, schema=table.schema):
                raise self.unknown_table(table, self._tables(connection))
            return Selection(f"SELECT * FROM {self.table_sql(table)}")
        where = f"{self.label}: {query_subject(source)}"
        query = SqlQuery(source) if isinstance(source, str) else source
        text = check_query(query.text, where=where, syntax=self.syntax)
        check_enclosable(text, self.syntax, where=where)
        tables, statement = split_with(text, self.syntax, where=where)
        if tables:
            check_query(statement, where=where)
        return self.query_selection(SqlQuery(text, query.parameters), where=where)

    def query_selection(self, query: SqlQuery, *, where: str) -> Selection:
        """The query with its values apart, for the driver to bind."""
        if not self.binds:
            return self.enclosed(Selection(with_literals(query, self.syntax, where=where)))
        bound = bound_query(query, self.syntax, where=where)
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
        return self.enclosed(Selection(text, query.parameters))

    def enclosed(self, selection: Selection) -> Selection:
        """A query between parentheses: what is no single SELECT is an error there (T17)."""
        return selection.around("*", self.alias) if self.encloses else selection

    def run(self, connection: sa.Connection, selection: Selection) -> sa.CursorResult[Any]:
        """Runs a statement whose rows are fetched as they are asked for."""
        streaming = connection.execution_options(stream_results=True)
        # Colons mean something to SQLAlchemy, wherever they stand.
        text = _MARKED.sub(r":\1", selection.text.replace(":", "\\:"))
        with _waiting(connection)():
            return streaming.execute(sa.text(text), dict(selection.values))

    @contextmanager
    def session(self, doing: str, source: TableOrQuery = "") -> Iterator[sa.Connection]:
        """A reading transaction, with what the driver raises in it translated."""
        with self.translated(doing), self.connected(source) as connection:
            yield connection

    @contextmanager
    def connected(self, source: TableOrQuery = "") -> Iterator[sa.Connection]:
        """A reading transaction; nothing that happens in it stays."""
        limited = self.limited(source)
        engine = limited.engine(read_only=True)
        connection, watch = limited.open_watched(engine)
        try:
            with watch.waiting():
                limited.begin(connection)
            with interrupted_after(*limited.alarm(connection)):
                yield connection
        except WaybillError as error:
            if watch.has_cut:
                raise self._silent(source) from error
            raise
        except self.driver_errors() as error:
            if watch.has_cut:
                raise self._silent(source) from error
            raise
        finally:
            watch.close()
            # There is nothing to commit; a rollback would wait for a server that may be gone.
            with suppress(sa.exc.SQLAlchemyError, OSError):
                connection.invalidate()
            with suppress(sa.exc.SQLAlchemyError, OSError):
                connection.close()

    def open_watched(self, engine: sa.Engine) -> tuple[sa.Connection, SilenceWatch]:
        """A session, and the watch over its silence where the driver keeps none."""
        line = None
        if self.is_watched:
            connection, line = opened_with_socket(engine.connect, self.config.effective_port)
        else:
            connection = engine.connect()
        watch = SilenceWatch(line, self.silence_limit)
        connection.info[_WATCH] = watch
        return connection, watch

    @property
    def silence_limit(self) -> int:
        """Longest silence while a statement runs: a statement may compute as long as it was given time (E4)."""
        config = self.config
        return max(config.read_timeout_seconds, config.statement_timeout_seconds or 0)

    def _silent(self, source: TableOrQuery) -> ConnectorUnavailableError:
        limit = self.limited(source).silence_limit
        return ConnectorUnavailableError(
            f"reading {query_subject(source)} on {self.config.location}: no byte came for {limit} s",
            hint="The connection stalled; try again. If the statement computes that long, raise"
            " `read_timeout_seconds`",
        )

    def _tables(self, connection: sa.Connection) -> list[TableName]:
        inspector = sa.inspect(connection)
        schema = self.config.schema
        names = {
            *inspector.get_table_names(schema=schema),
            *inspector.get_view_names(schema=schema),
        }
        return [TableName(name, schema) for name in sorted(names) if not is_internal(name)]


def fetched(result: sa.CursorResult[Any], most: int | None = None) -> Iterator[Sequence[Any]]:
    """The rows, so many at a time that they are about `FETCH_BYTES`; the first alone, to see how wide they are.

    Args:
        result: the cursor; closed in the end.
        most: how many rows to take at most; all when None.
    """
    size, left = 1, sys.maxsize if most is None else most
    waiting = _waiting(result.connection)
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


def _waiting(connection: sa.Connection) -> Callable[[], AbstractContextManager[None]]:
    """What tells the watch of a connection, if it has one, that somebody waits for the server.

    Asked for once, while the connection is sound: a broken one would connect anew to tell.
    """
    watch: SilenceWatch | None = connection.info.get(_WATCH)
    return watch.waiting if watch else nullcontext


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes, bytearray, memoryview)) else 16


def _row_hash(row: Sequence[Any]) -> int:
    text = repr([value if _is_plain(value) else _exact_text(value) for value in row])
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    )


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (int, str, float, bytes, bool)


def _exact_text(value: Any) -> str:
    kind = type(value).__name__
    return (
        f"{kind} {bytes(value)!r}"
        if isinstance(value, (bytearray, memoryview))
        else f"{kind} {as_text(value)}"
    )


def _schema(columns: Sequence[ValueColumn]) -> pa.Schema:
    return pa.schema([pa.field(column.name, column.type) for column in columns])
