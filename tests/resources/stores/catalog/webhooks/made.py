"""Webhooks and deliveries made by tests."""

from __future__ import annotations

import sqlalchemy as sa

from resources.stores.catalog.webhooks.deliveries import to_delivery
from resources.stores.catalog.webhooks.records import Event
from resources.stores.catalog.webhooks.tables import DELIVERIES
from resources.stores.catalog.webhooks.webhooks import find_webhook, insert_webhook, update_webhook


def make_webhook(database, alias, *events, url="https://hooks.example/in", is_paused=False):
    """A webhook that nothing can be signed for; its number."""
    with database.write() as connection:
        insert_webhook(
            connection,
            alias=alias,
            url=url,
            events=" ".join(events),
            salt="salt",
            secret_sha256="",
            made_by="ada",
        )
        made = find_webhook(connection, alias)
        update_webhook(connection, made.id, is_paused=is_paused)
        return made.id


def ended(number=7, *, name="import.completed", run_id="", **data):
    """An event."""
    return Event(name, f"collections/docs/imports/{number}", {"id": number, **data}, run_id)


def deliveries(database):
    """All of them, oldest first."""
    with database.read() as connection:
        rows = connection.execute(sa.select(DELIVERIES).order_by(DELIVERIES.c.noted_at))
        return [to_delivery(row) for row in rows]
