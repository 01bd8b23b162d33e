"""Webhooks: made, listed, changed, removed. Each change is in the audit log by the same transaction, without its secret."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import Change, note_within
from orchestration.services.access.tokens import sha256_of
from orchestration.services.webhooks.secret import BOTH, SigningKey, new_salt
from resources.kernel.errors import ConflictError, InputError, UnknownNameError
from resources.stores.catalog.access.records import now, to_text
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.webhooks.deliveries import tallies
from resources.stores.catalog.webhooks.records import EventName, StoredWebhook, Tally
from resources.stores.catalog.webhooks.webhooks import (
    delete_webhook,
    find_webhook,
    insert_webhook,
    select_webhooks,
    update_webhook,
)
from resources.web.addresses import check_named, refused

__all__ = [
    "EVENTS",
    "WEBHOOKS_MAX",
    "EventName",
    "NewSecret",
    "Webhook",
    "change_webhook",
    "checked_url",
    "create_webhook",
    "existing_webhook",
    "list_webhooks",
    "remove_webhook",
    "rotate_secret",
    "set_paused",
    "show_webhook",
    "subject_of_webhook",
]

EVENTS: tuple[EventName, ...] = get_args(EventName)
"""What can be told."""
WEBHOOKS_MAX = 20
_WHERE_TO = (
    "Give an https:// address of the public internet, without password and query string; a receiver"
    " in your own network needs a public name and a certificate"
)
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


@dataclass(frozen=True)
class Webhook:
    """A webhook, without its secret."""

    alias: str
    url: str
    events: tuple[str, ...]
    is_paused: bool
    made_by: str
    made_at: datetime
    waiting: int
    """Deliveries that are on their way."""
    failed: int
    """Deliveries that failed for good, in the log."""
    delivered: int
    """Deliveries that arrived, in the log."""
    last_delivered_at: datetime | None


@dataclass(frozen=True)
class NewSecret:
    """A webhook with a secret that was made just now and is shown this once."""

    webhook: Webhook
    secret: str


def create_webhook(
    database: CatalogDatabase,
    actor: Actor,
    key: SigningKey,
    *,
    alias: str,
    url: str,
    events: Collection[str],
) -> NewSecret:
    """Makes a webhook. It is told of what ends from then on.

    Args:
        database: the catalog.
        actor: who asks.
        key: what its secret is made from.
        alias: what people call it.
        url: where events are sent: https, a public host, no query string.
        events: which; some of `EVENTS`.

    Raises:
        InputError: the alias, the URL or the events will not do.
        ConflictError: there is one of this alias, or there are too many.
    """
    if _ALIAS.fullmatch(alias) is None:
        raise InputError(
            f"{alias!r} cannot be the alias of a webhook",
            hint="Use at most 64 letters, digits, spaces and . _ -, and begin with a letter or digit",
        )
    values = {"url": checked_url(url), "events": " ".join(_checked_events(events))}
    salt = new_salt()
    secret = key.secret(salt)
    with database.write() as connection:
        _check_room([one.alias for one in select_webhooks(connection)], alias)
        insert_webhook(
            connection,
            alias=alias,
            salt=salt,
            secret_sha256=sha256_of(secret),
            made_by=actor.name,
            **values,
        )
        change = Change(subject_of_webhook(alias), after=values)
        note_within(connection, actor, "webhook.create", change)
        return NewSecret(_shown(connection, existing_webhook(connection, alias)), secret)


def list_webhooks(database: CatalogDatabase) -> list[Webhook]:
    """All webhooks by alias, and how their deliveries are doing."""
    with database.read() as connection:
        counted = tallies(connection)
        return [_with(one, counted) for one in select_webhooks(connection)]


def show_webhook(database: CatalogDatabase, alias: str) -> Webhook:
    """A webhook, and how its deliveries are doing.

    Raises:
        UnknownNameError: there is none.
    """
    with database.read() as connection:
        return _shown(connection, existing_webhook(connection, alias))


def change_webhook(
    database: CatalogDatabase,
    actor: Actor,
    alias: str,
    *,
    url: str | None = None,
    events: Collection[str] | None = None,
) -> Webhook:
    """Sends events elsewhere, or others; what is None stays. What waits goes to the new address.

    Raises:
        UnknownNameError: there is none.
        InputError: the URL or the events will not do, or nothing is to be changed.
    """
    values: dict[str, Any] = {}
    if url is not None:
        values["url"] = checked_url(url)
    if events is not None:
        values["events"] = " ".join(_checked_events(events))
    if not values:
        raise InputError("nothing is to be changed", hint="Give another URL, other events or both")
    with database.write() as connection:
        found = existing_webhook(connection, alias)
        before = {"url": found.url, "events": " ".join(found.events)}
        update_webhook(connection, found.id, **values)
        change = Change(subject_of_webhook(alias), before=before, after=before | values)
        note_within(connection, actor, "webhook.edit", change)
        return _shown(connection, existing_webhook(connection, alias))


def set_paused(database: CatalogDatabase, actor: Actor, alias: str, *, is_paused: bool) -> Webhook:
    """Sends nothing for a while, or goes on. What ends meanwhile waits.

    Raises:
        UnknownNameError: there is none.
    """
    with database.write() as connection:
        found = existing_webhook(connection, alias)
        update_webhook(connection, found.id, is_paused=is_paused)
        action = "webhook.pause" if is_paused else "webhook.resume"
        note_within(connection, actor, action, Change(subject_of_webhook(alias)))
        return _shown(connection, existing_webhook(connection, alias))


def rotate_secret(
    database: CatalogDatabase, actor: Actor, key: SigningKey, alias: str
) -> NewSecret:
    """Makes another secret. For `BOTH` events are signed with the former one as well.

    Raises:
        UnknownNameError: there is none.
    """
    salt = new_salt()
    secret = key.secret(salt)
    with database.write() as connection:
        found = existing_webhook(connection, alias)
        update_webhook(
            connection,
            found.id,
            salt=salt,
            secret_sha256=sha256_of(secret),
            former_salt=found.salt,
            former_until=to_text(now() + BOTH),
        )
        note_within(connection, actor, "webhook.rotate", Change(subject_of_webhook(alias)))
        return NewSecret(_shown(connection, existing_webhook(connection, alias)), secret)


def remove_webhook(database: CatalogDatabase, actor: Actor, alias: str) -> None:
    """Removes a webhook with its log. What waits is not sent.

    Raises:
        UnknownNameError: there is none.
    """
    with database.write() as connection:
        found = existing_webhook(connection, alias)
        delete_webhook(connection, found.id)
        change = Change(subject_of_webhook(alias), before={"url": found.url})
        note_within(connection, actor, "webhook.remove", change)


def existing_webhook(connection: sa.Connection, alias: str) -> StoredWebhook:
    """A webhook by alias.

    Raises:
        UnknownNameError: there is none; it names those that there are.
    """
    found = find_webhook(connection, alias)
    if found is None:
        known = [other.alias for other in select_webhooks(connection)]
        raise UnknownNameError("webhook", alias, known)
    return found


def subject_of_webhook(alias: str) -> str:
    """What entries of the audit log call it."""
    return f"webhooks/{alias}"


def checked_url(url: str) -> str:
    """Where events may be sent. What a name leads to is judged each time that something is sent.

    Raises:
        InputError: it is not https, not public, or has a query string, which would be in logs of every server on the way.
    """
    try:
        if "?" in url or "#" in url:
            raise refused(url, "it has a query string or a fragment, which a webhook must not have")
        return check_named(url).url
    except InputError as error:
        raise InputError(error.message, hint=_WHERE_TO, **error.facts) from error


def _checked_events(events: Collection[str]) -> list[str]:
    if unknown := sorted(set(events) - set(EVENTS)):
        raise InputError(
            f"there is no event {unknown[0][:60]!r}", hint=f"Choose from {', '.join(EVENTS)}"
        )
    if not events:
        raise InputError("a webhook needs an event", hint=f"Choose from {', '.join(EVENTS)}")
    return [event for event in EVENTS if event in events]


def _check_room(aliases: list[str], alias: str) -> None:
    if alias in aliases:
        raise ConflictError(
            f"there is a webhook {alias!r} already", hint="Remove it, or choose another alias"
        )
    if len(aliases) >= WEBHOOKS_MAX:
        raise ConflictError(
            f"there are {len(aliases)} webhooks", hint="Remove those that nobody needs any more"
        )


def _shown(connection: sa.Connection, webhook: StoredWebhook) -> Webhook:
    return _with(webhook, tallies(connection))


def _with(webhook: StoredWebhook, counted: dict[int, Tally]) -> Webhook:
    tally = counted.get(webhook.id, Tally())
    return Webhook(
        alias=webhook.alias,
        url=webhook.url,
        events=webhook.events,
        is_paused=webhook.is_paused,
        made_by=webhook.made_by,
        made_at=webhook.made_at,
        waiting=tally.waiting,
        failed=tally.failed,
        delivered=tally.delivered,
        last_delivered_at=tally.last_delivered_at,
    )
