"""The table of API tokens, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from resources.stores.catalog.access.records import (
    StoredToken,
    TokenBearer,
    now,
    to_text,
    to_time,
)
from resources.stores.catalog.access.tables import TOKENS, USERS

_WITH_OWNER = sa.select(
    TOKENS, USERS.c.name.label("user"), USERS.c.role, USERS.c.is_disabled
).join_from(TOKENS, USERS)


def insert_token(
    connection: sa.Connection,
    *,
    user_id: int,
    alias: str,
    sha256: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> None:
    """Adds a token; the user has no other of this alias."""
    connection.execute(
        sa.insert(TOKENS).values(
            user_id=user_id,
            alias=alias,
            sha256=sha256,
            scopes=" ".join(scopes),
            made_at=to_text(now()),
            expires_at=None if expires_at is None else to_text(expires_at),
        )
    )


def select_tokens(connection: sa.Connection, user: str | None = None) -> list[StoredToken]:
    """Tokens by owner and alias, all or those of one user."""
    wanted = _WITH_OWNER.order_by(USERS.c.name, TOKENS.c.alias)
    if user is not None:
        wanted = wanted.where(USERS.c.name == user)
    return [_to_token(row) for row in connection.execute(wanted)]


def find_token(connection: sa.Connection, user: str, alias: str) -> StoredToken | None:
    """A user's token by its alias."""
    wanted = _WITH_OWNER.where(USERS.c.name == user, TOKENS.c.alias == alias)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _to_token(row)


def find_bearer(connection: sa.Connection, sha256: str) -> TokenBearer | None:
    """Whose token has this hash."""
    row = connection.execute(_WITH_OWNER.where(TOKENS.c.sha256 == sha256)).one_or_none()
    return None if row is None else TokenBearer(_to_token(row), row.role, bool(row.is_disabled))


def touch_token(connection: sa.Connection, token_id: int) -> None:
    """Notes that it was used just now."""
    changed = sa.update(TOKENS).where(TOKENS.c.id == token_id)
    connection.execute(changed.values(used_at=to_text(now())))


def pause_token(connection: sa.Connection, token_id: int, *, is_paused: bool) -> None:
    """Has it refused for a while, or taken again."""
    changed = sa.update(TOKENS).where(TOKENS.c.id == token_id)
    connection.execute(changed.values(is_paused=is_paused))


def delete_token(connection: sa.Connection, token_id: int) -> None:
    """Ends a token."""
    connection.execute(sa.delete(TOKENS).where(TOKENS.c.id == token_id))


def _to_token(row: sa.Row[Any]) -> StoredToken:
    return StoredToken(
        row.id,
        row.user,
        row.alias,
        tuple(row.scopes.split()),
        to_time(row.made_at),
        None if row.expires_at is None else to_time(row.expires_at),
        None if row.used_at is None else to_time(row.used_at),
        bool(row.is_paused),
    )
