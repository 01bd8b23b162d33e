"""Any SQLAlchemy driver: the contract on PostgreSQL and SQLite through the path that knows neither."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql import DatabaseConnector, SqlConfig, open_table_connector
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
)
from resources.kernel.records import Retype, TableName
from tests.contract.table_connector import Database, TableConnectorContract, read_table
from tests.resources.connectors.sql.mysql.database import MariadbDatabase
from tests.resources.connectors.sql.postgresql.database import PostgresDatabase
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer, free_port


def as_other(config: SqlConfig, driver: str = "postgresql+psycopg", **changes: Any) -> SqlConfig:
    """The same server, reached by the name of a driver."""
    fields: dict[str, Any] = {
        "host": config.host,
        "port": config.port,
        "database": config.database,
        "username": config.username,
        "password": config.password,
    }
    return SqlConfig("other", driver=driver, **{**fields, **changes})


class OtherPostgres(PostgresDatabase):
    def __init__(self, server: PostgresServer, config: SqlConfig) -> None:
        super().__init__(server, config)
        self.config = as_other(config)


class OtherSqlite(Database):
    def __init__(self, path: Path) -> None:
        self.config = SqlConfig(
            "other", driver="sqlite+pysqlite", database=str(path), lock_timeout_seconds=1
        )
        self.run("CREATE TABLE first (x)", "DROP TABLE first")

    def run(self, *statements: str) -> None:
        connection = sqlite3.connect(self.config.database or "", timeout=1, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()


@pytest.mark.postgres
class TestPostgresqlByAnyDriver(TableConnectorContract):
    types_table = (
        """CREATE TABLE kinds (id integer, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 float8,
           n numeric(38, 10), nu numeric, t text, v varchar(9), c char(4), ba bytea, d date, ti time, ts timestamp,
           tz timestamptz, iv interval, u uuid, j json, jb jsonb, a integer[], ip inet)""",
        """INSERT INTO kinds VALUES (1, true, -32768, -2147483648, -9223372036854775808, 1.5, 0.1,
           1234567890123456789012345678.0123456789, 1.10, '007', 'NA', 'x', '\\x00ff', '2024-02-29',
           '12:30:00.000001', '9999-12-31 23:59:59.999999', '2024-02-29 12:30:00+02', '1 month 2 days 3.5 seconds',
           'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '{"a" : 1.10}', '{"a" : 1}', '{1,NULL,3}', '10.0.0.1/8')""",
        "INSERT INTO kinds (id) VALUES (2)",
    )
    expected_types = {  # noqa: RUF012 - constant of a test class
        "b": (pa.bool_(), True),
        "i2": (pa.int16(), -32768),
        "i4": (pa.int32(), -(2**31)),
        "i8": (pa.int64(), -(2**63)),
        "f4": (pa.float32(), 1.5),
        "f8": (pa.float64(), 0.1),
        "n": (pa.decimal128(38, 10), Decimal("1234567890123456789012345678.0123456789")),
        "nu": (pa.string(), "1.10"),
        "t": (pa.string(), "007"),
        "v": (pa.string(), "NA"),
        "c": (pa.string(), "x   "),
        "ba": (pa.binary(), b"\x00\xff"),
        "d": (pa.date32(), dt.date(2024, 2, 29)),
        "ti": (pa.time64("us"), dt.time(12, 30, 0, 1)),
        "ts": (pa.timestamp("us"), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)),  # noqa: DTZ001 - no zone
        "tz": (pa.timestamp("us", tz="UTC"), dt.datetime(2024, 2, 29, 10, 30, tzinfo=dt.UTC)),
        "iv": (pa.string(), "P1M2DT3.5S"),
        "u": (pa.string(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        "j": (pa.string(), '{"a" : 1.10}'),
        "jb": (pa.string(), '{"a": 1}'),
        "a": (pa.string(), "{1,NULL,3}"),
        "ip": (pa.string(), "10.0.0.1/8"),
    }

    @pytest.fixture
    def database(self, postgres_server: PostgresServer, postgres_config: SqlConfig) -> Database:
        return OtherPostgres(postgres_server, postgres_config)

    def test_closing_early_leaves_nothing_open(self, database: Any) -> None:
        super().test_closing_early_leaves_nothing_open(database)
        assert database.sessions() == []


class TestSqliteByAnyDriver(TableConnectorContract):
    encloses_selects = False
    types_table = (
        "CREATE TABLE kinds (id integer primary key, i integer, r real, t text, b blob, big text, mixed)",
        "INSERT INTO kinds VALUES (1, 9223372036854775807, 1.5, '007', x'00ff', '', 'a')",
        "INSERT INTO kinds (id) VALUES (2)",
    )
    expected_types = {  # noqa: RUF012 - constant of a test class
        "i": (pa.int64(), 2**63 - 1),
        "r": (pa.float64(), 1.5),
        "t": (pa.string(), "007"),
        "b": (pa.binary(), b"\x00\xff"),
        "big": (pa.string(), ""),
        "mixed": (pa.string(), "a"),
    }

    @pytest.fixture
    def database(self, tmp_path: Path) -> Database:
        return OtherSqlite(tmp_path / "data with ?#% é.db")


class OtherMariadb(MariadbDatabase):
    def __init__(self, server: MariadbServer, config: SqlConfig) -> None:
        super().__init__(server, config)
        self.config = as_other(config, driver="mysql+pymysql")


@pytest.mark.mariadb
class TestMariadbByAnyDriver(TableConnectorContract):
    types_table = (
        """CREATE TABLE kinds (id integer, i bigint, de decimal(20, 3), d double, t text, b blob, da date,
           ts datetime(6), tm time, j json)""",
        """INSERT INTO kinds VALUES (1, 9223372036854775807, 12345678901234567.125, 0.1, '007', x'00ff', '2024-02-29',
           '2024-02-29 12:30:00.000001', '838:59:59', '{"a" : 1.10}')""",
        "INSERT INTO kinds (id) VALUES (2)",
    )
    expected_types = {  # noqa: RUF012 - constant of a test class
        "i": (pa.int64(), 2**63 - 1),
        "de": (pa.decimal128(38, 3), Decimal("12345678901234567.125")),
        "d": (pa.float64(), 0.1),
        "t": (pa.string(), "007"),
        "b": (pa.binary(), b"\x00\xff"),
        "da": (pa.date32(), dt.date(2024, 2, 29)),
        "ts": (pa.timestamp("us"), dt.datetime(2024, 2, 29, 12, 30, 0, 1)),  # noqa: DTZ001 - no zone
        "tm": (pa.string(), "PT3020399S"),
        "j": (pa.string(), '{"a" : 1.10}'),
    }

    @pytest.fixture
    def database(self, mariadb_server: MariadbServer, mariadb_config: SqlConfig) -> Database:
        return OtherMariadb(mariadb_server, mariadb_config)

    endless_query = (
        "SELECT count(*) AS n FROM seq_1_to_1000000 a, seq_1_to_1000000 b, seq_1_to_1000000 c"
    )

    def series(self, rows: int) -> str:
        return f"(SELECT seq AS i FROM seq_1_to_{rows}) AS series"

    def make_big(self, database: Database, rows: int) -> None:
        database.run(
            "CREATE TABLE big (id integer, name varchar(30))",
            f"INSERT INTO big SELECT i, 'name ' || i FROM {self.series(rows)}",
        )

    def test_duplicate_names_are_an_error_that_names_both(
        self, connector: DatabaseConnector
    ) -> None:
        with pytest.raises(InputError, match=r"two columns have one name.*'a'"):
            connector.describe("SELECT 1 AS a, 2 AS b, 3 AS a")


@pytest.mark.postgres
class TestPostgresqlFaults:
    @pytest.fixture
    def database(
        self, postgres_server: PostgresServer, postgres_config: SqlConfig
    ) -> OtherPostgres:
        return OtherPostgres(postgres_server, postgres_config)

    def test_values_that_no_python_type_holds_are_errors(self, database: OtherPostgres) -> None:
        database.run("CREATE TABLE odd AS SELECT 'infinity'::timestamp AS t")
        with pytest.raises(InputError, match="infinity"):
            read_table(database.connector(), TableName("odd"))
        database.run("DROP TABLE odd", "CREATE TABLE odd AS SELECT 'NaN'::numeric(9, 2) AS t")
        table = read_table(database.connector(), TableName("odd"))
        assert (table.schema.field("t").type, table["t"].to_pylist()) == (pa.string(), ["NaN"])

    def test_all_rows_are_one_state_of_the_database(self, database: OtherPostgres) -> None:
        database.make_large(50_000)
        with database.connector().read(TableName("large"), batch_rows=1000) as stream:
            batches = iter(stream)
            rows = next(batches).num_rows
            database.run("DELETE FROM large WHERE id > 10")
            rows += sum(batch.num_rows for batch in batches)
        assert rows == 50_000

    def test_a_cut_connection_raises(self, database: OtherPostgres) -> None:
        database.make_large(100_000)

        def read_while_cut() -> None:
            with database.connector().read(TableName("large"), batch_rows=1000) as stream:
                next(iter(stream))
                database.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                list(stream)

        with pytest.raises(ConnectorUnavailableError):
            read_while_cut()

    def test_wrong_password_port_and_database(self, database: OtherPostgres) -> None:
        config = database.config
        wrong = as_other(config, password="not-the-one")
        assert "wrong password" in _failure(wrong, ConnectorAuthError)
        assert "nothing" in _failure(as_other(config, port=free_port()), ConnectorUnavailableError)
        assert "absent" in _failure(as_other(config, database="absent"), NotFoundError)

    def test_a_table_locked_by_somebody_is_a_conflict(self, database: OtherPostgres) -> None:
        import psycopg

        database.run("CREATE TABLE held (x integer)")
        config = as_other(database.config, lock_timeout_seconds=1)
        with psycopg.connect(
            host=config.host, port=config.port, user=config.username, password=config.password,
            dbname=config.database,
        ) as holder:  # fmt: skip
            holder.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(ConflictError):
                read_table(open_table_connector("w", config), "SELECT * FROM held")


def _failure(config: SqlConfig, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        open_table_connector("w", config).list_tables()
    assert config.password is None or config.password not in str(caught.value)
    return str(caught.value)


class TestTypesByValues:
    @pytest.fixture
    def database(self, tmp_path: Path) -> OtherSqlite:
        return OtherSqlite(tmp_path / "values.db")

    @pytest.mark.parametrize(
        ("values", "kind", "read"),
        [
            pytest.param("1, NULL, 2.5", pa.float64(), [1.0, None, 2.5], id="whole and real"),
            pytest.param("9007199254740993, 0.5", pa.string(), ["9007199254740993", "0.5"], id="inexact"),
            pytest.param("1, 'x'", pa.string(), ["1", "x"], id="number and text"),
            pytest.param("NULL, NULL", pa.string(), [None, None], id="nothing"),
        ],
    )  # fmt: skip
    def test_a_column_of_several_kinds(
        self, database: OtherSqlite, values: str, kind: pa.DataType, read: list[Any]
    ) -> None:
        rows = ", ".join(f"({value})" for value in values.split(", "))
        database.run("CREATE TABLE odd (x)", f"INSERT INTO odd VALUES {rows}")
        with database.connector().read("SELECT x FROM odd") as stream:
            assert bool(stream.guesses) is (kind == pa.string())
            table = pa.Table.from_batches(list(stream))
        assert (table.schema.field("x").type, table["x"].to_pylist()) == (kind, read)

    def test_bytes_beside_text_are_refused(self, database: OtherSqlite) -> None:
        database.run("CREATE TABLE odd (x)", "INSERT INTO odd VALUES ('a'), (x'ff')")
        with pytest.raises(InputError, match=r"column 'x' holds bytes beside other values"):
            database.connector().describe("SELECT x FROM odd")

    def test_memory_stays_bounded_for_wide_rows(self, database: OtherSqlite) -> None:
        database.run(
            "CREATE TABLE wide AS WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s"
            " WHERE i < 60) SELECT i, hex(zeroblob(1000000)) AS t FROM s"
        )
        with database.connector().read(TableName("wide")) as stream:
            sizes = [batch.nbytes for batch in stream]
        assert max(sizes) < 40 * 2**20
        assert sum(sizes) > 120 * 10**6


def test_a_driver_that_is_not_there_is_named() -> None:
    def opened(driver: str) -> DatabaseConnector:
        return open_table_connector("w", SqlConfig("other", driver=driver, host="127.0.0.1"))

    with pytest.raises(ConfigError, match=r"SQLAlchemy has no dialect 'trino'"):
        opened("trino").list_tables()
    with pytest.raises(ConfigError, match=r"needs the package 'psycopg2'.*pip install psycopg2"):
        opened("postgresql+psycopg2").list_tables()
    with pytest.raises(NotFoundError, match="no database file"):
        opened("sqlite").list_tables()


def test_a_whole_url_is_no_driver_and_its_password_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="not the name of a driver") as caught:
        SqlConfig("other", driver="postgresql://u:s3cret@h/d")
    assert "s3cret" not in str(caught.value)


def test_a_retype_names_every_column_that_does_not_fit(tmp_path: Path) -> None:
    """A driver that names a type and hands over something else."""
    from resources.connectors.sql.sqlalchemy.column_types import ValueColumn

    database = OtherSqlite(tmp_path / "retype.db")
    database.run("CREATE TABLE t (a, b, c)", "INSERT INTO t VALUES (1, 1, 1), ('x', 2, 2.5)")
    connector: Any = database.connector()
    connector.plan_column = lambda described: ValueColumn(described[0], pa.int64())
    with pytest.raises(Retype) as caught, connector.read(TableName("t")) as stream:
        list(stream)
    assert set(caught.value.columns) == {"a", "c"}
    assert read_table(connector, TableName("t")).to_pydict() == {
        "a": ["1", "x"], "b": [1, 2], "c": ["1", "2.5"],
    }  # fmt: skip
