"""Writing through any SQLAlchemy driver: PostgreSQL's and SQLite's relatives, in one transaction; others are refused."""

from __future__ import annotations

from resources.connectors.sql.names import quote_literal
from resources.connectors.sql.postgresql.written_types import SYSTEM_COLUMNS
from resources.connectors.sql.sqlalchemy.delivery import Reached, SqlalchemyDelivery, deliverer
from resources.connectors.sql.sqlalchemy.write_facts import WriteFacts
from resources.connectors.sql.sqlalchemy.write_session import SqlalchemyWriteSession
from resources.connectors.sql.sqlalchemy.written_types import TypeNames, column_types, generic_takes
from resources.connectors.sql.sqlite.target import COLUMNS, target_column
from resources.connectors.sql.sqlite.written_types import sqlite_holds, sqlite_octets, sqlite_type
from resources.connectors.sql.writing.columns import find_nul
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.modes import refused_mode
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.run import Deliverer
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


class PostgresqlRelativeDelivery(SqlalchemyDelivery):
    """PostgreSQL forgets comments in a view's text: the marker is the view's own comment."""

    def view_text(self, name: str) -> str:
        """The view's comment."""
        found = self.session.execute(
            "SELECT obj_description(to_regclass(:p1), 'pg_class')", self.session.qualified(name)
        )
        return str(found[0][0])

    def replace_view(self, name: str) -> list[str]:
        """See the base."""
        warnings = super().replace_view(name)
        marker = quote_literal(self.job.view_marker)
        self.session.execute(f"COMMENT ON VIEW {self.session.qualified(name)} IS {marker}")
        return warnings


class SqliteRelativeSession(SqlalchemyWriteSession):
    """SQLite's types are whatever was written there."""

    def target_columns(self, name: str) -> tuple[TargetColumn, ...]:
        """The columns with their types as they were declared."""
        rows = self.connection.exec_driver_sql(COLUMNS, (name,)).all()
        keys = sum(bool(row[4]) for row in rows)
        return tuple(target_column(*row, only_key=keys == 1) for row in rows)


class SqliteRelativeDelivery(SqlalchemyDelivery):
    """No view keeps a table from being dropped there."""

    session_class = SqliteRelativeSession

    def drop_retired(self, name: str) -> str | None:
        """Drops a table unless a view names it."""
        sql = "SELECT name FROM main.sqlite_master WHERE type = 'view' AND instr(sql, :p1) > 0"
        if used := self.session.execute(sql, name):
            self.session.connection.rollback()
            return f"table {name} is kept beyond its time: view {used[0][0]} uses it"
        return super().drop_retired(name)


def relative_deliverer(connector: Reached, label: str) -> Deliverer:
    """How the family of the connector's driver takes deliveries.

    Raises:
        ConfigError: nothing is known about writing there.
    """
    driver = connector.config.driver or ""
    if reason := refused_mode("other", driver, "overwrite"):
        raise ConfigError(f"{label}: {reason}", hint="Export to another database")
    family = driver.partition("+")[0]
    if family == "sqlite":
        return deliverer(connector, _SQLITE, _FACTS[family], SqliteRelativeDelivery)
    return deliverer(connector, _POSTGRESQL, _FACTS[family], PostgresqlRelativeDelivery)
