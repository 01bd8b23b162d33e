"""Sessions through SQLAlchemy: how one is opened, begun, watched and ended, and what its errors mean."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import (
    contextmanager,
    suppress,
)
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from resources.connectors.sql.connector import (
    DatabaseConnector,
    interrupted_after,
    query_subject,
)
from resources.connectors.sql.sqlalchemy.errors import driver_error
from resources.connectors.sql.sqlalchemy.selection import WATCH
from resources.connectors.sql.sqlalchemy.silence import SilenceWatch
from resources.connectors.sql.tcp import opened_with_socket
from resources.kernel.errors import (
    ConnectorUnavailableError,
    MissingDependencyError,
    WaybillError,
)
from resources.kernel.records import (
    TableOrQuery,
)


class SqlalchemySession(DatabaseConnector):
    """A database that is reached through SQLAlchemy: a new session each time, and a transaction that is rolled back."""

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
        """Driver arguments beside the URL: time limits and the user's options."""
        return {}

    def prepare(self, connection: Any, *, read_only: bool) -> None:
        """Settings of a new session of the driver."""

    def begin(self, connection: sa.Connection) -> None:
        """Makes the transaction one that only reads, from one state of the database."""

    def alarm(self, connection: sa.Connection) -> tuple[int | None, Callable[[], None]]:  # noqa: ARG002
        """After how many seconds to call what, for drivers whose database keeps no time; never, usually."""
        return None, lambda: None

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
        connection.info[WATCH] = watch
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
