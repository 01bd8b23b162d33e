"""The Snowflake connector: rows as the driver's own Arrow, times and nested values as texts that Snowflake writes.

One statement sees one state of the database there. A query stands between parentheses, where nothing but a SELECT can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from resources.connectors.sql.query_text import SNOWFLAKE
from resources.connectors.sql.snowflake.delivery import DIALECT, FACTS
from resources.connectors.sql.sqlalchemy.column_types import DIGITS, Parse, ValueColumn, text_column
from resources.connectors.sql.sqlalchemy.connector import SqlalchemyConnector
from resources.connectors.sql.sqlalchemy.delivery import deliverer
from resources.connectors.sql.sqlalchemy.exact_text import moments, times
from resources.connectors.sql.sqlalchemy.selection import SourceSelect
from resources.connectors.sql.writing.run import Deliverer
from resources.kernel.records import Retype

_TYPES = [
    "FIXED",
    "REAL",
    "TEXT",
    "DATE",
    "TIMESTAMP",
    "VARIANT",
    "TIMESTAMP_LTZ",
    "TIMESTAMP_TZ",
    "TIMESTAMP_NTZ",
    "OBJECT",
    "ARRAY",
    "BINARY",
    "TIME",
    "BOOLEAN",
    "GEOGRAPHY",
    "GEOMETRY",
    "VECTOR",
    "MAP",
    "FILE",
    "INTERVAL_YEAR_MONTH",
    "INTERVAL_DAY_TIME",
]
"""Names of the driver's numbers of types."""

_EXACT: dict[str, pa.DataType] = {
    "REAL": pa.float64(),
    "TEXT": pa.string(),
    "DATE": pa.date32(),
    "BINARY": pa.binary(),
    "BOOLEAN": pa.bool_(),
}
_MOMENT = "TO_CHAR({}, 'YYYY-MM-DD HH24:MI:SS.FF9')"
_NAIVE = (pa.timestamp("us"), _MOMENT, moments(extra_digits=3))
_ZONED = (
    pa.timestamp("us", tz="UTC"),
    _MOMENT.format("CONVERT_TIMEZONE('UTC', {})"),
    moments(extra_digits=3, zone="UTC"),
)
_JSON = (pa.string(), "TO_JSON({}::VARIANT)", None)
_WRITTEN: dict[str, tuple[pa.DataType, str, Parse | None]] = {
    "TIMESTAMP": _NAIVE,
    "TIMESTAMP_NTZ": _NAIVE,
    "TIMESTAMP_TZ": _ZONED,
    "TIMESTAMP_LTZ": _ZONED,
    "TIME": (pa.time64("us"), "TO_CHAR({}, 'HH24:MI:SS.FF9')", times(extra_digits=3)),
    "VARIANT": _JSON,
    "OBJECT": _JSON,
    "ARRAY": _JSON,
    "MAP": _JSON,
    "VECTOR": (pa.string(), "TO_JSON(TO_ARRAY({})::VARIANT)", None),
}
"""Types that Snowflake writes as text."""
_INT64_DIGITS = 18


class SnowflakeConnector(SqlalchemyConnector):
    """A Snowflake database."""

    kind = "snowflake"
    dialect_name = "snowflake"
    syntax = SNOWFLAKE
    max_identifier = (255, "characters")
    max_columns = 2000
    package = "snowflake-sqlalchemy"
    extra = "snowflake"
    binds = False  # the driver would write them into the text itself, and take each % for one

    def url(self) -> sa.URL:
        """snowflake-sqlalchemy's."""
        config = self.config
        schema = f"/{config.db_schema}" if config.db_schema else ""
        query = {"account": config.account, "warehouse": config.warehouse, "role": config.role}
        return sa.URL.create(
            "snowflake",
            username=config.username,
            password=config.password,
            host=config.host or config.account,
            port=config.port,
            database=f"{config.database}{schema}",
            query={
                name: value
                for name, value in query.items()
                if value and (config.host or name != "account")
            },
        )

    def deliverer(self) -> Deliverer:
        """See `delivery`."""
        return deliverer(self, DIALECT, FACTS)

    def connect_args(self, *, read_only: bool) -> dict[str, Any]:  # noqa: ARG002 - as the base has it
        """Time limits, decimals as such, and the user's options."""
        config = self.config
        session: dict[str, Any] = {"QUERY_TAG": "waybill", "TIMEZONE": "UTC"}
        if config.statement_timeout_seconds:
            session["STATEMENT_TIMEOUT_IN_SECONDS"] = config.statement_timeout_seconds
        args: dict[str, Any] = {
            "login_timeout": config.connect_timeout_seconds,
            "query_timeout": config.read_timeout_seconds,
            "request_timeout": config.read_timeout_seconds,
            "arrow_number_to_decimal": True,
            "enable_server_session_keep_alive_auto_detection": False,
            "session_parameters": session,
            **config.options,
        }
        if config.key_password:
            args["private_key_file_pwd"] = config.key_password
        return args

    def plan_column(self, described: Any) -> ValueColumn:
        """By the number of the type."""
        return plan_snowflake_column(
            str(described[0]),
            _TYPES[described[1]] if described[1] < len(_TYPES) else "unknown",
            precision=described[4],
            scale=described[5],
            column=self.result_name(str(described[0])),
        )

    def raw_batches(
        self, connection: sa.Connection, selection: SourceSelect, columns: Sequence[ValueColumn]
    ) -> Iterator[pa.RecordBatch]:
        """The driver's Arrow tables, column by column in the announced types; see the base."""
        driver: Any = connection.connection.driver_connection
        schema = pa.schema([(column.name, column.type) for column in columns])
        unfit: set[str] = set()
        cursor = driver.cursor()
        try:
            cursor.execute(selection.text)
            for table in cursor.fetch_arrow_batches():
                for batch in table.to_batches():
                    arrays = list(map(_fitted, columns, batch.columns))
                    unfit |= {c.name for c, a in zip(columns, arrays, strict=True) if a is None}
                    if not unfit:
                        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        finally:
            cursor.close()
        if unfit:
            raise Retype(dict.fromkeys(sorted(unfit), "string"))


def _fitted(column: ValueColumn, array: pa.Array) -> pa.Array | None:
    try:
        if column.parse is not None:
            return column.parse(array.cast(pa.string()))
        return array if array.type == column.type else pc.cast(array, column.type)
    except (pa.ArrowInvalid, ValueError):
        return None


def plan_snowflake_column(
    name: str, type_name: str, *, precision: int | None, scale: int | None, column: str
) -> ValueColumn:
    """How a column of this type is read."""
    if type_name in _EXACT:
        return ValueColumn(name, _EXACT[type_name])
    if type_name == "FIXED":
        return _number(name, precision or DIGITS, scale or 0)
    if type_name in _WRITTEN:
        arrow, expression, parse = _WRITTEN[type_name]
        return ValueColumn(name, arrow, expression.format(column), parse)
    if type_name in ("GEOGRAPHY", "GEOMETRY"):
        return text_column(name, f"ST_ASWKT({column})", f"{type_name} as its text")
    return text_column(name, f"TO_VARCHAR({column})", f"{type_name} as Snowflake writes it")


def _number(name: str, precision: int, scale: int) -> ValueColumn:
    if scale:
        return ValueColumn(name, pa.decimal128(precision, scale))
    # INTEGER is NUMBER(38, 0) there: nearly always of 64 bits, and a decimal when it is not.
    wider = pa.decimal128(DIGITS, 0) if precision > _INT64_DIGITS else None
    return ValueColumn(name, pa.int64(), wider=wider)
