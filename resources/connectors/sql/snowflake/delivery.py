"""Snowflake: making or widening a table commits by itself and comes first; rows and ledger are one transaction."""

from __future__ import annotations

from resources.connectors.sql.sqlalchemy.write_facts import WriteFacts
from resources.connectors.sql.sqlalchemy.written_types import (
    TypeNames,
    column_types,
    generic_takes,
    zoned_text,
)
from resources.connectors.sql.writing.dialect import ExportDialect

TYPES = TypeNames(
    text="VARCHAR",
    long_text="VARCHAR",
    boolean="BOOLEAN",
    small="DECIMAL(5, 0)",
    integer="DECIMAL(10, 0)",
    big="DECIMAL(19, 0)",
    single="FLOAT",
    double="FLOAT",
    decimal="DECIMAL({}, {})",
    binary="BINARY",
    date="DATE",
    time="TIME(6)",
    timestamp="TIMESTAMP_NTZ(6)",
    zoned="TIMESTAMP_TZ(6)",
    has_nan=True,
    has_infinity=True,
    to_zoned=zoned_text,
)

DIALECT = ExportDialect(
    title="Snowflake",
    name_limit=(255, "characters"),
    max_columns=2000,
    column_type=column_types(TYPES),
    takes=generic_takes,
    folds_case=True,
)

FACTS = WriteFacts(
    ledger_types=(*("VARCHAR",) * 5, "NUMBER(19, 0)", "VARCHAR"),
    begin="BEGIN",
    # An UPDATE locks the whole table until the COMMIT: exports of one schema take turns at it (E17).
    locks=("UPDATE {ledger} SET mode = mode",),
    ddl_commits=True,
    rows_at_once=500,
)
