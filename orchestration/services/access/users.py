"""Users: made, listed, changed, removed. Each change is in the audit log by the same transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from orchestration.services.access.actor import Actor, Role
from orchestration.services.access.audit import Change, note_within
from orchestration.services.access.passwords import check_password, hash_password
from resources.kernel.errors import ConflictError, InputError, UnknownNameError
from resources.stores.catalog.access.records import StoredUser
from resources.stores.catalog.access.sessions import delete_sessions_of
from resources.stores.catalog.access.users import (
    delete_user,
    find_user,
    insert_user,
    select_users,
    update_user,
)
from resources.stores.catalog.database import CatalogDatabase

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True)
class User:
    """A user, without the password."""

    name: str
    role: Role
    is_disabled: bool
    made_at: datetime


def list_users(database: CatalogDatabase) -> list[User]:
    """All users by name."""
    with database.read() as connection:
        return [_shown(user) for user in select_users(connection)]


def add_user(
    database: CatalogDatabase, actor: Actor, *, name: str, role: Role, password: str
) -> User:
    """Makes a user. From the first one on everybody has to sign in.

    Raises:
        InputError: the name or the password will not do.
        ConflictError: there is a user of this name.
    """
    if _NAME.fullmatch(name) is None:
        raise InputError(
            f"{name!r} cannot be the name of a user",
            hint="Use at most 64 small letters, digits and . _ @ + -, and begin with a letter or digit",
        )
    check_password(name, password)
    kept = hash_password(password)
    with database.write() as connection:
        if find_user(connection, name) is not None:
            raise ConflictError(f"there is a user {name!r} already", hint="Choose another name")
        if not select_users(connection) and role is not Role.ADMIN:
            raise ConflictError(
                f"{name!r} would be the only user, and no admin",
                hint="Make an admin first: from the first user on everybody has to sign in",
            )
        insert_user(connection, name=name, role=role, password=kept)
        note_within(connection, actor, "user.add", Change(name, after={"role": role}))
        return _shown(existing_user(connection, name))


def set_role(database: CatalogDatabase, actor: Actor, *, name: str, role: Role) -> User:
    """Gives a user another role; it counts from the next request on.

    Raises:
        UnknownNameError: there is no such user.
        ConflictError: no admin would be left.
    """
    with database.write() as connection:
        user = existing_user(connection, name)
        if role is not Role.ADMIN:
            _check_admin_left(connection, user)
        update_user(connection, user.id, role=role.value)
        change = Change(name, before={"role": user.role}, after={"role": role})
        note_within(connection, actor, "user.role", change)
        return _shown(existing_user(connection, name))


def set_password(
    database: CatalogDatabase, actor: Actor, *, name: str, password: str, keep_session: str = ""
) -> User:
    """Gives a user another password and ends the sessions begun with the old one.

    Args:
        database: the catalog.
        actor: who asks.
        name: of the user.
        password: the new one.
        keep_session: hash of the session in which the user changes it, which goes on.

    Raises:
        UnknownNameError: there is no such user.
        InputError: the password will not do.
    """
    check_password(name, password)
    kept = hash_password(password)
    with database.write() as connection:
        user = existing_user(connection, name)
        update_user(connection, user.id, password=kept)
        delete_sessions_of(connection, user.id, but=keep_session)
        note_within(connection, actor, "user.password", Change(name))
        return _shown(user)


def set_disabled(database: CatalogDatabase, actor: Actor, *, name: str, is_disabled: bool) -> User:
    """Shuts a user out, tokens and sessions included, or lets the user in again.

    Raises:
        UnknownNameError: there is no such user.
        ConflictError: no admin would be left.
    """
    with database.write() as connection:
        user = existing_user(connection, name)
        if is_disabled:
            _check_admin_left(connection, user)
            delete_sessions_of(connection, user.id)
        update_user(connection, user.id, is_disabled=is_disabled)
        action = "user.disable" if is_disabled else "user.enable"
        note_within(connection, actor, action, Change(name))
        return _shown(existing_user(connection, name))


def remove_user(database: CatalogDatabase, actor: Actor, *, name: str) -> None:
    """Removes a user with tokens and sessions. When the last one goes, signing in is no longer needed.

    Raises:
        UnknownNameError: there is no such user.
        ConflictError: users would be left, and no admin; or the last user would go and it is not a shell that asks.
    """
    with database.write() as connection:
        user = existing_user(connection, name)
        if len(select_users(connection)) > 1:
            _check_admin_left(connection, user)
        elif actor.via != "shell":
            raise ConflictError(
                f"{name!r} is the only user: without one no sign-in would be needed",
                hint=f"Remove it at a shell of the server: waybill user remove {name}",
            )
        delete_user(connection, user.id)
        note_within(connection, actor, "user.remove", Change(name, before={"role": user.role}))


def existing_user(connection: sa.Connection, name: str) -> StoredUser:
    """A user by name.

    Raises:
        UnknownNameError: there is no such user; it names those that there are.
    """
    user = find_user(connection, name)
    if user is None:
        raise UnknownNameError("user", name, [other.name for other in select_users(connection)])
    return user


def _check_admin_left(connection: sa.Connection, leaving: StoredUser) -> None:
    if leaving.role != Role.ADMIN or leaving.is_disabled:
        return
    others = (user for user in select_users(connection) if user.id != leaving.id)
    if not any(user.role == Role.ADMIN and not user.is_disabled for user in others):
        raise ConflictError(
            f"{leaving.name!r} is the only admin who can sign in",
            hint="Make another user an admin first",
        )


def _shown(user: StoredUser) -> User:
    return User(user.name, Role(user.role), user.is_disabled, user.made_at)
