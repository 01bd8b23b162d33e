"""What comes into the outbox: an event for each webhook that wants it, in the transaction that ends its subject."""

from __future__ import annotations

import json
import secrets

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resources.stores.catalog.access.records import to_text
from resources.stores.catalog.webhooks.records import Event
from resources.stores.catalog.webhooks.tables import DELIVERIES, WEBHOOKS


def note_event(connection: sa.Connection, event: Event) -> None:
    """Writes down that an event is to be sent to each webhook that wants it and was there; the same event again changes nothing.

    An event of a run is sent once the run is over: what it publishes last is there by then. A step that is tried again within
    its run may end its subject anew; then the later end counts.

    Args:
        connection: in a transaction that writes: the one that ends the subject.
        event: what happened.
    """
    if event.run_id:
        _withdraw_others(connection, event)
    there = WEBHOOKS.c.made_at <= to_text(event.at)
    wanted = connection.execute(
        sa.select(WEBHOOKS.c.id, WEBHOOKS.c.events).where(there).order_by(WEBHOOKS.c.id)
    )
    receivers = [row.id for row in wanted if event.name in row.events.split()]
    for receiver in receivers:
        _note_for(connection, event, receiver)


def _withdraw_others(connection: sa.Connection, event: Event) -> None:
    connection.execute(
        sa.delete(DELIVERIES).where(
            DELIVERIES.c.subject == event.subject,
            DELIVERIES.c.run_id == event.run_id,
            DELIVERIES.c.event != event.name,
            DELIVERIES.c.state == "held",
        )
    )


def _note_for(connection: sa.Connection, event: Event, receiver: int) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    at = to_text(event.at)
    connection.execute(
        insert(DELIVERIES)
        .values(
            id=f"msg_{secrets.token_hex(16)}",
            webhook_id=receiver,
            event=event.name,
            subject=event.subject,
            run_id=event.run_id,
            body=body_of(event),
            state="held" if event.run_id else "waiting",
            attempts=0,
            attempts_before=0,
            noted_at=at,
            next_try_at=at,
            answer="",
            reason="",
        )
        .on_conflict_do_nothing()
    )


def body_of(event: Event) -> str:
    """What is sent: the same bytes in each try, since the signature is of them."""
    data = {"subject": event.subject, **event.data, "run_id": event.run_id}
    told = {"type": event.name, "timestamp": event.at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)
