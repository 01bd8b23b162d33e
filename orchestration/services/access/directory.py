"""Who comes with a token or a session: asked for every request, so what is revoked is so at once.

The time of the last use is written beside the request, at most once a minute, and never keeps it waiting.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.session_lives import session_idle_life, session_life
from orchestration.services.access.tokens import sha256_of
from resources.kernel.errors import WaybillError
from resources.stores.catalog.access.records import now
from resources.stores.catalog.access.sessions import find_session, touch_session
from resources.stores.catalog.access.tokens import find_bearer, touch_token
from resources.stores.catalog.access.users import count_users
from resources.stores.catalog.database import CatalogDatabase

TOUCH_AFTER = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@dataclass
class Directory:
    """Users, tokens and sessions of a catalog, for the guard.

    Args:
        database: the catalog; made by the first who writes into it, not by a look.
    """

    database: CatalogDatabase

    def __post_init__(self) -> None:
        self._touching = threading.Semaphore()

    def has_users(self) -> bool:
        """Whether anybody has to sign in."""
        if not self.database.exists():
            return False
        with self.database.read() as connection:
            return count_users(connection) > 0

    def bearer_of_token(self, secret: str, address: str) -> Actor | None:
        """Whose token it is; None where it is none, revoked, paused, expired, or its owner is shut out."""
        if not self.database.exists():
            return None
        with self.database.read() as connection:
            found = find_bearer(connection, sha256_of(secret))
        if found is None or found.is_disabled or found.token.is_paused:
            return None
        token, moment = found.token, now()
        if token.expires_at is not None and token.expires_at <= moment:
            return None
        self._touch(token.used_at, lambda connection: touch_token(connection, token.id))
        scopes = frozenset(map(Scope, token.scopes))
        name = f"{token.user} (token {token.alias})"
        return Actor(name, Role(found.role), scopes, "token", address)

    def bearer_of_session(self, secret: str, address: str, *, is_use: bool = True) -> Actor | None:
        """Whose session it is; None where it has ended. One that is not used ends after a while."""
        if not self.database.exists():
            return None
        sha256, moment = sha256_of(secret), now()
        with self.database.read() as connection:
            found = find_session(connection, sha256)
        if found is None or found.is_disabled:
            return None
        made, seen = found.made_at, found.seen_at
        if made + session_life() <= moment or seen + session_idle_life() <= moment:
            return None
        if is_use:
            self._touch(found.seen_at, lambda connection: touch_session(connection, sha256))
        return Actor(found.user, Role(found.role), via="session", address=address)

    def _touch(self, last: datetime | None, write: Callable[[sa.Connection], None]) -> None:
        if last is not None and last + TOUCH_AFTER > now():
            return
        if not self._touching.acquire(blocking=False):
            return  # another one is written just now; this one is by the next request

        def touch() -> None:
            try:
                with self.database.write() as connection:
                    write(connection)
            except WaybillError as error:
                _log.warning("the time of the last use was not noted: %s", error)
            finally:
                self._touching.release()

        threading.Thread(target=touch, name="last use", daemon=True).start()
