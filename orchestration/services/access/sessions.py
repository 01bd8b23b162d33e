"""Sessions of people in a browser: begun with name and password, bounded in time, ended for good by signing out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from orchestration.services.access.actor import Actor, Role
from orchestration.services.access.audit import Change, note, note_within
from orchestration.services.access.passwords import is_password
from orchestration.services.access.session_lives import session_idle_life, session_life
from orchestration.services.access.tokens import sha256_of
from orchestration.services.access.users import may_be_user
from resources.kernel.errors import ForbiddenError
from resources.stores.catalog.access.records import StoredUser, now
from resources.stores.catalog.access.sessions import (
    delete_old_sessions,
    delete_session,
    find_session,
    insert_session,
)
from resources.stores.catalog.access.users import find_user
from resources.stores.catalog.database import CatalogDatabase


@dataclass(frozen=True)
class NewSession:
    """A session that was begun just now."""

    user: str
    secret: str = field(repr=False)


def sign_in(
    database: CatalogDatabase, *, name: str, password: str, address: str, replaced: str = ""
) -> NewSession:
    """Begins a session, always under a new secret; one that the browser still had is ended.

    Args:
        database: the catalog.
        name: as it was typed in.
        password: as well.
        address: where from.
        replaced: secret of the session that the browser had.

    Raises:
        ForbiddenError: name or password is wrong, or the user is disabled; it does not say which.
    """
    wanted = name.strip().lower()
    with database.read() as connection:
        user = find_user(connection, wanted) if may_be_user(wanted) else None
    is_right = is_password(password, None if user is None else user.password)
    if user is None or not is_right or user.is_disabled:
        actor = Actor(wanted or "-", Role.VIEWER, frozenset(), "session", address)
        change = Change(wanted, _reason(user))
        change.outcome = "refused"
        note(database, actor, "session.open", change)
        raise _wrong()
    secret = secrets.token_urlsafe(32)
    actor = Actor(user.name, Role(user.role), via="session", address=address)
    with database.write() as connection:
        moment, current = now(), find_user(connection, user.name)
        if current is None or current.is_disabled or current.password != user.password:
            raise _wrong()  # changed while the password was being hashed, which takes a while
        delete_old_sessions(
            connection,
            made_before=moment - session_life(),
            seen_before=moment - session_idle_life(),
        )
        if replaced:
            delete_session(connection, sha256_of(replaced))
        insert_session(connection, sha256=sha256_of(secret), user_id=user.id, address=address)
        note_within(connection, actor, "session.open", Change(user.name))
    return NewSession(user.name, secret)


def sign_out(database: CatalogDatabase, actor: Actor, secret: str) -> None:
    """Ends a session: its cookie is worth nothing from now on, wherever a copy of it may be."""
    with database.write() as connection:
        if find_session(connection, sha256_of(secret)) is not None:
            delete_session(connection, sha256_of(secret))
            note_within(connection, actor, "session.close", Change(actor.name))


def _wrong() -> ForbiddenError:
    return ForbiddenError("name or password is wrong", hint="Try again, or ask an admin")


def _reason(user: StoredUser | None) -> str:
    if user is None:
        return "no such user"
    return "the user is disabled" if user.is_disabled else "wrong password"
