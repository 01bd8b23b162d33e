"""Deliveries into PostgreSQL while others use the table; names, schemas, kinds of tables, grants."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession, lock_key
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.run import run_export
from resources.connectors.sql.writing.settings import ExportSettings
from resources.kernel.errors import (
    ConflictError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.kernel.records import TableName
from tests.resources.connectors.sql.writing.databases import (
    QUICK,
    ExportDatabase,
    connect_postgresql,
    request,
    sales,
    stream,
)

pytestmark = pytest.mark.postgres

SWAPS = [
    pytest.param(1_000_000, "delete+insert", id="delete"),
    pytest.param(5, "truncate+insert", id="truncate"),
]
MAKE = (
    "CREATE TABLE sales (id bigint PRIMARY KEY, version bigint, name text)",
    "INSERT INTO sales SELECT i, 1, 'old' FROM generate_series(0, 9) i",
)


def test_a_reader_that_holds_the_table_gives_a_clear_error(postgresql: ExportDatabase) -> None:
    """E48."""
    postgresql.run(*MAKE)
    with connect_postgresql(postgresql.config) as reader:
        reader.execute("BEGIN")
        reader.execute("LOCK TABLE sales IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ConflictError, match="in use by another session; the old rows stay"):
            postgresql.export(sales(2))
    assert postgresql.versions() == [(1, 10)]
    assert postgresql.names() == {"sales"}
    assert postgresql.export(sales(2)).rows == 10


@pytest.mark.parametrize(("limit", "swap"), SWAPS)
def test_a_long_reader_keeps_its_snapshot(
    postgresql: ExportDatabase, limit: int, swap: str
) -> None:
    """While somebody reads, rows are deleted even where truncating was asked for: nobody waits, nobody sees none."""
    postgresql.run(*MAKE)
    postgresql.settings = replace(QUICK, delete_limit_rows=limit)
    with connect_postgresql(postgresql.config) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute("SELECT count(*) FROM sales").fetchone() == (10,)
        assert postgresql.export(sales(2)).swap == "delete+insert"
        assert reader.execute("SELECT DISTINCT version FROM sales").fetchall() == [(1,)]


def test_a_reader_that_goes_away_in_time_is_waited_for(postgresql: ExportDatabase) -> None:
    postgresql.run(*MAKE)
    postgresql.settings = ExportSettings(lock_timeout_seconds=0.2, lock_attempts=100)
    holder = connect_postgresql(postgresql.config)
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE sales IN ACCESS SHARE MODE")
    holder.execute("LOCK TABLE sales IN ROW EXCLUSIVE MODE")
    thread = threading.Timer(0.7, holder.close)
    thread.start()
    assert postgresql.export(sales(2)).rows == 10
    thread.join()
    assert postgresql.versions() == [(2, 10)]


def test_an_exporter_waits_for_another(postgresql: ExportDatabase) -> None:
    """E17."""
    postgresql.settings = replace(QUICK, exporter_wait_seconds=0.2)
    postgresql.export(sales(1))
    with connect_postgresql(postgresql.config) as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("public", "table sales")])
        with pytest.raises(ConflictError, match="another export has been writing this table"):
            postgresql.export(sales(2), run_id="run-2")
        assert postgresql.export(sales(2), table=TableName("other")).rows == 10
    assert postgresql.versions() == [(1, 10)]


def test_a_table_changed_meanwhile_is_a_conflict(postgresql: ExportDatabase) -> None:
    """While rows are staged nobody is kept out."""
    postgresql.run(*MAKE, "ALTER TABLE sales ALTER version TYPE integer")
    table = sales(2)

    def batches() -> Any:
        first, *rest = table.to_batches(max_chunksize=3)
        yield first
        postgresql.run("ALTER TABLE sales ADD COLUMN late int")
        yield from rest

    late = stream(table)
    late.batches = batches()
    with pytest.raises(ConflictError, match="changed the table meanwhile"):
        run_export(postgresql.connector, late, request(10), QUICK)
    assert postgresql.versions() == [(1, 10)]


def test_a_lost_answer_to_commit_delivers_once(
    postgresql: ExportDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E50: the COMMIT took effect, and the line broke before its answer came."""
    import psycopg

    real = PostgresqlWriteSession.execute

    def lossy(self: Any, sql: str, *parameters: object) -> Any:
        found = real(self, sql, *parameters)
        if sql == "COMMIT" and Ledger(self).find() is not None:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return found

    monkeypatch.setattr(PostgresqlWriteSession, "execute", lossy)
    with pytest.raises(ConnectorUnavailableError) as raised:
        postgresql.export(sales(1), mode="append")
    assert raised.value.retryable
    monkeypatch.undo()
    receipt = postgresql.export(sales(1), mode="append")
    assert (receipt.repeated, receipt.rows) == (True, 10)
    assert postgresql.versions() == [(1, 10)]


def test_a_nul_character_is_named_by_row_and_column(postgresql: ExportDatabase) -> None:
    """E28."""
    postgresql.export(sales(1))
    names = [f"n{number}" for number in range(10)]
    names[6] = "a\0b"
    bad = sales(2).set_column(2, "name", pa.array(names))
    with pytest.raises(InputError, match="row 7, column 'name' holds a NUL character") as raised:
        postgresql.export(bad, run_id="run-2")
    assert raised.value.facts["row"] == 7
    assert postgresql.versions() == [(1, 10)]
    assert postgresql.names() == {"sales"}


def test_a_name_that_the_server_would_cut_is_never_sent(postgresql: ExportDatabase) -> None:
    """E38: PostgreSQL only notices a cut name, and another table is hit."""
    short, long = "a" * 63, "a" * 64
    postgresql.export(sales(1), table=TableName(short))
    with pytest.raises(SchemaMismatchError, match="64 bytes long"):
        postgresql.export(sales(2), table=TableName(long))
    with pytest.raises(SchemaMismatchError, match="names of 63 bytes"):
        postgresql.export(pa.table({"é" * 32: [1]}), table=TableName("fresh"))
    name = postgresql.export(sales(3), table=TableName(short), mode="timestamp").table.name
    assert len(name) == 63
    assert postgresql.versions(short) == [(1, 10)]


def test_the_most_columns_that_a_table_may_have(postgresql: ExportDatabase) -> None:
    """E24."""
    wide = pa.table({f"c{number}": [True] for number in range(1600)})
    assert postgresql.export(wide).rows == 1
    with pytest.raises(SchemaMismatchError, match=r"PostgreSQL allows 1,600 columns, .* has 1,601"):
        postgresql.export(wide.append_column("more", pa.array([1])))
    wide = pa.table({f"c{number}": [1] for number in range(1600)})
    with pytest.raises(InputError, match="row is too big"):
        postgresql.export(wide, table=TableName("other"))


def test_recreate_names_what_goes(postgresql: ExportDatabase) -> None:
    postgresql.run(
        *MAKE,
        "GRANT SELECT ON sales TO PUBLIC",
        "CREATE VIEW report AS SELECT * FROM sales",
        "CREATE INDEX by_version ON sales (version)",
    )
    receipt = postgresql.export(
        pa.table({"id": ["a"], "version": [2]}), on_schema_change="recreate"
    )
    text = " ".join(receipt.warnings)
    for gone in ("view report", "grant to PUBLIC", "index by_version", "index sales_pkey"):
        assert gone in text
    assert postgresql.run("SELECT id FROM sales") == [("a",)]


def test_schemas(postgresql: ExportDatabase) -> None:
    with pytest.raises(NotFoundError, match="no schema 'mart'"):
        postgresql.export(sales(1), table=TableName("sales", "mart"))
    postgresql.run('CREATE SCHEMA "my mart"')
    postgresql.export(sales(1), table=TableName("sales", "my mart"))
    assert postgresql.run('SELECT count(*) FROM "my mart".sales') == [(10,)]
    assert postgresql.run('SELECT count(*) FROM "my mart"._exports') == [(1,)]
    by_config = ExportDatabase(replace(postgresql.config, db_schema="my mart"), QUICK)
    assert by_config.export(sales(2), run_id="run-2").swap == "delete+insert"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        ("CREATE MATERIALIZED VIEW sales AS SELECT 1 AS id", "a materialized view"),
        ("CREATE SEQUENCE sales", "a sequence"),
    ],
    ids=["materialized view", "sequence"],
)
def test_other_things_are_no_target(postgresql: ExportDatabase, make: str, kind: str) -> None:
    postgresql.run(make)
    with pytest.raises(InputError, match=f"is {kind}, not a table"):
        postgresql.export(sales(1))


def test_a_partitioned_table_is_a_target(postgresql: ExportDatabase) -> None:
    postgresql.run(
        "CREATE TABLE sales (id bigint, version bigint, name text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF sales FOR VALUES FROM (0) TO (5)",
        "CREATE TABLE high PARTITION OF sales FOR VALUES FROM (5) TO (100)",
    )
    postgresql.export(sales(1))
    assert postgresql.export(sales(2), run_id="run-2").swap == "delete+insert"
    assert postgresql.run("SELECT count(*) FROM low") == [(5,)]
    with pytest.raises(InputError, match=r"no partition of relation .* add the partition"):
        postgresql.export(sales(3, rows=200), run_id="run-3")


def test_a_trigger_of_a_partition_that_changes_values_is_told(postgresql: ExportDatabase) -> None:
    postgresql.run(
        "CREATE TABLE sales (id bigint, version bigint, name text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF sales FOR VALUES FROM (0) TO (100)",
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.name := left(NEW.name, 4); RETURN NEW; END$$",
        "CREATE TRIGGER cutting BEFORE INSERT ON low FOR EACH ROW EXECUTE FUNCTION cut()",
    )
    receipt = postgresql.export(sales(1))
    assert "trigger cutting changed the rows" in receipt.warnings[0]


def test_the_view_keeps_its_grants_while_columns_stay(postgresql: ExportDatabase) -> None:
    postgresql.export(sales(1), mode="timestamp")
    postgresql.run("GRANT SELECT ON sales_latest TO PUBLIC")
    receipt = postgresql.export(sales(2), mode="timestamp", run_id="run-2")
    acl = "SELECT relacl::text LIKE '%=r/%' FROM pg_class WHERE relname = 'sales_latest'"
    assert (receipt.warnings, postgresql.run(acl)) == ((), [(True,)])
    other = pa.table({"id": ["x"]})
    receipt = postgresql.export(other, mode="timestamp", run_id="run-3")
    assert "its grants are gone" in receipt.warnings[0]
    postgresql.run("CREATE VIEW needs AS SELECT id FROM sales_latest")
    receipt = postgresql.export(sales(4), mode="timestamp", run_id="run-4")
    assert "still shows the table before" in receipt.warnings[0]
    assert postgresql.run("SELECT * FROM needs") == [("x",)]


def test_decimals_beyond_38_digits_arrive_exactly(postgresql: ExportDatabase) -> None:
    value = Decimal("1234567890123456789012345678901234567890.12")
    table = pa.table({"id": pa.array([value, None], pa.decimal256(45, 2))})
    assert postgresql.export(table).swap == "create"
    assert postgresql.run("SELECT id FROM sales ORDER BY 1 NULLS LAST") == [(value,), (None,)]
    assert postgresql.export(table, run_id="run-2").swap == "delete+insert"


def test_no_session_is_left_open(postgresql: ExportDatabase) -> None:
    postgresql.export(sales(1))
    with connect_postgresql(postgresql.config) as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE sales")
        with pytest.raises(ConflictError):
            postgresql.export(sales(2), run_id="run-2")
    mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 10
    while postgresql.run(mine) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
