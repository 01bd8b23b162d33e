"""What a classification set looks like and how its files are read: columns, types, encoding, limits.

Pure records that refuse nonsense when they are made. Rows live in `state`, files in `parsing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

import pyarrow as pa

from resources.kernel.errors import ConfigError
from resources.kernel.schema import case_twins

KEY = (
    "Key"  # the key column in headers, in the state and in a download; no column may have this name
)
EMPTY_TOKEN = "~empty~"  # noqa: S105 - a word of the file format: clears one value (C7)
DELETE_TOKEN = "~deletekey~"  # noqa: S105 - a word of the file format: deletes the key (C8)
VALUE_LIMIT = 255  # bytes of UTF-8 a key or a value may have (G5)
FILE_LIMIT = 50 * 1024 * 1024  # bytes a file may have (G8)
FILE_LIMIT_CEILING = 1024 * 1024 * 1024  # above it a column no longer fits 32-bit string offsets
COLUMN_LIMIT = (
    400  # PostgreSQL keeps a row in a page of 8 KB, where a long text takes at least 18 bytes
)
LIST_DELIMITERS = (",", ";", ":", "|", " ", "/", "\\", "-", "_")


_Kind = TypeVar("_Kind", bound=StrEnum)


class ColumnType(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    LIST = "list[string]"


ARROW_TYPES: Mapping[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.LIST: pa.list_(pa.string()),
}


class Encoding(StrEnum):
    """How the bytes of a file are read (G3, J7); `Encoding("ISO-8859-1")` finds one by any registered name."""

    UTF8 = "utf8"
    LATIN1 = "latin1"

    @classmethod
    def _missing_(cls, value: object) -> Encoding | None:
        return _ENCODINGS.get(value.lower()) if isinstance(value, str) else None


_ENCODINGS: Mapping[str, Encoding] = {
    **dict.fromkeys(("utf8", "utf-8", "csutf8"), Encoding.UTF8),
    **dict.fromkeys(
        (
            "latin1",
            "latin-1",
            "l1",
            "iso-8859-1",
            "iso8859-1",
            "iso_8859-1",
            "iso-ir-100",
            "csisolatin1",
            "cp819",
            "ibm819",
        ),
        Encoding.LATIN1,
    ),
}


def find_encoding(name: str) -> Encoding | None:
    """The encoding of a registered name in any case; None if it is neither UTF-8 nor Latin-1."""
    return _ENCODINGS.get(name.lower())


@dataclass(frozen=True, slots=True)
class SetColumn:
    """One column of a set.

    Args:
        name: exactly as files write it (G9); not "Key".
        type: of its values.
    """

    name: str
    type: ColumnType = ColumnType.TEXT

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", _member(ColumnType, self.type, f"column {self.name!r}"))
        reason = _refused_name(self.name)
        if reason:
            raise ConfigError(
                f"A classification set cannot have the column {self.name!r}: {reason}"
            )

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow type: text -> string, integer -> int64, float -> float64, list[string] -> list<string>."""
        return ARROW_TYPES[self.type]


@dataclass(frozen=True)
class SetSchema:
    """The columns of a set and the defaults for its files.

    Args:
        columns: at least one, at most `COLUMN_LIMIT`, names unique, even where case does not count.
        encoding: of files that do not say (F134).
        list_delimiter: between the elements of a list cell; one of `LIST_DELIMITERS`.
        blank_clears: blank cells clear the stored value instead of keeping it.
        max_bytes: largest file that is read (G8).
    """

    columns: tuple[SetColumn, ...]
    encoding: Encoding = Encoding.UTF8
    list_delimiter: str = ","
    blank_clears: bool = False
    max_bytes: int = FILE_LIMIT

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "encoding", _member(Encoding, self.encoding, "encoding"))
        if not 0 < len(self.columns) <= COLUMN_LIMIT:
            raise ConfigError(
                f"A classification set has 1 to {COLUMN_LIMIT} columns beside Key, not {len(self.columns):,}",
                hint="Declare two sets and join them" if self.columns else "",
            )
        counts = Counter(column.name for column in self.columns)
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise ConfigError(f"A classification set names these columns twice: {', '.join(twice)}")
        if case := case_twins([KEY, *counts]):
            listed = ", ".join(f"{one!r} and {other!r}" for one, other in case[:5])
            raise ConfigError(
                f"A classification set cannot have both {listed}",
                hint="Rename one: files tell them apart, but SQL does not and would show the first column's values for both",
            )
        _check_reading(self.list_delimiter, self.max_bytes)

    @cached_property
    def by_name(self) -> Mapping[str, SetColumn]:
        """Columns by their exact name (G9: case-sensitive)."""
        return {column.name: column for column in self.columns}

    @cached_property
    def arrow(self) -> pa.Schema:
        """Schema of a state: Key (string, not null), then the columns in their order, nullable."""
        fields = [pa.field(column.name, column.arrow_type) for column in self.columns]
        return pa.schema([pa.field(KEY, pa.string(), nullable=False), *fields])


@dataclass(frozen=True)
class ParseOptions:
    """How one file is read; `for_set` takes what is not said from the set.

    Args:
        encoding: of the whole file; a JSON record's own `enc` goes first (J8).
        list_delimiter: see `SetSchema`.
        blank_clears: see `SetSchema`.
        max_bytes: see `SetSchema`.
        max_problems: errors listed; their count stays exact.
        max_warnings: warnings listed; their counts stay exact.
        piece_bytes: read and checked at a time; what is derived from the default stays in a processor's cache.
    """

    encoding: Encoding = Encoding.UTF8
    list_delimiter: str = ","
    blank_clears: bool = False
    max_bytes: int = FILE_LIMIT
    max_problems: int = field(default=100_000, kw_only=True)
    max_warnings: int = field(default=10_000, kw_only=True)
    piece_bytes: int = field(default=1024 * 1024, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", _member(Encoding, self.encoding, "encoding"))
        _check_reading(self.list_delimiter, self.max_bytes)
        if self.max_problems < 1 or self.max_warnings < 0 or self.piece_bytes < 4:
            raise ConfigError(
                "A check lists at least one error and reads at least four bytes at a time"
            )

    @classmethod
    def for_set(
        cls,
        schema: SetSchema,
        *,
        encoding: Encoding | str | None = None,
        list_delimiter: str | None = None,
        blank_clears: bool | None = None,
        max_bytes: int | None = None,
    ) -> ParseOptions:
        """The set's own defaults, except for what an upload chooses (F134)."""
        return cls(
            encoding=schema.encoding
            if encoding is None
            else _member(Encoding, encoding, "encoding"),
            list_delimiter=schema.list_delimiter if list_delimiter is None else list_delimiter,
            blank_clears=schema.blank_clears if blank_clears is None else blank_clears,
            max_bytes=schema.max_bytes if max_bytes is None else max_bytes,
        )


def _refused_name(name: str) -> str:
    """Why no column can have this name; empty if one can."""
    if name == KEY:
        return "the name is reserved for the key"
    if not name or name != name.strip():
        return "a name is not blank and neither starts nor ends with white space"
    if name in (EMPTY_TOKEN, DELETE_TOKEN):
        return "the word is reserved in classification files"
    if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in name):
        return "a name has no control characters"
    if len(name.encode()) > VALUE_LIMIT:
        return f"a name has at most {VALUE_LIMIT} bytes"
    return ""


def _check_reading(list_delimiter: str, max_bytes: int) -> None:
    if list_delimiter not in LIST_DELIMITERS:
        raise ConfigError(
            f"Unknown list delimiter {list_delimiter!r}",
            hint=f"Known: {' '.join(repr(known) for known in LIST_DELIMITERS)}",
        )
    if not 0 < max_bytes <= FILE_LIMIT_CEILING:
        raise ConfigError(f"max_bytes is between 1 and {FILE_LIMIT_CEILING}, not {max_bytes}")


def _member(kind: type[_Kind], value: str, what: str) -> _Kind:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise ConfigError(f"Unknown value {value!r} for {what}", hint=f"Known: {known}") from None
