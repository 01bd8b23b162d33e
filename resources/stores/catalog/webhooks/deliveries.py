"""What goes out of the outbox, and the log of it, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from resources.stores.catalog.access.records import to_text, to_time
from resources.stores.catalog.webhooks.records import (
    ClaimedDelivery,
    Outcome,
    StoredDelivery,
    Tally,
)
from resources.stores.catalog.webhooks.tables import DELIVERIES, WEBHOOKS
from resources.stores.catalog.webhooks.webhooks import to_webhook

CLAIM = timedelta(seconds=60)
"""How long one try is nobody else's; longer than it can take."""
KEPT = timedelta(days=30)
"""How long the log remembers; what could not be sent until then, since its webhook is paused, is forgotten, too."""


def held_runs(connection: sa.Connection) -> list[str]:
    """The runs whose ends are waited for."""
    chosen = sa.select(DELIVERIES.c.run_id).where(DELIVERIES.c.state == "held").distinct()
    return list(connection.scalars(chosen))


def release(connection: sa.Connection, run_id: str) -> None:
    """Lets go what was held until the end of a run."""
    changed = sa.update(DELIVERIES).where(DELIVERIES.c.state == "held")
    connection.execute(changed.where(DELIVERIES.c.run_id == run_id).values(state="waiting"))


def withdraw(connection: sa.Connection, run_id: str) -> None:
    """Forgets what was held until the end of a run that is tried again: nothing has ended."""
    gone = sa.delete(DELIVERIES).where(DELIVERIES.c.state == "held")
    connection.execute(gone.where(DELIVERIES.c.run_id == run_id))


def noted_runs(connection: sa.Connection, event: str, since: datetime) -> set[str]:
    """The runs of which an event was noted since then."""
    chosen = sa.select(DELIVERIES.c.run_id).where(
        DELIVERIES.c.event == event, DELIVERIES.c.noted_at >= to_text(since)
    )
    return set(connection.scalars(chosen))


def due_webhooks(connection: sa.Connection, moment: datetime) -> list[int]:
    """The webhooks for which something is due and that are not paused; whoever waits longest first."""
    due = sa.and_(DELIVERIES.c.state == "waiting", DELIVERIES.c.next_try_at <= to_text(moment))
    chosen = (
        sa.select(DELIVERIES.c.webhook_id)
        .join(WEBHOOKS, WEBHOOKS.c.id == DELIVERIES.c.webhook_id)
        .where(due, WEBHOOKS.c.is_paused.is_(False))
        .group_by(DELIVERIES.c.webhook_id)
        .order_by(sa.func.min(DELIVERIES.c.next_try_at))
    )
    return list(connection.scalars(chosen))


def claim(connection: sa.Connection, webhook_id: int, moment: datetime) -> ClaimedDelivery | None:
    """The delivery of a webhook that has been due longest, as one that is tried now; None when none is.

    Whoever else asks within `CLAIM` does not get it. It counts as a try: one after which the process dies is one.
    """
    webhook = connection.execute(
        sa.select(WEBHOOKS).where(WEBHOOKS.c.id == webhook_id).with_for_update()
    ).one_or_none()
    if webhook is None or webhook.is_paused:
        return None
    row = connection.execute(
        sa.select(DELIVERIES)
        .where(
            DELIVERIES.c.webhook_id == webhook_id,
            DELIVERIES.c.state == "waiting",
            DELIVERIES.c.next_try_at <= to_text(moment),
        )
        .order_by(DELIVERIES.c.next_try_at, DELIVERIES.c.noted_at)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    taken = {
        "attempts": row.attempts + 1,
        "tried_at": to_text(moment),
        "next_try_at": to_text(moment + CLAIM),
    }
    connection.execute(sa.update(DELIVERIES).where(DELIVERIES.c.id == row.id).values(**taken))
    delivery = connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.id == row.id)).one()
    return ClaimedDelivery(to_webhook(webhook), to_delivery(delivery))


def settle(connection: sa.Connection, claimed: ClaimedDelivery, outcome: Outcome) -> None:
    """Writes down what became of a try, unless the delivery was claimed anew meanwhile."""
    delivery, at = claimed.delivery, outcome.next_try_at
    connection.execute(
        sa.update(DELIVERIES)
        .where(
            DELIVERIES.c.id == delivery.id,
            DELIVERIES.c.attempts == delivery.attempts,
            DELIVERIES.c.attempts_before == delivery.attempts_before,
        )
        .values(
            state=outcome.state,
            status=outcome.status,
            answer=outcome.answer,
            reason=outcome.reason,
            next_try_at=None if at is None else to_text(at),
        )
    )


def renew(connection: sa.Connection, delivery: StoredDelivery, moment: datetime) -> None:
    """Has a delivery sent once more, with all its tries."""
    connection.execute(
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.id == delivery.id)
        .values(state="waiting", next_try_at=to_text(moment), attempts_before=delivery.attempts)
    )


def find_delivery(
    connection: sa.Connection, webhook_id: int, delivery_id: str
) -> StoredDelivery | None:
    """A delivery of a webhook."""
    chosen = sa.select(DELIVERIES).where(
        DELIVERIES.c.id == delivery_id, DELIVERIES.c.webhook_id == webhook_id
    )
    row = connection.execute(chosen).one_or_none()
    return None if row is None else to_delivery(row)


def select_deliveries(
    connection: sa.Connection,
    webhook_id: int,
    *,
    states: Collection[str],
    limit: int,
    before: Sequence[Any] | None = None,
) -> list[StoredDelivery]:
    """Deliveries of a webhook in some states, newest first; those before (when noted, id) of the page before."""
    log = DELIVERIES.c.noted_at, DELIVERIES.c.id
    chosen = sa.select(DELIVERIES).where(
        DELIVERIES.c.webhook_id == webhook_id, DELIVERIES.c.state.in_(list(states))
    )
    if before is not None:
        chosen = chosen.where(sa.tuple_(*log) < sa.tuple_(*before))
    newest = chosen.order_by(*(column.desc() for column in log)).limit(limit)
    return [to_delivery(row) for row in connection.execute(newest)]


def tallies(connection: sa.Connection) -> dict[int, Tally]:
    """How the deliveries of each webhook are doing."""

    def count(*states: str) -> sa.Label[int]:
        counted = sa.func.sum(sa.case((DELIVERIES.c.state.in_(states), 1), else_=0))
        return counted.label(states[-1])

    delivered_at = sa.case((DELIVERIES.c.state == "delivered", DELIVERIES.c.tried_at))
    rows = connection.execute(
        sa.select(
            DELIVERIES.c.webhook_id,
            count("held", "waiting"),
            count("failed"),
            count("delivered"),
            sa.func.max(delivered_at).label("last"),
        ).group_by(DELIVERIES.c.webhook_id)
    )
    return {
        row.webhook_id: Tally(
            row.waiting, row.failed, row.delivered, None if row.last is None else to_time(row.last)
        )
        for row in rows
    }


def prune(connection: sa.Connection, moment: datetime) -> None:
    """Forgets what was noted longer ago than `KEPT`, be it over or not."""
    gone = sa.delete(DELIVERIES).where(DELIVERIES.c.noted_at < to_text(moment - KEPT))
    connection.execute(gone)


def to_delivery(row: Any) -> StoredDelivery:
    """A row of the table."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    for name in ("noted_at", "next_try_at", "tried_at"):
        values[name] = None if values[name] is None else to_time(values[name])
    return StoredDelivery(**values)
