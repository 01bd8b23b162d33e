"""Columns of the table that are narrower than the data: what fits arrives unchanged, the first misfit is named.

MariaDB's own cases are in `test_mysql`: they are the same promise.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql.writing.conversion import first_refused
from resources.kernel.errors import InputError, IntegrityError, SchemaMismatchError
from resources.kernel.records import TableName
from tests.resources.connectors.sql.writing.databases import ExportDatabase, sales

D = Decimal
WHOLE = datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001 - a column without a zone
HALF = WHOLE.replace(microsecond=500_000)
UUID = "0189BD2c-0000-7000-8000-00000000000a"

# Column type, values that fit, how the database prints them, one that does not.
POSTGRESQL: dict[str, tuple[list[Any], list[str], Any]] = {
    "smallint": ([1, -32_768], ["1", "-32768"], 32_768),
    "oid": ([1], ["1"], 2**40),
    "numeric(5,1)": ([D("1.50"), D("-0.20")], ["1.5", "-0.2"], D("1.25")),
    "numeric(3,2)": ([D("1.50")], ["1.50"], D("12.50")),
    "timestamp(0)": ([WHOLE], ["2024-02-29 12:30:00"], HALF),
    "time(1)": ([WHOLE.time()], ["12:30:00"], WHOLE.time().replace(microsecond=5)),
    "uuid": ([UUID], [UUID.lower()], "no uuid"),
    "json": (['{"b": 1, "a": [2]}'], ['{"b": 1, "a": [2]}'], "{no"),
    "jsonb": (['{"b":1}'], ['{"b": 1}'], "{no"),
    "inet": (["10.0.0.1/8"], ["10.0.0.1/8"], "10.0.0.256"),
    "interval": (["P1Y2M", "1 day"], ["1 year 2 mons", "1 day"], "yesterday"),
    "mood": (["ok"], ["ok"], "OK"),
    "numeric": (["1.20", "NaN"], ["1.20", "NaN"], "x"),
    "numeric(4,1)": (["1.2", "1.20"], ["1.2", "1.2"], "1.25"),
    "money": (["1.20"], ["$1.20"], "1.239"),
    "bit(3)": (["101"], ["101"], "1011"),
    "date": (["2024-02-29", "infinity"], ["2024-02-29", "infinity"], "01/02/2024"),
    "timestamptz": (["2024-02-29 12:30:00+00"], ["2024-02-29 12:30:00+00"], "29 Feb 2024"),
    "int[]": (["{1,2}", "{}"], ["{1,2}", "{}"], "{x}"),
    "varchar(3)[]": ([["abc"], []], ["{abc}", "{}"], ["ab", "abc "]),
    "numeric(4,1)[]": ([[D("1.50")]], ["{1.5}"], [D("1.25")]),
    "name": (["a" * 63], ["a" * 63], "a" * 64),
    "int4range": (["[1,5)"], ["[1,5)"], "[5,1)"),
    '"char"': (["x"], ["x"], "xy"),
    "interval hour to minute": (["1 day 02:03:00"], ["1 day 02:03:00"], "02:03:04"),
    "interval year": (["2 years"], ["2 years"], "1 year 2 mons"),
    "interval hour": (["02:00:00.000000"], ["02:00:00"], "00:00:00.0000004"),
    "tsrange": (
        ['["2024-02-29 12:30:00.123456",)'],
        ['["2024-02-29 12:30:00.123456",)'],
        '["2024-02-29 12:30:00.1234567",)',
    ),
    "daterange": (["[2024-02-29,)"], ["[2024-02-29,)"], "[03-04-05,)"),
    "money[]": ([["1.20"]], ["{$1.20}"], ["1.239"]),
    "bit(3)[]": ([["101"]], ["{101}"], ["1011"]),
    "real[]": (["{0.1,2}"], ["{0.1,2}"], "{0.1234567890123}"),
    "price": (["1.2"], ["1.2"], "1.25"),
    "price[]": ([["1.2"]], ["{1.2}"], ["1.25"]),
    "offer[]": ([[D("1.20")]], ["{1.2}"], [D("1.25")]),
    "code[]": ([["abc"], []], ["{abc}", "{}"], ["abcd"]),
    "pair": (["(ab,1.2)"], ["(ab,1.2)"], "(ab,1.25)"),
    "pair[]": ([["(ab,1.2)"]], ['{"(ab,1.2)"}'], ['("ab ",1.2)']),
}
POSTGRESQL_TYPES = (
    "CREATE TYPE mood AS ENUM ('ok', 'sad')",
    "CREATE DOMAIN price AS numeric(3,1)",
    "CREATE DOMAIN offer AS price CHECK (VALUE > 0)",
    "CREATE DOMAIN code AS varchar(3)",
    "CREATE DOMAIN words AS text",
    "CREATE TYPE pair AS (a varchar(2), b numeric(3,1))",
)
DUCKDB: dict[str, tuple[list[Any], list[str], Any]] = {
    "TINYINT": ([1, -128], ["1", "-128"], 128),
    "DECIMAL(5,1)": ([D("1.50")], ["1.5"], D("1.25")),
    "TIMESTAMP_S": ([WHOLE], ["2024-02-29 12:30:00"], HALF),
    "UUID": ([UUID], [UUID.lower()], "no uuid"),
    "JSON": (['{"a": 1}'], ['{"a": 1}'], "{no"),
    "ENUM('ok', 'sad')": (["ok"], ["ok"], "OK"),
    "INTERVAL": (["1 day"], ["1 day"], "1.0000001 seconds"),
    "HUGEINT": (["1" * 39], ["1" * 39], "1" * 40),
    "DATE": (["2024-02-29", "infinity"], ["2024-02-29", "infinity"], "29.2.2024"),
    "UUID[]": ([[UUID.lower()]], [f"[{UUID.lower()}]"], ["no uuid"]),
}
SQLITE: dict[str, tuple[list[Any], list[str], Any]] = {
    "DATE": (["2024-02-29", "5", None], ["2024-02-29", "5", None], "007"),
    "NUMERIC": (["1.5", "x"], ["1.5", "x"], "1.50"),
    "DECIMAL(15,2)": ([D("1.50"), D("0.00")], ["1.5", "0"], None),
    "ANY": (["x"], ["x"], "007"),
}


def _cases(cases: dict[str, tuple[list[Any], list[str], Any]]) -> list[Any]:
    return [pytest.param(kind, *case, id=kind) for kind, case in cases.items()]


def deliver(
    database: ExportDatabase, kind: str, fits: list[Any], printed: list[str], misfit: Any
) -> None:
    """Values that fit are replaced by themselves; a misfit behind them leaves them as they are."""
    database.run(
        f'CREATE TABLE sales (id integer, "X" {kind})', "INSERT INTO sales VALUES (0, NULL)"
    )
    values = pa.array(fits)
    table = pa.table({"id": pa.array(range(len(fits)), pa.int32()), "X": values})
    assert database.export(table).swap == "delete+insert"
    text = 'SELECT CAST("X" AS TEXT) FROM sales ORDER BY id'
    assert database.run(text) == [(value,) for value in printed]
    if misfit is None:
        return
    wrong = pa.array([*fits, misfit, misfit])
    table = pa.table({"id": pa.array(range(len(wrong)), pa.int32()), "X": wrong})
    for mode in ("overwrite", "append"):
        with pytest.raises(
            InputError, match=f"row {len(fits) + 1}, column 'X' does not fit"
        ) as raised:
            database.export(table, mode=mode, run_id=mode)
        assert raised.value.facts["row"] == len(fits) + 1
    assert database.run(text) == [(value,) for value in printed]


@pytest.mark.postgres
@pytest.mark.parametrize(("kind", "fits", "printed", "misfit"), _cases(POSTGRESQL))
def test_postgresql(
    postgresql: ExportDatabase, kind: str, fits: list[Any], printed: list[str], misfit: Any
) -> None:
    postgresql.run(*POSTGRESQL_TYPES)
    deliver(postgresql, kind, fits, printed, misfit)


@pytest.mark.parametrize(("kind", "fits", "printed", "misfit"), _cases(DUCKDB))
def test_duckdb(
    duckdb_file: ExportDatabase, kind: str, fits: list[Any], printed: list[str], misfit: Any
) -> None:
    deliver(duckdb_file, kind, fits, printed, misfit)


@pytest.mark.parametrize(("kind", "fits", "printed", "misfit"), _cases(SQLITE))
def test_sqlite(
    sqlite: ExportDatabase, kind: str, fits: list[Any], printed: list[str], misfit: Any
) -> None:
    deliver(sqlite, kind, fits, printed, misfit)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("kind", "values"),
    [("words[]", pa.array([["a", None], None])), ("price[]", pa.array([[D("1.2")], []]))],
)
def test_lists_go_into_arrays_of_domains(
    postgresql: ExportDatabase, kind: str, values: pa.Array
) -> None:
    """In binary form an array names the type of its elements, which is the domain."""
    postgresql.run(*POSTGRESQL_TYPES, f"CREATE TABLE sales (id bigint, x {kind})")
    table = pa.table({"id": [1, 2], "x": values})
    for mode in ("overwrite", "append"):
        postgresql.export(table, mode=mode, run_id=mode)
    kept = [(text,) for text in ("{a,NULL}", None)] if kind == "words[]" else [("{1.2}",), ("{}",)]
    assert postgresql.run("SELECT x::text FROM sales ORDER BY id") == [
        kept[0], kept[0], kept[1], kept[1]
    ]  # fmt: skip


def test_decimals_that_no_double_holds_stay_out_of_columns_of_numbers(
    sqlite: ExportDatabase,
) -> None:
    """Outside of STRICT tables, ANY is a column of numbers."""
    long = D("123456789012345678.91")
    table = pa.table({"id": [1], "x": pa.array([long])})
    sqlite.run("CREATE TABLE sales (id integer, x ANY)")
    with pytest.raises(InputError, match="row 1, column 'x' does not fit ANY"):
        sqlite.export(table)
    sqlite.run("DROP TABLE sales", "CREATE TABLE sales (id integer, x ANY) STRICT")
    assert sqlite.export(table).rows == 1
    assert sqlite.table() == [(1, str(long))]
    sqlite.export(pa.table({"id": [1], "x": ["007"]}), run_id="run-2")
    assert sqlite.table() == [(1, "007")]


FILLS = {
    "mariadb": (
        "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
        "bigint NOT NULL DEFAULT 7",
    ),
    "sqlite": ("integer PRIMARY KEY", "integer NOT NULL ON CONFLICT REPLACE DEFAULT 7"),
}


@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_a_null_is_not_replaced_by_a_value_of_the_database(
    database: ExportDatabase, mode: str
) -> None:
    kinds = FILLS.get(database.dialect, ())
    if not kinds or database.is_generic:
        pytest.skip("this one refuses it by itself")
    for number, kind in enumerate(kinds):
        database.run(f"CREATE TABLE t{number} (id {kind}, x integer)")
        table = pa.table({"id": pa.array([3, None]), "x": pa.array([1, 2], pa.int32())})
        with pytest.raises(InputError, match=r"NOT NULL|not null|default value"):
            database.export(table, table=TableName(f"t{number}"), mode=mode)
        assert database.run(f"SELECT count(*) FROM t{number}") == [(0,)]


@pytest.mark.mariadb
@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_a_moment_that_is_missing_is_not_now(mariadb: ExportDatabase, mode: str) -> None:
    mariadb.run(
        "CREATE TABLE sales (id bigint, x timestamp(6) NOT NULL DEFAULT current_timestamp(6))"
    )
    nulls = pa.nulls(1, pa.timestamp("us", "UTC"))
    with pytest.raises(InputError, match="column 'x' of the table is NOT NULL and the data holds"):
        mariadb.export(pa.table({"id": [1], "x": nulls}), mode=mode)
    assert mariadb.table() == []


def test_rows_that_a_conflict_clause_takes_away_are_missed(sqlite: ExportDatabase) -> None:
    sqlite.run(
        "CREATE TABLE sales (id integer UNIQUE ON CONFLICT REPLACE, x text)",
        "INSERT INTO sales VALUES (3, 'old')",
    )
    with pytest.raises(IntegrityError, match="2 rows were sent and the table stored 1"):
        sqlite.export(pa.table({"id": [3, 4], "x": ["a", "b"]}), mode="append")
    assert sqlite.table() == [(3, "old")]


@pytest.mark.postgres
def test_instants_in_lists(postgresql: ExportDatabase) -> None:
    moment = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
    lists = pa.array([[moment, None], None], pa.list_(pa.timestamp("us", "UTC")))
    table = pa.table({"id": [1, 2], "x": lists})
    for run in ("run-1", "run-2"):
        postgresql.export(table, run_id=run)
        assert postgresql.table() == [(1, [moment, None]), (2, None)]


def test_a_column_of_nulls_goes_into_any_that_may_be_null(database: ExportDatabase) -> None:
    """The store keeps such a column as text: on a day without values the data lacks the type."""
    database.run(
        "CREATE TABLE sales (id integer, version integer, moment date)",
        "INSERT INTO sales VALUES (7, 7, NULL)",
    )
    nulls = pa.nulls(4, pa.string())
    table = pa.table({"id": pa.array(range(4), pa.int32()), "version": nulls, "moment": nulls})
    assert database.export(table).rows == 4
    assert database.run("SELECT count(*), count(version), count(moment) FROM sales") == [(4, 0, 0)]
    late = pa.table({"id": table["id"], "version": [None, None, None, "x"], "moment": nulls})
    with pytest.raises(SchemaMismatchError, match="row 4 has a value in column 'version'"):
        database.export(late, run_id="run-2")
    assert database.run("SELECT count(*), count(version) FROM sales") == [(4, 0)]


TRIGGERS = {
    "postgresql": (
        (
            "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN NEW.name := left(NEW.name, 4); RETURN NEW; END$$"
        ),
        "CREATE TRIGGER cutting BEFORE INSERT ON sales FOR EACH ROW EXECUTE FUNCTION cut()",
    ),
    "mariadb": (
        "CREATE TRIGGER cutting BEFORE INSERT ON sales FOR EACH ROW SET NEW.name = left(NEW.name, 4)",
    ),
    "sqlite": (
        (
            "CREATE TRIGGER cutting AFTER INSERT ON sales BEGIN"
            " UPDATE sales SET name = substr(name, 1, 4) WHERE id = new.id; END"
        ),
    ),
}


def test_a_trigger_that_changes_values_is_told(database: ExportDatabase) -> None:
    """It is part of the table, and may be meant to: the rows are delivered, and the run says what differs."""
    if database.dialect == "duckdb":
        pytest.skip("DuckDB has no triggers")
    database.run(
        "CREATE TABLE sales (id bigint, version bigint, name text)",
        *TRIGGERS[database.dialect],
    )
    words = "column 'name': 60 bytes were sent, the table holds 40"
    if database.is_generic:  # it knows no triggers of the system behind it
        with pytest.raises(IntegrityError, match=words):
            database.export(sales(1))
        return
    receipt = database.export(sales(1))
    assert "trigger cutting changed the rows" in receipt.warnings[0]
    assert words in receipt.warnings[0]


@pytest.mark.parametrize("bad", [1, 2, 7, 10])
def test_the_first_refused_row_is_found_by_halving(bad: int) -> None:
    assert first_refused(10, lambda low, high: not low <= bad <= high) == bad
