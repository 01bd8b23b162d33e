"""PostgreSQL on a real server: signing in, permissions, schemas, queries that may only read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
)
from resources.kernel.records import SqlQuery, TableName
from tests.contract.table_connector import CANARY, read_table
from tests.resources.connectors.sql.postgresql.database import PostgresDatabase
from tests.servers.postgres import PostgresServer, free_port

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_config: SqlConfig) -> PostgresDatabase:
    return PostgresDatabase(postgres_server, postgres_config)


@pytest.fixture
def guest(database: PostgresDatabase) -> Iterator[SqlConfig]:
    """A role that may sign in and nothing else."""
    name = f"guest_{database.config.database}"
    database.run(f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'")
    yield database.server.config(database.config.database, username=name, password=CANARY)
    database.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_permission_denied_names_user_and_table(
    database: PostgresDatabase, guest: SqlConfig
) -> None:
    database.run("CREATE TABLE payroll (x integer)", "CREATE TABLE menu AS SELECT 1 AS x")
    database.run(f"GRANT SELECT ON menu TO {guest.username}")
    connector = open_table_connector("warehouse", guest)
    assert [table.name for table in connector.list_tables()] == ["menu"]
    assert read_table(connector, TableName("menu")).num_rows == 1
    for act in (connector.describe, connector.fingerprint, lambda s: read_table(connector, s)):
        with pytest.raises(ConnectorAuthError) as caught:
            act(TableName("payroll"))
        assert "payroll" in str(caught.value)
        assert str(guest.username) in str(caught.value)


def test_row_security_is_respected(database: PostgresDatabase, guest: SqlConfig) -> None:
    database.make_large(150_000)
    database.run(
        "ALTER TABLE large ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON large USING (id <= 10)",
        f"GRANT SELECT ON large TO {guest.username}",
    )
    table = read_table(open_table_connector("warehouse", guest), TableName("large"))
    assert table["id"].to_pylist() == list(range(1, 11))


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        pytest.param({"password": CANARY}, ConnectorAuthError, "password", id="password"),
        pytest.param({"username": "no_one"}, ConnectorAuthError, "no_one", id="user"),
        pytest.param({"password": None}, ConnectorAuthError, "password", id="no password"),
        pytest.param(
            {"host": "no-host.invalid"}, ConnectorUnavailableError, "host name", id="host"
        ),
        pytest.param(
            {"port": free_port()}, ConnectorUnavailableError, "nothing listens", id="port"
        ),
        pytest.param({"database": "no_db"}, NotFoundError, "no_db", id="database"),
        pytest.param({"options": {"sslmode": "require"}}, ConfigError, "TLS", id="no TLS"),
    ],
)
def test_each_way_to_fail_has_its_detail(
    database: PostgresDatabase, changes: dict[str, Any], kind: type[Exception], text: str
) -> None:
    fields = {"database": database.config.database, **changes}
    config = database.server.config(**fields)
    connector = open_table_connector("warehouse", config)
    report = connector.check()
    assert not report.ok
    assert text in report.detail
    with pytest.raises(kind) as caught:
        connector.list_tables()
    shown = f"{report} {caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert CANARY not in shown


def test_missing_schema(database: PostgresDatabase) -> None:
    with pytest.raises(NotFoundError, match="no schema 'nowhere'"):
        database.connector().describe(TableName("t", "nowhere"))


def test_schema_of_the_connection_is_the_default(database: PostgresDatabase) -> None:
    database.run(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.t AS SELECT 1 AS a",
        "CREATE TABLE t AS SELECT 2 AS a",
    )
    config = database.server.config(database.config.database, db_schema="sales")
    scoped = open_table_connector("warehouse", config)
    assert [str(table) for table in scoped.list_tables()] == ["sales.t"]
    assert read_table(scoped, TableName("t")).to_pylist() == [{"a": 1}]
    assert read_table(database.connector(), TableName("t")).to_pylist() == [{"a": 2}]
    assert read_table(database.connector(), TableName("t", "sales")).to_pylist() == [{"a": 1}]


def test_unknown_table_in_another_schema_is_proposed(database: PostgresDatabase) -> None:
    database.run("CREATE SCHEMA sales", "CREATE TABLE sales.orders (x integer)")
    with pytest.raises(NotFoundError, match=r"sales\.orders"):
        database.connector().describe(TableName("orders"))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nextval('numbers')",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "WITH gone AS (DELETE FROM t RETURNING x) SELECT * FROM gone",
        "SELECT 1 AS a) AS s; COMMIT; DELETE FROM t; SELECT * FROM (SELECT 1 AS a",
    ],
    ids=["sequence", "setting", "delete in with", "commit and delete"],
)
def test_query_cannot_write(database: PostgresDatabase, query: str) -> None:
    database.run("CREATE SEQUENCE numbers", "CREATE TABLE t AS SELECT 1 AS x")
    with pytest.raises(InputError):
        read_table(database.connector(), query)
    assert database.rows("SELECT is_called FROM numbers") == [(False,)]
    assert database.rows("SELECT count(*) FROM t") == [(1,)]


def test_query_with_percent_and_colon(database: PostgresDatabase) -> None:
    query = "SELECT 'a%sb :name %(x)s ?' AS a, 5 % 3 AS b"
    connector = database.connector()
    assert read_table(connector, query).to_pylist() == [{"a": "a%sb :name %(x)s ?", "b": 2}]
    assert connector.fingerprint(query)


def test_secret_of_every_spelling_is_blotted_out() -> None:
    config = SqlConfig(
        "postgresql",
        host="h",
        database="d",
        username="u",
        password=CANARY,
        options={"sslpassword": "p 2"},
    )
    for spelling in (CANARY, "canary-S3cr3t-p%40ss%2Fword", "p 2", "p+2", "p%202"):
        assert config.redact(f"dsn={spelling};") == "dsn=***;"
    assert CANARY not in repr(config)
    assert "p 2" not in repr(config)


def test_a_large_table_is_read_over_the_connections_that_there_are(
    database: PostgresDatabase, guest: SqlConfig
) -> None:
    """A role that may hold three: one that keeps the snapshot, one that reads, one that the driver opens for a moment."""
    database.make_large(150_000)
    database.run(
        f"GRANT SELECT ON large TO {guest.username}",
        f"ALTER ROLE {guest.username} CONNECTION LIMIT 3",
    )
    connector = open_table_connector("warehouse", replace(guest, read_connections=6))
    table = read_table(connector, TableName("large"))
    assert table["id"].to_pylist() == list(range(1, 150_001))


def test_a_time_limit_is_told_as_one(database: PostgresDatabase) -> None:
    connector = open_table_connector("warehouse", database.config)
    with pytest.raises(ConnectorUnavailableError, match="ran into its time limit"):
        read_table(connector, SqlQuery("SELECT pg_sleep(20)", {}, timeout_seconds=1))


def test_the_grants_of_the_page_suffice(database: PostgresDatabase, guest: SqlConfig) -> None:
    """Least privilege, as docs/connectors/postgresql.md has it for a reader."""
    name = database.config.database
    database.run(
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders AS SELECT 1 AS x",
        f"GRANT CONNECT ON DATABASE {name} TO {guest.username}",
        f"GRANT USAGE ON SCHEMA sales TO {guest.username}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA sales TO {guest.username}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO {guest.username}",
        "CREATE TABLE sales.later AS SELECT 1 AS x",
    )
    connector = open_table_connector("warehouse", guest)
    assert connector.check().ok
    for table in (TableName("orders", "sales"), TableName("later", "sales")):
        assert read_table(connector, table).num_rows == 1
        assert connector.fingerprint(table)
    assert [entry.name for entry in connector.browse(f"{name}/sales")] == ["later", "orders"]
