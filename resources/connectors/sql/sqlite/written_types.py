"""SQLite: which column type holds which Arrow type, and which existing columns take it without loss.

| Arrow | declared type | stored |
|---|---|---|
| null, string | TEXT | text |
| bool | BOOLEAN | 0, 1 |
| integers | INTEGER | integer; a value over 2^63-1 is an error |
| floats | REAL | real; NaN becomes NULL and is counted, SQLite has none |
| decimal(p, s) | DECIMAL_TEXT(p,s) | text with all digits; SQLite itself would make a double of it |
| binary | BLOB | blob |
| date | DATE | text `2013-01-31` |
| time | TIME | text `08:30:00.000000` |
| timestamp | TIMESTAMP | text `2013-01-31 08:30:00[.000000]` |
| timestamp with a zone | TIMESTAMPTZ | the same in UTC with `+00:00` |
| duration | INTEGER | microseconds |
| list, struct, map | JSON | JSON text |

A column's declared type gives it an affinity, and affinity is what may change a value on its way in; so existing
columns are judged by affinity.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.writing.columns import (
    Convert,
    WrittenColumn,
    WrittenType,
    find_outside,
    is_list,
    is_text,
    plain_digits,
    plain_type,
)
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.json_text import to_json

_YEAR_1, _YEAR_9999 = -719_162, 2_932_896
_DAY_US = 86_400_000_000

_EXACT_DIGITS = 15  # a double keeps so many decimal digits as they were written

_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], WrittenType], ...] = (
    (pa.types.is_null, WrittenType("TEXT", pa.string())),
    (pa.types.is_boolean, WrittenType("BOOLEAN", pa.bool_())),
    (pa.types.is_integer, WrittenType("INTEGER", pa.int64())),
    (pa.types.is_floating, WrittenType("REAL", pa.float64(), drops_nan=True)),
    (is_text, WrittenType("TEXT", pa.large_string())),
    (pa.types.is_binary, WrittenType("BLOB", pa.large_binary())),
    (pa.types.is_large_binary, WrittenType("BLOB", pa.large_binary())),
    (pa.types.is_fixed_size_binary, WrittenType("BLOB", pa.large_binary())),
    (
        pa.types.is_time,
        WrittenType("TIME", pa.string(), convert=lambda a: _text(a, pa.time64("us"))),
    ),
    (
        pa.types.is_duration,
        WrittenType(
            "INTEGER", pa.int64(), convert=lambda a: a.cast(pa.duration("us")).cast(pa.int64())
        ),
    ),
)


def sqlite_type(kind: pa.DataType) -> WrittenType | None:
    """How SQLite holds values of `kind`; None when it has no form for them."""
    kind = plain_type(kind)
    for matches, found in _SIMPLE:
        if matches(kind):
            return found
    if pa.types.is_decimal(kind):
        declared = f"DECIMAL_TEXT({kind.precision},{kind.scale})"
        return WrittenType(declared, pa.string(), convert=plain_digits)
    if pa.types.is_date(kind):
        return WrittenType("DATE", pa.string(), convert=_checked_text(pa.date32(), 1))
    if pa.types.is_timestamp(kind):
        return _timestamp_type(kind)
    if is_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind):
        return WrittenType("JSON", pa.large_string(), convert=to_json)
    return None


def _timestamp_type(kind: pa.DataType) -> WrittenType:
    unit = "s" if kind.unit == "s" else "us"
    per_day = 86_400 if unit == "s" else _DAY_US
    to_text = _checked_text(pa.timestamp(unit), per_day)
    if not kind.tz:
        return WrittenType("TIMESTAMP", pa.string(), convert=to_text)
    return WrittenType(
        "TIMESTAMPTZ",
        pa.string(),
        # Taking the zone off leaves the instant in UTC.
        convert=lambda a: pc.binary_join_element_wise(to_text(a), "+00:00", ""),
    )


def _checked_text(kind: pa.DataType, per_day: int) -> Convert:
    """Text of dates and times in the years 1 to 9999: others have no text that sorts and reads back."""
    check = find_outside(
        _YEAR_1 * per_day, (_YEAR_9999 + 1) * per_day - 1, "is outside the years 1 to 9999"
    )

    def convert(array: pa.Array) -> pa.Array:
        values = array.cast(kind)
        complaint = check(values)
        if complaint is not None:
            raise ValueError(complaint.reason)
        return values.cast(pa.string())

    return convert


def _text(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array.cast(kind).cast(pa.string())


def affinity(declared: str) -> str:
    """What SQLite makes of a declared type: its five rules, in its order."""
    text = declared.upper()
    if "INT" in text:
        return "INTEGER"
    if any(part in text for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in text or not text:
        return "BLOB"
    if any(part in text for part in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"


_TAKES: dict[str, frozenset[str]] = {
    "TEXT": frozenset({"TEXT", "BLOB"}),
    "BOOLEAN": frozenset({"NUMERIC", "INTEGER", "BLOB"}),
    "INTEGER": frozenset({"INTEGER", "NUMERIC", "BLOB"}),
    "REAL": frozenset({"REAL", "NUMERIC", "BLOB"}),
    "BLOB": frozenset({"BLOB"}),
    # These texts never look like a number, so that NUMERIC leaves them as they are.
    "DATE": frozenset({"TEXT", "NUMERIC", "BLOB"}),
    "TIME": frozenset({"TEXT", "NUMERIC", "BLOB"}),
    "TIMESTAMP": frozenset({"TEXT", "NUMERIC", "BLOB"}),
    "TIMESTAMPTZ": frozenset({"TEXT", "NUMERIC", "BLOB"}),
    "JSON": frozenset({"TEXT", "NUMERIC", "BLOB"}),
    "DECIMAL_TEXT": frozenset({"TEXT", "BLOB"}),
}


def sqlite_takes(column: WrittenColumn, target: str) -> bool:
    """Whether an existing column declared as `target` may hold the values of `column`: each is looked at on its way.

    Dates that SQLite does not know as such, and mixtures, come as texts: NUMERIC makes numbers of some.
    """
    if column.type.sql == "TEXT" and affinity(target) == "NUMERIC":
        return True
    return sqlite_holds(column, target)


def sqlite_octets(target: str, quoted: str) -> str | None:
    """SQL for the bytes of a text or a blob, in a file that keeps texts as UTF-8."""
    known = affinity(target) in ("TEXT", "BLOB")
    return f"length(CAST({quoted} AS BLOB))" if known else None


def sqlite_holds(column: WrittenColumn, target: str) -> bool:
    """Whether an existing column declared as `target` holds every value of `column` unchanged."""
    if column.is_null or target.upper() in {column.type.sql, "ANY"}:
        return True
    family = re.sub(r"\(.*", "", column.type.sql)
    if family == "DECIMAL_TEXT" and affinity(target) == "NUMERIC":
        return is_exact_number(column)
    return affinity(target) in _TAKES[family]


def is_exact_number(column: WrittenColumn) -> bool:
    """Whether a double tells every two decimals of the column apart."""
    return bool(plain_type(column.arrow).precision <= _EXACT_DIGITS)


DIALECT = ExportDialect(
    title="SQLite",
    name_limit=(128, "characters"),
    max_columns=2000,
    column_type=sqlite_type,
    takes=sqlite_takes,
    folds_case=True,
    octets=sqlite_octets,
)
