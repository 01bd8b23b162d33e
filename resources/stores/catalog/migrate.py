"""Bringing the catalog's tables up to date with Alembic, inside the caller's transaction.

The usual start looks at one row and imports no Alembic. Revisions are numbered `0001`, `0002` ...; each runs on SQLite
and on PostgreSQL, where DDL is part of the transaction: killed half-way means not begun.

Revisions are given the operations of their connection. Alembic's `op` and `context` are one for the whole process: Dagster's storages use them
too, in threads of their own, and whoever came second worked on the other's database.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from resources.kernel.errors import ConfigError

HEAD = "0011"
"""The newest revision; a test compares it with the folder."""

MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "alembic_version"


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables are of the newest revision.

    Raises:
        ConfigError: they are newer than this code.
    """
    found = revision(connection)
    if found is not None and found > HEAD:
        raise ConfigError(
            f"the catalog has revision {found}; this Waybill knows up to {HEAD}",
            hint="It was opened by a newer Waybill: upgrade this one",
        )
    return found == HEAD


def revision(connection: sa.Connection) -> str | None:
    """The revision of the tables; None for an empty database."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def upgrade(connection: sa.Connection, target: str = HEAD) -> None:
    """Runs what is missing up to `target` on `connection`, in its transaction."""
    if is_current(connection):
        return  # another process did it while this one waited
    from alembic.config import Config
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    context = MigrationContext.configure(
        connection,
        # The transaction is the caller's. What is missing is asked for as alembic's own command does.
        opts={"fn": lambda now, _: scripts._upgrade_revs(target, now)},  # noqa: SLF001 - it has no public name
    )
    context.run_migrations(op=Operations(context))
