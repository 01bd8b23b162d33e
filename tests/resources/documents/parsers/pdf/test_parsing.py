"""PDF pages of known text in several layouts: every sentence once and in order, tables as rows."""

from __future__ import annotations

import re

import pytest

from resources.documents.document import Heading, ListItem, Paragraph, Table
from resources.documents.markdown import to_text
from tests.resources.documents import pdf_files as pdf
from tests.resources.documents.test_reader import read

LEADING = 13


def prose(first, last):
    return " ".join(pdf.sentence(number) for number in range(first, last))


def column(x, words, top=780, width=48, size=10):
    return [(x, top - LEADING * n, line, size) for n, line in enumerate(pdf.wrapped(words, width))]


def drawn(lines):
    return b"".join(pdf.text(*line) for line in lines)


def sentences(document):
    """The numbers of the sentences of a document, in its order."""
    text = " ".join(to_text(document).split())
    found = [int(number) for number in re.findall(r"Sentence (\d+) tells", text)]
    assert all(pdf.sentence(number) in text for number in found)
    return found


def test_two_columns_drawn_one_after_the_other(reader):
    page = drawn([*column(50, prose(0, 20)), *column(310, prose(20, 40))])
    assert sentences(read(reader, "pdf", pdf.pdf(page, page))) == [*range(40), *range(40)]


def test_two_columns_drawn_line_by_line(reader):
    left, right = column(50, prose(0, 20)), column(310, prose(20, 40))
    title = [(50, 810, "A title across both of the columns", 18)]
    page = drawn([*title, *(one for pair in zip(left, right, strict=False) for one in pair)])
    found = read(reader, "pdf", pdf.pdf(page))
    assert sentences(found) == list(range(40))
    assert found.blocks[0] == Heading(1, "A title across both of the columns", 1)


def test_heads_and_feet_of_pages_are_kept_once_and_sentences_go_on_over_them(reader):
    lines = pdf.wrapped(prose(0, 81), 90)
    pages = []
    for number in range(3):
        body = [
            (50, 760 - LEADING * n, line, 10) for n, line in enumerate(lines[number * 23 :][:23])
        ]
        head = [(50, 815, "Annual report of 2026", 9), (280, 30, f"Page {number + 1} of 3", 9)]
        pages.append(drawn([*head, *body]))
    found = read(reader, "pdf", pdf.pdf(*pages))
    text = to_text(found)
    assert sentences(found) == list(range(81))
    assert "Annual report" not in text
    assert "Page" not in text
    assert (found.metadata["header"], found.metadata["footer"]) == (
        "Annual report of 2026",
        "Page 1 of 3",
    )


ROWS = [["Name", "Amount", "Due"], ["Green tea", "12.50", "May"], ["Black tea", "7.00", "June"], ["Cups", "100.25", "July"]]  # fmt: skip


def table_text(columns=(60, 260, 400)):
    return drawn(
        [
            (x, 500 - 20 * row, cell, 10)
            for row, cells in enumerate(ROWS)
            for x, cell in zip(columns, cells, strict=True)
        ]
    )


def rules():
    across = [pdf.line(50, 515 - 20 * n, 500, 515 - 20 * n) for n in range(5)]
    return b"".join([*across, *(pdf.line(x, 435, x, 515) for x in (50, 250, 390, 500))])


def box():
    """The grid as rectangles that are stroked, a path for each row."""
    return b"".join(
        b"%d %d %d 20 re S\n" % (x, 495 - 20 * row, width)
        for row in range(4)
        for x, width in ((50, 200), (250, 140), (390, 110))
    )


@pytest.mark.parametrize("lines", [rules(), box(), b""], ids=["lines", "boxes", "none"])
def test_a_table_with_lines_and_without(reader, lines):
    page = drawn(column(50, prose(0, 6), width=90)) + lines + table_text()
    page += drawn(column(50, prose(6, 12), top=400, width=90))
    found = read(reader, "pdf", pdf.pdf(page))
    assert [type(block) for block in found.blocks] == [Paragraph, Table, Paragraph]
    assert found.blocks[1] == Table(ROWS, header=True, page=1)
    assert sentences(found) == list(range(12))


def test_cells_of_several_lines_within_lines(reader):
    cells = {
        (60, 500): "A long name",
        (60, 488): "of tea",
        (260, 500): "12",
        (60, 460): "Cups",
        (260, 460): "7",
    }
    cells |= {(60, 540): "Name", (260, 540): "Sum"}
    across = [pdf.line(50, y, 380, y) for y in (555, 525, 475, 445)]
    down = [pdf.line(x, 445, x, 555) for x in (50, 250, 380)]
    page = b"".join([*across, *down]) + drawn(
        [(*place, words, 10) for place, words in cells.items()]
    )
    (table,) = read(reader, "pdf", pdf.pdf(page)).blocks
    assert [[" ".join(cell.split()) for cell in row] for row in table.rows] == [
        ["Name", "Sum"],
        ["A long name of tea", "12"],
        ["Cups", "7"],
    ]


def test_an_empty_cell_of_a_table_without_lines_stays_empty(reader):
    cells = [(60, 500, "Tea"), (260, 500, "12"), (400, 500, "May"), (60, 480, "Cup"), (400, 480, "June"), (60, 460, "Pot"), (260, 460, "3"), (400, 460, "July")]  # fmt: skip
    page = drawn(column(50, prose(0, 6), width=90)) + drawn([(*one, 10) for one in cells])
    found = read(reader, "pdf", pdf.pdf(page))
    assert found.blocks[1].rows == [["Tea", "12", "May"], ["Cup", "", "June"], ["Pot", "3", "July"]]


def test_words_cut_at_the_end_of_a_line(reader):
    lines = ["The organisation of an inter-", "national meeting is a well-", "known matter. It is known as", "a hard one, as well as the", "other ones, and meetings of", "organisa-", "tion are as well-known."]  # fmt: skip
    page = drawn([(50, 700 - LEADING * n, line, 10) for n, line in enumerate(lines)])
    (block,) = read(reader, "pdf", pdf.pdf(page)).blocks
    assert block.text == (
        "The organisation of an international meeting is a well-known matter. It is known as a hard one, as well as"
        " the other ones, and meetings of organisation are as well-known."
    )


def test_chinese_and_japanese(reader):
    lines = [
        "これは最初の文です。文書は長くて、次の",
        "行に続きます。二番目の文はここで終わります。",
        "第三句在此。",
    ]
    page = b"".join(pdf.text(50, 700 - 16 * n, line, 12, "F3") for n, line in enumerate(lines))
    (block,) = read(reader, "pdf", pdf.pdf(page)).blocks
    assert block.text == "".join(lines)


def test_headings_by_size_weight_and_bookmarks(reader):
    page = b"".join(
        [
            pdf.text(50, 800, "The title", 22),
            pdf.text(50, 760, "A chapter", 16),
            *(pdf.text(*line) for line in column(50, prose(0, 3), top=735, width=90)),
            pdf.text(50, 660, "A bold line", 10, "F2"),
            *(pdf.text(*line) for line in column(50, prose(3, 6), top=640, width=90)),
            pdf.text(50, 560, "Marked", 10),
            *(pdf.text(*line) for line in column(50, prose(6, 9), top=535, width=90)),
        ]
    )
    marks = b"/Outlines 6 0 R"
    outline = [
        b"<</First 7 0 R/Last 7 0 R/Count 1>>",
        b"<</Title(Marked)/Parent 6 0 R/Dest[4 0 R/Fit]>>",
    ]
    found = read(reader, "pdf", pdf.pdf(page, catalog=marks, extra=outline))
    headings = [(block.level, block.text) for block in found.blocks if isinstance(block, Heading)]
    assert headings == [(1, "The title"), (2, "A chapter"), (3, "A bold line"), (1, "Marked")]


def test_paragraphs_and_lists(reader):
    lines = [
        *column(50, prose(0, 3), top=780, width=90),
        *column(50, prose(3, 6), top=700, width=90),
        (60, 600, "\x95 first", 10),
        (60, 587, "\x95 second", 10),
        (60, 560, "1. counted", 10),
        (60, 547, "2. again", 10),
    ]
    page = b"".join(pdf.text(x, y, words.replace("\x95", "•"), size) for x, y, words, size in lines)
    assert read(reader, "pdf", pdf.pdf(page)).blocks == [
        Paragraph(prose(0, 3), 1),
        Paragraph(prose(3, 6), 1),
        ListItem("first", page=1),
        ListItem("second", page=1),
        ListItem("counted", ordered=True, page=1),
        ListItem("again", ordered=True, page=1),
    ]


def test_links_lead_out(reader):
    link = (
        b"<</Type/Annot/Subtype/Link/Rect[45 695 120 715]/A<</S/URI/URI(https://example.com/a)>>>>"
    )
    found = read(
        reader,
        "pdf",
        pdf.pdf(pdf.text(50, 700, "the example"), extra=[link], page=b"/Annots[6 0 R]"),
    )
    assert [(one.text, one.target, one.page) for one in found.links] == [
        ("the example", "https://example.com/a", 1)
    ]


def test_a_page_that_is_damaged_is_told_and_the_others_are_read(reader):
    data = pdf.pdf(pdf.text(50, 700, "One."), pdf.text(50, 700, "Two."))
    broken = data.replace(b"/Kids[4 0 R 6 0 R]", b"/Kids[4 0 R 9 0 R]")
    found = read(reader, "pdf", broken)
    assert found.blocks == [Paragraph("One.", 1)]
    assert found.pages[1].state == "failed"
