"""MariaDB behind a network that fails: never a shorter table, never an endless wait (E1-E4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import ConnectorUnavailableError
from resources.kernel.records import SqlQuery, TableName
from tests.contract.table_connector import CANARY, read_table
from tests.faults import wait_until
from tests.resources.connectors.sql.mysql.database import MariadbDatabase
from tests.servers.faulty_proxy import faulty_proxy
from tests.servers.mariadb import MariadbServer

pytestmark = pytest.mark.mariadb

ROWS = 200_000


@pytest.fixture(scope="module")
def database(mariadb_server: MariadbServer) -> Iterator[MariadbDatabase]:
    """One table of about 20 MB for all tests here."""
    with mariadb_server.database() as name:
        found = MariadbDatabase(mariadb_server, mariadb_server.config(name))
        found.make_large(ROWS)
        yield found


def _through(database: MariadbDatabase, port: int, **changes: object) -> SqlConfig:
    return replace(database.config, port=port, **changes)  # type: ignore[arg-type]  # fields come by name


@pytest.mark.parametrize("cut_after", [60, 300, 20_000, 1_000_000, 18_000_000])
def test_cut_connection_raises(database: MariadbDatabase, cut_after: int) -> None:
    with faulty_proxy(int(database.config.port or 0), cut_after=cut_after) as proxy:
        connector = open_table_connector("warehouse", _through(database, proxy.port))
        with pytest.raises(ConnectorUnavailableError) as caught:
            read_table(connector, TableName("large"))
        with pytest.raises(ConnectorUnavailableError):
            connector.fingerprint(TableName("large"))
    assert caught.value.retryable
    assert str(database.config.password) not in f"{caught.value} {caught.value.__cause__!r}"


def test_cut_connection_raises_under_tls(database: MariadbDatabase) -> None:
    with faulty_proxy(int(database.config.port or 0), cut_after=1_000_000) as proxy:
        options = {"ssl_ca": str(database.server.ca_file)}
        connector = open_table_connector(
            "warehouse", _through(database, proxy.port, options=options)
        )
        with pytest.raises(ConnectorUnavailableError):
            read_table(connector, TableName("large"))
        proxy.cut_after = None
        assert read_table(connector, TableName("large")).num_rows == ROWS


def test_stalled_connection_raises_after_the_read_timeout(database: MariadbDatabase) -> None:
    """The server is asked over another connection, which stalls, too."""
    with faulty_proxy(int(database.config.port or 0), stall_after=2_000_000) as proxy:
        target = _through(database, proxy.port, read_timeout_seconds=1, connect_timeout_seconds=2)
        with pytest.raises(ConnectorUnavailableError, match="read timeout"):
            read_table(open_table_connector("warehouse", target), TableName("large"))


def test_slow_query_is_no_stall(database: MariadbDatabase) -> None:
    target = replace(database.config, read_timeout_seconds=1)
    connector = open_table_connector("warehouse", target)
    assert read_table(connector, "SELECT sleep(3) AS s").num_rows == 1


def test_slow_consumer_is_no_stall(database: MariadbDatabase) -> None:
    target = replace(database.config, read_timeout_seconds=1)
    rows = 0
    with open_table_connector("warehouse", target).read(
        TableName("large"), batch_rows=50_000
    ) as stream:
        for batch in stream:
            rows += batch.num_rows
            time.sleep(0.7)
    assert rows == ROWS


def test_refused_connection_raises(database: MariadbDatabase) -> None:
    with faulty_proxy(int(database.config.port or 0), refuse_first=1) as proxy:
        target = _through(database, proxy.port, password=CANARY)
        with pytest.raises(ConnectorUnavailableError) as caught:
            open_table_connector("warehouse", target).list_tables()
    assert CANARY not in str(caught.value)


def test_read_works_again_after_a_cut(database: MariadbDatabase) -> None:
    with faulty_proxy(int(database.config.port or 0), cut_after=1_000_000) as proxy:
        connector = open_table_connector("warehouse", _through(database, proxy.port))
        with pytest.raises(ConnectorUnavailableError):
            read_table(connector, TableName("large"))
        proxy.cut_after = None
        assert read_table(connector, TableName("large")).num_rows == ROWS


def test_a_query_that_is_left_early_ends_on_the_server(database: MariadbDatabase) -> None:
    connector = database.connector()
    with connector.read(TableName("large"), batch_rows=1000) as stream:
        next(iter(stream))
        assert database.sessions()
    wait_until(lambda: not database.sessions())


def test_a_killed_statement_is_an_error(database: MariadbDatabase) -> None:
    """The server ends the result with an error in the middle of the rows."""
    connector = database.connector()
    query = SqlQuery("SELECT id, name, sleep(0.00001) AS s FROM large", timeout_seconds=1)
    with pytest.raises(ConnectorUnavailableError, match=r"time limit|max_statement_time"):
        read_table(connector, query)


def test_the_server_dies_while_it_sends(mariadb_server: MariadbServer) -> None:
    with mariadb_server.database() as name:
        database = MariadbDatabase(mariadb_server, mariadb_server.config(name))
        database.make_large()
        with database.connector().read(TableName("large"), batch_rows=1000) as stream:
            batches = iter(stream)
            next(batches)
            mariadb_server.stop(immediate=True)
            try:
                with pytest.raises(ConnectorUnavailableError):
                    list(batches)
            finally:
                mariadb_server.start()
