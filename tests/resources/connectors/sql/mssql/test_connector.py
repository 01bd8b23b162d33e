"""SQL Server without a server: what is sent, what is made of what the driver hands over, real errors of the driver."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.connectors.sql.mssql import delivery as writing
from resources.connectors.sql.mssql.connector import isolation, plan_mssql_column
from resources.connectors.sql.sqlalchemy.errors import driver_error
from resources.connectors.sql.sqlalchemy.write_session import SqlalchemyWriteSession
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.ledger import LEDGER_COLUMNS
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.run import run_export
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
)
from resources.kernel.records import Retype, SqlQuery, TableName
from tests.contract.table_connector import CANARY, closed_port, read_table
from tests.resources.connectors.sql.scripted_driver import ScriptedServer, counts
from tests.resources.connectors.sql.writing.databases import request, sales, stream

CONFIG = SqlConfig(
    "mssql", host="127.0.0.1", database="dwh", username="loader", password=CANARY, connect_timeout_seconds=2
)  # fmt: skip
BEGIN = (
    (r"@@version", (["v"], [("Microsoft SQL Server 2022 - 16.0.1000.6 (X64)",)])),
    (r"schema_name\(\)", (["s"], [("dbo",)])),
    (r"sys\.databases", (["snapshot", "committed"], [(1, 0)])),
)


DESCRIBED = ["name", "system_type_name", "error_message"]


def described(*columns: tuple[str, str]) -> tuple[str, Any]:
    return ("dm_exec_describe", (DESCRIBED, [(name, kind, None) for name, kind in columns]))


def test_a_query_is_read_under_snapshot_between_parentheses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ScriptedServer(
        *BEGIN,
        described(("id", "int"), ("price", "decimal(10,2)"), ("at", "datetime2(7)"), ("x", "xml")),
        (
            r"AS nvarchar\(max\)",
            (
                ["id", "price", "at", "x"],
                [
                    (1, Decimal("1.50"), "2013-01-31 08:30:00.1234560", "<a/>"),
                    (2, None, None, None),
                ],
            ),
        ),
    )
    server.install(monkeypatch)
    query = SqlQuery(
        "WITH recent AS (SELECT * FROM [sales;)] WHERE name = :name) SELECT * FROM recent",
        {"name": "O'Brien % :x"},
    )
    table = read_table(open_table_connector("w", CONFIG), query)
    assert table.to_pylist() == [
        {"id": 1, "price": Decimal("1.50"), "at": dt.datetime(2013, 1, 31, 8, 30, 0, 123456), "x": "<a/>"},  # noqa: DTZ001
        {"id": 2, "price": None, "at": None, "x": None},
    ]  # fmt: skip
    assert table.schema.field("price").type == pa.decimal128(10, 2)
    (level,) = server.sent("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    assert level
    (sent,) = server.sent(r"AS nvarchar\(max\)")
    assert sent == (
        "WITH recent AS (SELECT * FROM [sales;)] WHERE name = N'O''Brien % :x') SELECT [id], [price],"
        " CONVERT(varchar(27), CAST([at] AS datetime2(7)), 121) AS [at], CAST([x] AS nvarchar(max)) AS [x]"
        " FROM (SELECT * FROM ( SELECT * FROM recent ) AS source ) AS source"
    )
    assert "COMMIT" not in server.statements[server.statements.index(level) + 1 :][1:]


def test_finer_than_a_microsecond_becomes_text(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer(
        *BEGIN, described(("at", "datetime2(7)")), ("CONVERT", (["at"], [("2013-01-31 08:30:00.1234567",)]))
    )  # fmt: skip
    server.install(monkeypatch)
    connector = open_table_connector("w", CONFIG)
    with pytest.raises(Retype), connector.read("SELECT at FROM t") as batches:
        list(batches)
    assert read_table(connector, "SELECT at FROM t").to_pylist() == [
        {"at": "2013-01-31 08:30:00.1234567"}
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a DELETE FROM kept",
        "SELECT 1) AS a; DELETE FROM kept; SELECT * FROM (SELECT 2",
        "WITH a AS (SELECT 1 AS x) DELETE FROM kept",
        "WITH a AS (SELECT 1 AS x), b (y) AS (SELECT 2) UPDATE kept SET x = 1",
    ],
)
def test_nothing_but_a_select_can_be_sent(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = (DESCRIBED, [(None, None, "Incorrect syntax near the keyword 'DELETE'.")])
    server = ScriptedServer(*BEGIN, ("dm_exec_describe", refusal))
    server.install(monkeypatch)
    with pytest.raises(InputError):
        open_table_connector("w", CONFIG).describe(query)
    assert not server.sent(r"^(?!.*dm_exec).*(DELETE|UPDATE)")


@pytest.mark.parametrize(
    ("kind", "arrow"),
    [
        ("bit", pa.bool_()),
        ("tinyint", pa.int16()),
        ("bigint", pa.int64()),
        ("real", pa.float32()),
        ("float", pa.float64()),
        ("numeric(38,10)", pa.decimal128(38, 10)),
        ("money", pa.decimal128(19, 4)),
        ("nvarchar(max)", pa.string()),
        ("varbinary(max)", pa.binary()),
        ("timestamp", pa.binary()),
        ("date", pa.date32()),
        ("time(7)", pa.time64("us")),
        ("smalldatetime", pa.timestamp("us")),
        ("datetimeoffset(7)", pa.timestamp("us", tz="UTC")),
        ("uniqueidentifier", pa.string()),
        ("sql_variant", pa.string()),
        ("hierarchyid", pa.string()),
        ("geography", pa.string()),
    ],
)
def test_types(kind: str, arrow: pa.DataType) -> None:
    assert plan_mssql_column("a]b", kind, lambda name: f"[{name.replace(']', ']]')}]").type == arrow


def test_the_isolation_that_a_database_allows() -> None:
    assert isolation(1, False) == "SNAPSHOT"
    assert isolation(0, True) == "READ COMMITTED"
    assert isolation(0, False) == "SERIALIZABLE"


EXISTING = (TargetColumn("id", "BIGINT"), TargetColumn("version", "BIGINT"), TargetColumn("name", "NVARCHAR(50)"))  # fmt: skip
LEDGER = tuple(TargetColumn(name, "NVARCHAR(40)") for name in LEDGER_COLUMNS)


def test_an_overwrite_is_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer(*BEGIN, counts(10))
    server.install(monkeypatch)
    monkeypatch.setattr(
        SqlalchemyWriteSession,
        "inspect",
        lambda _self, name: LEDGER if name == "_exports" else EXISTING,
    )
    connector = open_table_connector("w", CONFIG)
    receipt = run_export(connector, stream(sales(1)), request(10))
    assert (receipt.rows, receipt.swap) == (10, "delete+insert")
    lines = [" ".join(s.split()) for s in server.statements]
    lock = next(i for i, line in enumerate(lines) if "sp_getapplock" in line)
    work = [
        line
        for line in lines[lock:]
        if not line.startswith(("SELECT [_exports]", "SELECT _exports"))
    ]
    assert [line.split(" (")[0][:44] for line in work] == [
        "DECLARE @got int; EXEC @got = sp_getapplock ",
        "SET LOCK_TIMEOUT 50000",
        "DELETE FROM sales WITH",
        *["INSERT INTO sales"] * 4,
        "SELECT count(*) FROM sales",
        "SELECT count(*), count(id), count(version), ",
        "INSERT INTO _exports",
        "COMMIT",
        *work[11:],
    ]  # fmt: skip
    assert set(work[11:]) <= {"ROLLBACK"}


def test_a_new_table_is_made_by_the_same_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer(*BEGIN, counts(1))
    server.install(monkeypatch)
    monkeypatch.setattr(
        SqlalchemyWriteSession,
        "inspect",
        lambda _self, name: LEDGER if name == "_exports" else None,
    )
    moment = dt.datetime(2024, 2, 29, 12, 30, 5, 250_000, tzinfo=dt.UTC)
    data = pa.table(
        {
            "i": [2**63 - 1],
            "f": [0.1],
            "z": pa.array([moment]),
            "t": ["O'B ☃"],
            "b": [True],
            "d": [Decimal("1.5")],
        }
    )
    assert run_export(open_table_connector("w", CONFIG), stream(data), request(1)).swap == "create"
    (made,) = server.sent("CREATE TABLE")
    assert made == (
        "CREATE TABLE sales (i BIGINT, f FLOAT, z DATETIMEOFFSET(6), t NVARCHAR(max), b BIT, d NUMERIC(2, 1))"
    )
    sent = next(p for s, p in zip(server.statements, server.parameters, strict=True) if "INSERT INTO sales" in s)  # fmt: skip
    assert "1.0000000000000001e-01" in str(sent)
    assert "2024-02-29 12:30:05.250000+00:00" in str(sent)


@pytest.mark.parametrize(
    ("arrow", "target", "fits"),
    [
        (pa.int64(), "BIGINT", True),
        (pa.int64(), "INTEGER", False),
        (pa.int64(), "NUMERIC(19, 0)", True),
        (pa.float64(), "REAL", False),
        (pa.string(), "NVARCHAR(50)", True),
        (pa.string(), "VARCHAR(50)", False),
        (pa.timestamp("us"), "DATETIME2", True),
        (pa.timestamp("us"), "DATETIME2(3)", False),
        (pa.timestamp("us"), "DATETIME", False),
        (pa.decimal128(10, 2), "NUMERIC(12, 2)", True),
        (pa.decimal128(10, 2), "NUMERIC(12, 1)", False),
        (pa.binary(), "VARBINARY(max)", True),
        (pa.binary(), "BINARY(8)", False),
    ],
)
def test_existing_columns_take_what_they_hold(arrow: pa.DataType, target: str, fits: bool) -> None:
    kind = writing.DIALECT.column_type(arrow)
    assert kind is not None
    assert writing.mssql_takes(WrittenColumn("x", arrow, kind), target) is fits


def test_real_errors_of_the_driver_at_a_closed_port() -> None:
    from dataclasses import replace

    connector = open_table_connector("w", replace(CONFIG, port=closed_port()))
    with pytest.raises(ConnectorUnavailableError, match="nothing answers there") as caught:
        connector.list_tables()
    report = connector.check()
    assert (report.steps[-1].name, report.ok) == ("port", False)
    assert CANARY not in f"{caught.value} {report} {connector!r}"


@pytest.mark.parametrize(
    ("number", "text", "kind"),
    [
        (18456, b"Login failed for user 'loader'.", ConnectorAuthError),
        (4060, b"Cannot open database 'dwh'", NotFoundError),
        (208, b"Invalid object name 'x'.", NotFoundError),
        (1205, b"was deadlocked", ConflictError),
        (50001, b"another export has been writing this table", ConflictError),
        (8152, b"String or binary data would be truncated.", InputError),
    ],
)
def test_errors_by_number(number: int, text: bytes, kind: type[Exception]) -> None:
    import pymssql
    import sqlalchemy as sa

    original = pymssql.OperationalError(number, text + CANARY.encode())
    error = driver_error(sa.exc.OperationalError("SELECT 1", {}, original), CONFIG, "reading")
    assert type(error) is kind
    assert CANARY not in str(error)


def test_names_and_limits() -> None:
    connector = open_table_connector("w", CONFIG)
    assert connector.table_sql(TableName("a]b", "my schema")) == "[my schema].[a]]b]"
    assert connector.max_identifier == (128, "characters")
    with pytest.raises(ConfigError, match="takes no service_name"):
        SqlConfig("mssql", host="h", database="d", username="u", service_name="x")
