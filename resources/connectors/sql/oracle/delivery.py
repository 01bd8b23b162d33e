"""Oracle: making or widening a table commits by itself and comes first; rows and ledger are one transaction."""

from __future__ import annotations

import pyarrow as pa

from resources.connectors.sql.sqlalchemy.write_facts import WriteFacts
from resources.connectors.sql.sqlalchemy.written_types import (
    TypeNames,
    column_types,
    find_empty,
    generic_takes,
)
from resources.connectors.sql.writing.dialect import ExportDialect

TYPES = TypeNames(
    text="VARCHAR2(4000)",
    long_text="CLOB",
    boolean="NUMBER(1, 0)",
    small="NUMBER(5, 0)",
    integer="NUMBER(10, 0)",
    big="NUMBER(19, 0)",
    single="BINARY_FLOAT",
    double="BINARY_DOUBLE",
    decimal="NUMBER({}, {})",
    binary="BLOB",
    date="DATE",
    timestamp="TIMESTAMP(6)",
    zoned="TIMESTAMP(6) WITH TIME ZONE",
    has_nan=True,
    has_infinity=True,
    text_check=find_empty,
    boolean_wire=pa.int8(),
)

DIALECT = ExportDialect(
    title="Oracle",
    name_limit=(128, "bytes"),
    max_columns=1000,
    column_type=column_types(TYPES),
    takes=generic_takes,
    folds_case=True,
)

FACTS = WriteFacts(
    ledger_types=(
        *("VARCHAR2(400)",) * 3,
        "VARCHAR2(20)",
        "VARCHAR2(4000)",
        "NUMBER(19)",
        "VARCHAR2(40)",
    ),
    locks=("LOCK TABLE {ledger} IN EXCLUSIVE MODE WAIT {seconds}",),
    ddl_commits=True,
    typed_binds=True,
    add_column="ALTER TABLE {table} ADD ({column})",
)
