"""Which ways of writing a database is trusted with: what cannot be atomic there is refused by name, before any run.

Pure: read when YAML is loaded, without a driver and without a connection.
"""

from __future__ import annotations

from resources.connectors.sql.dialects import DIALECTS, Dialect
from resources.kernel.records import WriteMode

TRANSACTIONAL_DRIVERS = frozenset({"postgresql", "cockroachdb", "sqlite"})
"""Dialects of SQLAlchemy in which rows are deleted and inserted in one transaction."""

_DDL_COMMITS = frozenset({"oracle", "snowflake"})


def refused_mode(dialect: Dialect, driver: str, mode: WriteMode) -> str:
    """Why an exporter of this mode cannot write there; empty when it can."""
    family = driver.partition("+")[0]
    if dialect == "other" and family in ("mysql", "mariadb"):
        return f"a connector of its own writes there: set `dialect: {family}`"
    if dialect == "other" and family not in TRANSACTIONAL_DRIVERS:
        return (
            f"databases reached by {driver} are read only here: none of them is known to"
            " replace rows in one transaction"
        )
    if mode in ("timestamp", "safe") and dialect in _DDL_COMMITS:
        return (
            f"mode {mode} creates a table each time, and CREATE TABLE commits by itself there: a reader"
            " in between sees an empty table, and a run that is killed leaves it behind"
        )
    return ""


def name_limit(dialect: Dialect, driver: str) -> tuple[int, str]:
    """The longest name of a table there, and its unit (E38)."""
    family = driver.partition("+")[0]
    if dialect == "other" and family in ("postgresql", "cockroachdb"):
        return DIALECTS["postgresql"].name_limit
    return DIALECTS[dialect].name_limit
