"""Writing through any SQLAlchemy driver: PostgreSQL's and SQLite's relatives, in one transaction; others are refused."""

from __future__ import annotations

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.names import quote_literal
from resources.connectors.sql.postgresql.written_types import SYSTEM_COLUMNS
from resources.connectors.sql.sqlalchemy.delivery import GenericSession, WriteFacts
from resources.connectors.sql.sqlalchemy.written_types import TypeNames, column_types, generic_takes
from resources.connectors.sql.sqlite.target import COLUMNS, target_column
from resources.connectors.sql.sqlite.written_types import sqlite_holds, sqlite_octets, sqlite_type
from resources.connectors.sql.writing.columns import find_nul
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.modes import refused_mode
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.session import ExportJob
from resources.kernel.errors import ConfigError

POSTGRESQL_TYPES = TypeNames(
    text="TEXT",
    long_text="TEXT",
    boolean="BOOLEAN",
    small="SMALLINT",
    integer="INTEGER",
    big="BIGINT",
    single="REAL",
    double="DOUBLE PRECISION",
    decimal="NUMERIC({}, {})",
    binary="BYTEA",
    date="DATE",
    time="TIME WITHOUT TIME ZONE",
    timestamp="TIMESTAMP WITHOUT TIME ZONE",
    zoned="TIMESTAMP WITH TIME ZONE",
    has_nan=True,
    has_infinity=True,
    text_check=find_nul,
)


def postgresql_relative_octets(target: str, quoted: str) -> str | None:
    """SQL for the bytes of a text or a bytea; a CHAR is padded."""
    family = target.partition("(")[0].strip().upper()
    known = {"TEXT", "VARCHAR", "CHARACTER VARYING", "BYTEA", "STRING", "BYTES"}
    return f"octet_length({quoted})" if family in known else None


_POSTGRESQL = ExportDialect(
    title="PostgreSQL",
    name_limit=(63, "bytes"),
    max_columns=1600,
    column_type=column_types(POSTGRESQL_TYPES),
    takes=generic_takes,
    folds_case=False,
    octets=postgresql_relative_octets,
    reserved_columns=SYSTEM_COLUMNS,
)
_SQLITE = ExportDialect(
    title="SQLite",
    name_limit=(128, "characters"),
    max_columns=2000,
    column_type=sqlite_type,
    takes=sqlite_holds,
    folds_case=True,
    octets=sqlite_octets,
)

_TEXTS = ("TEXT",) * 5

_FACTS = {
    "postgresql": WriteFacts(
        (*_TEXTS, "BIGINT", "TEXT"),
        locks=(
            "SET LOCAL lock_timeout = {milliseconds}",
            "LOCK TABLE {ledger} IN SHARE ROW EXCLUSIVE MODE",
            "SET LOCAL lock_timeout = {lock_milliseconds}",
        ),
    ),
    # No LOCK TABLE there: the one isolation it has, serializable, fails one of two exports at once.
    "cockroachdb": WriteFacts((*_TEXTS, "BIGINT", "TEXT")),
    "sqlite": WriteFacts((*_TEXTS, "INTEGER", "TEXT"), begin="BEGIN IMMEDIATE"),
}


def _family(connector: SqlConnector) -> str:
    driver = connector.config.driver or ""
    if reason := refused_mode("other", driver, "overwrite"):
        raise ConfigError(f"{connector.label}: {reason}", hint="Export to another database")
    return driver.partition("+")[0]


def dialect_of(connector: SqlConnector) -> ExportDialect:
    """What the family of the driver means for an export.

    Raises:
        ConfigError: nothing is known about writing there.
    """
    return _SQLITE if _family(connector) == "sqlite" else _POSTGRESQL


class PostgresqlRelativeSession(GenericSession):
    """PostgreSQL forgets comments in a view's text: the marker is the view's own comment."""

    def view_text(self, name: str) -> str:
        """The view's comment."""
        found = self.execute(
            "SELECT obj_description(to_regclass(:p1), 'pg_class')", self.qualified(name)
        )
        return str(found[0][0])

    def replace_view(self, name: str) -> list[str]:
        """See the base."""
        warnings = super().replace_view(name)
        marker = quote_literal(self.job.view_marker)
        self.execute(f"COMMENT ON VIEW {self.qualified(name)} IS {marker}")
        return warnings


class SqliteFileSession(GenericSession):
    """SQLite's types are whatever was written there, and no view keeps a table from being dropped."""

    def target_columns(self, name: str) -> tuple[TargetColumn, ...]:
        """The columns with their types as they were declared."""
        rows = self.connection.exec_driver_sql(COLUMNS, (name,)).all()
        keys = sum(bool(row[4]) for row in rows)
        return tuple(target_column(*row, only_key=keys == 1) for row in rows)

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless a view names it."""
        sql = "SELECT name FROM main.sqlite_master WHERE type = 'view' AND instr(sql, :p1) > 0"
        if used := self.execute(sql, name):
            self.connection.rollback()
            return f"table {name} is kept beyond its time: view {used[0][0]} uses it"
        return super().drop_retired(name)


def open_session(connector: SqlConnector, job: ExportJob) -> GenericSession:
    """Connects."""
    family = _family(connector)
    kind = SqliteFileSession if family == "sqlite" else PostgresqlRelativeSession
    return kind(connector, job, _FACTS[family])
