"""SQL Server: one transaction deletes, inserts and records; its DDL is part of it too."""

from __future__ import annotations

import pyarrow as pa

from resources.connectors.sql.sqlalchemy.write_facts import WriteFacts
from resources.connectors.sql.sqlalchemy.written_types import (
    TypeNames,
    column_types,
    generic_takes,
    zoned_text,
)
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.dialect import ExportDialect


def float_text(array: pa.Array) -> pa.Array:
    """Seventeen digits with an exponent: a number without one would be read as a decimal first."""
    texts = [None if value is None else f"{value:.16e}" for value in array.to_pylist()]
    return pa.array(texts, pa.string())


TYPES = TypeNames(
    text="NVARCHAR(max)",
    long_text="NVARCHAR(max)",
    boolean="BIT",
    small="SMALLINT",
    integer="INTEGER",
    big="BIGINT",
    single="REAL",
    double="FLOAT",
    decimal="NUMERIC({}, {})",
    binary="VARBINARY(max)",
    date="DATE",
    time="TIME(6)",
    timestamp="DATETIME2(6)",
    zoned="DATETIMEOFFSET(6)",
    to_double=float_text,
    to_zoned=zoned_text,
)
_ONE_CODE_PAGE = frozenset({"VARCHAR", "TEXT"})


def mssql_takes(column: WrittenColumn, target: str) -> bool:
    """As anywhere, but for text types that cannot hold every character."""
    return generic_takes(column, target, narrow=_ONE_CODE_PAGE)


DIALECT = ExportDialect(
    title="SQL Server",
    name_limit=(128, "characters"),
    max_columns=1024,
    column_type=column_types(TYPES),
    takes=mssql_takes,
    folds_case=True,
)

LOCK = (
    "DECLARE @got int; EXEC @got = sp_getapplock @Resource = N{name},"
    " @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = {milliseconds};"
    " IF @got < 0 THROW 50001, 'another export has been writing this table', 1"
)

FACTS = WriteFacts(
    # What a primary key may be made of has 900 bytes at most.
    ledger_types=(
        *("NVARCHAR(128)", "NVARCHAR(128)", "NVARCHAR(64)", "NVARCHAR(20)"),
        *("NVARCHAR(max)", "BIGINT", "NVARCHAR(40)"),
    ),
    locks=(LOCK, "SET LOCK_TIMEOUT {lock_milliseconds}"),
    delete="DELETE FROM {table} WITH (TABLOCKX)",
    add_column="ALTER TABLE {table} ADD {column}",
    rows_at_once=500,
)
