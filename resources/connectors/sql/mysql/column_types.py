"""MySQL and MariaDB types to Arrow: what arrives exactly keeps its type, everything else comes as text.

| MySQL | Arrow |
|---|---|
| TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT | int8, int16, int32, int32, int64; UNSIGNED: uint8 ... uint64 |
| BOOLEAN (which is TINYINT(1) and holds more than 0 and 1) | int8 |
| BIT(1) / BIT(2) to BIT(64) | bool / uint64 |
| FLOAT, DOUBLE | float32, float64, bit for bit |
| DECIMAL(p, s) up to 38 digits / more | decimal128(p, s) / text |
| YEAR | int16 |
| DATE | date32; with dates that are none, such as 0000-00-00: text |
| DATETIME, TIMESTAMP | timestamp[us], timestamp[us, UTC]; with dates that are none: text, a TIMESTAMP's with +00:00 |
| TIME | time64[us]; with values below 0 or from 24 hours on: text |
| CHAR, VARCHAR, TEXT, ENUM, SET, JSON, UUID, INET | string |
| BINARY, VARBINARY, BLOB, geometry (MySQL's own form) | binary |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from resources.connectors.sql.mysql.wire import WireColumn
from resources.connectors.sql.mysql.wire_rows import (
    Reader,
    moment_text_reader,
    number_reader,
    read_bits,
    read_bytes,
    read_dates,
    read_moments,
    read_texts,
    read_times,
    time_text_reader,
)
from resources.connectors.sql.reading import ReadColumn, text_guess

_UNSIGNED = 32
_BINARY_CHARSET = 63

_INTEGERS: Mapping[int, tuple[str, str]] = {  # signed and unsigned, as numpy and the wire have them
    1: ("<i1", "<u1"),
    2: ("<i2", "<u2"),
    3: ("<i4", "<u4"),
    8: ("<i8", "<u8"),
    9: ("<i4", "<u4"),
    13: ("<u2", "<u2"),
}
_YEAR, _FLOAT, _DOUBLE, _NULL, _BIT, _JSON, _GEOMETRY = 13, 4, 5, 6, 16, 245, 255
_DECIMALS = frozenset({0, 246})
_DATE, _TIME = 10, 11
_MOMENTS = frozenset({7, 12, 17, 18})
_TIMESTAMPS = frozenset({7, 17})

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # the years 1 to 9999: a year 0 has no date elsewhere
_DAY_US = 86_400_000_000
_MOST_DIGITS = 38


@dataclass(frozen=True)
class MysqlColumn:
    """A column of a result: what is announced, and how its bytes become that."""

    plan: ReadColumn
    reader: Reader


def plan_mysql_columns(
    described: Sequence[WireColumn], as_text: Collection[str]
) -> list[MysqlColumn]:
    """How each described column is read; those named in `as_text` come as text."""
    return [_as_text(column) if column.name in as_text else _plan(column) for column in described]


def _plan(column: WireColumn) -> MysqlColumn:
    for codes, plan in _PLANS:
        if column.code in codes:
            return plan(column)
    if column.code == _GEOMETRY or (column.charset == _BINARY_CHARSET and column.code != _JSON):
        return _made(column, pa.binary(), read_bytes)
    return _made(column, pa.string(), read_texts)


def _integer(column: WireColumn) -> MysqlColumn:
    kind = _INTEGERS[column.code][1 if column.flags & _UNSIGNED else 0]
    if column.code == _YEAR:
        return _made(column, pa.int16(), number_reader("<u2"))
    return _made(column, _ARROW[kind], number_reader(kind))


def _decimal(column: WireColumn) -> MysqlColumn:
    digits = _digits(column)
    if digits > _MOST_DIGITS or column.decimals > digits:
        reason = f"DECIMAL of {digits} digits; decimals have {_MOST_DIGITS}"
        return _text(column, read_texts, reason)
    return _made(column, pa.decimal128(max(digits, 1), column.decimals), read_texts)


def _digits(column: WireColumn) -> int:
    """The precision of a DECIMAL, of which the server tells how wide it prints."""
    return column.length - bool(column.decimals) - (0 if column.flags & _UNSIGNED else 1)


def _bit(column: WireColumn) -> MysqlColumn:
    return _made(column, pa.bool_() if column.length == 1 else pa.uint64(), read_bits)


def _date(column: WireColumn) -> MysqlColumn:
    return _made(column, pa.date32(), read_dates, (_FIRST_DAY, _LAST_DAY))


def _moment(column: WireColumn) -> MysqlColumn:
    zone = "UTC" if column.code in _TIMESTAMPS else None
    bounds = (_FIRST_DAY * _DAY_US, (_LAST_DAY + 1) * _DAY_US - 1)
    return _made(column, pa.timestamp("us", zone), read_moments, bounds)


def _time(column: WireColumn) -> MysqlColumn:
    return _made(column, pa.time64("us"), read_times, (0, _DAY_US - 1))


def _null(column: WireColumn) -> MysqlColumn:
    return _made(column, pa.string(), read_texts)


_ARROW: Mapping[str, pa.DataType] = {
    "<i1": pa.int8(),
    "<u1": pa.uint8(),
    "<i2": pa.int16(),
    "<u2": pa.uint16(),
    "<i4": pa.int32(),
    "<u4": pa.uint32(),
    "<i8": pa.int64(),
    "<u8": pa.uint64(),
}

_PLANS = (
    (frozenset(_INTEGERS), _integer),
    (_DECIMALS, _decimal),
    (frozenset({_FLOAT}), lambda column: _made(column, pa.float32(), number_reader("<f4"))),
    (frozenset({_DOUBLE}), lambda column: _made(column, pa.float64(), number_reader("<f8"))),
    (frozenset({_BIT}), _bit),
    (frozenset({_DATE}), _date),
    (_MOMENTS, _moment),
    (frozenset({_TIME}), _time),
    (frozenset({_NULL}), _null),
)


def _as_text(column: WireColumn) -> MysqlColumn:
    if column.code == _TIME:
        reason = "TIME values below 0 or from 24 hours on"
        return _text(column, time_text_reader(column.decimals), reason)
    if column.code == _DATE or column.code in _MOMENTS:
        reader = moment_text_reader(
            decimals=column.decimals,
            date_only=column.code == _DATE,
            offset="+00:00" if column.code in _TIMESTAMPS else "",
        )
        return _text(column, reader, "dates that are none, such as 0000-00-00")
    if column.code in _DECIMALS:
        return _text(column, read_texts, "numbers with more digits than the server announced")
    return _plan(column)


def _made(
    column: WireColumn, kind: pa.DataType, reader: Reader, bounds: tuple[int, int] | None = None
) -> MysqlColumn:
    return MysqlColumn(ReadColumn(column.name, "", kind, bounds=bounds), reader)


def _text(column: WireColumn, reader: Reader, reason: str) -> MysqlColumn:
    guess = text_guess(column.name, reason)
    return MysqlColumn(ReadColumn(column.name, "", pa.string(), guess=guess), reader)
