"""API tokens: made once and never shown again, listed, paused, revoked. A token may do less than its owner, never more."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.audit import Change, note_within
from orchestration.services.access.users import existing_user
from resources.kernel.errors import ConflictError, ForbiddenError, InputError, UnknownNameError
from resources.stores.catalog.access.records import StoredToken, now
from resources.stores.catalog.access.tokens import (
    delete_token,
    find_token,
    insert_token,
    pause_token,
    select_tokens,
)
from resources.stores.catalog.database import CatalogDatabase

PREFIX = "waybill_"  # so that scanners for secrets find one that was left in a repository
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
DAYS_MAX = 3_650
TOKENS_MAX = 100


@dataclass(frozen=True)
class Token:
    """A token, without its secret."""

    user: str
    alias: str
    scopes: tuple[Scope, ...]
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    is_paused: bool
    """Whether it is refused until it goes on."""

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now()


@dataclass(frozen=True)
class NewToken:
    """A token that was made just now, with the secret that is shown this once."""

    token: Token
    secret: str


def create_token(
    database: CatalogDatabase,
    actor: Actor,
    *,
    user: str,
    alias: str,
    scopes: Collection[Scope],
    days: int | None = None,
) -> NewToken:
    """Makes a token of a user; an admin may make one for another user.

    Args:
        database: the catalog.
        actor: who asks.
        user: whose token it will be.
        alias: how its owner tells it from others.
        scopes: what it may be used for.
        days: how long it is good for; None for ever.

    Raises:
        InputError: the alias, the scopes or the days will not do.
        UnknownNameError: there is no such user.
        ConflictError: the user has a token of this alias, or too many.
        ForbiddenError: it is for another user, or wider than what the asker came in with.
    """
    _check_wish(alias, scopes, days)
    check_owner(actor, user)
    _check_reach(actor, scopes)
    secret = PREFIX + secrets.token_urlsafe(32)
    expires_at = None if days is None else now() + timedelta(days=days)
    ordered = [scope for scope in Scope if scope in scopes]
    with database.write() as connection:
        owner = existing_user(connection, user)
        _check_room([token.alias for token in select_tokens(connection, user)], user, alias)
        insert_token(
            connection,
            user_id=owner.id,
            alias=alias,
            sha256=sha256_of(secret),
            scopes=ordered,
            expires_at=expires_at,
        )
        facts = {"scopes": _listed(scopes), "expires_at": expires_at}
        note_within(connection, actor, "token.create", Change(f"{user}/{alias}", after=facts))
        made = find_token(connection, user, alias)
    if made is None:
        raise AssertionError("it was added above")
    return NewToken(_shown(made), secret)


def list_tokens(database: CatalogDatabase, *, user: str | None = None) -> list[Token]:
    """Tokens of a user, or of all."""
    with database.read() as connection:
        return [_shown(token) for token in select_tokens(connection, user)]


def list_tokens_for(database: CatalogDatabase, actor: Actor, *, user: str = "") -> list[Token]:
    """Tokens that `actor` may see: of a user, or without one all that are within reach.

    Raises:
        ForbiddenError: they are another user's, and `actor` is no admin.
    """
    if user:
        check_owner(actor, user)
    is_admin = actor.role is Role.ADMIN
    return list_tokens(database, user=user or (None if is_admin else actor.user))


def revoke_token(database: CatalogDatabase, actor: Actor, *, user: str, alias: str) -> None:
    """Ends a token: the next request with it is refused.

    Raises:
        UnknownNameError: the user has no such token.
        ForbiddenError: it is another user's, and the asker is no admin.
    """
    check_owner(actor, user)
    with database.write() as connection:
        token = _existing(connection, user, alias)
        delete_token(connection, token.id)
        note_within(connection, actor, "token.revoke", Change(f"{user}/{alias}"))


def set_token_paused(
    database: CatalogDatabase, actor: Actor, *, user: str, alias: str, is_paused: bool
) -> Token:
    """Has a token refused from the next request on, or taken again; its secret stays.

    Raises:
        UnknownNameError: the user has no such token.
        ForbiddenError: it is another user's, and the asker is no admin.
    """
    check_owner(actor, user)
    with database.write() as connection:
        pause_token(connection, _existing(connection, user, alias).id, is_paused=is_paused)
        action = "token.pause" if is_paused else "token.resume"
        note_within(connection, actor, action, Change(f"{user}/{alias}"))
        return _shown(_existing(connection, user, alias))


def check_owner(actor: Actor, user: str) -> None:
    """Nothing, where `actor` may deal with the tokens of a user.

    Raises:
        ForbiddenError: they are another user's, and `actor` is no admin.
    """
    if actor.role is not Role.ADMIN and actor.user != user:
        raise ForbiddenError(
            f"tokens of {user!r} are for {user!r} and admins", hint="Ask an admin", needed="admin"
        )


def sha256_of(secret: str) -> str:
    """What is kept of a secret: enough to know it again. It is long and random, so no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _existing(connection: sa.Connection, user: str, alias: str) -> StoredToken:
    token = find_token(connection, user, alias)
    if token is None:
        known = [other.alias for other in select_tokens(connection, user)]
        raise UnknownNameError("token", alias, known, where=user)
    return token


def _check_wish(alias: str, scopes: Collection[Scope], days: int | None) -> None:
    if _ALIAS.fullmatch(alias) is None:
        raise InputError(
            f"{alias!r} cannot be the alias of a token",
            hint="Use at most 64 letters, digits, spaces and . _ -, and begin with a letter or digit",
        )
    if not scopes:
        raise InputError(
            "a token needs a scope", hint=f"Choose from {', '.join(Scope)}: several are possible"
        )
    if days is not None and not 1 <= days <= DAYS_MAX:
        raise InputError(f"{days} days: a token is good for 1 to {DAYS_MAX}, or for ever")


def _check_reach(actor: Actor, scopes: Collection[Scope]) -> None:
    if not set(scopes) <= actor.scopes:
        raise ForbiddenError(
            f"a token cannot make one with more scopes than its own ({_listed(actor.scopes)})",
            hint="Sign in with name and password to make it",
        )


def _check_room(aliases: list[str], user: str, alias: str) -> None:
    if alias in aliases:
        raise ConflictError(
            f"{user!r} has a token {alias!r} already", hint="Revoke it, or choose another alias"
        )
    if len(aliases) >= TOKENS_MAX:
        raise ConflictError(
            f"{user!r} has {len(aliases)} tokens", hint="Revoke those that nothing uses any more"
        )


def _listed(scopes: Collection[Scope]) -> str:
    return " ".join(scope for scope in Scope if scope in scopes)


def _shown(token: StoredToken) -> Token:
    return Token(
        token.user,
        token.alias,
        tuple(map(Scope, token.scopes)),
        token.made_at,
        token.expires_at,
        token.used_at,
        token.is_paused,
    )
