"""What goes out of the outbox, on SQLite and on PostgreSQL: claimed once, settled by who holds the claim, counted, forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from resources.stores.catalog.access.records import to_text
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.webhooks.deliveries import (
    CLAIM,
    KEPT,
    claim,
    due_webhooks,
    noted_runs,
    prune,
    renew,
    select_deliveries,
    settle,
    tallies,
)
from resources.stores.catalog.webhooks.outbox import note_event
from resources.stores.catalog.webhooks.records import Outcome
from resources.stores.catalog.webhooks.webhooks import delete_webhook, update_webhook
from tests.resources.stores.catalog.webhooks.made import deliveries, ended, make_webhook


@pytest.fixture
def database(config):
    return CatalogDatabase(config)


def noted(database, *numbers):
    for number in numbers:
        with database.write() as connection:
            note_event(connection, ended(number))
    return datetime.now(UTC)


def test_a_delivery_is_claimed_once_and_again_when_the_claim_is_over(database):
    crm = make_webhook(database, "crm", "import.completed")
    moment = noted(database, 1)
    with database.write() as connection:
        assert due_webhooks(connection, moment - timedelta(minutes=1)) == []
        assert due_webhooks(connection, moment) == [crm]
        first = claim(connection, crm, moment)
        assert (first.delivery.attempts, first.tries, first.webhook.alias) == (1, 1, "crm")
        assert claim(connection, crm, moment) is None
        second = claim(connection, crm, moment + CLAIM)
        assert second.tries == 2
        settle(connection, first, Outcome("failed", 500))
    assert deliveries(database)[0].state == "waiting"
    with database.write() as connection:
        settle(connection, second, Outcome("delivered", 200, "thanks"))
        assert claim(connection, crm, moment + CLAIM * 3) is None
    found = deliveries(database)[0]
    assert (found.state, found.status, found.answer, found.next_try_at) == ("delivered", 200, "thanks", None)  # fmt: skip


def test_one_that_is_renewed_has_all_its_tries_and_a_late_outcome_of_before_counts_no_more(
    database,
):
    crm = make_webhook(database, "crm", "import.completed")
    moment = noted(database, 1)
    with database.write() as connection:
        late = claim(connection, crm, moment)
        renew(connection, late.delivery, moment)
        settle(connection, late, Outcome("failed", 400))
        again = claim(connection, crm, moment)
    assert (again.delivery.attempts, again.tries) == (2, 1)


def test_nothing_is_due_for_one_that_is_paused_or_removed(database):
    crm = make_webhook(database, "crm", "import.completed")
    desk = make_webhook(database, "desk", "import.completed")
    moment = noted(database, 1, 2)
    with database.write() as connection:
        update_webhook(connection, crm, is_paused=True)
        assert due_webhooks(connection, moment) == [desk]
        assert claim(connection, crm, moment) is None
        delete_webhook(connection, desk)
        assert claim(connection, desk, moment) is None
    assert {one.webhook_id for one in deliveries(database)} == {crm}


def test_counts_pages_and_what_is_old(database):
    crm = make_webhook(database, "crm", "import.completed")
    moment = noted(database, 1, 2, 3)
    with database.write() as connection:
        for state in ("delivered", "failed"):
            settle(connection, claim(connection, crm, moment), Outcome(state))
    with database.read() as connection:
        tally = tallies(connection)[crm]
        newest = select_deliveries(connection, crm, states=("failed", "waiting"), limit=5)
        after = to_text(newest[0].noted_at), newest[0].id
        page = select_deliveries(
            connection, crm, states=("failed", "waiting"), limit=5, before=after
        )
        runs = noted_runs(connection, "import.completed", moment - timedelta(hours=1))
    assert replace(tally, last_delivered_at=None).__dict__ == {
        "waiting": 1, "failed": 1, "delivered": 1, "last_delivered_at": None
    }  # fmt: skip
    assert tally.last_delivered_at == moment
    assert [one.state for one in newest] == ["waiting", "failed"]
    assert page == newest[1:]
    assert runs == {""}
    with database.write() as connection:
        prune(connection, moment + KEPT - timedelta(minutes=1))
    assert len(deliveries(database)) == 3
    with database.write() as connection:
        prune(connection, moment + KEPT)
    assert deliveries(database) == []
