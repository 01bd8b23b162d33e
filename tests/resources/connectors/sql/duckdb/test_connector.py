"""DuckDB: the contract, types that Arrow lacks, files that somebody else holds."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import ConnectorUnavailableError, InputError, NotFoundError
from resources.kernel.records import Retype, TableName
from tests.contract.table_connector import Database, TableConnectorContract, read_table


class DuckdbDatabase(Database):
    def __init__(self, path: Path) -> None:
        self.config = SqlConfig("duckdb", path=path)
        self.run("CREATE SCHEMA other")

    def run(self, *statements: str) -> None:
        with duckdb.connect(str(self.config.path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def database(tmp_path: Path) -> DuckdbDatabase:
    return DuckdbDatabase(tmp_path / "file.duckdb")


class TestDuckdbConnector(TableConnectorContract):
    types_table = (
        """CREATE TABLE kinds (id integer, b boolean, i1 tinyint, i2 smallint, i4 integer, i8 bigint, u1 utinyint,
           u8 ubigint, h hugeint, f float, d double, de decimal(38, 10), t text, bl blob, da date, tm time,
           ts timestamp, tss timestamp_s, tns timestamp_ns, tz timestamptz, u uuid, j json, l integer[],
           st struct(a integer, b text), e enum ('x', 'y'), iv interval, bi bit, ttz timetz, ld date[])""",
        """INSERT INTO kinds VALUES (1, true, -128, -32768, -2147483648, -9223372036854775808, 255,
           18446744073709551615, 99999999999999999999999999999999999999, 1.5, 0.1, 1234567890.0123456789, '007',
           '\\x00\\xFF', '2024-02-29', '12:30:00.000001', '2024-02-29 12:30:00.000001', '2024-02-29 12:30:00',
           '2024-02-29 12:30:00.000000001', '2024-02-29 12:30:00+02', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
           '{"a":1}', [1, 2], {'a': 1, 'b': 'x'}, 'x', INTERVAL 1 MONTH, '101', '12:30:00+02', ['2024-02-29'])""",
        "INSERT INTO kinds (id) VALUES (2)",
    )
    expected_types = {  # noqa: RUF012 - constant of a test class
        "b": (pa.bool_(), True),
        "i1": (pa.int8(), -128),
        "i2": (pa.int16(), -32768),
        "i4": (pa.int32(), -(2**31)),
        "i8": (pa.int64(), -(2**63)),
        "u1": (pa.uint8(), 255),
        "u8": (pa.uint64(), 2**64 - 1),
        "h": (pa.decimal128(38, 0), Decimal(10**38 - 1)),
        "f": (pa.float32(), 1.5),
        "d": (pa.float64(), 0.1),
        "de": (pa.decimal128(38, 10), Decimal("1234567890.0123456789")),
        "t": (pa.string(), "007"),
        "bl": (pa.binary(), b"\x00\xff"),
        "da": (pa.date32(), dt.date(2024, 2, 29)),
        "tm": (pa.time64("us"), dt.time(12, 30, 0, 1)),
        "ts": (pa.timestamp("us"), dt.datetime(2024, 2, 29, 12, 30, 0, 1)),  # noqa: DTZ001 - no zone
        "tss": (pa.timestamp("us"), dt.datetime(2024, 2, 29, 12, 30)),  # noqa: DTZ001 - no zone
        "tz": (pa.timestamp("us", tz="UTC"), dt.datetime(2024, 2, 29, 10, 30, tzinfo=dt.UTC)),
        "u": (pa.string(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        "j": (pa.string(), '{"a":1}'),
        "l": (pa.list_(pa.field("l", pa.int32())), [1, 2]),
        "st": (pa.struct([("a", pa.int32()), ("b", pa.string())]), {"a": 1, "b": "x"}),
        "e": (pa.string(), "x"),
        "iv": (pa.string(), "1 month"),
        "bi": (pa.string(), "101"),
        "ttz": (pa.string(), "12:30:00+02"),
        "ld": (pa.string(), "[2024-02-29]"),
    }

    @pytest.fixture
    def database(self, tmp_path: Path) -> DuckdbDatabase:
        return DuckdbDatabase(tmp_path / "contract.duckdb")

    def test_every_type_arrives_exactly_or_as_text(self, database, connector) -> None:
        database.run(*self.types_table)
        nanoseconds = read_table(connector, "SELECT tns FROM kinds ORDER BY id")["tns"]
        assert nanoseconds.type == pa.timestamp("ns")
        assert nanoseconds.cast(pa.int64()).to_pylist() == [1_709_209_800_000_000_001, None]
        database.run("ALTER TABLE kinds DROP tns")
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
        ("timestamptz", "-infinity"),
        ("time", "24:00:00"),
        ("hugeint", "170141183460469231731687303715884105727"),
        ("hugeint", "-170141183460469231731687303715884105727"),
    ],
)
def test_value_that_arrow_lacks_turns_the_column_into_text(
    database: DuckdbDatabase, kind: str, value: str
) -> None:
    database.run(
        f"CREATE TABLE t AS SELECT i AS id, CAST(NULL AS {kind}) AS c FROM range(5000) r(i)",
        f"INSERT INTO t VALUES (-1, '{value}')",
    )
    connector = database.connector()
    with pytest.raises(Retype) as caught, connector.read(TableName("t")) as stream:
        list(stream)
    assert caught.value.columns == {"c": "string"}
    table = read_table(connector, TableName("t"))
    assert table["c"].drop_null().to_pylist() == [value]
    assert connector.describe(TableName("t")) == table.schema


def test_retype_names_all_columns_at_once(database: DuckdbDatabase) -> None:
    database.run(
        "CREATE TABLE t AS SELECT i, NULL::date AS a, NULL::date AS b FROM range(100000) r(i)",
        "UPDATE t SET a = 'infinity' WHERE i = 0",
        "UPDATE t SET b = 'infinity' WHERE i = 99999",
    )
    with pytest.raises(Retype) as caught, database.connector().read(TableName("t")) as stream:
        list(stream)
    assert set(caught.value.columns) == {"a", "b"}


@pytest.fixture
def writing_process(database: DuckdbDatabase) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open for writing."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(database.config.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    yield process
    process.communicate("\n")


def test_locked_file_names_the_process_that_holds_it(
    database: DuckdbDatabase, writing_process: subprocess.Popen[str]
) -> None:
    with pytest.raises(ConnectorUnavailableError, match=f"process {writing_process.pid} "):
        database.connector().list_tables()
    assert str(writing_process.pid) in database.connector().check().detail


def test_file_open_for_writing_in_this_process(database: DuckdbDatabase) -> None:
    holder = duckdb.connect(str(database.config.path))
    with pytest.raises(ConnectorUnavailableError, match="this process"):
        database.connector().list_tables()
    holder.close()


def test_missing_file_is_an_error_and_stays_missing(tmp_path: Path) -> None:
    path = tmp_path / "no.duckdb"
    connector = open_table_connector("duck", SqlConfig("duckdb", path=path))
    assert not connector.check().ok
    with pytest.raises(NotFoundError, match=r"no\.duckdb"):
        connector.list_tables()
    assert not path.exists()


def test_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("this is no database" * 500)
    connector = open_table_connector("duck", SqlConfig("duckdb", path=path))
    with pytest.raises(InputError):
        connector.list_tables()


def test_tables_of_other_schemas(database: DuckdbDatabase) -> None:
    database.run("CREATE TABLE other.t AS SELECT 1 AS a", "CREATE TABLE t AS SELECT 2 AS a")
    connector = database.connector()
    assert [str(t) for t in connector.list_tables()] == ["main.t", "other.t"]
    assert read_table(connector, TableName("t")).to_pylist() == [{"a": 2}]
    assert read_table(connector, TableName.parse("other.t")).to_pylist() == [{"a": 1}]
    assert database.config.path is not None
    config = SqlConfig("duckdb", path=database.config.path, db_schema="other")
    scoped = open_table_connector("duck", config)
    assert [str(t) for t in scoped.list_tables()] == ["other.t"]
    assert read_table(scoped, TableName("t")).to_pylist() == [{"a": 1}]


def test_sign_of_zero_counts_in_the_fingerprint(database: DuckdbDatabase) -> None:
    fingerprints = set()
    for zero in ("0.0", "-0.0"):
        database.run(f"CREATE OR REPLACE TABLE t AS SELECT '{zero}'::double AS whole_row")
        fingerprints.add(database.connector().fingerprint(TableName("t")))
    assert len(fingerprints) == 2


def test_values_that_change_places_change_the_fingerprint(database: DuckdbDatabase) -> None:
    fingerprints = set()
    for rows in ("(0, 1), (2, 3)", "(0, 3), (2, 1)", "(1, 0), (3, 2)", "(NULL, 1), (2, 3)"):
        database.run(f"CREATE OR REPLACE TABLE t AS SELECT * FROM (VALUES {rows}) AS v(a, b)")
        fingerprints.add(database.connector().fingerprint(TableName("t")))
    assert len(fingerprints) == 4


def test_wide_rows_come_in_small_batches(database: DuckdbDatabase) -> None:
    database.run("CREATE TABLE t AS SELECT repeat('x', 20000) AS c FROM range(10000)")
    with database.connector().read(TableName("t")) as stream:
        sizes = [batch.nbytes for batch in stream]
    assert sum(sizes) > 200_000_000
    assert max(sizes) < 80_000_000


@pytest.mark.parametrize("table", ["other_file", "other_database"])
def test_a_view_reads_nothing_outside_of_its_file(tmp_path: Path, table: str) -> None:
    """T17: the file may be somebody else's; what this machine may read is not to be had through it."""
    secret = tmp_path / "secret.csv"
    secret.write_text("key\ncanary-6241\n")
    path = tmp_path / "theirs.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute(f"CREATE VIEW other_file AS SELECT * FROM read_csv('{secret}')")
    connection.execute("CREATE TABLE own AS SELECT 1 AS a")
    connection.execute(f"CREATE VIEW other_database AS SELECT * FROM '{secret}'")
    connection.close()
    theirs = open_table_connector("theirs", SqlConfig("duckdb", path=path))
    assert read_table(theirs, TableName("own")).num_rows == 1
    for source in (TableName(table), f"SELECT * FROM read_text('{secret}')"):
        with pytest.raises(InputError, match="external_access: allowed") as caught:
            read_table(theirs, source)
        assert "canary" not in str(caught.value)
    trusted = SqlConfig("duckdb", path=path, options={"external_access": "allowed"})
    assert read_table(open_table_connector("ours", trusted), TableName(table)).num_rows == 1
