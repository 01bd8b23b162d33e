"""What is refused before a database is asked: names, number and types of columns, the request (E22-E24, E38)."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from resources.connectors.sql.duckdb import written_types as duckdb
from resources.connectors.sql.postgresql import written_types as postgresql
from resources.connectors.sql.sqlite import written_types as sqlite
from resources.connectors.sql.writing.checks import check_request, plan_columns
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.records import TableName
from tests.resources.connectors.sql.writing.databases import request

DIALECTS = {"postgresql": postgresql.DIALECT, "sqlite": sqlite.DIALECT, "duckdb": duckdb.DIALECT}
ALL = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())


def schema(*names: str) -> pa.Schema:
    return pa.schema([(name, pa.int64()) for name in names])


@ALL
def test_the_limits_are_those_of_the_connectors(dialect: ExportDialect) -> None:
    from resources.connectors.sql.duckdb.connector import DuckdbConnector
    from resources.connectors.sql.postgresql.connector import PostgresqlConnector
    from resources.connectors.sql.sqlite.connector import SqliteConnector

    kinds = {
        "PostgreSQL": PostgresqlConnector,
        "SQLite": SqliteConnector,
        "DuckDB": DuckdbConnector,
    }
    kind = kinds[dialect.title]
    assert (dialect.name_limit, dialect.max_columns) == (kind.max_identifier, kind.max_columns)


@ALL
@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param(["a", "a"], "duplicate column names: 'a' at positions", id="twins"),
        pytest.param(["a", " "], "column 2 of 2 has no name", id="blank"),
        pytest.param(["a\0b"], "holds a NUL character", id="NUL"),
        pytest.param([], "has no columns", id="none"),
        pytest.param(["a" * 129], r"longer: 'a+' \(129\)", id="too long"),
        pytest.param([f"c{n}" for n in range(10_001)], r"columns, .* has 10,001", id="too many"),
    ],
)
def test_names_that_no_database_takes(dialect: ExportDialect, names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan_columns(schema(*names), request(1), dialect)


@ALL
def test_names_that_differ_in_case_alone(dialect: ExportDialect) -> None:
    """E23."""
    if dialect.folds_case:
        with pytest.raises(SchemaMismatchError, match="takes 'Id' and 'ID' for one column"):
            plan_columns(schema("Id", "x", "ID"), request(1), dialect)
    else:
        assert len(plan_columns(schema("Id", "x", "ID"), request(1), dialect)) == 3


def test_postgresql_counts_bytes_and_keeps_names_for_itself() -> None:
    assert plan_columns(schema("é" * 31), request(1), postgresql.DIALECT)
    with pytest.raises(SchemaMismatchError, match="names of 63 bytes"):
        plan_columns(schema("é" * 32), request(1), postgresql.DIALECT)
    with pytest.raises(SchemaMismatchError, match="keeps the column name 'ctid' for itself"):
        plan_columns(schema("a", "ctid"), request(1), postgresql.DIALECT)


@ALL
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(pa.month_day_nano_interval(), id="interval"),
        pytest.param(pa.dense_union([pa.field("a", pa.int64())]), id="union"),
    ],
)
def test_types_without_a_form(dialect: ExportDialect, kind: pa.DataType) -> None:
    with pytest.raises(SchemaMismatchError, match=f"{dialect.title} has no type for column 'x'"):
        plan_columns(pa.schema([("id", pa.int64()), ("x", kind)]), request(1), dialect)


def test_decimals_wider_than_the_database() -> None:
    wide = pa.schema([("x", pa.decimal256(39, 2))])
    with pytest.raises(SchemaMismatchError, match=r"'x' \(decimal256\(39, 2\)\)"):
        plan_columns(wide, request(1), duckdb.DIALECT)
    assert plan_columns(wide, request(1), postgresql.DIALECT)[0].type.sql == "numeric(39,2)"
    assert plan_columns(wide, request(1), sqlite.DIALECT)[0].type.sql == "DECIMAL_TEXT(39,2)"


@ALL
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"table": TableName("a;b")}, "cannot name a table", id="table"),
        pytest.param({"table": TableName("a", "b\0")}, "NUL", id="schema"),
        pytest.param({"table": TableName("_exports")}, "Waybill's own", id="ledger"),
        pytest.param({"table": TableName("a" * 129)}, "129 (bytes|characters) long", id="too long"),
        pytest.param({"run_id": ""}, "has no name", id="run"),
        pytest.param({"exporter": ""}, "has no name", id="exporter"),
        pytest.param({"keep": 0}, "would keep 0 tables", id="keep"),
        pytest.param(
            {"mode": "timestamp", "started_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - the case
            "no time zone",
            id="start",
        ),
    ],
)
def test_requests_that_no_data_can_meet(
    dialect: ExportDialect, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        check_request(request(1, **changes), dialect)
