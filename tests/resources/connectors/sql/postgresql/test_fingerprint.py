"""PostgreSQL on a real server: what a fingerprint tells, and what it does not mind."""

from __future__ import annotations

import pytest

from resources.connectors.sql import SqlConfig
from resources.kernel.records import TableName
from tests.resources.connectors.sql.postgresql.database import PostgresDatabase
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_config: SqlConfig) -> PostgresDatabase:
    return PostgresDatabase(postgres_server, postgres_config)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("TRUNCATE t", id="truncate"),
        pytest.param(
            "TRUNCATE t; INSERT INTO t VALUES (1, 'calm')", id="truncate and the same row"
        ),
        pytest.param("DELETE FROM t; INSERT INTO t VALUES (1, 'wild')", id="delete and insert"),
        pytest.param("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'", id="label renamed"),
        pytest.param("ALTER TABLE t ADD COLUMN x integer DEFAULT 7", id="column with a default"),
        pytest.param("ALTER TABLE t RENAME COLUMN id TO number", id="column renamed"),
        pytest.param("ALTER TABLE t ALTER COLUMN id TYPE bigint", id="column retyped"),
    ],
)
def test_fingerprint_of_a_table_tells_more_than_counters(
    database: PostgresDatabase, change: str
) -> None:
    database.run(
        "CREATE TYPE mood AS ENUM ('calm', 'wild')",
        "CREATE TABLE t (id integer, m mood)",
        "INSERT INTO t VALUES (1, 'calm')",
    )
    first = database.connector().fingerprint(TableName("t"))
    assert first.startswith("v:")
    database.run("SELECT pg_stat_reset()", "VACUUM ANALYZE t")
    assert database.connector().fingerprint(TableName("t")) == first
    database.run(change)
    assert database.connector().fingerprint(TableName("t")) != first


def test_fingerprint_ignores_what_was_rolled_back(database: PostgresDatabase) -> None:
    database.run("CREATE TABLE t AS SELECT 1 AS a")
    first = database.connector().fingerprint(TableName("t"))
    database.run("BEGIN; INSERT INTO t VALUES (2); UPDATE t SET a = 3; ROLLBACK")
    assert database.connector().fingerprint(TableName("t")) == first


def test_fingerprint_of_a_table_with_a_column_named_like_the_row(
    database: PostgresDatabase,
) -> None:
    database.run("CREATE TABLE t AS SELECT 1 AS whole_row, 2 AS b")
    first = database.connector().fingerprint("SELECT * FROM t")
    database.run("UPDATE t SET b = 3")
    assert database.connector().fingerprint("SELECT * FROM t") != first
