"""PostgreSQL: tables whose old rows cannot be replaced without harm to other rows, and why."""

from __future__ import annotations

from resources.connectors.sql.postgresql.target import (
    find_children,
    find_heirs,
    find_rules,
    hides_rows,
)
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.kernel.errors import ConnectorAuthError, InputError


def check_kept(session: PostgresqlWriteSession, oid: int, *, overwrites: bool) -> bool:
    """Refuses what must not be written; whether row security hides rows of the table.

    Args:
        session: inside its transaction.
        oid: the table.
        overwrites: whether its old rows go.

    Raises:
        ConnectorAuthError: row security hides rows that should go.
        InputError: rows of other tables would go with them, or rows would end up elsewhere.
    """
    hidden = hides_rows(session.execute, oid)
    if overwrites:
        _refuse_hidden(session, hidden=hidden)
        _refuse_followers(session, oid)
    _refuse_rules(session, oid)
    if overwrites:
        refuse_heirs(session, oid)
    return hidden


def _refuse_hidden(session: PostgresqlWriteSession, *, hidden: bool) -> None:
    if hidden:
        raise ConnectorAuthError(
            f"{session.job.doing}: row security hides rows of the table from this user, so that old rows"
            " would stay between the new ones",
            hint="Export as the table's owner, or grant the user BYPASSRLS",
        )


def _refuse_followers(session: PostgresqlWriteSession, oid: int) -> None:
    """Refuses to delete rows that another table's rows would follow (E13, E49)."""
    for child in find_children(session.execute, oid):
        if child.deletes:
            raise InputError(
                f"{session.job.doing}: table {child.table} refers to it by {child.constraint}"
                f" {child.deletes}: overwriting would change that table's rows",
                hint="Choose mode `append`, or drop that constraint",
                child=child.table,
            )


def _refuse_rules(session: PostgresqlWriteSession, oid: int) -> None:
    """Refuses a table whose rows would end up elsewhere (E13)."""
    rules = find_rules(session.execute, oid)
    if rules:
        raise InputError(
            f"{session.job.doing}: the table's rule {', '.join(rules)} rewrites an INSERT or DELETE: rows would be"
            " elsewhere, and COPY runs no rule",
            hint="Use a trigger instead of the rule, or export to the table that the rule writes to",
            rules=rules,
        )


def refuse_heirs(session: PostgresqlWriteSession, oid: int) -> None:
    """Refuses a table whose heirs' rows would go with its own (E13).

    Raises:
        InputError: naming the heirs.
    """
    heirs = find_heirs(session.execute, oid)
    if heirs:
        raise InputError(
            f"{session.job.doing}: tables inherit from it ({', '.join(heirs[:5])}): overwriting would delete"
            " their rows, too",
            hint="Choose mode `append`, a partitioned table, or another table",
            heirs=heirs,
        )
