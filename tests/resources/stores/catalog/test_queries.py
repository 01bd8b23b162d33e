"""Histories on each database that may be the catalog."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from resources.kernel.errors import InputError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.queries import QUERIES, QueryEnd, QueryLog, new_query_id


def test_a_query_from_its_begin_to_its_end(config):
    log = QueryLog(CatalogDatabase(config))
    first = log.begin("shop", "ada", "select '\u202e<b>' from t", new_query_id())
    second = log.begin("shop", "ada", "select 2", new_query_id())
    log.end(first, QueryEnd("done", 1.5, 2**40))
    log.end(first, QueryEnd("failed", 9, None, "too late"))  # what ended stays as it ended
    log.end(second, QueryEnd("failed", 0.1, None, "x" * 9_000))
    newest, oldest = log.history("shop", "ada", limit=10)
    assert (oldest.state, oldest.seconds, oldest.rows, oldest.error) == ("done", 1.5, 2**40, "")
    assert oldest.statement == "select '\u202e<b>' from t"
    assert len(newest.error) == 500
    place = (newest.asked_at.isoformat(), newest.id)
    assert [e.id for e in log.history("shop", "ada", limit=10, before=place)] == [first]


def test_a_text_that_postgresql_does_not_hold_is_the_askers_mistake(config):
    """Not a broken connection, which whoever asks would try again."""
    database = CatalogDatabase(config)
    log = QueryLog(database)
    with nullcontext() if database.is_sqlite else pytest.raises(InputError, match="NUL"):
        log.begin("shop", "ada", "select '\0'", new_query_id())
    assert log.begin("shop", "ada", "select 1", new_query_id())


def test_a_query_whose_server_ended_is_lost(config):
    database = CatalogDatabase(config)
    log = QueryLog(database)
    query = log.begin("shop", "ada", "select 1", new_query_id())
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    with database.write() as connection:
        connection.execute(sa.update(QUERIES).values(asked_at=long_ago))
    assert log.find("shop", query).state == "lost"
