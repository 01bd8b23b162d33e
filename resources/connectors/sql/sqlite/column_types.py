"""SQLite values to Arrow: a column's type is what its values are, not what its declaration says.

SQLite stores any value in any column. Every column is therefore looked through for its storage classes, inside the
transaction that reads it:

| storage classes found | Arrow |
|---|---|
| integers | int64; bool when declared BOOLEAN and all are 0 or 1 |
| reals, or reals and integers that a double holds exactly | float64 |
| text | string; date32, timestamp[us], time64[us], bool or decimal128 when so declared and every value is one |
| blobs | binary |
| nothing but nulls | what the declaration suggests |
| any other mixture | text, with a note |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.records import Guess

Values = Sequence[Any]

EXACT_DOUBLE = 2**53
"""Integers up to here, and down to its negative, are doubles without a change."""

_PRECISION = re.compile(r"(?:DEC|NUM)\w*\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_PLAIN_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_BOOLEAN_SPELLINGS = ({"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"})

_CANDIDATES: tuple[tuple[str, tuple[pa.DataType, ...]], ...] = (
    ("DATETIME", (pa.timestamp("us"), pa.timestamp("us", tz="UTC"))),
    ("TIMESTAMP", (pa.timestamp("us"), pa.timestamp("us", tz="UTC"))),
    ("DATE", (pa.date32(),)),
    ("TIME", (pa.time64("us"),)),
    ("BOOL", (pa.bool_(),)),
)


@dataclass(frozen=True)
class StorageClasses:
    """What a column holds."""

    integer: bool = False
    real: bool = False
    text: bool = False
    blob: bool = False
    lowest: int = 0
    highest: int = 0

    @property
    def names(self) -> list[str]:
        """The classes found, for texts."""
        return [name for name in ("integer", "real", "text", "blob") if getattr(self, name)]

    @property
    def has_exact_doubles(self) -> bool:
        """Whether every integer is a double too."""
        return self.lowest >= -EXACT_DOUBLE and self.highest <= EXACT_DOUBLE


@dataclass(frozen=True)
class SqliteColumn:
    """How one column is read.

    Args:
        name: its name.
        type: the Arrow type announced.
        convert: values of a batch to an array of that type; raises `pa.ArrowInvalid` for a value that does not fit.
        guess: what was decided because values and declaration leave it open.
    """

    name: str
    type: pa.DataType
    convert: Callable[[Values], pa.Array]
    guess: Guess | None = None


def affinity_class(declared: str) -> str:
    """The one storage class that a column of this declaration usually holds; empty when there is none."""
    kind = declared.upper()
    if "INT" in kind:
        return "integer"
    if any(word in kind for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in kind or not kind:
        return ""
    if any(word in kind for word in ("REAL", "FLOA", "DOUB")):
        return "real"
    return "text" if value_candidates(declared) and "DEC" not in kind and "BOOL" not in kind else ""


def value_candidates(declared: str) -> tuple[pa.DataType, ...]:
    """The types that texts in a column of this declaration may be, tried in order."""
    kind = declared.upper()
    for word, types in _CANDIDATES:
        if word in kind:
            return types
    found = _PRECISION.search(kind)
    if found and 1 <= int(found[1]) <= 38 and int(found[2] or 0) <= int(found[1]):
        return (pa.decimal128(int(found[1]), int(found[2] or 0)),)
    return ()


def plan_sqlite_column(name: str, declared: str, classes: StorageClasses) -> SqliteColumn:
    """How a column with these storage classes is read, before its texts are looked at."""
    found = classes.names
    if not found:
        return _empty(name, declared)
    if found == ["integer"]:
        return _integers(name, declared, classes)
    if found == ["blob"]:
        return _direct(name, pa.binary())
    if found == ["text"]:
        return _direct(name, pa.string())
    if set(found) <= {"integer", "real"} and classes.has_exact_doubles:
        return _direct(name, pa.float64())
    reason = f"it holds {' and '.join(found)} values"
    if not classes.has_exact_doubles and not classes.text:
        reason += ", and not every integer is exact as a double"
    if classes.blob:
        reason += "; blobs are written as x'...'"
    return SqliteColumn(
        name, pa.string(), _mixed_to_text, Guess(f"type of {name!r}", "text", reason)
    )


def plan_texts(
    column: SqliteColumn, declared: str, batches: Callable[[], Iterable[pa.Array]]
) -> SqliteColumn:
    """The column with the type that its declaration promises, if every text in it is such a value.

    Args:
        column: a plan that reads strings.
        declared: the declared type.
        batches: reads all texts of the column, in arrays of strings.
    """
    for kind in value_candidates(declared):
        if all(_fits(array, kind) for array in batches()):
            return parsed_column(column.name, kind)
    reason = f"declared {declared}, but not every value is one in ISO form"
    return SqliteColumn(
        column.name, pa.string(), column.convert, Guess(f"type of {column.name!r}", "text", reason)
    )


def parsed_column(name: str, kind: pa.DataType) -> SqliteColumn:
    """A column of texts that are all values of `kind`."""

    def parse(values: Values) -> pa.Array:
        return _parse_texts(pa.array(values, pa.string()), kind)

    return SqliteColumn(name, kind, parse)


def _fits(array: pa.Array, kind: pa.DataType) -> bool:
    try:
        _parse_texts(array, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _parse_texts(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts as values of `kind`, each of them or none.

    Raises:
        pa.ArrowInvalid: a text that is no such value, or not in the form it has in the others.
    """
    if pa.types.is_boolean(kind):
        spellings = set(pc.unique(array.drop_null()).to_pylist())
        if not any(spellings <= allowed for allowed in _BOOLEAN_SPELLINGS):
            raise pa.ArrowInvalid("not one spelling of true and false")
    if pa.types.is_decimal(kind):
        plain = pc.all(pc.match_substring_regex(array, _PLAIN_DECIMAL)).as_py()
        if plain is False:
            raise pa.ArrowInvalid("not a plain decimal")
    if pa.types.is_time(kind):
        moments = pc.binary_join_element_wise("1970-01-01", array, " ")
        return pc.cast(pc.cast(moments, pa.timestamp("us")), kind)
    return pc.cast(array, kind)


def _empty(name: str, declared: str) -> SqliteColumn:
    usual = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string()}
    candidates = value_candidates(declared)
    if candidates:
        return _direct(name, candidates[0])
    if "BLOB" in declared.upper():
        return _direct(name, pa.binary())
    if affinity_class(declared):
        return _direct(name, usual[affinity_class(declared)])
    if declared:
        return _direct(name, pa.float64())
    guess = Guess(f"type of {name!r}", "text", "it has no declared type and no value")
    return SqliteColumn(name, pa.string(), _direct(name, pa.string()).convert, guess)


def _integers(name: str, declared: str, classes: StorageClasses) -> SqliteColumn:
    kind = declared.upper()
    if "BOOL" in kind and classes.lowest >= 0 and classes.highest <= 1:
        guess = Guess(f"type of {name!r}", "boolean", f"declared {declared}, all values 0 or 1")
        return SqliteColumn(name, pa.bool_(), _integers_to_bool, guess)
    fractional = affinity_class(declared) == "real" or any(
        pa.types.is_decimal(t) and t.scale > 0 for t in value_candidates(declared)
    )
    # SQLite stores 5.00 as the integer 5: a column declared with decimals stays float64 then.
    if fractional and classes.has_exact_doubles:
        return _direct(name, pa.float64())
    return _direct(name, pa.int64())


def _direct(name: str, kind: pa.DataType) -> SqliteColumn:
    def convert(values: Values) -> pa.Array:
        return pa.array(values, kind)

    return SqliteColumn(name, kind, convert)


def _integers_to_bool(values: Values) -> pa.Array:
    return pc.cast(pa.array(values, pa.int64()), pa.bool_())


def _mixed_to_text(values: Values) -> pa.Array:
    return pa.array([_as_text(value) for value in values], pa.string())


def _as_text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return value if value is None or isinstance(value, str) else repr(value)
