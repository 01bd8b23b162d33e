"""The table of webhooks, within the caller's transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from resources.stores.catalog.access.records import now, to_text, to_time
from resources.stores.catalog.webhooks.records import StoredWebhook
from resources.stores.catalog.webhooks.tables import DELIVERIES, WEBHOOKS


def insert_webhook(connection: sa.Connection, **values: Any) -> None:
    """Adds a webhook; there is no other of its alias."""
    connection.execute(
        sa.insert(WEBHOOKS).values(**values, is_paused=False, made_at=to_text(now()))
    )


def select_webhooks(connection: sa.Connection) -> list[StoredWebhook]:
    """All webhooks by alias."""
    return [
        to_webhook(row)
        for row in connection.execute(sa.select(WEBHOOKS).order_by(WEBHOOKS.c.alias))
    ]


def find_webhook(connection: sa.Connection, alias: str) -> StoredWebhook | None:
    """A webhook by its alias."""
    row = connection.execute(sa.select(WEBHOOKS).where(WEBHOOKS.c.alias == alias)).one_or_none()
    return None if row is None else to_webhook(row)


def update_webhook(connection: sa.Connection, webhook_id: int, **values: Any) -> None:
    """Changes what is given."""
    connection.execute(sa.update(WEBHOOKS).where(WEBHOOKS.c.id == webhook_id).values(**values))


def delete_webhook(connection: sa.Connection, webhook_id: int) -> None:
    """Removes a webhook with all that was or would have been sent to it."""
    connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.webhook_id == webhook_id))
    connection.execute(sa.delete(WEBHOOKS).where(WEBHOOKS.c.id == webhook_id))


def to_webhook(row: Any) -> StoredWebhook:
    """A row of the table."""
    return StoredWebhook(
        id=row.id,
        alias=row.alias,
        url=row.url,
        events=tuple(row.events.split()),
        is_paused=bool(row.is_paused),
        salt=row.salt,
        secret_sha256=row.secret_sha256,
        former_salt=row.former_salt,
        former_until=None if row.former_until is None else to_time(row.former_until),
        made_by=row.made_by,
        made_at=to_time(row.made_at),
    )
