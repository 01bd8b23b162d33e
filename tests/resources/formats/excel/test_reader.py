"""Excel: its own cell types arrive, and what they would hide is said or refused (T9, T13, E20, E22, E54)."""

import contextlib
import datetime as dt
import io
import re
import zipfile

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.formats.excel import ExcelOptions, guard
from resources.formats.excel import sheet as sheets
from resources.formats.files import SourceFile
from resources.kernel.errors import (
    ConfigError,
    EmptySourceError,
    InputError,
    ParseError,
    SchemaMismatchError,
    UnknownNameError,
)
from tests.resources.formats.excel.reading import SHEET, read, with_part, workbook

KEPT = {
    "integers": ([1, None, -5], pa.int64(), [1, None, -5]),
    "fractions": ([1, 0.25], pa.float64(), [1.0, 0.25]),
    "beyond 2^53": ([2.0**60, 1], pa.float64(), [2.0**60, 1.0]),
    "minus zero": ([-0.0, 1], pa.float64(), [-0.0, 1.0]),
    "leading zeros": (["00123", "7"], pa.string(), ["00123", "7"]),
    "texts that look like more": (["NA", "2024-01-01", "1e5", " x "], pa.string(), ["NA", "2024-01-01", "1e5", " x "]),
    "booleans": ([True, None, False], pa.bool_(), [True, None, False]),
    "dates": ([dt.date(2024, 2, 29)], pa.date32(), [dt.date(2024, 2, 29)]),
    "timestamps, one at midnight": (
        [dt.datetime.fromisoformat("2024-02-29 13:45:01.25"), dt.datetime.fromisoformat("2024-03-01")],
        pa.timestamp("us"),
        [dt.datetime.fromisoformat("2024-02-29 13:45:01.25"), dt.datetime.fromisoformat("2024-03-01")],
    ),
    "times": ([dt.time(1, 2, 3)], pa.time64("us"), [dt.time(1, 2, 3)]),
    "durations": ([dt.timedelta(hours=30)], pa.string(), ["30:00:00"]),
    "a mixture": (
        [1, "x", 0.1, True, dt.date(2024, 1, 2), None],
        pa.string(),
        ["1", "x", "0.1", "TRUE", "2024-01-02", None],
    ),
    "nothing": ([None, None], pa.string(), [None, None]),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "kind", "values"), KEPT.values(), ids=KEPT)
def test_cells_keep_their_type(tmp_path, cells, kind, values):
    table, stream = read(workbook(tmp_path, [["id", "x"], *([i, c] for i, c in enumerate(cells))]))
    assert table.schema.field("x").type == kind
    assert table["x"].to_pylist() == values
    assert str(table["x"].to_pylist()) == str(values)  # -0.0 == 0.0
    is_changed = kind == pa.string() and any(not isinstance(c, str | None) for c in cells)
    assert [g.subject for g in stream.guesses] == ["type of 'x'"] * is_changed


def test_more_rows_than_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "BATCH_ROWS", 10)
    rows = [["a", "b"], *([i, None] for i in range(35)), ["x", 1], [None, None]]
    table, _ = read(workbook(tmp_path, rows))
    assert table["a"].to_pylist() == [*map(str, range(35)), "x"]
    assert table["b"].to_pylist() == [None] * 35 + [1]


def test_a_table_that_does_not_begin_in_the_corner(tmp_path):
    def place(book):
        for cell, value in {"C4": "a", "D4": "b", "C5": 1, "D7": 2}.items():
            book.active[cell] = value

    file = workbook(tmp_path, [], change=place)
    assert read(file)[0].to_pydict() == {"a": [1, None, None], "b": [None, None, 2]}


class TestOptions:
    def test_several_sheets_are_an_error_that_lists_them(self, tmp_path):
        file = workbook(tmp_path, [["a"], [1]], change=lambda book: book.create_sheet("Two"))
        with pytest.raises(ConfigError, match=r"it has 'Sheet', 'Two'.*`sheet:`"):
            read(file)
        assert read(file, sheet="Sheet")[0].to_pydict() == {"a": [1]}
        assert read(file, sheet=1)[0].to_pydict() == {"a": [1]}
        with pytest.raises(ConfigError, match="no such sheet"):
            read(file, sheet="Three")
        with pytest.raises(EmptySourceError, match="sheet 'Two' holds no value"):
            read(file, sheet=2)

    def test_a_hidden_sheet_does_not_count(self, tmp_path):
        def hide(book):
            book.create_sheet("Two").sheet_state = "hidden"

        assert read(workbook(tmp_path, [["a"], [1]], change=hide))[0].num_rows == 1

    def test_header(self, tmp_path):
        file = workbook(tmp_path, [["Report 2024", None], ["a", "b"], [1, 2]])
        with pytest.raises(
            SchemaMismatchError, match=r"column 2 of 2 has no name .* `header_row:`"
        ):
            read(file)
        assert read(file, header_row=2)[0].to_pydict() == {"a": [1], "b": [2]}
        assert read(file, header_row=2, column_names=("x", "y"))[0].column_names == ["x", "y"]
        with pytest.raises(SchemaMismatchError, match="has 2 columns, column_names gives 1"):
            read(file, column_names=("x",))

    def test_no_header(self, tmp_path):
        file = workbook(tmp_path, [[1, "x"], [2, "y"]])
        table, _ = read(file, header_row=0)
        assert table.to_pydict() == {"column_1": [1, 2], "column_2": ["x", "y"]}

    def test_names_that_would_lose_a_column(self, tmp_path):
        with pytest.raises(InputError, match="duplicate column names: 'a'"):
            read(workbook(tmp_path, [["a", "a"], [1, 2]]))

    def test_merged_header(self, tmp_path):
        file = workbook(
            tmp_path, [["a", "b"], [1, 2]], change=lambda book: book.active.merge_cells("A1:B1")
        )
        with pytest.raises(SchemaMismatchError, match="merged cells"):
            read(file)

    def test_merged_cells_are_told(self, tmp_path):
        file = workbook(
            tmp_path, [["a"], [1], [1]], change=lambda book: book.active.merge_cells("A2:A3")
        )
        assert "merged cells" in read(file)[1].warnings[0]

    def test_given_types(self, tmp_path):
        file = workbook(tmp_path, [["a", "b"], ["00123", 1], [7, "x"]])
        assert read(file, types={"a": "integer"})[0]["a"].to_pylist() == [123, 7]
        with pytest.raises(ParseError, match="cell B3: 'x' is not of the given type number"):
            read(file, types={"b": "number"})
        with pytest.raises(UnknownNameError, match="'z'"):
            read(file, types={"z": "text"})

    @pytest.mark.parametrize("options", [{"header_row": -1}, {"sheet": 0}, {"types": {"a": "x"}}])
    def test_options_that_cannot_be(self, options):
        with pytest.raises(ConfigError):
            ExcelOptions(**options)


class TestErrorCells:
    def place(self, book):
        for cell, value in {"C3": "a", "D3": "b", "C4": 1, "D4": 2, "D6": "#N/A", "C7": "#DIV/0!"}.items():  # fmt: skip
            book.active[cell] = value

    def test_an_error_names_sheet_and_cell(self, tmp_path):
        with pytest.raises(ParseError, match="sheet 'Sheet', cell D6 holds the error #N/A"):
            read(workbook(tmp_path, [], change=self.place))

    def test_as_text(self, tmp_path):
        table, stream = read(workbook(tmp_path, [], change=self.place), errors="text")
        assert table.to_pydict() == {"a": ["1", None, None, "#DIV/0!"], "b": ["2", None, "#N/A", None]}  # fmt: skip
        assert "numbers and texts" in stream.guesses[0].reason

    def test_a_text_that_looks_like_one_is_none(self, tmp_path):
        def write(book):
            book.active.append(["a"])
            book.active.append(["x"])
            book.active["A2"].value = "t='e'"

        assert read(workbook(tmp_path, [], change=write))[0]["a"].to_pylist() == ["t='e'"]


class TestManyFiles:
    def test_types_hold_over_all(self, tmp_path):
        one = workbook(tmp_path, [["a", "b"], [1, "x"]], "1.xlsx")
        two = workbook(tmp_path, [["b", "a"], ["y", 1.5]], "2.xlsx")
        assert read(one, two)[0].to_pydict() == {"a": [1.0, 1.5], "b": ["x", "y"]}

    def test_other_columns(self, tmp_path):
        one = workbook(tmp_path, [["a", "b"], [1, "x"]], "1.xlsx")
        two = workbook(tmp_path, [["a", "c"], [2, True]], "2.xlsx")
        with pytest.raises(SchemaMismatchError, match=r"2\.xlsx .* lacks 'b' and has 'c' besides"):
            read(one, two)
        table, stream = read(one, two, columns="union")
        assert table.to_pydict() == {"a": [1, 2], "b": ["x", None], "c": [None, True]}
        assert stream.warnings[0].startswith("2.xlsx: it lacks 'b'")

    def test_a_bad_file_is_left_out(self, tmp_path):
        one = workbook(tmp_path, [["a"], [1]], "1.xlsx")
        two = workbook(tmp_path, [["a"], ["#N/A"]], "2.xlsx")
        table, stream = read(one, two, on_bad_file="skip")
        assert table.to_pydict() == {"a": [1]}
        assert stream.warnings[0].startswith("Skipped 2.xlsx: ")
        with pytest.raises(ParseError, match="more than half of the 3 files"):
            read(one, two, SourceFile("3.xlsx", two.path), on_bad_file="skip")

    @pytest.mark.parametrize("policy", ["fail", "skip"])
    def test_a_sheet_of_another_shape_is_the_odd_one_wherever_it_sorts(self, tmp_path, policy):
        """Formats A2."""
        odd = workbook(tmp_path, [["note"], ["see below"]], "0.xlsx")
        good = [workbook(tmp_path, [["a"], [1]], f"{n}.xlsx") for n in (1, 2)]
        with pytest.raises(SchemaMismatchError, match=r"0\.xlsx does not belong .* 1\.xlsx and 1"):
            read(odd, *good, on_bad_file=policy)


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
HOSTILE = {
    "entities": (lambda xml: re.sub(rb"(<worksheet)", LAUGHS + rb"\1", xml), "declares entities"),
    "entities far behind": (lambda xml: b" " * 3_000_000 + LAUGHS + xml, "declares entities"),
    "bomb": (lambda xml: xml + b" " * (70 << 20), "packed bytes unpack to"),
    "cell at the end": (
        lambda xml: xml.replace(b'<row r="2"', b'<row r="1048576"').replace(b'r="A2"', b'r="XFD1048576"'),
        "span 17,179,869,184 places",
    ),
    "cell beyond the end": (lambda xml: xml.replace(b'r="A2"', b'r="A99999999999"'), "do not say where"),
    "cell told otherwise": (lambda xml: xml.replace(b'r="A2"', b'r="&#88;FD1048576"'), "do not say where"),
    "UTF-16": (lambda xml: xml.decode().encode("utf-16"), "is not UTF-8"),
    "broken": (lambda xml: xml[: len(xml) // 2], "cannot be read as Excel"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_harm_is_refused(tmp_path, change, reason):
    file = with_part(workbook(tmp_path, [["a"], [1]]), SHEET, change)
    with pytest.raises(ParseError, match=reason) as caught:
        read(file)
    assert caught.value.facts["file"] == "a.xlsx"


DAMAGED = {
    "text": lambda data: b"a,b\n1,2\n",
    "cut off": lambda data: data[: len(data) // 2],
    "bytes flipped": lambda data: data[:300] + bytes(b ^ 0x55 for b in data[300:400]) + data[400:],
    "another archive": lambda data: zip_of_text(),
}


def zip_of_text():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "hello")
    return out.getvalue()


class TestFormulas:
    """The value that Excel stored counts; one that nobody calculated is no empty cell."""

    @pytest.fixture
    def formula(self, tmp_path):
        def write(cell, *, sheet="sheet1"):
            """A workbook whose cell B3 of a sheet is the XML given."""

            def change(book):
                book.create_sheet("Other").append(["a"])
                for one in book:
                    one["A1"], one["B1"], one["A3"], one["B3"] = "id", "x", 1, 77

            made = workbook(tmp_path, [], change=change)
            with zipfile.ZipFile(made.path) as old:
                parts = {name: old.read(name) for name in old.namelist()}
            part = f"xl/worksheets/{sheet}.xml"
            plain = b'<c r="B3" t="n"><v>77</v></c>'
            assert plain in parts[part]
            parts[part] = parts[part].replace(plain, cell.encode())
            with zipfile.ZipFile(made.path, "w") as new:
                for name, text in parts.items():
                    new.writestr(name, text)
            return made

        return write

    @pytest.mark.parametrize(
        "cell",
        [
            '<c r="B3"><f>SUM(A2:A2)</f><v></v></c>',
            '<c r="B3" s="1"><f>A2&gt;1</f><v /></c>',
            '<c r="B3"><f>A2</f></c>',
            '<c r="B3"><f t="shared" si="0"/></c>',
        ],
    )
    @pytest.mark.parametrize("block", [7, 1 << 20])
    def test_without_a_value_is_an_error_that_names_the_cell(
        self, formula, cell, block, monkeypatch
    ):
        monkeypatch.setattr(guard, "_BLOCK_BYTES", block)
        with pytest.raises(ParseError, match="'Sheet', cell B3 holds a formula without a value"):
            read(formula(cell), sheet="Sheet")

    @pytest.mark.parametrize(
        ("cell", "value"),
        [
            ('<c r="B3"><f>SUM(A2:A2)</f><v>4</v></c>', 4),
            ('<c r="B3"><f t="shared" si="0"/><v>4</v></c>', 4),
            ('<c r="B3" t="str"><f>A2</f><v></v></c>', None),
            ('<c r="B3" t="str"><f>A2</f><v>x</v></c>', "x"),
        ],
    )
    def test_the_value_that_was_stored_counts(self, formula, cell, value):
        assert read(formula(cell), sheet="Sheet")[0]["x"].to_pylist() == [None, value]

    def test_other_sheets_do_not_count(self, formula):
        made = formula('<c r="B3"><f>A2</f></c>', sheet="sheet2")
        assert read(made, sheet="Sheet")[0]["x"].to_pylist() == [None, 77]
        with pytest.raises(ParseError, match="'Other', cell B3"):
            read(made, sheet="Other")


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_damage_is_one_error_naming_the_file(tmp_path, damage):
    file = workbook(tmp_path, [["a"], [1]])
    file.path.write_bytes(damage(file.path.read_bytes()))
    with pytest.raises(ParseError, match=r"a\.xlsx: cannot be read as Excel"):
        read(file)


def test_a_workbook_of_excel_97_is_refused(tmp_path):
    """What reads it takes as much memory as a damaged one asks for."""
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(ParseError, match=r"Excel 97 \(\.xls\) or protected by a password"):
        read(SourceFile("a.xls", tmp_path / "a.xls"))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    part=st.sampled_from(
        [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]
    ),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 20)), min_size=1, max_size=4),
)  # fmt: skip
def test_damaged_parts_are_read_or_refused(tmp_path, part, edits):
    """T13, T39: whatever the XML says, the answer is a table or one of our errors."""
    rows = [["a", "b", "c"], [1, "x", True], [dt.date(2024, 1, 1), "#N/A", 0.5]]

    def change(xml):
        for place, text, size in edits:
            start = int(place * len(xml))
            xml = xml[:start] + text + xml[start + size :]
        return xml

    file = with_part(workbook(tmp_path, rows), part, change)
    with contextlib.suppress(InputError, ConfigError):
        assert read(file, errors="text")[0].num_rows >= 0


def test_an_empty_file(tmp_path):
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(EmptySourceError, match=r"a\.xlsx is empty"):
        read(SourceFile("a.xlsx", tmp_path / "a.xlsx"))


def test_names_with_a_prefix(tmp_path):
    """As the Open XML SDK writes them."""

    def prefixed(xml):
        xml = re.sub(rb"<(/?)(worksheet|sheetData|row|c|v|is|t)(?=[ />])", rb"<\1x:\2", xml)
        return xml.replace(b"xmlns=", b"xmlns:x=")

    file = with_part(workbook(tmp_path, [["a"], [1]]), SHEET, prefixed)
    assert read(file)[0].to_pydict() == {"a": [1]}


def test_limit_of_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "MAX_CELLS", 5)
    with pytest.raises(ParseError, match="span 6 places, at most 5"):
        read(workbook(tmp_path, [["a", "b"], [1, 2], [3, 4]]))
