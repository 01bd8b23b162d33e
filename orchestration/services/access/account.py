"""What users change about their own account."""

from __future__ import annotations

from contextlib import AbstractContextManager

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.access.passwords import is_password
from orchestration.services.access.tokens import sha256_of
from orchestration.services.access.users import existing_user, set_password
from resources.kernel.errors import ForbiddenError
from resources.stores.catalog.database import CatalogDatabase


def change_own_password(
    database: CatalogDatabase,
    actor: Actor,
    *,
    current: str,
    password: str,
    session: str,
    guess: AbstractContextManager[None],
) -> None:
    """Changes the password of the user who asks, and ends the other sessions.

    Args:
        database: the catalog.
        actor: who asks.
        current: the password so far: a browser that was left open is not enough.
        password: the new one.
        session: the secret of the session that goes on.
        guess: entered while the current password is looked at, and left by an error where it is wrong.

    Raises:
        ForbiddenError: the user did not sign in with a password, or it is another.
        TooManyTriesError: too many wrong ones were tried.
        InputError: the new one will not do.
    """
    if actor.via != "session":
        raise ForbiddenError(
            "a password can be changed only in a session that signed in with it",
            hint="Sign in at /login",
        )
    with guess, audited(database, actor, "access.password", actor.user):
        with database.read() as connection:
            user = existing_user(connection, actor.user)
        if not is_password(current, user.password):
            raise ForbiddenError("the current password is another", hint="Type it again")
    set_password(
        database, actor, name=user.name, password=password, keep_session=sha256_of(session)
    )
