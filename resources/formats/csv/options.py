"""What a user may settle about a CSV file instead of leaving it to be detected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

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
    """A sign that takes the meaning of a quote, separator, newline or itself behind it, mostly a backslash (A14)."""
    skip_rows: int | None = None
    """Lines above the header, or above the first row, that are no data. Without it a title is looked for (A5)."""
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
    decimal_mark: str | None = None
    """`.` or `,`. Without it `.`, or `,` where a number says so beyond doubt."""
    thousands_mark: str | None = None
    """A mark between groups of three digits, also a space or no-break space. Without it only beyond doubt: `1.234,5` in the same column."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Types by column: integer, number, decimal(p,s), boolean, date, timestamp, timestamptz, text."""
    date_format: str | None = None
    """`strptime` pattern of dates, instead of the ISO form."""
    timestamp_format: str | None = None
    """`strptime` pattern of timestamps, instead of the ISO forms."""
    null_values: tuple[str, ...] = ()
    """Texts that mean null, besides the empty one. `NA` stays `NA` unless it stands here."""

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
        if self.thousands_mark is not None and self.thousands_mark not in THOUSANDS_MARKS:
            raise ConfigError(
                "thousands_mark: that cannot be one",
                hint="Use a comma, a point, an apostrophe or a space (also a no-break one)",
            )
        if self.decimal_mark not in (None, ".", ","):
            raise ConfigError(
                f"decimal_mark: {self.decimal_mark!r} cannot be one", hint="Use '.' or ','"
            )
        if self.separator is not None and self.separator == self.quote:
            raise ConfigError("separator and quote are the same", hint="Give two different ones")
        if self.thousands_mark is not None and self.thousands_mark == (self.decimal_mark or "."):
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
        return self.decimal_mark is None and self.thousands_mark is None

    def rule(self, detected: Marks = ISO_MARKS) -> TypingRule:
        """The typing rule with these settings and, where there are none, the marks detected."""
        is_given = not self.detects_marks
        return TypingRule(
            decimal_mark=(self.decimal_mark or ".") if is_given else detected.decimal,
            thousands_mark=self.thousands_mark if is_given else detected.thousands,
            date_format=self.date_format,
            timestamp_format=self.timestamp_format,
        )


def _check_character(name: str, value: str | None) -> None:
    if value is None:
        return
    if len(value) != 1 or not value.isascii() or value.isalnum() or value in "\r\n\0-":
        raise ConfigError(
            f"{name}: {value!r} cannot be one",
            hint='Give one ASCII character that is no letter, digit, minus or newline; a tab is "\\t"',
        )
