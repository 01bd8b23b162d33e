"""The log of what was sent to a webhook, sent once more by hand, and an event that tries it out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import Change, audited, note_within
from orchestration.services.paging import LIMIT, Page, check_limit, decode_cursor, encode_cursor
from orchestration.services.webhooks.declared import existing_webhook, subject_of_webhook
from orchestration.services.webhooks.sending import Sender
from resources.kernel.errors import ConflictError, InputError, NotFoundError
from resources.stores.catalog.access.records import now, to_text
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.webhooks.deliveries import find_delivery, renew, select_deliveries
from resources.stores.catalog.webhooks.outbox import body_of
from resources.stores.catalog.webhooks.records import DeliveryState, Event, StoredDelivery

__all__ = [
    "STATES",
    "Delivery",
    "DeliveryState",
    "Trial",
    "list_deliveries",
    "resend",
    "try_webhook",
]

STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)


@dataclass(frozen=True)
class Delivery:
    """An event on its way to a webhook, or what became of it."""

    id: str
    """What the receiver gets as `webhook-id`, the same in all tries."""
    event: str
    subject: str
    """What ended."""
    run_id: str
    state: DeliveryState
    """`held` until its run is over, `waiting` for its next try, `delivered`, or `failed` for good."""
    attempts: int
    noted_at: datetime
    next_try_at: datetime | None
    tried_at: datetime | None
    status: int | None
    """Of the last answer."""
    answer: str
    """The beginning of what was answered last."""
    reason: str
    """Why the last try did not go well."""
    body: str
    """What is sent, as it is sent."""


@dataclass(frozen=True)
class Trial:
    """What came back when an event was sent to try a webhook out."""

    is_delivered: bool
    status: int | None
    """None: there was no answer."""
    answer: str
    """The beginning of the answer."""
    reason: str
    """Why it did not go well."""
    seconds: float
    id: str
    """What the receiver got as `webhook-id`."""


def list_deliveries(
    database: CatalogDatabase,
    alias: str,
    *,
    state: str = "",
    limit: int = LIMIT,
    cursor: str | None = None,
) -> Page[Delivery]:
    """What was or will be sent to a webhook, newest first; in all states, or in one.

    Raises:
        UnknownNameError: there is no such webhook.
        InputError: no state, no cursor of this list, or a limit out of bounds.
    """
    check_limit(limit)
    if state and state not in STATES:
        raise InputError(f"{state[:60]!r} is no state", hint=f"Choose from {', '.join(STATES)}")
    with database.read() as connection:
        webhook = existing_webhook(connection, alias)
        found = select_deliveries(
            connection,
            webhook.id,
            states=(state,) if state else STATES,
            limit=limit + 1,
            before=None if cursor is None else _place(cursor),
        )
    last = found[limit - 1] if len(found) > limit else None
    more = None if last is None else encode_cursor((to_text(last.noted_at), last.id))
    return Page(tuple(map(_shown, found[:limit])), more)


def resend(database: CatalogDatabase, actor: Actor, alias: str, delivery_id: str) -> Delivery:
    """Has an event sent once more, with all its tries and under the same id: a receiver that has it may leave it.

    Raises:
        UnknownNameError: there is no such webhook.
        NotFoundError: it has no such delivery, or none any more.
        ConflictError: it is on its way already.
    """
    with database.write() as connection:
        webhook = existing_webhook(connection, alias)
        found = find_delivery(connection, webhook.id, delivery_id)
        if found is None:
            raise NotFoundError(
                f"webhook {alias!r} has no delivery {delivery_id[:60]!r}",
                hint="The log keeps what is over for 30 days",
            )
        if found.state in ("held", "waiting") and found.attempts == found.attempts_before:
            raise ConflictError(
                f"delivery {delivery_id} is on its way already",
                hint="Wait for it",
                state=found.state,
            )
        renew(connection, found, now())
        subject = f"{subject_of_webhook(alias)}/deliveries/{delivery_id}"
        note_within(connection, actor, "webhook.resend", Change(subject))
        again = find_delivery(connection, webhook.id, delivery_id)
    if again is None:
        raise AssertionError("it was found above")
    return _shown(again)


def try_webhook(database: CatalogDatabase, actor: Actor, sender: Sender, alias: str) -> Trial:
    """Sends the event `webhook.test` now, once, and says what came back. It is not in the log.

    Raises:
        UnknownNameError: there is no such webhook.
    """
    with audited(database, actor, "webhook.test", subject_of_webhook(alias)) as change:
        with database.read() as connection:
            webhook = existing_webhook(connection, alias)
        body = body_of(Event("webhook.test", subject_of_webhook(alias), {"asked_by": actor.name}))
        message_id = f"msg_{secrets.token_hex(16)}"
        attempt = sender.send(webhook, message_id, body)
        change.detail = attempt.reason or f"status {attempt.status}"
    return Trial(
        attempt.is_delivered,
        attempt.status,
        attempt.answer,
        attempt.reason,
        round(attempt.seconds, 3),
        message_id,
    )


def _place(cursor: str) -> list[Any]:
    place = decode_cursor(cursor)
    if len(place) != 2 or not all(isinstance(part, str) and "\0" not in part for part in place):
        raise InputError("it is no cursor of this list", hint="Take `next` of the page before")
    return place


def _shown(found: StoredDelivery) -> Delivery:
    return Delivery(**{name: getattr(found, name) for name in Delivery.__dataclass_fields__})
