"""The table of users, within the caller's transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from resources.stores.catalog.access.records import StoredUser, now, to_text, to_time
from resources.stores.catalog.access.tables import SESSIONS, TOKENS, USERS


def count_users(connection: sa.Connection) -> int:
    """How many there are, the disabled ones too."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(USERS)).scalar_one())


def select_users(connection: sa.Connection) -> list[StoredUser]:
    """All users by name."""
    return [_to_user(row) for row in connection.execute(sa.select(USERS).order_by(USERS.c.name))]


def find_user(connection: sa.Connection, name: str) -> StoredUser | None:
    """A user by name."""
    row = connection.execute(sa.select(USERS).where(USERS.c.name == name)).one_or_none()
    return None if row is None else _to_user(row)


def insert_user(connection: sa.Connection, *, name: str, role: str, password: str) -> None:
    """Adds a user; the name is free."""
    values = {"name": name, "role": role, "password": password, "is_disabled": False}
    connection.execute(sa.insert(USERS).values(**values, made_at=to_text(now())))


def update_user(connection: sa.Connection, user_id: int, **values: Any) -> None:
    """Changes columns of a user."""
    connection.execute(sa.update(USERS).where(USERS.c.id == user_id).values(**values))


def delete_user(connection: sa.Connection, user_id: int) -> None:
    """Removes a user with tokens and sessions; the log keeps the name."""
    for table in (SESSIONS, TOKENS):
        connection.execute(sa.delete(table).where(table.c.user_id == user_id))
    connection.execute(sa.delete(USERS).where(USERS.c.id == user_id))


def _to_user(row: sa.Row[Any]) -> StoredUser:
    return StoredUser(
        row.id, row.name, row.role, row.password, bool(row.is_disabled), to_time(row.made_at)
    )
