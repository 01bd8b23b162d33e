"""PostgreSQL on a real server: the contract, types, snapshots, permissions, cleaning up."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
)
from resources.kernel.records import Retype, TableName
from tests.contract.table_connector import CANARY, Database, TableConnectorContract, read_table
from tests.servers.postgres import PostgresServer, free_port

pytestmark = pytest.mark.postgres


class PostgresDatabase(Database):
    def __init__(self, server: PostgresServer, config: SqlConfig) -> None:
        self.server = server
        self.config = config

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.server.execute(statement, database=self.config.database or "")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, database=self.config.database or "")

    def sessions(self) -> list[tuple[Any, ...]]:
        """Other sessions on this database that are still there."""
        return self.rows(
            "SELECT pid, state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )

    def make_large(self, rows: int = 200_000) -> None:
        """A table large enough to be read in parts (more than 16 MB)."""
        self.run(
            "CREATE TABLE large AS SELECT i AS id, repeat('x', 80) || i AS name"
            f" FROM generate_series(1, {rows}) AS s(i)"
        )


@pytest.fixture
def database(postgres_server: PostgresServer, postgres_config: SqlConfig) -> PostgresDatabase:
    return PostgresDatabase(postgres_server, postgres_config)


class TestPostgresqlConnector(TableConnectorContract):
    types_table = (
        "CREATE TYPE mood AS ENUM ('calm', 'wild')",
        "CREATE DOMAIN share AS numeric(5, 4) CHECK (VALUE <= 1)",
        "CREATE TYPE pair AS (x integer, y text)",
        """CREATE TABLE kinds (id integer, b boolean, i2 smallint, i4 integer, i8 bigint, o oid, f4 real, f8 float8,
           n numeric(38, 10), nn numeric(3, -2), ns numeric(2, 4), nu numeric, nw numeric(60, 2), m money, t text,
           v varchar(9), c char(4), ba bytea, d date, ti time, ts timestamp, tz timestamptz, tt timetz, iv interval,
           u uuid, j json, jb jsonb, a integer[], aa text[][], mo mood, dom share, pa pair, ip inet, r int4range,
           bi bit(3), p point)""",
        """INSERT INTO kinds VALUES (1, true, -32768, -2147483648, -9223372036854775808, 4294967295, 1.5, 0.1,
           1234567890123456789012345678.0123456789, 12345, 0.0012, 1.10, 1234567890123456789012345678901234567890.12,
           12.5, '007', 'NA', 'x', '\\x00ff', '0001-01-01 BC', '12:30:00.000001', '9999-12-31 23:59:59.999999',
           '2024-02-29 12:30:00+02', '12:30:00+02', '1 month 2 days 3.5 seconds',
           'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '{"a" : 1}', '{"a" : 1}', '{1,NULL,3}', '{{a,b},{c,d}}', 'calm',
           0.5, ROW(1, 'x'), '10.0.0.1/8', '[1,5)', '101', '(1,2)')""",
        "INSERT INTO kinds (id) VALUES (2)",
    )
    expected_types = {  # noqa: RUF012 - constant of a test class
        "b": (pa.bool_(), True),
        "i2": (pa.int16(), -32768),
        "i4": (pa.int32(), -(2**31)),
        "i8": (pa.int64(), -(2**63)),
        "o": (pa.int64(), 2**32 - 1),
        "f4": (pa.float32(), 1.5),
        "f8": (pa.float64(), 0.1),
        "n": (pa.decimal128(38, 10), Decimal("1234567890123456789012345678.0123456789")),
        "nn": (pa.decimal128(5, 0), Decimal(12300)),
        "ns": (pa.decimal128(4, 4), Decimal("0.0012")),
        "nu": (pa.string(), "1.10"),
        "nw": (pa.string(), "1234567890123456789012345678901234567890.12"),
        "m": (pa.string(), "12.50"),
        "t": (pa.string(), "007"),
        "v": (pa.string(), "NA"),
        "c": (pa.string(), "x   "),
        "ba": (pa.binary(), b"\x00\xff"),
        "ti": (pa.time64("us"), dt.time(12, 30, 0, 1)),
        "ts": (pa.timestamp("us"), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)),  # noqa: DTZ001 - no zone
        "tz": (pa.timestamp("us", tz="UTC"), dt.datetime(2024, 2, 29, 10, 30, tzinfo=dt.UTC)),
        "tt": (pa.string(), "12:30:00+02"),
        "iv": (pa.string(), "P1M2DT3.5S"),
        "u": (pa.string(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        "j": (pa.string(), '{"a" : 1}'),
        "jb": (pa.string(), '{"a": 1}'),
        "a": (pa.string(), "{1,NULL,3}"),
        "aa": (pa.string(), "{{a,b},{c,d}}"),
        "mo": (pa.string(), "calm"),
        "dom": (pa.decimal128(5, 4), Decimal("0.5000")),
        "pa": (pa.string(), "(1,x)"),
        "ip": (pa.string(), "10.0.0.1/8"),
        "r": (pa.string(), "[1,5)"),
        "bi": (pa.string(), "101"),
        "p": (pa.string(), "(1,2)"),
    }

    @pytest.fixture
    def database(
        self, postgres_server: PostgresServer, postgres_config: SqlConfig
    ) -> PostgresDatabase:
        return PostgresDatabase(postgres_server, postgres_config)

    def test_every_type_arrives_exactly_or_as_text(self, database, connector) -> None:
        database.run(*self.types_table)
        days = read_table(connector, "SELECT d FROM kinds ORDER BY id")["d"]
        assert days.type == pa.date32()
        assert days.cast(pa.int32()).to_pylist() == [
            -719_528,
            None,
        ]  # a year Python has no date for
        database.run("ALTER TABLE kinds DROP d")
        table = read_table(connector, "SELECT * FROM kinds ORDER BY id")
        found = {n: (table.schema.field(n).type, table[n][0].as_py()) for n in table.column_names}
        assert found == {"id": found["id"], **self.expected_types}
        assert [n for n in self.expected_types if table[n][1].as_py() is not None] == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "infinity"),
        ("date", "-infinity"),
        ("timestamp", "infinity"),
        ("timestamp", "294276-12-31 23:59:59"),
        ("timestamptz", "-infinity"),
        ("time", "24:00:00"),
        ("numeric(10,2)", "NaN"),
    ],
)
def test_value_that_arrow_lacks_turns_the_column_into_text(
    database: PostgresDatabase, kind: str, value: str
) -> None:
    database.run(f"CREATE TABLE t (id integer, c {kind})", f"INSERT INTO t VALUES (1, '{value}')")
    connector = database.connector()
    for source in (TableName("t"), "SELECT * FROM t"):
        with pytest.raises(Retype) as caught, connector.read(source) as stream:
            list(stream)
        assert caught.value.columns == {"c": "string"}
        table = read_table(connector, source)
        assert table["c"].to_pylist() == [value]
        assert connector.describe(source) == table.schema


@pytest.mark.parametrize(
    ("kind", "value"),
    [("date", "4713-01-01 BC"), ("date", "5874897-12-31"), ("timestamp", "4713-01-01 00:00:00 BC")],
)
def test_far_dates_are_exact(database: PostgresDatabase, kind: str, value: str) -> None:
    database.run(f"CREATE TABLE t AS SELECT '{value}'::{kind} AS c")
    days = database.rows("SELECT (extract(epoch FROM c) / 86400)::int8 FROM t")[0][0]
    read = read_table(database.connector(), TableName("t"))["c"]
    assert read.cast(pa.timestamp("s")).cast(pa.int64()).to_pylist() == [days * 86_400]


def test_unconstrained_numeric_is_noted(database: PostgresDatabase) -> None:
    database.run("CREATE TABLE t (price numeric)")
    with database.connector().read(TableName("t")) as stream:
        assert [(guess.subject, guess.value) for guess in stream.guesses] == [
            ("type of 'price'", "text")
        ]


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


@pytest.mark.parametrize(
    ("make", "source"),
    [
        pytest.param("CREATE VIEW v AS SELECT id FROM t", TableName("v"), id="view"),
        pytest.param(
            "CREATE MATERIALIZED VIEW v AS SELECT id FROM t", TableName("v"), id="materialized"
        ),
        pytest.param(
            "CREATE TABLE v (id integer) PARTITION BY RANGE (id);"
            " CREATE TABLE v1 PARTITION OF v FOR VALUES FROM (0) TO (500);"
            " CREATE TABLE v2 PARTITION OF v FOR VALUES FROM (500) TO (2000);"
            " INSERT INTO v SELECT id FROM t",
            TableName("v"),
            id="partitioned",
        ),
        pytest.param(
            "CREATE TABLE v (id integer); CREATE TABLE w () INHERITS (v);"
            " INSERT INTO w SELECT id FROM t",
            TableName("v"),
            id="inherited",
        ),
    ],
)
def test_other_relations(database: PostgresDatabase, make: str, source: TableName) -> None:
    database.run("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 1000) AS s(i)", make)
    connector = database.connector()
    assert sorted(read_table(connector, source)["id"].to_pylist()) == list(range(1, 1001))
    assert connector.fingerprint(source) == database.connector().fingerprint(source)
    listed = [table.name for table in connector.list_tables()]
    assert "v" in listed
    assert "v1" not in listed


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
    config = database.server.config(database.config.database, schema="sales")
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
