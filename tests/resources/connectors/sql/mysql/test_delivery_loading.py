"""Deliveries into MySQL and MariaDB: how rows are loaded, a server that crashes meanwhile, which columns take what."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from resources.connectors.sql.mysql.written_types import mysql_takes, mysql_type, plain_sql_type
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.run import run_export
from resources.kernel.records import TableName
from tests.contract.table_connector import read_table
from tests.faults import Child
from tests.resources.connectors.sql.writing.databases import (
    PATIENT,
    QUICK,
    START,
    ExportDatabase,
    broken_stream,
    request,
    sales,
)
from tests.servers.mariadb import MariadbServer, running_mariadb

pytestmark = pytest.mark.mariadb


@pytest.fixture(scope="module")
def strict_server() -> Iterator[MariadbServer]:
    """A server that takes no LOAD DATA LOCAL, small packets, and folds the names of tables."""
    with running_mariadb(
        "--local-infile=0", "--max-allowed-packet=1M", "--lower-case-table-names=1"
    ) as server:
        yield server


def test_rows_are_inserted_where_loading_is_switched_off(strict_server: MariadbServer) -> None:
    with strict_server.database() as name:
        database = ExportDatabase(strict_server.config(name))
        texts = ["plain", 'it\'s "q" \\ \0 \n, ☃', "", None] * 5000
        table = pa.table(
            {
                "id": pa.array(range(20_000)),
                "t": texts,
                "b": pa.array([b"\x00\xff'", None] * 10_000),
                "d": pa.array([Decimal("-1.50"), None] * 10_000, pa.decimal128(9, 2)),
                "m": pa.array([datetime(2024, 1, 1, 0, 0, 0, 5), None] * 10_000),  # noqa: DTZ001
                "f": pa.array([0.1, -2.5e300] * 10_000),
            }
        )
        for run in ("run-1", "run-2"):
            assert database.export(table, run_id=run, table=TableName("Sales")).rows == 20_000
        found = read_table(database.connector, TableName("SALES")).sort_by("id")
        assert found.to_pylist() == table.to_pylist()
        for day in (1, 2, 3):
            made = database.export(
                sales(day),
                table=TableName("Sales"),
                mode="timestamp",
                keep=2,
                run_id=f"day-{day}",
                started_at=START + timedelta(days=day),
            )
        assert len(made.removed_tables) == 1
        assert len(database.names()) == 4, "the table, two of three days, the view of the newest"
        assert database.versions("sales_latest") == [(3, 10)]


def test_loaded_rows_are_the_same_rows(mariadb: ExportDatabase) -> None:
    """Quotes, backslashes, separators, NUL and the word NULL in texts and bytes, by LOAD DATA."""
    texts = ['"', '""', "\\", "\\N", "NULL", "a,b\n", "\r\n", "\0", "'", "", " ", "☃", None]
    table = pa.table(
        {"id": range(len(texts)), "t": texts, "b": [t and t.encode() + b"\xff" for t in texts]}
    )
    for run in ("run-1", "run-2"):
        mariadb.export(table, run_id=run)
    found = read_table(mariadb.connector, TableName("sales")).sort_by("id")
    assert found.to_pylist() == table.to_pylist()


def test_floats_come_back_bit_for_bit(mariadb: ExportDatabase) -> None:
    dice = random.Random(5)
    doubles = [dice.uniform(-1, 1) * 10.0 ** dice.randint(-300, 300) for _ in range(3000)]
    singles = pa.array([dice.uniform(-1, 1) * 10.0 ** dice.randint(-36, 36) for _ in range(3000)])
    table = pa.table({"id": range(3000), "d": doubles, "f": singles.cast(pa.float32(), safe=False)})
    mariadb.export(table)
    found = read_table(mariadb.connector, TableName("sales")).sort_by("id")
    assert found["d"].combine_chunks().equals(table["d"].combine_chunks())
    assert found["f"].combine_chunks().equals(table["f"].combine_chunks())


@pytest.mark.kill
def test_the_server_crashes_during_exports(
    mariadb: ExportDatabase, mariadb_server: MariadbServer
) -> None:
    """E6: new tables and old ones, whatever the moment."""
    mariadb.settings = replace(PATIENT, delete_limit_rows=15_000)
    rows, dice = 20_000, random.Random(11)
    mariadb.export(sales(0, rows=rows), run_id="run-0")

    def export(version: int) -> bool:
        mariadb.export(sales(version, rows=rows), run_id=f"run-{version}")
        return True

    started = time.perf_counter()
    Child(lambda: export(1)).wait()
    usual = time.perf_counter() - started
    for version in range(2, 6):
        old = mariadb.versions()
        child = Child(lambda version=version: export(version))
        time.sleep(dice.uniform(0.2, 1) * usual)
        mariadb_server.stop(immediate=True)
        child.wait()
        mariadb_server.start()
        assert mariadb.versions() in (old, [(version, rows)])
        export(version)
        assert mariadb.versions() == [(version, rows)]
        assert mariadb.names() == {"sales"}


def test_a_stream_that_fails_under_a_lock_lets_go(mariadb: ExportDatabase) -> None:
    """The session's end gives back the lock, so that the next export does not wait."""
    with pytest.raises(RuntimeError, match="cut"):
        run_export(
            mariadb.connector, broken_stream(sales(1), RuntimeError("cut")), request(10), QUICK
        )
    done = threading.Event()
    thread = threading.Thread(target=lambda: (mariadb.export(sales(1)), done.set()))
    thread.start()
    thread.join(30)
    assert done.is_set()


TAKES = {
    pa.int64(): ({"bigint", "int", "decimal(18,2)", "bit(3)"}, {"double", "float", "varchar(9)"}),
    pa.int32(): ({"double", "bigint unsigned"}, {"float", "longtext", "year"}),
    pa.int16(): ({"year"}, {"date"}),
    pa.bool_(): ({"tinyint(1)", "tinyint", "int", "bit(1)"}, {"longtext"}),
    pa.float32(): ({"float", "double", "float(7,4)"}, {"decimal(9,3)", "int"}),
    pa.float64(): ({"double"}, {"float", "decimal(30,10)"}),
    pa.decimal128(10, 2): ({"decimal(10,2)", "decimal(8,3)", "decimal(10,1)"}, {"double", "int"}),
    pa.decimal128(10, 0): ({"decimal(10,0)", "bigint"}, {"float"}),
    pa.string(): (
        {"longtext", "varchar(5)", "char(2)", "enum('a')", "json", "date", "tinytext", "uuid",
         "text character set latin1"},
        {"blob", "int", "double"},
    ),
    pa.binary(): ({"longblob", "varbinary(9)", "binary(4)", "point"}, {"longtext"}),
    pa.timestamp("us"): ({"datetime(6)", "datetime", "datetime(3)"}, {"timestamp(6)", "date"}),
    pa.timestamp("us", "UTC"): ({"timestamp(6)", "timestamp"}, {"datetime(6)"}),
    pa.time32("s"): ({"time"}, {"datetime"}),
    pa.date32(): ({"date"}, {"datetime", "longtext"}),
    pa.list_(pa.int8()): ({"json", "longtext"}, {"varchar(9)"}),
    pa.null(): ({"int", "date"}, set()),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAKES, ids=str)
def test_existing_columns_take_what_they_hold(kind: pa.DataType) -> None:
    column = WrittenColumn("x", kind, mysql_type(kind))
    takes, refuses = TAKES[kind]
    assert [t for t in takes if not mysql_takes(column, t)] == []
    assert [t for t in refuses if mysql_takes(column, t)] == []


def test_display_widths_are_no_part_of_a_type() -> None:
    assert plain_sql_type("INT(11) unsigned zerofill") == "int unsigned"
    assert plain_sql_type("tinyint(1)") == "tinyint(1)"
    assert plain_sql_type("tinyint(4)") == "tinyint"
    assert plain_sql_type("decimal(10,2)") == "decimal(10,2)"
    assert plain_sql_type("text", "utf8mb4") == "text"
    assert plain_sql_type("text", "latin1") == "text character set latin1"
    assert plain_sql_type("enum('A')", "latin1") == "enum('A')"
