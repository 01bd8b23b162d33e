"""What the tables of webhooks hold, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from resources.stores.catalog.access.records import now

EventName = Literal["import.completed", "import.failed", "import.stopped", "run.failed"]
"""What a webhook can ask for."""
DeliveryState = Literal["held", "waiting", "delivered", "failed"]
"""`held`: its run goes on; `waiting`: for its first or next try; `failed`: for good."""


@dataclass(frozen=True)
class Event:
    """Something that ended.

    Args:
        name: what happened.
        subject: to what: `collections/reports/imports/7`.
        data: what a receiver is told of it: plain values, no secret.
        run_id: the run that did it. What ends twice ends in two runs.
        at: when.
    """

    name: EventName | Literal["webhook.test"]
    subject: str
    data: Mapping[str, Any]
    run_id: str = ""
    at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class StoredWebhook:
    """Where events are sent, and what they are signed with: of the secret there is a salt and a hash."""

    id: int
    alias: str
    url: str
    events: tuple[str, ...]
    is_paused: bool
    salt: str
    """The secret is made from it and a key that is not in the database."""
    secret_sha256: str
    """By which a secret that was made with another key is known to be another."""
    former_salt: str | None
    former_until: datetime | None
    """Until when what is sent is signed with the former secret as well."""
    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class StoredDelivery:
    """An event on its way to a webhook, or what became of it."""

    id: str
    """The same in all tries: a receiver knows by it what it has had."""
    webhook_id: int
    event: str
    subject: str
    run_id: str
    body: str
    state: DeliveryState
    attempts: int
    attempts_before: int
    """Those before it was sent once more by hand."""
    noted_at: datetime
    next_try_at: datetime | None
    tried_at: datetime | None
    status: int | None
    """Of the last answer."""
    answer: str
    """The beginning of what was answered."""
    reason: str
    """Why it did not go well."""


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery that is to be tried now by whoever holds the claim."""

    webhook: StoredWebhook
    delivery: StoredDelivery

    @property
    def tries(self) -> int:
        """How often it was tried since it was noted or sent once more, this time included."""
        return self.delivery.attempts - self.delivery.attempts_before


@dataclass(frozen=True)
class Outcome:
    """What became of a try."""

    state: DeliveryState
    status: int | None = None
    answer: str = ""
    reason: str = ""
    next_try_at: datetime | None = None


@dataclass(frozen=True)
class Tally:
    """How the deliveries of a webhook are doing."""

    waiting: int = 0
    failed: int = 0
    delivered: int = 0
    last_delivered_at: datetime | None = None
