"""The Oracle connector: one read-only transaction, numbers and times as texts that Oracle writes itself.

The driver would hand over whole numbers as such, but others as doubles, times without their zone, and neither finer than
a microsecond; so they are selected as texts and read exactly.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.oracle.delivery import DIALECT, FACTS
from resources.connectors.sql.query_text import ORACLE
from resources.connectors.sql.sqlalchemy.column_types import DIGITS, ValueColumn, text_column
from resources.connectors.sql.sqlalchemy.connector import SqlalchemyConnector
from resources.connectors.sql.sqlalchemy.delivery import deliverer
from resources.connectors.sql.sqlalchemy.exact_text import moments, numbers
from resources.connectors.sql.writing.run import Deliverer

_DATE = "LTRIM(TO_CHAR({}, 'SYYYY-MM-DD HH24:MI:SS'))"
_TIMESTAMP = "LTRIM(TO_CHAR({}, 'SYYYY-MM-DD HH24:MI:SS.FF9'))"
_NUMBER = "TO_CHAR({}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"
_UNKNOWN_SCALE = -127

_EXACT: dict[str, pa.DataType] = {
    "DB_TYPE_VARCHAR": pa.string(),
    "DB_TYPE_NVARCHAR": pa.string(),
    "DB_TYPE_CHAR": pa.string(),
    "DB_TYPE_NCHAR": pa.string(),
    "DB_TYPE_CLOB": pa.string(),
    "DB_TYPE_NCLOB": pa.string(),
    "DB_TYPE_LONG": pa.string(),
    "DB_TYPE_RAW": pa.binary(),
    "DB_TYPE_LONG_RAW": pa.binary(),
    "DB_TYPE_BLOB": pa.binary(),
    "DB_TYPE_BINARY_DOUBLE": pa.float64(),
    "DB_TYPE_BINARY_FLOAT": pa.float32(),
    "DB_TYPE_BOOLEAN": pa.bool_(),
}
_AS_TEXT: dict[str, str] = {
    "DB_TYPE_INTERVAL_DS": "TO_CHAR({})",
    "DB_TYPE_INTERVAL_YM": "TO_CHAR({})",
    "DB_TYPE_ROWID": "ROWIDTOCHAR({})",
    "DB_TYPE_UROWID": "TO_CHAR({})",
    "DB_TYPE_JSON": "JSON_SERIALIZE({} RETURNING CLOB)",
    "DB_TYPE_VECTOR": "FROM_VECTOR({} RETURNING CLOB)",
    "DB_TYPE_XMLTYPE": "XMLSERIALIZE(CONTENT {} AS CLOB)",
}


class OracleConnector(SqlalchemyConnector):
    """An Oracle database, 12.2 or newer, through oracledb without client libraries."""

    kind = "oracle"
    dialect_name = "oracle"
    syntax = ORACLE
    max_identifier = (128, "bytes")
    max_columns = 1000
    package = "oracledb"
    extra = "oracle"
    alias = " source"

    def url(self) -> sa.URL:
        """Oracledb's."""
        config = self.config
        return sa.URL.create(
            "oracle+oracledb",
            username=config.username,
            password=config.password,
            host=config.host,
            port=config.effective_port,
            query={"service_name": config.service_name or ""},
        )

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return deliverer(self, DIALECT, FACTS)

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:  # noqa: ARG002 - as the base has it
        """Time limits, keep-alives (E4) and the user's options."""
        args: dict[str, Any] = {
            "tcp_connect_timeout": float(self.config.connect_timeout_seconds),
            "expire_time": 1,
            **self.config.options,
        }
        if "ssl_server_dn_match" in args:
            args["ssl_server_dn_match"] = args["ssl_server_dn_match"].lower() != "false"
        if self.config.key_password:
            args["wallet_password"] = self.config.key_password
        return args

    def prepare(self, connection: Any, *, read_only: bool) -> None:
        """The longest that one answer may take (E4); the driver drops zones, so that all is UTC."""
        limit = self.config.statement_timeout_seconds
        if read_only:
            limit = limit or self.config.read_timeout_seconds
        connection.call_timeout = (limit or 0) * 1000
        with connection.cursor() as cursor:
            cursor.execute("ALTER SESSION SET TIME_ZONE = '+00:00'")

    def begin(self, connection: sa.Connection) -> None:
        """Oracle's own: one state of the database, and every change refused."""
        driver: Any = connection.connection.driver_connection
        driver.rollback()  # it has to be the first statement of its transaction
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    def probe_statement(self) -> str:
        """Oracle selects from something."""
        return "SELECT 1 FROM DUAL"

    def plan_column(self, described: Any) -> ValueColumn:
        """By the driver's description, which has digits and decimals."""
        type_name = getattr(described[1], "name", str(described[1]))
        return plan_oracle_column(
            str(described[0]),
            type_name,
            precision=described[4],
            scale=described[5],
            column=self.result_name(str(described[0])),
        )


def plan_oracle_column(
    name: str, type_name: str, *, precision: int | None, scale: int | None, column: str
) -> ValueColumn:
    """How a column of this type is read."""
    if type_name in _EXACT:
        return ValueColumn(name, _EXACT[type_name])
    if type_name == "DB_TYPE_NUMBER":
        return _number(name, precision, scale, column)
    if type_name == "DB_TYPE_DATE":
        parse = moments(extra_digits=0)
        return ValueColumn(name, pa.timestamp("us"), _DATE.format(column), parse)
    if type_name == "DB_TYPE_TIMESTAMP":
        parse = moments(extra_digits=3)
        return ValueColumn(name, pa.timestamp("us"), _TIMESTAMP.format(column), parse)
    if type_name in ("DB_TYPE_TIMESTAMP_TZ", "DB_TYPE_TIMESTAMP_LTZ"):
        utc = f"SYS_EXTRACT_UTC(CAST({column} AS TIMESTAMP(9) WITH TIME ZONE))"
        parse = moments(extra_digits=3, zone="UTC")
        return ValueColumn(name, pa.timestamp("us", tz="UTC"), _TIMESTAMP.format(utc), parse)
    expression = _AS_TEXT.get(type_name, "TO_CHAR({})").format(column)
    return text_column(
        name, expression, f"{type_name.removeprefix('DB_TYPE_')} as Oracle writes it"
    )


def _number(name: str, precision: int | None, scale: int | None, column: str) -> ValueColumn:
    if not precision or scale is None or scale == _UNKNOWN_SCALE:
        # NUMBER without digits, and FLOAT: any of 38 digits anywhere. The cast makes both say so.
        return ValueColumn(name, None, f"CAST({column} AS NUMBER)")
    digits, decimals = max(precision - min(scale, 0), scale), max(scale, 0)
    expression = _NUMBER.format(column)
    if digits > DIGITS:
        return text_column(name, expression, f"NUMBER({precision}, {scale}) has over 38 digits")
    if not decimals and digits <= 18:
        return ValueColumn(name, pa.int64(), expression, numbers(pa.int64()))
    kind = pa.decimal128(digits, decimals)
    return ValueColumn(name, kind, expression, numbers(kind))
