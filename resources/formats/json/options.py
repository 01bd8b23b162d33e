"""What a user may settle about JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from resources.formats.decoding import check_encoding
from resources.formats.json.non_finite import NonFinite
from resources.formats.json.values import JSON
from resources.formats.options import FormatOptions
from resources.formats.text_types.evidence import TextType
from resources.formats.text_types.given import parse_type
from resources.formats.text_types.rule import TypingRule
from resources.kernel.errors import ConfigError


def _parse(column: str, name: str) -> TextType:
    try:
        return parse_type(name, where=f"types: {column}")
    except ConfigError as error:
        raise ConfigError(error.message, hint=f"{error.hint}, json", **error.facts) from None


@dataclass(frozen=True, kw_only=True)
class JsonOptions(FormatOptions):
    """Settings of JSON and JSON Lines; JSON itself tells the rest."""

    label: ClassVar[str] = "JSON"

    encoding: str | None = None
    """A Python codec. Without it UTF-8, or UTF-16 and UTF-32 by their byte order mark."""
    records: str = ""
    """Where the array of records stands, if not alone: keys with points between, `data.items`."""
    non_finite: NonFinite = "error"
    """`NaN`, `Infinity` and `-Infinity`, which are no JSON: an error, null, or the values of a double."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Types by column: integer, number, decimal(p,s), boolean, date, timestamp, timestamptz, text, json."""
    date_format: str | None = None
    """`strptime` pattern of dates, instead of the ISO form."""
    timestamp_format: str | None = None
    """`strptime` pattern of timestamps, instead of the ISO forms."""

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        self.given()

    def given(self) -> dict[str, TextType]:
        """The types given in `types:`.

        Raises:
            ConfigError: an unknown type.
        """
        return {
            column: JSON if name.strip().lower() == "json" else _parse(column, name)
            for column, name in self.types.items()
        }

    def rule(self) -> TypingRule:
        """The typing rule with these settings, for columns whose type is given."""
        return TypingRule(date_format=self.date_format, timestamp_format=self.timestamp_format)
