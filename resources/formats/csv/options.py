"""What a user may settle about a CSV file instead of leaving it to be detected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from resources.formats.decoding import check_encoding
from resources.formats.options import FormatOptions
from resources.formats.text_types.given import parse_type
from resources.formats.text_types.marks import ISO_MARKS, THOUSANDS_MARKS, Marks
from resources.formats.text_types.rule import TypingRule
from resources.kernel.errors import ConfigError
from resources.kernel.schema import check_column_names


@dataclass(frozen=True, kw_only=True)
class CsvOptions(FormatOptions):
    """Settings of a CSV dataset; None means: detect it, and say in the guesses what was found."""

    label: ClassVar[str] = "CSV"

    encoding: str | None = None
    """A Python codec, `cp1252` for instance. Without it: UTF-8, or UTF-16 and UTF-32 by their byte order mark."""
    separator: str | None = None
    """One character. Without it one of `,` `;` TAB `|`, by the first lines."""
    quote: str | None = None
    """The quote character, or `none` when quotes are ordinary text. Without it `"`."""
    escape: str | None = None
    """A sign that takes the meaning of a quote, separator, newline or itself behind it, mostly a backslash."""
    skip_rows: int | None = None
    """Lines above the header, or above the first row, that are no data. Without it a title is looked for."""
    skip_after_header: int = 0
    """Lines between header and rows that are no data: units, types."""
    skip_footer: int = 0
    """Lines at the end that are no data, such as totals; blank ones do not count."""
    comment: str | None = None
    """What lines begin with that are left out, wherever they stand."""
    trailing_separator: bool | None = None
    """Whether every row ends in a separator behind its last value. Without it: if the first rows all do."""
    header: bool | None = None
    """Whether the first line names the columns. Without it that is taken for granted."""
    column_names: tuple[str, ...] | None = None
    """Names in order; with a header they replace its names. Without a header: `column_1`, `column_2` ..."""
    decimal_mark: str | Mapping[str, str] | None = None
    """For all columns, or by column. `.` or `,`. Without it `.`, or `,` where a number says so beyond doubt."""
    thousands_mark: str | Mapping[str, str] | None = None
    """For all columns, or by column. A mark between groups of three digits, also a space or no-break space. Without it only beyond doubt: `1.234,5` in the same column."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Types by column: integer, number, decimal(p,s), boolean, date, timestamp, timestamptz, text."""
    date_format: str | Mapping[str, str] | None = None
    """`strptime` pattern of dates, instead of the ISO form: for all columns, or by column."""
    timestamp_format: str | Mapping[str, str] | None = None
    """`strptime` pattern of timestamps, instead of the ISO forms: for all columns, or by column."""
    null_values: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()
    """For all columns, or by column: texts that mean null, besides the empty one. `NA` stays `NA` unless it stands here."""

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        self._check_marks()
        self._check_lines()
        if self.column_names is not None:
            check_column_names(self.column_names, where="column_names")
        for column, name in self.types.items():
            parse_type(name, where=f"types: {column}")

    def _check_marks(self) -> None:
        _check_character("separator", self.separator)
        if self.quote != "none":
            _check_character("quote", self.quote)
        for value in _values(self.thousands_mark):
            if value not in THOUSANDS_MARKS:
                raise ConfigError(
                    "thousands_mark: that cannot be one",
                    hint="Use a comma, a point, an apostrophe or a space (also a no-break one)",
                )
        for value in _values(self.decimal_mark):
            if value not in (".", ","):
                raise ConfigError(f"decimal_mark: {value!r} cannot be one", hint="Use '.' or ','")
        if self.separator is not None and self.separator == self.quote:
            raise ConfigError("separator and quote are the same", hint="Give two different ones")
        for rule in (self.rule(), *self.column_rules(self.rule()).values()):
            if rule.thousands_mark == rule.decimal_mark:
                raise ConfigError(
                    "thousands_mark and decimal_mark are the same", hint="Give both marks"
                )

    def _check_lines(self) -> None:
        for name in ("skip_rows", "skip_after_header", "skip_footer"):
            if (getattr(self, name) or 0) < 0:
                raise ConfigError(f"{name} cannot be negative", hint="It is a number of lines")
        _check_character("escape", self.escape)
        if self.escape is not None and self.escape in (self.separator, self.quote):
            raise ConfigError(
                "escape is the separator or the quote", hint="Doubled quotes need no `escape:`"
            )
        if self.comment is not None and not self.comment.strip():
            raise ConfigError("comment: that cannot be one", hint="Give its first signs: `#`, `//`")
        if self.skip_after_header and not self.has_header:
            raise ConfigError(
                "skip_after_header needs a header", hint="With `header: false` give `skip_rows:`"
            )

    @property
    def has_header(self) -> bool:
        """Whether the first line is taken for names of columns."""
        return self.header is not False

    @property
    def detects_marks(self) -> bool:
        """Whether decimal and thousands marks are left to be detected."""
        return _for_all(self.decimal_mark) is None and _for_all(self.thousands_mark) is None

    @property
    def common_null_values(self) -> tuple[str, ...]:
        """What means null in every column."""
        return self.null_values if isinstance(self.null_values, tuple) else ()

    @property
    def column_null_values(self) -> Mapping[str, tuple[str, ...]]:
        """What means null in some columns."""
        return {} if isinstance(self.null_values, tuple) else self.null_values

    @property
    def columns_named(self) -> dict[str, str]:
        """Columns that some option names, with that option."""
        given = {name: getattr(self, name) for name in (*_BY_COLUMN, "types", "null_values")}
        return {
            column: name
            for name, value in given.items()
            if isinstance(value, Mapping)
            for column in value
        }

    def rule(self, detected: Marks = ISO_MARKS) -> TypingRule:
        """The typing rule of all columns, with the marks detected where none are given."""
        is_given = not self.detects_marks
        thousands = _for_all(self.thousands_mark)
        return TypingRule(
            decimal_mark=(_for_all(self.decimal_mark) or ".") if is_given else detected.decimal,
            thousands_mark=thousands if is_given else detected.thousands,
            date_format=_for_all(self.date_format),
            timestamp_format=_for_all(self.timestamp_format),
        )

    def column_rules(self, common: TypingRule) -> dict[str, TypingRule]:
        """The rules of columns that have settings of their own; marks of their own replace both of all columns."""
        own: dict[str, dict[str, Any]] = {}
        for name in _BY_COLUMN:
            value = getattr(self, name)
            for column, one in value.items() if isinstance(value, Mapping) else ():
                own.setdefault(column, {})[name] = one
        return {
            column: replace(common, **((_NO_MARKS if _MARKS & settings.keys() else {}) | settings))
            for column, settings in own.items()
        }

    @property
    def own_marks(self) -> frozenset[str]:
        """Columns whose marks are given."""
        given = (self.decimal_mark, self.thousands_mark)
        return frozenset(name for value in given if isinstance(value, Mapping) for name in value)


_BY_COLUMN = ("decimal_mark", "thousands_mark", "date_format", "timestamp_format")
_MARKS = frozenset(["decimal_mark", "thousands_mark"])
_NO_MARKS: dict[str, Any] = {"decimal_mark": ".", "thousands_mark": None}


def _for_all(value: str | Mapping[str, str] | None) -> str | None:
    return value if isinstance(value, str) else None


def _values(value: str | Mapping[str, str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value.values())


def _check_character(name: str, value: str | None) -> None:
    if value is None:
        return
    if len(value) != 1 or not value.isascii() or value.isalnum() or value in "\r\n\0-":
        raise ConfigError(
            f"{name}: {value!r} cannot be one",
            hint='Give one ASCII character that is no letter, digit, minus or newline; a tab is "\\t"',
        )
