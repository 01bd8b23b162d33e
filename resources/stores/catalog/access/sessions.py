"""The table of sessions, within the caller's transaction. What is kept of a session's secret is its hash."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from resources.stores.catalog.access.records import SessionBearer, now, to_text, to_time
from resources.stores.catalog.access.tables import SESSIONS, USERS


def insert_session(connection: sa.Connection, *, sha256: str, user_id: int, address: str) -> None:
    """Begins a session."""
    moment = to_text(now())
    connection.execute(
        sa.insert(SESSIONS).values(
            sha256=sha256, user_id=user_id, address=address, made_at=moment, seen_at=moment
        )
    )


def find_session(connection: sa.Connection, sha256: str) -> SessionBearer | None:
    """Whose session has this hash."""
    wanted = (
        sa.select(SESSIONS, USERS.c.name, USERS.c.role, USERS.c.is_disabled)
        .join_from(SESSIONS, USERS)
        .where(SESSIONS.c.sha256 == sha256)
    )
    row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    made_at, seen_at = to_time(row.made_at), to_time(row.seen_at)
    return SessionBearer(row.name, row.role, bool(row.is_disabled), made_at, seen_at)


def touch_session(connection: sa.Connection, sha256: str) -> None:
    """Notes that it was used just now; one that has ended stays ended."""
    changed = sa.update(SESSIONS).where(SESSIONS.c.sha256 == sha256)
    connection.execute(changed.values(seen_at=to_text(now())))


def delete_session(connection: sa.Connection, sha256: str) -> None:
    """Ends a session."""
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.sha256 == sha256))


def delete_sessions_of(connection: sa.Connection, user_id: int, *, but: str = "") -> None:
    """Ends all sessions of a user, except the one with the hash `but`."""
    ended = sa.delete(SESSIONS).where(SESSIONS.c.user_id == user_id, SESSIONS.c.sha256 != but)
    connection.execute(ended)


def delete_old_sessions(
    connection: sa.Connection, *, made_before: datetime, seen_before: datetime
) -> None:
    """Removes those whose time is over."""
    is_old = (SESSIONS.c.made_at < to_text(made_before)) | (
        SESSIONS.c.seen_at < to_text(seen_before)
    )
    connection.execute(sa.delete(SESSIONS).where(is_old))
