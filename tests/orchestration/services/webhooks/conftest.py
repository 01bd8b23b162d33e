"""A receiver with real TLS, a catalog with a webhook that leads to it, and a courier whose clock the test sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.services.access.actor import Actor
from orchestration.services.webhooks.courier import Courier
from orchestration.services.webhooks.declared import create_webhook
from orchestration.services.webhooks.secret import SigningKey
from orchestration.services.webhooks.sending import Sender
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config
from resources.stores.catalog.webhooks.outbox import note_event
from resources.web.client import WebClient, WebLimits
from tests.resources.stores.catalog.webhooks.made import deliveries, ended
from tests.servers.web import website

ADA = Actor("ada")
KEY = SigningKey("a key of the tests")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "hooks.example", "slow.example") as site:
        yield site


@dataclass
class Post:
    """A catalog, and what brings its events to the receiver."""

    database: CatalogDatabase
    site: object
    instance: dg.DagsterInstance
    later: timedelta = timedelta()
    """By how much its clock is ahead."""

    def __post_init__(self):
        self.courier = self.another()

    def clock(self):
        """The time of the courier."""
        return datetime.now(UTC) + self.later

    def another(self):
        """A courier as another process would have it."""
        return Courier(self.database, self.instance, self.sender, self.clock)

    def sender(self, **limits):
        """What sends, within a second where nothing else is said."""
        given = {"bytes": 2_000, "seconds": 5.0, **limits}
        return Sender(KEY, WebClient(WebLimits(**given), self.site.network))

    def webhook(self, alias="crm", url="https://hooks.example/in", *events):
        """Its secret."""
        wanted = events or ("import.completed", "import.failed")
        return create_webhook(self.database, ADA, KEY, alias=alias, url=url, events=wanted).secret

    def note(self, number=7, **given):
        """Something ended."""
        with self.database.write() as connection:
            note_event(connection, ended(number, **given))

    def go(self, *, later=timedelta()):
        """A round, and what it began."""
        self.later = later
        for thread in self.courier.round():
            thread.join()

    @property
    def log(self):
        """All deliveries, oldest first."""
        return deliveries(self.database)


@pytest.fixture
def post(receiver, tmp_path):
    for kept in (receiver.pages, receiver.sent, receiver.names, receiver.lookups, receiver.dialled):
        kept.clear()
    receiver.pages["/in"] = b"thanks"
    with dg.DagsterInstance.ephemeral() as instance:
        database = CatalogDatabase(sqlite_config(tmp_path / "catalog.sqlite"))
        yield Post(database, receiver, instance)
