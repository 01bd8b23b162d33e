"""MySQL and MariaDB: what a user would have to be granted before a delivery can be made, as far as the catalog tells."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from resources.connectors.sql.mysql.write_session import MysqlWriteSession
from resources.connectors.sql.names import LEDGER_TABLE
from resources.connectors.sql.writing.plan import TablePlan

_RIGHTS = """\
SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = {grantee}
UNION SELECT privilege_type FROM information_schema.schema_privileges
  WHERE grantee = {grantee} AND {database} LIKE table_schema
UNION SELECT privilege_type FROM information_schema.table_privileges
  WHERE grantee = {grantee} AND table_schema = {database} AND table_name = {table}"""


def missing_rights(
    session: MysqlWriteSession, plan: TablePlan, *, has_ledger: bool
) -> Sequence[str] | None:
    """What the user lacks, in the words of GRANT; empty when nothing is lacking.

    None when some seem to be lacking and a role may give them: the catalog does not say what roles add up to.

    Args:
        session: one whose database is there.
        plan: what is to be done.
        has_ledger: whether the database has a ledger.
    """
    name, overwrites = session.job.table.name, session.job.request.mode == "overwrite"
    wanted = {"SELECT", "INSERT"} | ({"DELETE"} if overwrites else set())
    if plan.action != "keep":
        wanted |= {"CREATE", "DROP", "ALTER"}  # by a new table that takes the old one's place
    elif plan.added:
        wanted |= {"ALTER"}
    lacks = _lacking(session, name, wanted)
    ledger = {"SELECT", "INSERT"} if has_ledger else {"SELECT", "INSERT", "CREATE"}
    lacks += _lacking(session, LEDGER_TABLE, ledger)
    return None if lacks and _has_roles(session) else lacks


def _lacking(session: MysqlWriteSession, table: str, wanted: Collection[str]) -> list[str]:
    ((user,),) = session.execute("SELECT current_user()")
    name, _, host = str(user).rpartition("@")
    marks = {"grantee": session.mark(1), "database": session.mark(2), "table": session.mark(3)}
    rows = session.execute(_RIGHTS.format(**marks), f"'{name}'@'{host}'", session.database, table)
    found = {str(right) for (right,) in rows}
    return [f"{right} on {session.database}.{table}" for right in sorted(set(wanted) - found)]


def _has_roles(session: MysqlWriteSession) -> bool:
    return session.execute("SELECT count(*) FROM information_schema.applicable_roles") != [(0,)]
