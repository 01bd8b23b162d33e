"""Which existing columns may take which values; what each value does on its way is in `test_conversion`."""

from __future__ import annotations

import pyarrow as pa
import pytest

from resources.connectors.sql.duckdb.written_types import duckdb_takes, duckdb_type
from resources.connectors.sql.postgresql.written_types import (
    postgresql_takes,
    postgresql_type,
    text_limit,
)
from resources.connectors.sql.sqlite.written_types import affinity, sqlite_takes, sqlite_type
from resources.connectors.sql.writing.columns import WrittenColumn

POSTGRESQL = {
    pa.null(): ({"integer", "date"}, set()),
    pa.int16(): ({"bigint", "real", "numeric(3,0)", "numeric"}, {"text", "boolean"}),
    pa.int64(): ({"bigint", "integer", "numeric(18,2)"}, {"double precision", "real", "text"}),
    pa.uint64(): ({"numeric(20,0)", "numeric", "bigint"}, {"double precision"}),
    pa.float32(): ({"real", "double precision"}, {"numeric", "integer"}),
    pa.float64(): ({"double precision"}, {"real", "numeric(30,10)", "bigint", "text"}),
    pa.decimal128(10, 2): (
        {"numeric(10,2)", "numeric(8,3)", "numeric", "numeric(10,1)", "numeric(10)"},
        {"bigint", "double precision"},
    ),
    pa.decimal128(10, 0): ({"numeric(10)", "bigint"}, {"real"}),
    pa.string(): (
        {
            "text",
            "character varying",
            "character varying(5)",
            "character(2)",
            "uuid",
            "jsonb",
            "date",
        },
        {"integer", "boolean", "double precision", "bytea"},
    ),
    pa.bool_(): ({"boolean"}, {"integer", "text"}),
    pa.date32(): ({"date"}, {"timestamp without time zone", "text"}),
    pa.timestamp("us"): (
        {"timestamp without time zone", "timestamp(0) without time zone"},
        {"timestamp with time zone", "date"},
    ),
    pa.timestamp("us", "UTC"): (
        {"timestamp with time zone"},
        {"timestamp without time zone", "time without time zone"},
    ),
    pa.time32("s"): ({"time(0) without time zone"}, {"time with time zone", "interval"}),
    pa.list_(pa.float32(), 3): ({"real[]", "double precision[]"}, {"text[]", "real", "jsonb"}),
    pa.list_(pa.timestamp("ms")): (
        {"timestamp(0) without time zone[]"},
        {"timestamp with time zone[]", "text[]"},
    ),
    pa.struct([("a", pa.int8())]): ({"jsonb", "json"}, {"text", "hstore"}),
    pa.binary(): ({"bytea"}, {"text"}),
    pa.duration("us"): ({"interval"}, {"bigint"}),
}
SQLITE = {
    pa.null(): ({"INTEGER", "x"}, set()),
    pa.int64(): (
        {"INTEGER", "INT", "NUMERIC", "", "ANY", "BIGINT"},
        {"TEXT", "REAL", "VARCHAR(3)"},
    ),
    pa.bool_(): ({"BOOLEAN", "INTEGER"}, {"TEXT", "REAL"}),
    pa.float64(): ({"REAL", "DOUBLE", "DECIMAL(10,2)", ""}, {"INTEGER", "TEXT"}),
    pa.string(): ({"TEXT", "VARCHAR(10)", "", "CLOB", "NUMERIC", "DATE"}, {"INTEGER", "REAL"}),
    pa.decimal128(15, 2): ({"DECIMAL_TEXT(15,2)", "TEXT", "DECIMAL(15,2)"}, {"REAL", "INTEGER"}),
    pa.decimal128(16, 2): ({"TEXT"}, {"DECIMAL(16,2)", "REAL"}),
    pa.date32(): ({"DATE", "TEXT", "DATETIME"}, {"INTEGER", "REAL"}),
    pa.timestamp("us"): ({"TIMESTAMP", "DATETIME", "TEXT"}, {"INTEGER"}),
    pa.binary(): ({"BLOB", ""}, {"TEXT", "NUMERIC"}),
    pa.list_(pa.float32()): ({"JSON", "TEXT"}, {"INTEGER", "REAL"}),
}
DUCKDB = {
    pa.null(): ({"INTEGER"}, set()),
    pa.int64(): ({"BIGINT", "INTEGER", "HUGEINT", "DECIMAL(18,2)"}, {"DOUBLE", "VARCHAR"}),
    pa.int16(): ({"SMALLINT", "FLOAT", "DOUBLE"}, {"VARCHAR", "BOOLEAN"}),
    pa.float32(): ({"FLOAT", "DOUBLE"}, {"DECIMAL(9,3)", "INTEGER"}),
    pa.float64(): ({"DOUBLE"}, {"FLOAT", "BIGINT"}),
    pa.decimal128(10, 2): (
        {"DECIMAL(10,2)", "DECIMAL(18,4)", "DECIMAL(10,1)"},
        {"DOUBLE", "BIGINT", "DECIMAL(10,2)[]"},
    ),
    pa.string(): ({"VARCHAR", "UUID", "JSON", "DATE"}, {"INTEGER", "BLOB"}),
    pa.timestamp("us"): (
        {"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_S"},
        {"DATE", "TIMESTAMP WITH TIME ZONE"},
    ),
    pa.timestamp("ns"): ({"TIMESTAMP_NS", "TIMESTAMP"}, {"DATE"}),
    pa.list_(pa.float32(), 3): ({"FLOAT[3]"}, {"FLOAT[4]", "FLOAT[]", "DOUBLE[3]"}),
    pa.struct([("a", pa.int32())]): ({"STRUCT(a INTEGER)"}, {"STRUCT(b INTEGER)", "VARCHAR"}),
}


def _pairs(cases: dict[pa.DataType, tuple[set[str], set[str]]]) -> list[object]:
    return [
        pytest.param(kind, target, expected, id=f"{kind} into {target or 'no type'}")
        for kind, (fits, others) in cases.items()
        for targets, expected in ((fits, True), (others, False))
        for target in sorted(targets)
    ]


@pytest.mark.parametrize(("kind", "target", "expected"), _pairs(POSTGRESQL))
def test_postgresql(kind: pa.DataType, target: str, expected: bool) -> None:
    found = postgresql_type(kind)
    assert found is not None
    assert postgresql_takes(WrittenColumn("x", kind, found), target) is expected


@pytest.mark.parametrize(("kind", "target", "expected"), _pairs(SQLITE))
def test_sqlite(kind: pa.DataType, target: str, expected: bool) -> None:
    found = sqlite_type(kind)
    assert found is not None
    assert sqlite_takes(WrittenColumn("x", kind, found), target) is expected


@pytest.mark.parametrize(("kind", "target", "expected"), _pairs(DUCKDB))
def test_duckdb(kind: pa.DataType, target: str, expected: bool) -> None:
    found = duckdb_type(kind)
    assert found is not None
    assert duckdb_takes(WrittenColumn("x", kind, found), target) is expected


def test_text_limits() -> None:
    found = [
        text_limit(kind)
        for kind in ("character varying(5)", "character(2)", "text", "numeric(3,1)")
    ]
    assert found == [5, 2, None, None]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("TIMESTAMPTZ", "NUMERIC"),
        ("DECIMAL_TEXT(10,2)", "TEXT"),
        ("POINT", "INTEGER"),
        ("", "BLOB"),
        ("double precision", "REAL"),
    ],
)
def test_affinities_of_sqlite(declared: str, expected: str) -> None:
    assert affinity(declared) == expected
