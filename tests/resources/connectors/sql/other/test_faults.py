"""Faults on the way to a database that is reached by the name of a driver: never a shorter result, never a wait for ever (E1, E4)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import ConnectorUnavailableError
from resources.kernel.records import SqlQuery, TableName
from tests.contract.table_connector import read_table
from tests.resources.connectors.sql.other.test_connector import as_other
from tests.servers.faulty_proxy import faulty_proxy
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

ROWS = 150_000
PATIENCE = 3
"""Seconds of silence that are borne where the server must not be taken for silent: on a busy machine it has pauses."""
LARGE = f"CREATE TABLE large AS SELECT s.i AS id, repeat('x', 30) AS t FROM generate_series(1, {ROWS}) AS s(i)"
LARGE_MARIADB = f"CREATE TABLE large AS SELECT seq AS id, repeat('x', 30) AS t FROM seq_1_to_{ROWS}"
DRIVERS = ["postgresql+psycopg", "mysql+pymysql"]


@pytest.fixture(scope="module", params=DRIVERS)
def config(request: pytest.FixtureRequest) -> Iterator[SqlConfig]:
    driver = str(request.param)
    if driver.startswith("postgresql"):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as name:
            server.execute(LARGE, database=name)
            yield as_other(server.config(name), driver)
        return
    mariadb: MariadbServer = request.getfixturevalue("mariadb_server")
    with mariadb.database() as name:
        mariadb.execute(LARGE_MARIADB, database=name)
        yield as_other(mariadb.config(name), driver)


def _through(config: SqlConfig, port: int, **changes: Any) -> SqlConfig:
    return replace(config, port=port, **changes)


@pytest.mark.parametrize("stall_after", [3_000_000, 500])
def test_a_line_that_falls_silent_is_cut(config: SqlConfig, stall_after: int) -> None:
    """E4: in the middle of the rows, and while it signs in."""
    with faulty_proxy(int(config.port or 0), stall_after=stall_after) as proxy:
        target = _through(config, proxy.port, read_timeout_seconds=1, connect_timeout_seconds=2)
        with pytest.raises(ConnectorUnavailableError) as caught:
            read_table(open_table_connector("warehouse", target), TableName("large"))
    assert caught.value.retryable
    assert str(config.password) not in f"{caught.value} {caught.value.__cause__!r}"
    assert not [t for t in threading.enumerate() if t.name == "silence-watch"]


def test_the_error_says_that_nothing_came(config: SqlConfig) -> None:
    with faulty_proxy(int(config.port or 0), stall_after=3_000_000) as proxy:
        target = _through(config, proxy.port, read_timeout_seconds=PATIENCE)
        with pytest.raises(ConnectorUnavailableError, match="no byte came"):
            read_table(open_table_connector("warehouse", target), TableName("large"))


def test_a_line_that_is_cut_raises(config: SqlConfig) -> None:
    with faulty_proxy(int(config.port or 0), cut_after=3_000_000) as proxy:
        target = _through(config, proxy.port)
        with pytest.raises(ConnectorUnavailableError):
            read_table(open_table_connector("warehouse", target), TableName("large"))


def test_who_takes_the_rows_slowly_is_no_stall(config: SqlConfig) -> None:
    rows = 0
    connector = open_table_connector("warehouse", replace(config, read_timeout_seconds=PATIENCE))
    with connector.read(TableName("large"), batch_rows=50_000) as stream:
        for batch in stream:
            time.sleep(PATIENCE + 1 if rows == 0 else 0)
            rows += batch.num_rows
    assert rows == ROWS


def test_a_statement_may_compute_as_long_as_it_was_given(config: SqlConfig) -> None:
    """Its own time limit is longer than the silence that is borne."""
    long = PATIENCE + 1
    is_postgresql = str(config.driver).startswith("postgresql")
    text = (
        f"SELECT CAST(pg_sleep({long}) AS text) AS s"
        if is_postgresql
        else f"SELECT sleep({long}) AS s"
    )
    connector = open_table_connector("warehouse", replace(config, read_timeout_seconds=PATIENCE))
    assert read_table(connector, SqlQuery(text, {}, timeout_seconds=30)).num_rows == 1
