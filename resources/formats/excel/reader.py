"""The reader of Excel workbooks: one sheet of each file to one stream of typed batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from resources.formats.columns import unite_columns
from resources.formats.excel.cells import (
    DAYS,
    NO_CELLS,
    CellKind,
    ColumnKind,
    convert_cells,
    has_days_before_march_1900,
    look_at_cells,
)
from resources.formats.excel.options import ExcelOptions
from resources.formats.excel.sheet import Sheet, open_sheet
from resources.formats.files import SourceFile, check_not_empty
from resources.formats.left_out import LeftOut
from resources.formats.partitions import of_file
from resources.formats.text_types.bad_values import first_bad_value
from resources.formats.text_types.evidence import TextType
from resources.formats.text_types.given import parse_type, read_given
from resources.kernel.errors import InputError, ParseError, UnknownNameError
from resources.kernel.records import BatchStream, Guess


@dataclass
class _Looked:
    """What a first look through all workbooks told."""

    files: list[SourceFile] = field(default_factory=list)
    columns: dict[str, dict[str, CellKind]] = field(default_factory=dict)
    """What the cells hold, by file and column."""
    warnings: list[str] = field(default_factory=list)
    sheet: Sheet | None = None
    """The last one looked at: of a single file it need not be opened again."""


class ExcelReader:
    """One dataset from one sheet of each workbook.

    Every cell is looked at before the first row is given out, so types are known and bad files left out from the
    start. A sheet is held in memory while it is read, by the library that reads it: 32 bytes a cell and its texts.
    """

    def __init__(self, files: Sequence[SourceFile], options: ExcelOptions | None = None) -> None:
        self._files = list(files)
        self._options = options or ExcelOptions()
        self._looked: _Looked | None = None
        self._given: dict[str, TextType] = {}

    def stream(self) -> BatchStream:
        """The rows of all files in the order given, columns matched by name.

        Raises:
            EmptySourceError: a file without a byte or a sheet without a value (E25).
            ParseError: a damaged or hostile file, an error in a cell, a value against its given type.
            SchemaMismatchError: files whose columns differ (E20), unless `columns: union`.
            ConfigError: it is not clear which sheet is meant.
            UnknownNameError: `types:` names a column that is not there.
        """
        if self._looked is None:
            if not self._files:
                check_not_empty(self._files)
            self._looked = self._look_at_all()
        looked = self._looked
        names, warnings = unite_columns(
            {file.name: list(looked.columns[file.name]) for file in looked.files},
            self._options.columns,
        )
        self._given = self._parse_types(names)
        kinds = {name: self._kind(name, looked) for name in names}
        schema = pa.schema(
            [
                (name, self._given[name].arrow if name in self._given else kind.arrow)
                for name, kind in kinds.items()
            ]
        )
        stream = BatchStream(schema, iter(()), _guesses(kinds, self._given))
        stream.warnings = looked.warnings + warnings
        stream.batches = self._read(looked, schema)
        return stream

    def _look_at_all(self) -> _Looked:
        looked = _Looked()
        left_out = LeftOut.of(self._files, self._options.on_bad_file)
        for file in self._files:
            try:
                sheet = open_sheet(file, self._options)
                columns, has_early_days = _look_at(sheet)
            except InputError as error:
                left_out.add(file.name, error)
                continue
            looked.sheet = sheet if len(self._files) == 1 else None
            looked.files.append(file)
            looked.columns[file.name] = columns
            looked.warnings += sheet.warnings
            if has_early_days:
                looked.warnings.append(
                    f"{file.name}, sheet {sheet.name!r} has dates before March 1900: Excel counts a 29 February 1900 that never"
                    " was, so 28 February may stand for either"
                )
            if sheet.source.merged_cell_ranges:
                looked.warnings.append(
                    f"{file.name}, sheet {sheet.name!r} has merged cells: only the first of each holds the value"
                )
        looked.warnings[:0] = left_out.warnings()
        return looked

    def _parse_types(self, names: Sequence[str]) -> dict[str, TextType]:
        for name in self._options.types:
            if name not in names:
                raise UnknownNameError("column", name, names, where="types")
        return {
            name: parse_type(kind, where=f"types: {name}")
            for name, kind in self._options.types.items()
        }

    def _kind(self, name: str, looked: _Looked) -> ColumnKind:
        seen = NO_CELLS
        for columns in looked.columns.values():
            seen |= columns.get(name, NO_CELLS)
        return ColumnKind(seen)

    def _read(self, looked: _Looked, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for file in looked.files:
            sheet = looked.sheet or open_sheet(file, self._options)
            row = sheet.header_rows
            for stretch in sheet.batches():
                cells = dict(zip(sheet.names, stretch, strict=True))
                count = len(stretch[0])
                columns = [
                    self._convert(sheet, cells[one.name], one, row)
                    if one.name in cells
                    else pa.nulls(count, one.type)
                    for one in schema
                ]
                yield of_file(pa.RecordBatch.from_arrays(columns, schema=schema), file.name)
                row += count

    def _convert(
        self, sheet: Sheet, cells: Sequence[object], column: pa.Field, row: int
    ) -> pa.Array:
        given = self._given.get(column.name)
        if given is None:
            return convert_cells(cells, column.type)
        texts, rule = convert_cells(cells, pa.string()), self._options.rule()
        values = read_given(texts, given, rule)
        if values is not None:
            return values
        bad = first_bad_value(texts, lambda part: read_given(part, given, rule) is not None)
        place = sheet.place(row + bad.index, sheet.names.index(column.name))
        raise ParseError(
            f"sheet {sheet.name!r}, cell {place}: {bad.shown} is not of the given type {given}",
            file=sheet.file.name,
            column=column.name,
            hint="Correct the value, or give another type in `types:`",
        )


def _look_at(sheet: Sheet) -> tuple[dict[str, CellKind], bool]:
    """What the cells of each column hold, and whether some is a day for which Excel's calendar is wrong."""
    columns = dict.fromkeys(sheet.names, NO_CELLS)
    has_early_days = False
    for stretch in sheet.batches():
        for name, cells in zip(sheet.names, stretch, strict=True):
            seen = look_at_cells(cells)
            columns[name] |= seen
            has_early_days |= bool(seen & DAYS) and has_days_before_march_1900(cells)
    return columns, has_early_days


def _guesses(kinds: dict[str, ColumnKind], given: dict[str, TextType]) -> list[Guess]:
    return [
        Guess(f"type of {name!r}", "text", f"it holds {kind}, each kept as its text", "types")
        for name, kind in kinds.items()
        if kind.is_mixed and name not in given
    ]
