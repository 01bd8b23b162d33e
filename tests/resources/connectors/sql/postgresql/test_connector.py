"""PostgreSQL on a real server: the contract, types, kinds of relations."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import NotFoundError
from resources.kernel.records import Retype, TableName
from tests.contract.table_connector import TableConnectorContract, read_table
from tests.resources.connectors.sql.postgresql.database import PostgresDatabase
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.postgres


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


def test_browsing_sums_the_estimates_of_partitions(database: PostgresDatabase) -> None:
    """F039."""
    database.run(
        "CREATE TABLE sales (id integer, year integer) PARTITION BY LIST (year)",
        "CREATE TABLE sales_1 PARTITION OF sales FOR VALUES IN (1)",
        "CREATE TABLE sales_2 PARTITION OF sales FOR VALUES IN (2)",
        "INSERT INTO sales SELECT i, 1 + i % 2 FROM generate_series(1, 1000) AS s(i)",
        "CREATE TABLE fresh (x integer)",
        "CREATE SCHEMA attic",
        "CREATE TABLE attic.old AS SELECT 1 AS x",
        "ANALYZE sales_1; ANALYZE sales_2",
    )
    connector = database.connector()
    name = database.config.database
    assert [e.name for e in connector.browse(f"{name}/")] == ["attic", "public"]
    assert name in [e.name for e in connector.browse()]
    entries = {e.name: e.rows for e in connector.browse(f"{name}/public")}
    assert entries == {"sales": 1000, "fresh": None}
    assert [e.path for e in connector.browse(f"{name}/attic")] == ["attic.old"]
    with pytest.raises(NotFoundError, match="Declare a connector for that database"):
        list(connector.browse("postgres/"))


def test_check_says_whether_the_connection_is_encrypted(database: PostgresDatabase) -> None:
    steps = {step.name: step.detail for step in database.connector().check().steps}
    assert steps["TLS"] == "not encrypted: set `sslmode`"
    report = open_table_connector(
        "w", replace(database.config, options={"sslmode": "require"})
    ).check()
    assert (report.steps[-1].name, report.ok) == ("TLS", False)
    assert "TLS was refused" in report.detail
