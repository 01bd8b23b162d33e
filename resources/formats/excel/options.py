"""What a user may settle about Excel workbooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from resources.formats.options import FormatOptions
from resources.formats.text_types.given import parse_type
from resources.formats.text_types.rule import TypingRule
from resources.kernel.errors import ConfigError
from resources.kernel.schema import check_column_names


@dataclass(frozen=True, kw_only=True)
class ExcelOptions(FormatOptions):
    """Settings of a workbook; Excel itself tells the types."""

    label: ClassVar[str] = "Excel"

    sheet: str | int | None = None
    """Name of a sheet, or its number from 1. Without it the only visible one."""
    header_row: int | None = None
    """Number of the row that names the columns, as Excel shows it; 0: none does. Without it the first row with a value."""
    skip_after_header: int = 0
    """Rows between header and data that are no data: units."""
    skip_footer: int = 0
    """Rows at the end that are no data, such as totals; empty ones do not count."""
    column_names: tuple[str, ...] | None = None
    """Names in order; with a header they replace its names. Without a header: `column_1`, `column_2` ..."""
    errors: Literal["fail", "text"] = "fail"
    """Cells such as #N/A: an error that names the first, or the text that Excel shows."""
    formulas: Literal["fail", "stored"] = "fail"
    """Formulas that were never calculated: an error that names the first, or the stored value."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Types by column: integer, number, decimal(p,s), boolean, date, timestamp, timestamptz, text."""

    def __post_init__(self) -> None:
        if (self.header_row or 0) < 0:
            raise ConfigError(
                "header_row cannot be negative", hint="Rows count from 1; 0: no header"
            )
        for name in ("skip_after_header", "skip_footer"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} cannot be negative", hint="It is a number of rows")
        if isinstance(self.sheet, int) and self.sheet < 1:
            raise ConfigError("sheet: numbers of sheets count from 1", hint="Or give its name")
        if self.column_names is not None:
            check_column_names(self.column_names, where="column_names")
        for column, name in self.types.items():
            parse_type(name, where=f"types: {column}")

    def rule(self) -> TypingRule:
        """The typing rule for columns whose type is given."""
        return TypingRule()
