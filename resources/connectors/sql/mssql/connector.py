"""The SQL Server connector: types as the server itself describes them, reading under SNAPSHOT where it is allowed.

SQL Server has no transaction that only reads. A query stands between parentheses, where nothing but a SELECT can be, and
the transaction is always rolled back.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from resources.connectors.sql.mssql.delivery import DIALECT, FACTS
from resources.connectors.sql.query_text import MSSQL, split_with
from resources.connectors.sql.sqlalchemy.column_types import Parse, ValueColumn, text_column
from resources.connectors.sql.sqlalchemy.connector import SqlalchemyConnector
from resources.connectors.sql.sqlalchemy.delivery import deliverer
from resources.connectors.sql.sqlalchemy.exact_text import moments, times
from resources.connectors.sql.sqlalchemy.selection import SourceSelect
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.errors import InputError

DESCRIBE = (
    "SELECT name, system_type_name, error_message"
    " FROM sys.dm_exec_describe_first_result_set(:statement, NULL, 0) ORDER BY column_ordinal"
)
ISOLATION = (
    "SELECT snapshot_isolation_state, is_read_committed_snapshot_on"
    " FROM sys.databases WHERE database_id = DB_ID()"
)

ENCRYPTED = "SELECT CONVERT(varchar(40), CONNECTIONPROPERTY('encrypt_option'))"
FIXED_ROLES = [
    "db_accessadmin",
    "db_backupoperator",
    "db_datareader",
    "db_datawriter",
    "db_ddladmin",
    "db_denydatareader",
    "db_denydatawriter",
    "db_owner",
    "db_securityadmin",
]
"""Each has a schema of its name."""

_EXACT: dict[str, pa.DataType] = {
    "bit": pa.bool_(),
    "tinyint": pa.int16(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "float": pa.float64(),
    "char": pa.string(),
    "varchar": pa.string(),
    "text": pa.string(),
    "nchar": pa.string(),
    "nvarchar": pa.string(),
    "ntext": pa.string(),
    "binary": pa.binary(),
    "varbinary": pa.binary(),
    "image": pa.binary(),
    "timestamp": pa.binary(),
    "date": pa.date32(),
    "money": pa.decimal128(19, 4),
    "smallmoney": pa.decimal128(10, 4),
}
_TYPE = re.compile(r"(?P<name>\w+)(?:\((?P<args>[^)]*)\))?")
_EXTRA_DIGITS = 1  # CONVERT writes seven digits of a second
_MOMENT = "CONVERT(varchar(27), CAST({} AS datetime2(7)), 121)"
_NAIVE = (pa.timestamp("us"), _MOMENT, moments(extra_digits=_EXTRA_DIGITS))
_WRITTEN: dict[str, tuple[pa.DataType, str, Parse | None]] = {
    "datetime": _NAIVE,
    "smalldatetime": _NAIVE,
    "datetime2": _NAIVE,
    "datetimeoffset": (
        pa.timestamp("us", tz="UTC"),
        _MOMENT.format("SWITCHOFFSET({}, '+00:00')"),
        moments(extra_digits=_EXTRA_DIGITS, zone="UTC"),
    ),
    "time": (
        pa.time64("us"),
        "CONVERT(varchar(16), CAST({} AS time(7)), 121)",
        times(extra_digits=_EXTRA_DIGITS),
    ),
    "uniqueidentifier": (pa.string(), "LOWER(CONVERT(varchar(36), {}))", None),
}
"""Types that the server writes as text, since the driver would round them."""


class MssqlConnector(SqlalchemyConnector):
    """A SQL Server or Azure SQL database, through pymssql."""

    kind = "mssql"
    dialect_name = "mssql"
    syntax = MSSQL
    max_identifier = (128, "characters")
    max_columns = 1024
    package = "pymssql"
    extra = "mssql"
    binds = False  # the server describes a text, not a text and parameters

    def url(self) -> sa.URL:
        """Pymssql's."""
        config = self.config
        return sa.URL.create(
            "mssql+pymssql",
            username=config.username,
            password=config.password,
            host=config.host,
            port=config.effective_port,
            database=config.database,
        )

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return deliverer(self, DIALECT, FACTS)

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:
        """Time limits; dates and times to the microsecond."""
        config = self.config
        limit = config.statement_timeout_seconds or (
            config.read_timeout_seconds if read_only else 0
        )
        return {
            "login_timeout": config.connect_timeout_seconds,
            "timeout": limit,
            "appname": "waybill",
            "use_datetime2": True,
            **config.options,
        }

    def begin(self, connection: sa.Connection) -> None:
        """SNAPSHOT where the database allows it, which blocks no writer; else a level that keeps writers out."""
        snapshot, committed = connection.exec_driver_sql(ISOLATION).one()
        connection.rollback()
        connection.execution_options(isolation_level=isolation(int(snapshot), bool(committed)))

    system_schemas = frozenset({*FIXED_ROLES, "cdc"})

    def encryption(self) -> str:
        """What the server says of this connection."""
        with self.session("connecting") as connection:
            state = connection.exec_driver_sql(ENCRYPTED).scalar()
        return "encrypted" if state == "TRUE" else "not encrypted: set `encryption: require`"

    def plan(self, connection: sa.Connection, selection: SourceSelect) -> list[ValueColumn]:
        """As the server describes the result."""
        rows = connection.execute(sa.text(DESCRIBE), {"statement": selection.text}).all()
        if rows and rows[0].error_message:
            raise InputError(
                f"{self.label}: SQL Server refuses the query: {rows[0].error_message[:300]}",
                hint="ORDER BY cannot stand at its end, and each column needs a name",
            )
        return [self.plan_column(row) for row in rows]

    def plan_column(self, described: Any) -> ValueColumn:
        """By the name of the type: `datetime2(7)`."""
        return plan_mssql_column(str(described[0] or ""), str(described[1]), self.result_name)

    def enclosed(self, selection: SourceSelect) -> SourceSelect:
        """WITH cannot stand between parentheses here: what follows it does."""
        tables, statement = split_with(selection.sql, self.syntax, where=self.label)
        return SourceSelect(statement, prefix=tables).around("*", self.alias)


def isolation(snapshot_state: int, committed_snapshot: bool) -> str:
    """The isolation level in which one statement sees one state of the database."""
    if snapshot_state == 1:
        return "SNAPSHOT"
    return "READ COMMITTED" if committed_snapshot else "SERIALIZABLE"


def plan_mssql_column(name: str, type_name: str, quote: Any) -> ValueColumn:
    """How a column of this type is read."""
    match = _TYPE.match(type_name)
    kind, args = (match["name"], match["args"] or "") if match else (type_name, "")
    column = quote(name)
    if kind in _EXACT:
        return ValueColumn(name, _EXACT[kind])
    if kind in ("decimal", "numeric"):
        precision, scale = (int(part) for part in args.split(","))
        return ValueColumn(name, pa.decimal128(precision, scale))
    if kind in _WRITTEN:
        arrow, expression, parse = _WRITTEN[kind]
        return ValueColumn(name, arrow, expression.format(column), parse)
    if kind in ("geometry", "geography"):
        return text_column(name, f"{column}.STAsText()", f"{kind} as its text")
    return text_column(name, f"CAST({column} AS nvarchar(max))", f"{kind} as its text")
