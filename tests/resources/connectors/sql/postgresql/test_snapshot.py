"""PostgreSQL on a real server: one snapshot over several connections, locks, ending in time."""

from __future__ import annotations

import threading
import time
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import (
    ConflictError,
    ConnectorUnavailableError,
    InputError,
)
from resources.kernel.records import TableName
from tests.contract.table_connector import read_table
from tests.resources.connectors.sql.postgresql.database import PostgresDatabase
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_config: SqlConfig) -> PostgresDatabase:
    return PostgresDatabase(postgres_server, postgres_config)


def test_parts_come_in_order_whatever_the_number_of_connections(database: PostgresDatabase) -> None:
    database.make_large()
    expected = list(range(1, 200_001))
    for connections in (1, 2, 3):
        config = database.server.config(database.config.database, read_connections=connections)
        connector = open_table_connector("warehouse", config)
        with connector.read(TableName("large"), batch_rows=7000) as stream:
            batches = list(stream)
        assert max(batch.num_rows for batch in batches) <= 7000
        assert pa.Table.from_batches(batches)["id"].to_pylist() == expected


def test_large_table_is_read_by_page_ranges(database: PostgresDatabase) -> None:
    database.make_large()
    database.run("SELECT pg_stat_reset()")
    with database.connector().read(TableName("large")) as stream:
        assert sum(batch.num_rows for batch in stream) == 200_000
        queries = [query for _, _, query in database.sessions()]
    assert len(queries) == 3  # one holds the snapshot, two read
    assert any("ctid" in query for query in queries)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE large SET id = -id",
        "DELETE FROM large",
        "INSERT INTO large SELECT -1, 'x' FROM generate_series(1, 100000)",
    ],
    ids=["update", "delete", "insert"],
)
def test_all_parts_are_one_snapshot(database: PostgresDatabase, change: str) -> None:
    database.make_large()
    with database.connector().read(TableName("large")) as stream:
        batches = [next(iter(stream))]
        database.run(change)
        batches += list(stream)
    assert pa.Table.from_batches(batches)["id"].to_pylist() == list(range(1, 200_001))


def test_truncate_waits_for_a_read_that_has_begun(database: PostgresDatabase) -> None:
    database.make_large()
    with database.connector().read(TableName("large")) as stream:
        truncating = threading.Thread(target=database.run, args=("TRUNCATE large",))
        truncating.start()
        time.sleep(0.3)
        rows = sum(batch.num_rows for batch in stream)
    truncating.join(10)
    assert rows == 200_000
    assert database.rows("SELECT count(*) FROM large") == [(0,)]


def test_table_held_by_another_session_is_a_conflict(database: PostgresDatabase) -> None:
    import psycopg

    database.run("CREATE TABLE t (x integer)")
    config = database.server.config(database.config.database, lock_timeout_seconds=1)
    with psycopg.connect(
        host=config.host,
        port=config.port,
        user=config.username,
        password=config.password,
        dbname=config.database,
    ) as holder:
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ConflictError, match="table t"):
            read_table(open_table_connector("warehouse", config), TableName("t"))


def _wait_until_gone(database: PostgresDatabase) -> list[tuple[Any, ...]]:
    deadline = time.monotonic() + 10
    while (left := database.sessions()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_closing_early_ends_every_session(database: PostgresDatabase) -> None:
    database.make_large()
    threads = threading.active_count()
    with database.connector().read(TableName("large")) as stream:
        next(iter(stream))
        deadline = time.monotonic() + 10  # the second reader may still be connecting
        while len(database.sessions()) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(database.sessions()) == 3
    assert _wait_until_gone(database) == []
    assert threading.active_count() == threads


def test_closing_ends_a_query_that_still_computes(database: PostgresDatabase) -> None:
    query = "SELECT i, pg_sleep(0.01)::text AS s FROM generate_series(1, 100000) AS g(i)"
    with database.connector().read(query) as stream:
        thread = threading.Thread(target=_swallow, args=(stream,))
        thread.start()
        time.sleep(0.5)
    thread.join(10)
    assert not thread.is_alive()
    assert _wait_until_gone(database) == []


def _swallow(stream: Any) -> None:
    with pytest.raises(ConnectorUnavailableError):
        list(stream)


def test_statement_time_limit(database: PostgresDatabase) -> None:
    config = database.server.config(database.config.database, statement_timeout_seconds=1)
    with pytest.raises(ConnectorUnavailableError, match="statement timeout"):
        read_table(open_table_connector("warehouse", config), "SELECT pg_sleep(30)::text AS s")


def test_error_in_the_middle_of_a_query(database: PostgresDatabase) -> None:
    query = "SELECT 1 / (100000 - i) AS q FROM generate_series(1, 200000) AS g(i)"
    with pytest.raises(InputError, match="division by zero"):
        read_table(database.connector(), query)


def test_session_ended_by_the_server_in_the_middle_of_a_read(database: PostgresDatabase) -> None:
    database.make_large(400_000)

    def read() -> None:
        with database.connector().read(TableName("large"), batch_rows=100) as stream:
            next(iter(stream))
            pids = [pid for pid, _, query in database.sessions() if "ctid" in query]
            database.rows(f"SELECT pg_terminate_backend(pid) FROM unnest(ARRAY{pids}) AS p(pid)")
            list(stream)

    with pytest.raises(ConnectorUnavailableError):
        read()
