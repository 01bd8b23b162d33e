"""PostgreSQL behind a network that fails: never a shorter table, never an endless wait (E1-E4)."""

from __future__ import annotations

import gc
import time
import warnings

import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.connectors.sql.postgresql.session import SnapshotSession
from resources.kernel.errors import ConnectorUnavailableError
from resources.kernel.records import TableName
from tests.contract.table_connector import CANARY, read_table
from tests.servers.faulty_proxy import faulty_proxy
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.postgres

ROWS = 200_000
SOURCES = [
    pytest.param(TableName("large"), id="two connections"),
    pytest.param("SELECT * FROM large", id="one connection"),
]


@pytest.fixture
def config(postgres_server: PostgresServer, postgres_config: SqlConfig) -> SqlConfig:
    """A database with one table of about 26 MB."""
    postgres_server.execute(
        "CREATE TABLE large AS SELECT i AS id, repeat('x', 80) || i AS name"
        f" FROM generate_series(1, {ROWS}) AS s(i)",
        database=str(postgres_config.database),
    )
    return postgres_config


def _through(config: SqlConfig, port: int, **changes: object) -> SqlConfig:
    fields: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "database": config.database,
        "username": config.username,
        "password": config.password,
        **changes,
    }
    return SqlConfig("postgresql", **fields)  # type: ignore[arg-type]  # fields come by name


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cut_after", [200, 20_000, 1_000_000, 12_345_678, 20_000_000])
def test_cut_connection_raises(config: SqlConfig, source: TableName | str, cut_after: int) -> None:
    with faulty_proxy(int(config.port or 0), cut_after=cut_after) as proxy:
        connector = open_table_connector("warehouse", _through(config, proxy.port))
        with pytest.raises(ConnectorUnavailableError) as caught:
            read_table(connector, source)
    assert caught.value.retryable
    assert str(config.password) not in f"{caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize("source", SOURCES)
def test_stalled_connection_raises_after_the_read_timeout(
    config: SqlConfig, source: TableName | str
) -> None:
    with faulty_proxy(int(config.port or 0), stall_after=5_000_000) as proxy:
        target = _through(config, proxy.port, read_timeout_seconds=1, connect_timeout_seconds=2)
        started = time.monotonic()
        with pytest.raises(ConnectorUnavailableError, match="timeout"):
            read_table(open_table_connector("warehouse", target), source)
        assert (
            time.monotonic() - started < 60
        )  # it does return; how fast is not this test's business


def test_slow_query_is_no_stall(config: SqlConfig) -> None:
    target = _through(config, int(config.port or 0), read_timeout_seconds=1)
    table = read_table(
        open_table_connector("warehouse", target), "SELECT 1 AS a, pg_sleep(4)::text AS s"
    )
    assert table.num_rows == 1


def test_slow_consumer_is_no_stall(config: SqlConfig) -> None:
    target = _through(config, int(config.port or 0), read_timeout_seconds=1)
    rows = 0
    connector = open_table_connector("warehouse", target)
    with connector.read(TableName("large"), batch_rows=50_000) as stream:
        for batch in stream:
            rows += batch.num_rows
            time.sleep(0.7)
    assert rows == ROWS


def test_refused_connection_raises(config: SqlConfig) -> None:
    with faulty_proxy(int(config.port or 0), refuse_first=1) as proxy:
        connector = open_table_connector("warehouse", _through(config, proxy.port, password=CANARY))
        with pytest.raises(ConnectorUnavailableError) as caught:
            connector.list_tables()
    assert CANARY not in str(caught.value)


def test_read_works_again_after_a_cut(config: SqlConfig) -> None:
    with faulty_proxy(int(config.port or 0), cut_after=1_000_000) as proxy:
        connector = open_table_connector("warehouse", _through(config, proxy.port))
        with pytest.raises(ConnectorUnavailableError):
            read_table(connector, TableName("large"))
        proxy.cut_after = None
        assert read_table(connector, TableName("large")).num_rows == ROWS


def test_a_session_that_cannot_begin_leaves_nothing_open(config: SqlConfig) -> None:
    with warnings.catch_warnings(record=True) as leaks:
        warnings.simplefilter("always")
        with pytest.raises(Exception, match="snapshot"):
            SnapshotSession(config, "none")
        gc.collect()
    assert not [str(leak.message) for leak in leaks]
