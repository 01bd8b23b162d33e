"""What the tables of access hold, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Outcome = Literal["done", "refused", "failed"]


@dataclass(frozen=True)
class StoredUser:
    """A person, or a program that acts under a name of its own."""

    id: int
    name: str
    role: str
    password: str
    """As `passwords.hash_password` writes it."""
    is_disabled: bool
    made_at: datetime


@dataclass(frozen=True)
class StoredToken:
    """An API token; of its secret there is only a hash."""

    id: int
    user: str
    alias: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    is_paused: bool


@dataclass(frozen=True)
class TokenBearer:
    """A token together with what its owner may do now."""

    token: StoredToken
    role: str
    is_disabled: bool


@dataclass(frozen=True)
class SessionBearer:
    """A session together with what its owner may do now."""

    user: str
    role: str
    is_disabled: bool
    made_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class LogEntry:
    """What somebody did, or tried to.

    Args:
        at: when it was over.
        actor: who, as `Actor.name` says it.
        via: the way in.
        address: where the request came from.
        action: the use case, or `graphql.` and the name of Dagster's mutation.
        subject: on what.
        outcome: what became of it.
        detail: why it was refused or failed, or what it was asked for with.
        before: what was there, where a definition or setting was changed.
        after: what is there now.
        id: its number, in order of time; 0 before it is kept.
    """

    at: datetime
    actor: str
    via: str
    address: str
    action: str
    subject: str
    outcome: Outcome
    detail: str = ""
    before: str | None = None
    after: str | None = None
    id: int = 0


@dataclass(frozen=True)
class LogFilter:
    """Which entries are wanted, newest first.

    Args:
        actor: exactly this one, with the tokens of that user.
        action: exactly this one, or all of a noun: `dataset.`.
        since: none older.
        until: none from then on.
        before_id: only those older than this entry: the next page.
        limit: how many at most; None for all.
    """

    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None
    limit: int | None = 100


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """A time as the tables keep it: texts in the order of times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str) -> datetime:
    """And back."""
    return datetime.fromisoformat(text)
