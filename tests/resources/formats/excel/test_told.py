"""What a workbook shows and hides: formulas that nobody calculated, hidden rows, days that never were, rows around the data."""

import datetime as dt
import re

import pytest

from resources.formats.excel import ExcelOptions
from resources.formats.files import SourceFile
from resources.kernel.errors import ConfigError, ParseError
from tests.resources.formats.excel.reading import SHEET, read, with_part, workbook


def with_formula_values(file, *values, on_load=True):
    """The workbook with formulas in column B of its rows, as XlsxWriter writes them: a value beside each."""
    flag = b'<calcPr calcId="1" fullCalcOnLoad="1"/>' if on_load else b'<calcPr calcId="1"/>'
    with_part(file, "xl/workbook.xml", lambda xml: re.sub(rb"<calcPr[^>]*/>", flag, xml))

    def formulas(xml):
        for row, value in enumerate(values, 2):
            cell = rf'<c r="B{row}"[^>]*><v>[^<]*</v></c>'.encode()
            new = f'<c r="B{row}"><f>A{row}+1</f><v>{value}</v></c>'.encode()
            xml = re.sub(cell, new, xml)
        return xml

    return with_part(file, SHEET, formulas)


class TestFormulasThatXlsxWriterWrites:
    """Formats A13: 0 beside each formula, to be calculated on load, came in as 0."""

    def book(self, folder):
        return workbook(folder, [["a", "b"], [1, 9], [2, 9]])

    def test_nothing_but_zeros_to_be_calculated_is_an_error(self, tmp_path):
        file = with_formula_values(self.book(tmp_path), 0, 0)
        with pytest.raises(
            ParseError, match=r"cell B2 holds a formula with the value 0.*`formulas: stored`"
        ):
            read(file)
        assert read(file, formulas="stored")[0]["b"].to_pylist() == [0, 0]

    def test_a_zero_among_values_is_a_warning(self, tmp_path):
        table, stream = read(with_formula_values(self.book(tmp_path), 2, 0))
        assert table["b"].to_pylist() == [2, 0]
        assert "the formula in cell B3 has the value 0" in stream.warnings[0]

    def test_zeros_that_excel_stored_are_zeros(self, tmp_path):
        table, stream = read(with_formula_values(self.book(tmp_path), 0, 0, on_load=False))
        assert table["b"].to_pylist() == [0, 0]
        assert stream.warnings == []


def test_rows_around_the_data(tmp_path):
    """Formats A5: units below the header, totals at the end."""
    file = workbook(
        tmp_path, [["a", "b"], ["EUR", "t"], [1, "x"], [2, "y"], [None, None], ["sum", 3]]
    )
    table, _ = read(file, skip_after_header=1, skip_footer=1)
    assert table.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    with pytest.raises(ConfigError, match="skip_footer cannot be negative"):
        ExcelOptions.parse({"skip_footer": -1})


def test_hidden_rows_are_told(tmp_path):
    file = with_part(
        workbook(tmp_path, [["a"], [1], [2], [3]]),
        SHEET,
        lambda xml: re.sub(rb'<row r="([23])"', rb'<row r="\1" hidden="1"', xml),
    )
    table, stream = read(file)
    assert table["a"].to_pylist() == [1, 2, 3]
    assert "2 hidden rows are read like all others" in stream.warnings[0]


def test_days_that_excel_counts_wrongly_are_told(tmp_path):
    _, stream = read(workbook(tmp_path, [["d"], [dt.date(1900, 2, 28)]]))
    assert "29 February 1900 that never was" in stream.warnings[0]
    assert read(workbook(tmp_path, [["d"], [dt.date(1900, 3, 1)]]))[1].warnings == []


def test_hidden_columns_are_told_by_name(tmp_path):
    cols = (
        b'<cols><col min="2" max="3" width="0" hidden="1"/><col min="9" max="9" hidden="1"/></cols>'
    )
    file = with_part(
        workbook(tmp_path, [["a", "b", "c"], [1, 2, 3]]),
        SHEET,
        lambda xml: xml.replace(b"<sheetData>", cols + b"<sheetData>"),
    )
    table, stream = read(file)
    assert table.to_pydict() == {"a": [1], "b": [2], "c": [3]}
    assert "hidden columns are read like all others: 'b', 'c'" in stream.warnings[0]
    assert len(stream.warnings) == 1


NO_WORKBOOKS = {
    "a login page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
    "text": (b"id;name\n1;anna\n", "It is text: give `format: csv`"),
    "a Parquet file": (b"PAR1\x15\x04", "`format: parquet`"),
    "bytes": (b"\x00\x01\x02\xff", "neither .xlsx nor .xlsm"),
}


@pytest.mark.parametrize(("content", "said"), NO_WORKBOOKS.values(), ids=NO_WORKBOOKS)
def test_what_only_is_called_a_workbook(tmp_path, content, said):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(ParseError) as error:
        read(SourceFile("a.xlsx", tmp_path / "a.xlsx"))
    assert said in str(error.value)
