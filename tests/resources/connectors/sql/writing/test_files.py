"""What only database files have: folders, locks, foreign keys and triggers of SQLite and DuckDB."""

from __future__ import annotations

import os
import pwd
import sqlite3
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorError,
    InputError,
)
from resources.kernel.records import TableName
from tests.contract.table_connector import read_table
from tests.faults import Child
from tests.resources.connectors.sql.writing.databases import QUICK, ExportDatabase, sales

SQLITE_MAKE = (
    "CREATE TABLE sales (id INTEGER PRIMARY KEY, version INTEGER, name TEXT)",
    "INSERT INTO sales VALUES (1, 1, 'a'), (2, 1, 'b')",
)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_the_folder_must_exist(tmp_path: Path, dialect: str) -> None:
    config = SqlConfig(dialect, path=tmp_path / "none" / "x.db")  # type: ignore[arg-type]  # a parameter
    with pytest.raises(ConfigError, match="no folder for the database file"):
        ExportDatabase(config).export(sales(1))
    assert list(tmp_path.iterdir()) == []


def test_sqlite_in_use_by_a_writer(sqlite: ExportDatabase) -> None:
    sqlite.export(sales(1))
    busy = ExportDatabase(replace(sqlite.config, lock_timeout_seconds=1))
    writer = sqlite3.connect(str(sqlite.config.path), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConflictError, match="another process holds the database"):
        busy.export(sales(2), run_id="run-2")
    writer.close()
    assert sqlite.versions() == [(1, 10)]


def test_sqlite_readers_go_on(sqlite: ExportDatabase) -> None:
    sqlite.export(sales(1))
    reader = sqlite3.connect(str(sqlite.config.path), isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT DISTINCT version FROM sales").fetchall() == [(1,)]
    sqlite.export(sales(2), run_id="run-2")
    assert reader.execute("SELECT DISTINCT version FROM sales").fetchall() == [(1,)]
    reader.close()
    assert sqlite.versions() == [(2, 10)]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_sqlite_keeps_the_journal_of_a_file(sqlite: ExportDatabase, mode: str) -> None:
    sqlite.run(f"PRAGMA journal_mode = {mode}", *SQLITE_MAKE)
    sqlite.export(sales(2))
    assert sqlite.run("PRAGMA journal_mode") == [(mode,)]
    assert sqlite.versions() == [(2, 10)]


def test_a_text_that_is_no_utf8_says_how_to_read_it(sqlite: ExportDatabase) -> None:
    sqlite.run("CREATE TABLE odd (x TEXT)", "INSERT INTO odd VALUES (CAST(x'ff41' AS TEXT))")
    with pytest.raises(InputError, match=r"column 'x' .*CAST\(the_column AS BLOB\)"):
        read_table(sqlite.connector, TableName("odd"))


def test_sqlite_keeps_indexes_triggers_and_views(sqlite: ExportDatabase) -> None:
    sqlite.run(
        *SQLITE_MAKE,
        "CREATE UNIQUE INDEX by_name ON sales (name)",
        "CREATE TABLE log (id)",
        "CREATE TRIGGER noting AFTER INSERT ON sales BEGIN INSERT INTO log VALUES (new.id); END",
        "CREATE VIEW report AS SELECT version, count(*) FROM sales GROUP BY version",
    )
    listing = "SELECT type, name, sql FROM sqlite_master WHERE name <> '_exports' AND tbl_name <> '_exports' ORDER BY 2"
    before = sqlite.run(listing)
    assert sqlite.export(sales(2)).swap == "delete+insert"
    assert sqlite.run(listing) == before
    assert sqlite.run("SELECT * FROM report") == [(2, 10)]
    assert sqlite.run("SELECT count(*) FROM log") == [(10,)]
    with pytest.raises(InputError, match="UNIQUE constraint failed"):
        sqlite.export(sales(3), mode="append", run_id="run-2")
    assert sqlite.versions() == [(2, 10)]


def test_sqlite_foreign_keys(sqlite: ExportDatabase) -> None:
    sqlite.run(
        *SQLITE_MAKE,
        "CREATE TABLE lines (sale REFERENCES sales (id))",
        "INSERT INTO lines VALUES (1)",
    )
    assert sqlite.export(sales(2)).rows == 10  # the same key comes back
    with pytest.raises(InputError, match="rows of table lines refer to its old rows"):
        sqlite.export(sales(3, rows=1), run_id="run-2")
    assert sqlite.versions() == [(2, 10)]
    sqlite.run("CREATE TABLE more (sale REFERENCES SALES (id) ON DELETE CASCADE)")
    with pytest.raises(InputError, match="table more refers to it ON DELETE CASCADE"):
        sqlite.export(sales(3), run_id="run-2")


def test_sqlite_columns_that_the_database_fills(sqlite: ExportDatabase) -> None:
    sqlite.run(
        "CREATE TABLE sales (key INTEGER PRIMARY KEY, id INT, version INT, name TEXT,"
        " noted TEXT DEFAULT CURRENT_TIMESTAMP, twice INT GENERATED ALWAYS AS (id * 2))"
    )
    receipt = sqlite.export(sales(1))
    assert "the database fills key, noted, twice" in receipt.warnings[0]
    assert sqlite.run("SELECT count(*) FROM sales WHERE twice = id * 2 AND noted > ''") == [(10,)]


def test_sqlite_triggers_that_keep_or_drop_rows(sqlite: ExportDatabase) -> None:
    sqlite.run(
        *SQLITE_MAKE,
        "CREATE TRIGGER keeping BEFORE DELETE ON sales BEGIN SELECT RAISE(IGNORE); END",
    )
    with pytest.raises(ConnectorError, match="keeps its old rows"):
        sqlite.export(sales(2))
    assert sqlite.versions() == [(1, 2)]


def test_sqlite_has_one_schema(sqlite: ExportDatabase) -> None:
    with pytest.raises(InputError, match="SQLite has no schema 'mart'"):
        sqlite.export(sales(1), table=TableName("sales", "mart"))
    assert sqlite.export(sales(1), table=TableName("sales", "main")).rows == 10


def test_names_without_regard_to_case(sqlite: ExportDatabase) -> None:
    sqlite.run("CREATE TABLE Sales (ID INTEGER, Version INTEGER, NAME TEXT)")
    assert sqlite.export(sales(1)).swap == "delete+insert"
    assert sqlite.names() == {"Sales"}


def test_a_duckdb_file_in_use_names_the_process(duckdb_file: ExportDatabase) -> None:
    duckdb_file.export(sales(1))
    release = duckdb_file.config.path.with_name("release")  # type: ignore[union-attr]  # a file's path
    held = duckdb_file.config.path.with_name("held")  # type: ignore[union-attr]  # a file's path

    def hold() -> None:
        with duckdb.connect(str(duckdb_file.config.path)):
            held.touch()
            while not release.exists():
                time.sleep(0.01)

    child = Child(hold)
    try:
        while not held.exists():
            time.sleep(0.01)
        with pytest.raises(ConflictError, match=f"process {child.pid} .*the old rows stay"):
            ExportDatabase(duckdb_file.config, QUICK).export(sales(2), run_id="run-2")
    finally:
        release.touch()
        child.wait()
    assert duckdb_file.versions() == [(1, 10)]


def test_duckdb_keeps_indexes_and_views(duckdb_file: ExportDatabase) -> None:
    duckdb_file.run(
        "CREATE TABLE sales (id BIGINT PRIMARY KEY, version BIGINT, name VARCHAR)",
        "CREATE INDEX by_name ON sales (name)",
        "CREATE VIEW report AS SELECT DISTINCT version FROM sales",
        "INSERT INTO sales VALUES (1, 1, 'a')",
    )
    assert duckdb_file.export(sales(2)).swap == "delete+insert"
    assert duckdb_file.export(sales(3), run_id="run-2").swap == "delete+insert"
    assert duckdb_file.run("SELECT * FROM report") == [(3,)]
    assert duckdb_file.run("SELECT index_name FROM duckdb_indexes()") == [("by_name",)]
    with pytest.raises(InputError, match=r"[Dd]uplicate key"):
        duckdb_file.export(sales(4), mode="append", run_id="run-3")
    assert duckdb_file.versions() == [(3, 10)]


def test_duckdb_foreign_keys(duckdb_file: ExportDatabase) -> None:
    duckdb_file.run(
        "CREATE TABLE sales (id BIGINT PRIMARY KEY, version BIGINT, name VARCHAR)",
        "INSERT INTO sales VALUES (1, 1, 'a')",
        "CREATE TABLE lines (sale BIGINT REFERENCES sales (id))",
        "INSERT INTO lines VALUES (1)",
    )
    with pytest.raises(InputError, match="rows of table lines refer to its old rows"):
        duckdb_file.export(sales(2))
    assert duckdb_file.versions() == [(1, 1)]


def test_duckdb_columns_that_the_database_fills(duckdb_file: ExportDatabase) -> None:
    duckdb_file.run(
        "CREATE SEQUENCE keys",
        "CREATE TABLE sales (key INTEGER DEFAULT nextval('keys'), id BIGINT, version BIGINT,"
        " name VARCHAR, twice BIGINT GENERATED ALWAYS AS (id * 2))",
    )
    receipt = duckdb_file.export(sales(1))
    assert "the database fills key, twice" in receipt.warnings[0]
    with pytest.raises(InputError, match="itself computes 'twice'"):
        duckdb_file.export(sales(2).append_column("twice", pa.array([1] * 10)), run_id="run-2")


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_folder_without_rights(dialect: str) -> None:
    """E58: as somebody whom rights bind, which root is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    config = SqlConfig(dialect, path=folder / "x.db")  # type: ignore[arg-type]  # a parameter

    def export() -> list[str]:
        if os.getuid() == 0:
            os.setuid(pwd.getpwnam("nobody").pw_uid)
        with pytest.raises(ConnectorAuthError) as raised:
            ExportDatabase(config, QUICK).export(sales(1))
        return [raised.value.message, raised.value.hint]

    try:
        message, hint = Child(export).wait().answer
        assert str(folder) in message
        assert "rights" in hint
        assert list(folder.iterdir()) == []
    finally:
        folder.rmdir()
