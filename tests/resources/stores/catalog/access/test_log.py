"""The audit log, on SQLite and on PostgreSQL: it can only be added to, and is read by filter."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from resources.kernel.errors import WaybillError
from resources.stores.catalog.access.log import insert_entry, select_entries
from resources.stores.catalog.access.records import LogEntry, LogFilter
from resources.stores.catalog.database import CatalogDatabase

START = datetime(2026, 11, 30, 12, tzinfo=UTC)


def entry(number, actor="ada", action="dataset.remove"):
    moment = START + timedelta(seconds=number)
    return LogEntry(moment, actor, "session", "127.0.0.1", action, f"s{number}", "done")


@pytest.fixture
def log(config):
    database = CatalogDatabase(config)
    with database.write() as connection:
        for number in range(6):
            actor = ("ada", "ada (token a)", "ada_", "bob")[number % 4]
            action = "dataset.remove" if number % 2 else "user.add"
            insert_entry(connection, entry(number, actor, action))
    return database


def subjects(database, **wanted):
    with database.read() as connection:
        return [found.subject for found in select_entries(connection, LogFilter(**wanted))]


@pytest.mark.parametrize("statement", [
    "UPDATE access_log SET actor = 'nobody'", "DELETE FROM access_log", "DELETE FROM access_log WHERE id = 1",
])  # fmt: skip
def test_an_entry_stays_as_it_is(log, statement):
    with pytest.raises(WaybillError, match="can only be added to"), log.write() as connection:
        connection.execute(sa.text(statement))
    assert len(subjects(log)) == 6


@pytest.mark.parametrize(("wanted", "found"), [
    ({}, ["s5", "s4", "s3", "s2", "s1", "s0"]),
    ({"actor": "ada"}, ["s5", "s4", "s1", "s0"]),
    ({"actor": "ad%"}, []),
    ({"action": "user."}, ["s4", "s2", "s0"]),
    ({"action": "user"}, []),
    ({"since": START + timedelta(seconds=4)}, ["s5", "s4"]),
    ({"until": START + timedelta(seconds=2)}, ["s1", "s0"]),
    ({"limit": 2}, ["s5", "s4"]),
    ({"before_id": 3, "limit": 1}, ["s1"]),
])  # fmt: skip
def test_what_is_wanted_is_found_the_newest_first(log, wanted, found):
    assert subjects(log, **wanted) == found


def test_an_entry_comes_back_as_it_went_in(log):
    given = LogEntry(START, "ädä", "token", "::1", "a.b", "x\ny", "failed", "<b>", "{}", "'; --")
    with log.write() as connection:
        insert_entry(connection, given)
    with log.read() as connection:
        (found,) = select_entries(connection, LogFilter(limit=1))
    assert found == given.__class__(**{**given.__dict__, "id": found.id})
