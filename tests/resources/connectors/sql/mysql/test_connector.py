"""MySQL connector against MariaDB: the contract, and what only this system has."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig
from tests.contract.table_connector import Database, TableConnectorContract
from tests.resources.connectors.sql.mysql.database import MariadbDatabase
from tests.servers.mariadb import MariadbServer

pytestmark = pytest.mark.mariadb


@pytest.fixture
def database(mariadb_server: MariadbServer, mariadb_config: SqlConfig) -> MariadbDatabase:
    return MariadbDatabase(mariadb_server, mariadb_config)


_KINDS: dict[str, tuple[str, str, pa.DataType, object]] = {
    # column: SQL type, SQL value, Arrow type, value
    "tiny": ("tinyint", "-128", pa.int8(), -128),
    "utiny": ("tinyint unsigned", "255", pa.uint8(), 255),
    "flag": ("boolean", "2", pa.int8(), 2),
    "small": ("smallint", "-32768", pa.int16(), -32768),
    "medium": ("mediumint", "-8388608", pa.int32(), -(2**23)),
    "umedium": ("mediumint unsigned", "16777215", pa.uint32(), 2**24 - 1),
    "plain": ("int", "-2147483648", pa.int32(), -(2**31)),
    "big": ("bigint", "9223372036854775807", pa.int64(), 2**63 - 1),
    "ubig": ("bigint unsigned", "18446744073709551615", pa.uint64(), 2**64 - 1),
    "filled": ("int(5) unsigned zerofill", "42", pa.uint32(), 42),
    "bit1": ("bit(1)", "b'1'", pa.bool_(), True),
    "bit64": ("bit(64)", "b'1" + "0" * 63 + "'", pa.uint64(), 2**63),
    "bit10": ("bit(10)", "b'1000000001'", pa.uint64(), 513),
    "year_": ("year", "2155", pa.int16(), 2155),
    "float_": ("float", "0.1", pa.float32(), 0.10000000149011612),
    "double_": ("double", "0.1", pa.float64(), 0.1),
    "tiniest": ("double", "4.9406564584124654e-324", pa.float64(), 5e-324),
    "price": (
        "decimal(38,10)",
        "-1234567890123456789012345678.0123456789",
        pa.decimal128(38, 10),
        Decimal("-1234567890123456789012345678.0123456789"),
    ),
    "udec": ("decimal(5,2) unsigned", "999.99", pa.decimal128(5, 2), Decimal("999.99")),
    "whole": ("decimal(10)", "-7", pa.decimal128(10, 0), Decimal(-7)),
    "wide": (
        "decimal(65,2)",
        "123456789012345678901234567890123456789012.50",
        pa.string(),
        "123456789012345678901234567890123456789012.50",
    ),
    "day": ("date", "'9999-12-31'", pa.date32(), date(9999, 12, 31)),
    "clock": ("time(6)", "'23:59:59.999999'", pa.time64("us"), time(23, 59, 59, 999999)),
    "moment": (
        "datetime(6)",
        "'0001-01-01 00:00:00.000001'",
        pa.timestamp("us"),
        datetime(1, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - without a zone, as DATETIME is
    ),
    "second": (
        "datetime",
        "'2024-02-29 12:30:05'",
        pa.timestamp("us"),
        datetime(2024, 2, 29, 12, 30, 5),  # noqa: DTZ001
    ),
    "instant": (
        "timestamp(3) null",
        "'2024-02-29 15:30:05.250'",
        pa.timestamp("us", "UTC"),
        datetime(2024, 2, 29, 12, 30, 5, 250_000, tzinfo=UTC),
    ),
    "fixed": ("char(4)", "'a'", pa.string(), "a"),
    "latin": ("varchar(20) character set latin1", "'žÿé'", pa.string(), "žÿé"),
    "words": (
        "longtext",
        "concat('🐴 \"q\" '',;', char(0), char(10), char(13), '\\\\N')",
        pa.string(),
        '🐴 "q" \',;\0\n\r\\\\N',
    ),
    "empty": ("varchar(5)", "''", pa.string(), ""),
    "choice": ("enum('a','ž')", "'ž'", pa.string(), "ž"),
    "several": ("set('a','b')", "'a,b'", pa.string(), "a,b"),
    "doc": ("json", "'{\"a\": [1.50, null]}'", pa.string(), '{"a": [1.50, null]}'),
    "ident": (
        "uuid",
        "'123e4567-e89b-12d3-a456-426655440000'",
        pa.string(),
        "123e4567-e89b-12d3-a456-426655440000",
    ),
    "address": ("inet6", "'::1'", pa.string(), "::1"),
    "raw": ("varbinary(10)", "x'00ff0a'", pa.binary(), b"\x00\xff\n"),
    "padded": ("binary(3)", "x'61'", pa.binary(), b"a\0\0"),
    "blob_": ("longblob", "x'fe'", pa.binary(), b"\xfe"),
    "place": (
        "point",
        "point(1, 2)",
        pa.binary(),
        bytes.fromhex("00000000010100000000000000" + "0000f03f0000000000000040"),
    ),
}


class TestMariadbConnector(TableConnectorContract):
    has_schemas = True
    types_table = (
        f"CREATE TABLE kinds (id integer, {', '.join(f'{n} {k[0]}' for n, k in _KINDS.items())}) CHARACTER SET utf8mb4",
        f"INSERT INTO kinds VALUES (1, {', '.join(k[1] for k in _KINDS.values())})",
        f"INSERT INTO kinds VALUES (2{', NULL' * len(_KINDS)})",
    )
    expected_types: ClassVar[dict[str, tuple[pa.DataType, Any]]] = {
        name: (kind[2], kind[3]) for name, kind in _KINDS.items()
    }

    @pytest.fixture
    def database(self, mariadb_server: MariadbServer, mariadb_config: SqlConfig) -> MariadbDatabase:
        return MariadbDatabase(mariadb_server, mariadb_config)

    def series(self, rows: int) -> str:
        return f"(SELECT seq AS i FROM seq_1_to_{rows}) AS series"

    def make_big(self, database: Database, rows: int) -> None:
        database.run(
            "CREATE TABLE big (id integer, name varchar(30))",
            f"INSERT INTO big SELECT i, 'name ' || i FROM {self.series(rows)}",
        )
