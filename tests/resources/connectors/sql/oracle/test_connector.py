"""Oracle without a server: what is sent, what is made of what the driver hands over, real errors of the driver."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import oracledb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.connectors.sql.oracle import delivery as writing
from resources.connectors.sql.oracle.connector import plan_oracle_column
from resources.connectors.sql.sqlalchemy.errors import driver_error
from resources.connectors.sql.sqlalchemy.write_session import SqlalchemyWriteSession
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.ledger import LEDGER_COLUMNS
from resources.connectors.sql.writing.modes import refused_mode
from resources.connectors.sql.writing.plan import TargetColumn
from resources.connectors.sql.writing.run import run_export
from resources.kernel.errors import (
    ConflictError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.kernel.records import SqlQuery, TableName
from tests.contract.table_connector import CANARY, closed_port, read_table
from tests.resources.connectors.sql.scripted_driver import ScriptedServer, counts
from tests.resources.connectors.sql.writing.databases import request, sales, stream

CONFIG = SqlConfig(
    "oracle", host="127.0.0.1", service_name="dwh", username="loader", password=CANARY, connect_timeout_seconds=2
)  # fmt: skip
BEGIN = ((r"SELECT 1\.1 FROM DUAL", (["n"], [("1.1",)])),)


def column(name: str, kind: Any, precision: int | None = None, scale: int | None = None) -> Any:
    return (name, kind, None, None, precision, scale, True)


KINDS = [
    column("ID", oracledb.DB_TYPE_NUMBER, 10, 0),
    column("PRICE", oracledb.DB_TYPE_NUMBER, 12, 2),
    column("ANY", oracledb.DB_TYPE_NUMBER, 0, -127),
    column("AT", oracledb.DB_TYPE_TIMESTAMP, None, 9),
    column("ZONED", oracledb.DB_TYPE_TIMESTAMP_TZ),
    column("DAY", oracledb.DB_TYPE_DATE),
    column("T", oracledb.DB_TYPE_CLOB),
]
ROWS = [
    ("7", ".5", 3, "2013-01-31 08:30:00.123456000", "2013-01-31 06:30:00.000000000",
     "2013-01-31 08:30:00", "é"),
    (None, "-12345678.25", Decimal("0.125"), None, None, None, None),
]  # fmt: skip


def test_a_query_is_read_in_a_read_only_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [kind[0] for kind in KINDS]
    server = ScriptedServer(*BEGIN, ("TM9", (names, ROWS)), ("WHERE 1 = 0", (KINDS, [])))
    server.install(monkeypatch)
    query = SqlQuery(
        "SELECT * FROM t WHERE day > :day AND x <> ':day'", {"day": dt.date(2013, 1, 1)}
    )
    table = read_table(open_table_connector("w", CONFIG), query)
    assert {f.name: str(f.type) for f in table.schema} == {
        "ID": "int64", "PRICE": "decimal128(12, 2)", "ANY": "decimal128(38, 3)", "AT": "timestamp[us]",
        "ZONED": "timestamp[us, tz=UTC]", "DAY": "timestamp[us]", "T": "string",
    }  # fmt: skip
    assert table.to_pylist()[0] == {
        "ID": 7, "PRICE": Decimal("0.50"), "ANY": Decimal("3.000"),
        "AT": dt.datetime(2013, 1, 31, 8, 30, 0, 123456),  # noqa: DTZ001 - no zone
        "ZONED": dt.datetime(2013, 1, 31, 6, 30, tzinfo=dt.UTC),
        "DAY": dt.datetime(2013, 1, 31, 8, 30), "T": "é",  # noqa: DTZ001 - no zone
    }  # fmt: skip
    lines = [" ".join(s.split()) for s in server.statements]
    begun = lines.index("SET TRANSACTION READ ONLY")
    assert lines[begun - 1] == "ROLLBACK"  # it has to be the first of its transaction
    assert "COMMIT" not in lines[begun:]
    sent = server.sent("TM9")[-1]
    assert 'SYS_EXTRACT_UTC(CAST("ZONED" AS TIMESTAMP(9) WITH TIME ZONE))' in sent
    assert 'CAST("ANY" AS NUMBER) AS "ANY"' in sent
    assert sent.endswith(
        "FROM (SELECT * FROM (SELECT * FROM t WHERE day > :day AND x <> ':day' ) source ) source"
    )
    assert server.parameters[server.statements.index(next(s for s in server.statements if "TM9" in s))] == {
        "day": dt.date(2013, 1, 1)
    }  # fmt: skip


def test_other_types_come_as_oracle_writes_them() -> None:
    def planned(kind: str, precision: int | None = None, scale: int | None = None) -> Any:
        return plan_oracle_column("X", kind, precision=precision, scale=scale, column='"X"')

    assert planned("DB_TYPE_NUMBER", 38, 0).type == pa.decimal128(38, 0)
    assert planned("DB_TYPE_NUMBER", 5, -2).type == pa.int64()
    assert planned("DB_TYPE_NUMBER", 2, 4).type == pa.decimal128(4, 4)
    assert planned("DB_TYPE_NUMBER", 38, -5).type == pa.string()
    assert planned("DB_TYPE_NUMBER", 126, -127).type is None
    assert planned("DB_TYPE_INTERVAL_DS").expression == 'TO_CHAR("X")'
    assert planned("DB_TYPE_JSON").expression == 'JSON_SERIALIZE("X" RETURNING CLOB)'
    assert planned("DB_TYPE_BINARY_FLOAT").type == pa.float32()
    assert planned("DB_TYPE_OBJECT").guess is not None


EXISTING = (TargetColumn("id", "NUMBER(19, 0)"), TargetColumn("version", "NUMBER"), TargetColumn("name", "VARCHAR2(50)"))  # fmt: skip
LEDGER = tuple(TargetColumn(name, "VARCHAR2(40)") for name in LEDGER_COLUMNS)


def test_an_overwrite_deletes_and_inserts_in_one_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ScriptedServer(*BEGIN, counts(10))
    server.install(monkeypatch)
    monkeypatch.setattr(
        SqlalchemyWriteSession, "inspect", lambda _self, name: LEDGER if name == "_exports" else EXISTING
    )  # fmt: skip
    receipt = run_export(open_table_connector("w", CONFIG), stream(sales(1)), request(10))
    assert (receipt.rows, receipt.swap) == (10, "delete+insert")
    lines = [" ".join(s.split()) for s in server.statements]
    lock = lines.index('LOCK TABLE "_exports" IN EXCLUSIVE MODE WAIT 3600')
    work = [line for line in lines[lock:] if not line.startswith('SELECT "_exports"')]
    end = work.index("COMMIT")
    assert [line.split(" (")[0] for line in work[1:end]] == [
        "DELETE FROM sales", *["INSERT INTO sales"] * 4, "SELECT count(*) FROM sales",
        "SELECT count(*), count(id), count(version), count(name) FROM sales", 'INSERT INTO "_exports"',
    ]  # fmt: skip
    assert not server.sent("^(CREATE|DROP|ALTER TABLE)")


def test_a_new_table_is_made_before_any_row_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer(*BEGIN, counts(1))
    server.install(monkeypatch)
    made: list[str] = []

    def inspect(_self: Any, name: str) -> Any:
        if name == "_exports":
            return LEDGER
        return (TargetColumn("b", "NUMBER(1, 0)"), TargetColumn("Name", "CLOB")) if server.sent("CREATE TABLE") else None  # fmt: skip

    monkeypatch.setattr(SqlalchemyWriteSession, "inspect", inspect)
    data = pa.table({"b": [True], "Name": ["x"]})
    run_export(open_table_connector("w", CONFIG), stream(data), request(1))
    made = server.sent("CREATE TABLE")
    assert made == ['CREATE TABLE sales (b NUMBER(1, 0), "Name" VARCHAR2(4000))']
    lines = [" ".join(s.split()) for s in server.statements]
    after = lines[lines.index(made[0]) + 1 :]
    assert after[0] == "COMMIT"
    assert any(line.startswith("LOCK TABLE") for line in after)


def test_what_oracle_cannot_do_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ScriptedServer(*BEGIN).install(monkeypatch)
    connector = open_table_connector("w", CONFIG)
    assert refused_mode("oracle", "", "overwrite") == ""
    for changes, words in (
        ({"mode": "timestamp"}, "mode timestamp creates a table"),
        ({"mode": "safe"}, "mode safe creates a table"),
        ({"on_schema_change": "recreate"}, "dropping a table commits by itself"),
    ):
        with pytest.raises(InputError, match=words):
            run_export(connector, stream(sales(1)), request(10, **changes))
    monkeypatch.setattr(
        SqlalchemyWriteSession, "inspect",
        lambda _self, name: LEDGER if name == "_exports" else (TargetColumn("x", "CLOB"),),
    )  # fmt: skip
    with pytest.raises(InputError, match="row 2, column 'x' holds an empty text"):
        run_export(connector, stream(pa.table({"x": ["a", ""]})), request(2))
    with pytest.raises(SchemaMismatchError, match="128 bytes"):
        run_export(connector, stream(pa.table({"é" * 65: [1]})), request(1))


@pytest.mark.parametrize(
    ("arrow", "target", "fits"),
    [
        (pa.int64(), "NUMBER(19, 0)", True),
        (pa.int64(), "NUMBER", True),
        (pa.int64(), "NUMBER(10, 0)", False),
        (pa.bool_(), "NUMBER(1, 0)", True),
        (pa.float64(), "BINARY_DOUBLE", True),
        (pa.float64(), "NUMBER", False),
        (pa.timestamp("us"), "TIMESTAMP", True),
        (pa.timestamp("us"), "DATE", False),
        (pa.string(), "CLOB", True),
        (pa.string(), "CHAR(4)", False),
    ],
)
def test_existing_columns_take_what_they_hold(arrow: pa.DataType, target: str, fits: bool) -> None:
    kind = writing.DIALECT.column_type(arrow)
    assert kind is not None
    assert writing.DIALECT.takes(WrittenColumn("x", arrow, kind), target) is fits


def test_real_errors_of_the_driver_at_a_closed_port() -> None:
    connector = open_table_connector("w", replace(CONFIG, port=closed_port()))
    with pytest.raises(ConnectorUnavailableError, match="nothing answers there") as caught:
        connector.list_tables()
    report = connector.check()
    assert (report.steps[-1].name, report.ok) == ("port", False)
    assert CANARY not in f"{caught.value} {report} {connector!r}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ORA-01017: invalid username/password; logon denied", ConnectorAuthError),
        ("ORA-00942: table or view does not exist", NotFoundError),
        ("ORA-01456: may not perform insert operation inside a READ ONLY transaction", InputError),
        ("ORA-00054: resource busy", ConflictError),
        ("ORA-12899: value too large for column", InputError),
        ("ORA-03113: end-of-file on communication channel", ConnectorUnavailableError),
        ("DPY-4024: call timeout of 1000 ms exceeded", ConnectorUnavailableError),
    ],
)
def test_errors_by_number(text: str, kind: type[Exception]) -> None:
    original = oracledb.DatabaseError(f"{text} {CANARY}")
    error = driver_error(sa.exc.DatabaseError("SELECT 1", {}, original), CONFIG, "reading")
    assert type(error) is kind
    assert CANARY not in str(error)


def test_names_in_lower_case_are_those_made_without_quotes() -> None:
    connector = open_table_connector("w", CONFIG)
    assert connector.table_sql(TableName("sales", "dwh")) == "dwh.sales"
    assert connector.table_sql(TableName("Sales é")) == '"Sales é"'
    assert connector.table_sql(TableName('a"b')) == '"a""b"'
