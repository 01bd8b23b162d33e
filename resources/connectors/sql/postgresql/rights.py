"""PostgreSQL: what a user would have to be granted before a delivery can be made, asked of the server's own functions."""

from __future__ import annotations

from collections.abc import Iterator

from resources.connectors.sql.names import LEDGER_TABLE
from resources.connectors.sql.postgresql.target import find_table
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.writing.plan import TablePlan

_ON_TABLE = "SELECT has_table_privilege($1::oid, $2)"
_OWNS = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = $1::oid"


def missing_rights(
    session: PostgresqlWriteSession, plan: TablePlan, *, has_ledger: bool
) -> list[str]:
    """What the user lacks, in the words of GRANT; empty when nothing is lacking.

    Args:
        session: one whose schema is settled.
        plan: what is to be done.
        has_ledger: whether the schema has a ledger.
    """
    if session.execute("SELECT pg_is_in_recovery()") == [(True,)]:
        return ["a server that takes writes: this one is a standby"]
    return [*_on_schema(session, plan, has_ledger=has_ledger), *_on_tables(session, plan)]


def _on_schema(
    session: PostgresqlWriteSession, plan: TablePlan, *, has_ledger: bool
) -> Iterator[str]:
    # Rows that change their type on the way wait in a table of the transaction's own.
    makes = plan.action != "keep" or not plan.exact or bool(plan.added) or not has_ledger
    for right in ("USAGE", "CREATE") if makes else ("USAGE",):
        sql = "SELECT has_schema_privilege($1, $2)"
        if session.execute(sql, session.schema, right) != [(True,)]:
            yield f"{right} on schema {session.schema}"


def _on_tables(session: PostgresqlWriteSession, plan: TablePlan) -> Iterator[str]:
    name, mode = session.job.table.name, session.job.request.mode
    wanted = {LEDGER_TABLE: ("SELECT", "INSERT"), name: ("INSERT",)}
    if mode == "overwrite":
        wanted[name] = ("SELECT", "INSERT", "DELETE")
    for table, rights in wanted.items():
        oid = find_table(session.execute, session.schema, table)
        if oid is None:
            continue
        for right in rights:
            if session.execute(_ON_TABLE, oid, right) != [(True,)]:
                yield f"{right} on table {table}"
        changes = table == name and (plan.added or plan.action == "recreate")
        if changes and session.execute(_OWNS, oid) != [(True,)]:
            yield f"ownership of table {table}, whose columns change"
