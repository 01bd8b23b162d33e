"""A table of a database's own types, read as a dataset is, goes into a copy of itself (same DDL) and is the same table.

Compared by the server's own text. What cannot go back is not in these tables and is named in the connectors' docs:
generated columns, which the database computes, DuckDB's UNION, whose text does not tell the member, and the number of
digits behind a second that SQLite's texts had.
"""

from __future__ import annotations

from typing import Any

import pytest

from resources.kernel.records import TableName
from tests.contract.table_connector import read_table
from tests.resources.connectors.sql.writing.databases import ExportDatabase

# Column type, and values as SQL.
POSTGRESQL: dict[str, list[str]] = {
    "boolean": ["true", "false"],
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648"],
    "bigint": ["9223372036854775807"],
    "oid": ["4294967295"],
    "real": ["'NaN'", "0.1", "'-Infinity'"],
    "double precision": ["1e-300", "-0.0"],
    "numeric": ["'NaN'", "0.00000000000000000001", "1e100"],
    "numeric(10,2)": ["'NaN'", "12345678.90"],
    "numeric(3,-2)": ["12300"],
    "money": ["'-92233720368547758.08'"],
    "char(5)": ["'ab'", "'été'"],
    "varchar(5)": ["'abcde'", "''"],
    "text": ["'a''b\\'", "''"],
    "name": ["'n'"],
    '"char"': ["'c'"],
    "bytea": ["'\\x00ff'"],
    "date": ["'infinity'", "'4713-01-01 BC'", "'2024-02-29'"],
    "time(0)": ["'23:59:59'"],
    "time": ["'00:00:00.000001'"],
    "timetz": ["'12:00+05:30'"],
    "timestamp(3)": ["'2024-02-29 12:30:00.123'"],
    "timestamp": ["'-infinity'", "'294276-12-31'"],
    "timestamptz": ["'2024-02-29 12:30+02'", "'infinity'"],
    "interval": ["'1 year -2 days 03:04:05.6'"],
    "interval(0)": ["'1 day'"],
    "uuid": ["'0189bd2c-0000-7000-8000-00000000000a'"],
    "json": ['\'{"b": 1,  "a": 1.10, "b": 2}\''],
    "jsonb": ['\'{"b": 1.10, "a": [null]}\''],
    "inet": ["'10.0.0.1/8'", "'::1'"],
    "cidr": ["'10.0.0.0/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "bit(3)": ["B'101'"],
    "varbit": ["B'1'"],
    "tsvector": ["'a:1 b:2'"],
    "point": ["'(1,2)'"],
    "pg_lsn": ["'16/B374D848'"],
    "int4range": ["'[1,5)'"],
    "tstzrange": ["'[2024-01-01 00:00+00,)'"],
    "integer[]": ["'{{1,2},{3,NULL}}'", "'[0:1]={7,8}'"],
    "text[]": ['\'{NULL,"NULL","a,b"}\''],
    "varchar(3)[]": ["'{abc}'"],
    "date[]": ["'{2024-02-29,infinity}'"],
    "numeric(5,1)[]": ["'{1.5}'"],
    "mood": ["'ok'"],
    "mood[]": ["'{ok,sad}'"],
    "positive": ["7"],
    "pair": ["'(1,\"a b\")'"],
}
MARIADB: dict[str, list[str]] = {
    "boolean": ["1", "-128"],
    "tinyint unsigned": ["255"],
    "smallint": ["-32768"],
    "mediumint": ["8388607"],
    "mediumint unsigned": ["16777215"],
    "int": ["-2147483648"],
    "int(5) unsigned zerofill": ["42"],
    "bigint unsigned": ["18446744073709551615"],
    "bit(1)": ["b'1'"],
    "bit(64)": ["b'1000000000000000000000000000000000000000000000000000000000000001'"],
    "float": ["0.1"],
    "float(7,4)": ["3.1416"],
    "double": ["1e-300"],
    "decimal(10,2)": ["-12345678.90"],
    "decimal(65,30)": ["12345678901234567890123456789012345.000000000000000000000000000001"],
    "year": ["2024", "0"],
    "date": ["'2024-02-29'", "'0000-00-00'", "'2024-02-00'"],
    "datetime": ["'2024-02-29 12:30:00'", "'0000-00-00'"],
    "datetime(3)": ["'2024-02-29 12:30:00.123'"],
    "timestamp NULL": ["'2024-02-29 12:30:00'"],
    "timestamp(6) NULL": ["'2024-02-29 12:30:00.000001'"],
    "time": ["'-838:59:59'", "'12:00:00'"],
    "time(2)": ["'12:00:00.12'"],
    "char(5)": ["'ab'"],
    "varchar(5)": ["'ab   '", "''"],
    "varchar(5) CHARACTER SET latin1": ["'été'"],
    "tinytext": ["'a'"],
    "text CHARACTER SET ucs2": ["'été'"],
    "mediumtext": ["'a''b\\'"],
    "binary(4)": ["x'00ff0000'"],
    "varbinary(4)": ["x'00ff'"],
    "tinyblob": ["x'00'"],
    "blob": ["x''"],
    "enum('a','B')": ["'B'"],
    "set('a','b','c')": ["'a,c'", "''"],
    "json": ['\'{"b": 1,  "a": 1.10}\''],
    "uuid": ["'0189BD2C-0000-7000-8000-00000000000A'"],
    "inet6": ["'::1'"],
    "point": ["ST_GeomFromText('POINT(1 2)')"],
    "geometry": ["ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"],
}
DUCKDB: dict[str, list[str]] = {
    "BOOLEAN": ["true"],
    "TINYINT": ["-128"],
    "UBIGINT": ["18446744073709551615"],
    "HUGEINT": ["-170141183460469231731687303715884105728", "1"],
    "UHUGEINT": ["340282366920938463463374607431768211455"],
    "BIGNUM": ["'1234567890123456789012345678901234567890123'"],
    "FLOAT": ["'nan'", "0.1"],
    "DOUBLE": ["'-inf'"],
    "DECIMAL(18,3)": ["1.500"],
    "VARCHAR": ["'a'"],
    "BLOB": ["'\\x00\\xFF'"],
    "BIT": ["'101'"],
    "DATE": ["'infinity'", "'2024-02-29'"],
    "TIME": ["'12:00:00.000001'"],
    "TIMETZ": ["'12:00:00+05:30'"],
    "TIMESTAMP": ["'2024-02-29 12:30:00.000001'"],
    "TIMESTAMP_S": ["'2024-02-29 12:30:00'"],
    "TIMESTAMP_MS": ["'2024-02-29 12:30:00.123'"],
    "TIMESTAMP_NS": ["'2024-02-29 12:30:00.123456789'"],
    "TIMESTAMPTZ": ["'2024-02-29 12:30:00+00'", "'infinity'"],
    "INTERVAL": ["INTERVAL '1 year 2 days 3 seconds'"],
    "UUID": ["'0189bd2c-0000-7000-8000-00000000000a'"],
    "JSON": ['\'{"b": 1,  "a": 1.10}\''],
    "ENUM('ok', 'sad')": ["'sad'"],
    "INTEGER[]": ["[1, NULL]"],
    "INTEGER[2]": ["[1, 2]"],
    "UUID[]": ["['0189bd2c-0000-7000-8000-00000000000a']"],
    "STRUCT(a INTEGER, b ENUM('ok', 'sad'))": ["{'a': 1, 'b': 'ok'}"],
    "MAP(VARCHAR, DOUBLE)": ["MAP {'k': 1.5}"],
}
SQLITE: dict[str, list[str]] = {
    "INTEGER": ["9223372036854775807", "-1"],
    "REAL": ["0.1", "1e300"],
    "TEXT": ["'a'", "'007'"],
    "VARCHAR(3)": ["'longer'"],
    "BLOB": ["x'00ff'"],
    "NUMERIC": ["1.5", "2"],
    "BOOLEAN": ["1", "0"],
    "DECIMAL(10,2)": ["1.5", "2"],
    "DATE": ["'2024-02-29'", "'no date'", "5"],
    "DATETIME": ["'2024-02-29 12:30:00.000000'"],
    "TIMESTAMP": ["'2024-02-29 12:30:00.123'", "1709209800"],
    "JSON": ["'{\"a\": 1}'"],
    "": ["'x'"],
}
KINDS = {
    "postgresql": (
        "CREATE TYPE mood AS ENUM ('ok', 'sad')",
        "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        "CREATE TYPE pair AS (n integer, t text)",
    )
}
AS_TEXT = {
    "postgresql": "CAST({} AS text)",
    "mariadb": "hex({})",
    "duckdb": "CAST({} AS VARCHAR)",
    "sqlite": "typeof({0}) || ':' || quote({0})",
}


def copies(database: ExportDatabase, types: dict[str, list[str]]) -> None:
    """Makes `original` with each value in a row of its own and a row of nulls, and an equal `copy` with one row."""
    columns = ", ".join(f'"c{number}" {kind}' for number, kind in enumerate(types))
    rows = max(map(len, types.values()))
    padded = [[*values, *["NULL"] * (rows - len(values))] for values in types.values()]
    inserts = [
        f"INSERT INTO original VALUES ({at}, {', '.join(column[at] for column in padded)})"
        for at in range(rows)
    ]
    lax = ["SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"] * (database.dialect == "mariadb")
    database.run(
        *KINDS.get(database.dialect, ()),
        *lax,
        f"CREATE TABLE original (id integer, {columns})",
        f"CREATE TABLE copy (id integer, {columns})",
        *inserts,
        "INSERT INTO copy (id) VALUES (-1)",
    )


def printed(database: ExportDatabase, table: str, count: int) -> list[tuple[Any, ...]]:
    """Every value as the database itself prints it."""
    texts = [AS_TEXT[database.dialect].format(f'"c{number}"') for number in range(count)]
    return database.run(f"SELECT {', '.join(texts)} FROM {table} ORDER BY id")


@pytest.mark.parametrize(
    ("name", "types"),
    [
        pytest.param("sqlite", SQLITE, id="sqlite"),
        pytest.param("duckdb_file", DUCKDB, id="duckdb"),
        pytest.param("postgresql", POSTGRESQL, id="postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", MARIADB, id="mariadb", marks=pytest.mark.mariadb),
    ],
)
def test_a_table_goes_into_a_copy_of_itself(
    request: pytest.FixtureRequest, name: str, types: dict[str, list[str]]
) -> None:
    database: ExportDatabase = request.getfixturevalue(name)
    copies(database, types)
    data = read_table(database.connector, TableName("original"))
    receipt = database.export(data, table=TableName("copy"))
    assert receipt.swap == "delete+insert"
    count = len(types)
    assert printed(database, "copy", count) == printed(database, "original", count)
