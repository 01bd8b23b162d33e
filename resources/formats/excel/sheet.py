"""The one sheet of a workbook that is meant: opened, its header found, its errors known."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from resources.formats.columns import listed
from resources.formats.excel.cells import show
from resources.formats.excel.formulas import check_calculated, part_of
from resources.formats.excel.guard import check_workbook
from resources.formats.excel.options import ExcelOptions
from resources.formats.files import SourceFile, check_not_empty
from resources.kernel.errors import ConfigError, EmptySourceError, ParseError, SchemaMismatchError
from resources.kernel.schema import check_column_names

Row = list[Any]
BATCH_ROWS = 8192
_ERRORS = {
    "NA": "#N/A",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_ERROR = re.compile(r"Error\((\w+)\)")


@dataclass
class Sheet:
    """A sheet with what is needed to read its rows."""

    file: SourceFile
    name: str
    names: tuple[str, ...]
    """Of the columns."""
    header_rows: int
    """Rows before the first row of data."""
    left: int
    """Columns of the sheet before the first that holds something."""
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    """What Excel shows in cells that hold an error, by row and column from 0, columns counted from `left`."""
    footer_rows: int = 0
    """Rows with a value at the end that are no data."""
    warnings: list[str] = field(default_factory=list)
    source: Any = None

    def batches(self) -> Iterator[list[Sequence[object]]]:
        """The rows of data as stretches of columns; empty rows at the end are left out."""
        rows = enumerate(self._rows())
        waiting: list[Row] = []
        for number, row in islice(rows, self.header_rows, self._end()):
            for column in range(len(row)) if self.errors else ():
                row[column] = self.errors.get((number, column), row[column])
            waiting.append(row)
            if len(waiting) >= BATCH_ROWS and any(cell != "" for cell in row):
                yield list(zip(*waiting, strict=True))
                waiting = []
        while waiting and all(cell == "" for cell in waiting[-1]):
            waiting.pop()
        if waiting:
            yield list(zip(*waiting, strict=True))

    def _end(self) -> int | None:
        """The first row that is no data any more; None: all are."""
        if not self.footer_rows:
            return None
        filled = (n for n, row in enumerate(self._rows()) if any(cell != "" for cell in row))
        last = deque(filled, self.footer_rows)
        return max(last[0], self.header_rows) if len(last) == self.footer_rows else self.header_rows

    def _rows(self) -> Iterator[Row]:
        with _translated(self.file):
            yield from self.source.iter_rows()

    def place(self, row: int, column: int) -> str:
        """A cell as Excel names it: `C7`."""
        return f"{_letters(self.left + column)}{row + 1}"


def open_sheet(file: SourceFile, options: ExcelOptions) -> Sheet:
    """Opens the sheet that the options mean.

    Raises:
        EmptySourceError: no byte, or a sheet without a value (E25).
        ParseError: no workbook, a damaged or hostile one (T13), or a cell with an error.
        ConfigError: it is not clear which sheet is meant.
        InputError: columns without a name or of one name (E22).
    """
    check_not_empty([file])
    findings = check_workbook(file)
    with _translated(file):
        import python_calamine

        workbook = python_calamine.CalamineWorkbook.from_path(str(file.path))
        name = _choose(workbook, file, options)
        warnings = []
        if options.formulas == "fail":
            warnings = check_calculated(file, name, findings.formulas)
        source = workbook.get_sheet_by_name(name)
        sheet = _find_header(file, name, source, options)
    if hidden := findings.hidden_rows and findings.hidden_rows.get(part_of(file, name), 0):
        warnings.append(
            f"{file.name}, sheet {name!r}: {hidden:,} hidden rows are read like all others"
        )
    shut = findings.hidden_columns.get(part_of(file, name), []) if findings.hidden_columns else []
    if unseen := [n for at, n in enumerate(sheet.names, sheet.left + 1) if _is_in(at, shut)]:
        warnings.append(
            f"{file.name}, sheet {name!r}: hidden columns are read like all others: {listed(unseen)}"
        )
    sheet.warnings = warnings
    sheet.header_rows += options.skip_after_header
    sheet.footer_rows = options.skip_footer
    if findings.may_hold_errors:
        sheet.errors = _find_errors(file, name)
        if sheet.errors and options.errors == "fail":
            (row, column), shown = min(sheet.errors.items())
            raise ParseError(
                f"sheet {name!r}, cell {sheet.place(row, column)} holds the error {shown}",
                file=file.name,
                hint="Correct it in Excel, or give `errors: text` to take errors as text",
            )
    return sheet


def _is_in(number: int, spans: Sequence[range]) -> bool:
    return any(number in span for span in spans)


@contextmanager
def _translated(file: SourceFile) -> Iterator[None]:
    """What the library says about damage, as one error."""
    import python_calamine

    try:
        yield
    except python_calamine.PasswordError as error:
        raise ParseError(
            "is protected by a password", file=file.name, hint="Save it without one"
        ) from error
    except (python_calamine.CalamineError, OverflowError) as error:
        raise ParseError(
            f"cannot be read as Excel ({str(error)[:120]})",
            file=file.name,
            hint="The workbook is damaged or cut off: send it again",
        ) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of the library's Rust, which is no Exception
            raise
        raise ParseError(
            "cannot be read as Excel (its reader gave up)", file=file.name, hint="Save it again"
        ) from error


def _choose(workbook: Any, file: SourceFile, options: ExcelOptions) -> str:
    import python_calamine

    sheets = [
        one
        for one in workbook.sheets_metadata
        if one.typ == python_calamine.SheetTypeEnum.WorkSheet
    ]
    names: list[str] = [one.name for one in sheets]
    if isinstance(options.sheet, str) and options.sheet in names:
        return options.sheet
    if isinstance(options.sheet, int) and options.sheet <= len(names):
        return names[options.sheet - 1]
    visible: list[str] = [
        one.name for one in sheets if one.visible == python_calamine.SheetVisibleEnum.Visible
    ]
    if options.sheet is None and len(visible) == 1:
        return visible[0]
    what = "there is no such sheet" if options.sheet is not None else "which sheet is not said"
    raise ConfigError(
        f"{file.name}: {what}; it has {listed(names)}",
        hint="Give `sheet:` as one of these names or as a number from 1",
        file=file.name,
    )


def _find_header(file: SourceFile, name: str, source: Any, options: ExcelOptions) -> Sheet:
    if source.start is None:
        raise EmptySourceError(
            f"File {file.name} is empty: sheet {name!r} holds no value",
            hint="Send it again",
            file=file.name,
        )
    left = source.start[1]
    given = options.header_row
    header = source.start[0] + 1 if given is None else given
    if not header:
        row: Row = next(islice(source.iter_rows(), source.start[0], None))
        names = options.column_names or tuple(f"column_{n}" for n in range(1, len(row) + 1))
        first = source.start[0]
    else:
        row = next(islice(source.iter_rows(), header - 1, None), [])
        names, first = options.column_names or _names_in(file, name, row), header
    width = len(row)
    if len(names) != width:
        raise SchemaMismatchError(
            f"{file.name}, sheet {name!r} has {width} columns, column_names gives {len(names)} names",
            hint="Give one name for each column of the sheet",
            file=file.name,
        )
    return Sheet(file, name, tuple(names), first, left, source=source)


def _names_in(file: SourceFile, sheet: str, row: Row) -> tuple[str, ...]:
    names = [show(cell) for cell in row]
    if not names or any(not name.strip() for name in names):
        empty = [str(n) for n, text in enumerate(names, 1) if not text.strip()]
        raise SchemaMismatchError(
            f"{file.name}, sheet {sheet!r}: column {', '.join(empty[:10]) or 1} of {len(names)} has no name in the header",
            file=file.name,
            hint="Name every column; of merged cells only the first has the text. `header_row:` says which row it is,"
            " `column_names:` replaces it",
        )
    check_column_names(names, where=f"{file.name}, sheet {sheet!r}")
    return tuple(names)


def _find_errors(file: SourceFile, sheet: str) -> dict[tuple[int, int], str]:
    """Errors by place. The library that reads the cells calls them empty, so another one is asked."""
    import fastexcel

    try:
        loaded = fastexcel.read_excel(str(file.path)).load_sheet(
            sheet, header_row=None, skip_rows=0, dtypes="string"
        )
        _, found = loaded.to_arrow_with_errors()
    except fastexcel.FastExcelError as error:
        raise ParseError(
            f"cannot be read as Excel ({str(error).splitlines()[0][:120]})", file=file.name
        ) from error
    errors = {}
    for cell in found.errors if found is not None else ():
        said = _ERROR.search(cell.detail)
        errors[cell.position] = _ERRORS.get(said[1], "#ERROR") if said else "#ERROR"
    return errors


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
