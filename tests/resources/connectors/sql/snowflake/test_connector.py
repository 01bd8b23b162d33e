"""Snowflake without a server: what is sent, Arrow as the driver hands it over, a real refusal of the driver."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.connectors.sql.snowflake.connector import plan_snowflake_column
from resources.connectors.sql.sqlalchemy.write_session import SqlalchemyWriteSession
from resources.connectors.sql.writing.ledger import LEDGER_COLUMNS
from resources.connectors.sql.writing.modes import refused_mode
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.run import run_export
from resources.kernel.errors import ConnectorUnavailableError, InputError
from resources.kernel.records import Retype, SqlQuery
from tests.contract.table_connector import CANARY, closed_port, read_table
from tests.resources.connectors.sql.scripted_driver import ScriptedServer, counts
from tests.resources.connectors.sql.writing.databases import request, sales, stream

CONFIG = SqlConfig(
    "snowflake", account="org-acc", database="DWH", db_schema="PUBLIC", username="loader", password=CANARY,
    warehouse="W", role="R", connect_timeout_seconds=1,
)  # fmt: skip
BEGIN = (r"(?i)select current_", (["a", "b"], [("9.1.0", "PUBLIC")]))


def column(name: str, kind: int, precision: int | None = None, scale: int | None = None) -> Any:
    return (name, kind, None, None, precision, scale, True)


KINDS = [
    column("ID", 0, 38, 0),
    column("PRICE", 0, 12, 2),
    column("AT", 8, 0, 9),
    column("ZONED", 7, 0, 9),
    column("DOC", 5),
    column("R", 1),
]


def arrow(ids: list[Any]) -> pa.Table:
    """As the driver does it: the narrowest integers, and decimals."""
    rows = len(ids)
    return pa.table(
        {
            "ID": ids,
            "PRICE": pa.array([Decimal("1.50")] * rows, pa.decimal128(12, 2)),
            "AT": ["2013-01-31 08:30:00.123456000"] * rows,
            "ZONED": ["2013-01-31 06:30:00.000000000"] * rows,
            "DOC": ['{"a":1.10}'] * rows,
            "R": [0.1] * rows,
        }
    )


def test_arrow_batches_arrive_in_the_announced_types(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = arrow([1]).set_column(0, "ID", pa.array([1], pa.int8()))
    server = ScriptedServer(BEGIN, ("TO_JSON", ([k[0] for k in KINDS], [narrow, arrow([2**40])])), ("WHERE 1 = 0", (KINDS, [])))  # fmt: skip
    server.install(monkeypatch)
    query = SqlQuery(
        "SELECT * FROM t WHERE x = :x AND y LIKE '%:x' AND z:field = 1", {"x": "O'B\\ %s"}
    )
    table = read_table(open_table_connector("w", CONFIG), query)
    assert {f.name: str(f.type) for f in table.schema} == {
        "ID": "int64", "PRICE": "decimal128(12, 2)", "AT": "timestamp[us]", "ZONED": "timestamp[us, tz=UTC]",
        "DOC": "string", "R": "double",
    }  # fmt: skip
    assert table["ID"].to_pylist() == [1, 2**40]
    assert table["ZONED"].to_pylist()[0] == dt.datetime(2013, 1, 31, 6, 30, tzinfo=dt.UTC)
    (sent,) = server.sent("TO_JSON")
    assert (
        "TO_CHAR(CONVERT_TIMEZONE('UTC', \"ZONED\"), 'YYYY-MM-DD HH24:MI:SS.FF9') AS \"ZONED\""
        in sent
    )
    assert r"WHERE x = 'O\'B\\ %s' AND y LIKE '%:x' AND z:field = 1" in sent


def test_whole_numbers_beyond_64_bit_become_decimals(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = arrow([1]).set_column(0, "ID", pa.array([Decimal(2**70)], pa.decimal128(38, 0)))
    server = ScriptedServer(
        BEGIN, ("TO_JSON", ([k[0] for k in KINDS], [wide])), ("WHERE 1 = 0", (KINDS, []))
    )
    server.install(monkeypatch)
    connector = open_table_connector("w", CONFIG)
    with pytest.raises(Retype), connector.read("SELECT * FROM t") as batches:
        list(batches)
    table = read_table(connector, "SELECT * FROM t")
    assert table.schema.field("ID").type == pa.decimal128(38, 0)
    assert table["ID"].to_pylist() == [Decimal(2**70)]


def test_a_second_statement_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer(BEGIN)
    server.install(monkeypatch)
    for query in ("SELECT 1; DROP TABLE t", "SELECT 1) s; DROP TABLE t; SELECT * FROM (SELECT 1"):
        with pytest.raises(InputError):
            open_table_connector("w", CONFIG).describe(query)
    assert not server.sent("DROP")


def test_an_overwrite_is_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer(BEGIN, counts(10))
    server.install(monkeypatch)
    ledger = tuple(TargetColumn(name, "VARCHAR") for name in LEDGER_COLUMNS)
    target = (TargetColumn("id", "DECIMAL(38, 0)"), TargetColumn("version", "DECIMAL(38, 0)"), TargetColumn("name", "VARCHAR(16777216)"))  # fmt: skip
    monkeypatch.setattr(
        SqlalchemyWriteSession, "inspect", lambda _self, name: ledger if name == "_exports" else target
    )  # fmt: skip
    receipt = run_export(open_table_connector("w", CONFIG), stream(sales(1)), request(10))
    assert (receipt.rows, receipt.swap) == (10, "delete+insert")
    lines = [" ".join(s.split()) for s in server.statements]
    work = [
        line for line in lines[lines.index("BEGIN") :] if not line.startswith('SELECT "PUBLIC"')
    ]
    work = work[: work.index("COMMIT")]
    assert work[1].startswith("UPDATE")
    assert work[1].endswith("SET mode = mode")
    assert [line.split(" (")[0].rsplit(".", 1)[-1] for line in work if not line.startswith("SELECT")][2:] == [
        "sales", *["sales"] * 4, "_exports"
    ]  # fmt: skip
    assert "timestamp" in refused_mode("snowflake", "", "timestamp")


def test_types() -> None:
    def planned(kind: str) -> Any:
        return plan_snowflake_column("X", kind, precision=None, scale=None, column='"X"')

    assert planned("TIME").type == pa.time64("us")
    assert planned("BINARY").type == pa.binary()
    assert planned("ARRAY").expression == 'TO_JSON("X"::VARIANT)'
    assert planned("GEOGRAPHY").expression == 'ST_ASWKT("X")'
    assert planned("unknown").expression == 'TO_VARCHAR("X")'


def test_real_errors_of_the_driver_at_a_closed_port() -> None:
    config = replace(CONFIG, host="127.0.0.1", port=closed_port(), options={"protocol": "http"})
    connector = open_table_connector("w", config)
    with pytest.raises(ConnectorUnavailableError, match="nothing answers there") as caught:
        connector.list_tables()
    report = connector.check()
    assert (report.steps[-1].name, report.ok) == ("port", False)
    assert CANARY not in f"{caught.value} {report} {connector!r}"
