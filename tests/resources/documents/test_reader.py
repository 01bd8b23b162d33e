"""What is read of a document of each kind: text in order, structure, metadata."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resources.documents.document import (
    Code,
    Heading,
    ImageRef,
    Link,
    ListItem,
    PageState,
    Paragraph,
    Table,
)
from resources.documents.packages import OCR_PACKAGES
from resources.documents.reader import open_reader
from resources.documents.refusals import DocumentRefusedError
from resources.documents.requests import ReadWanted
from resources.kernel.errors import MissingDependencyError
from resources.sandbox.ranges import BytesSource
from tests.resources.documents import document_files as make
from tests.resources.documents import pdf_files as pdf

TABLE = [["name", "sum"], ["tea", "12"]]


def read(reader, kind, data, name="a", **wanted):
    data = data.encode() if isinstance(data, str) else data
    return reader.read(kind, BytesSource(data, name), ReadWanted(**wanted))


def refusal(reader, kind, data, **wanted):
    with pytest.raises(DocumentRefusedError) as caught:
        read(reader, kind, data, **wanted)
    return caught.value.rule, caught.value.message


def test_a_word_document(reader):
    found = read(reader, "docx", make.word())
    assert found.blocks == [
        Heading(1, "Part one"),
        Paragraph("A paragraph with “quotes” and a dash."),
        Heading(2, "Below it"),
        ListItem("First"),
        ListItem("Counted", ordered=True),
        Table(TABLE, header=True),
        Paragraph("After the table."),
        Paragraph("See the site"),
    ]
    assert (found.title, found.author, found.language) == ("Größe und Länge", "Åsa Öberg", "sv")
    assert found.links == [Link("the site", "https://example.com/a")]
    assert found.metadata["header"] == "Internal"


def test_a_presentation(reader):
    found = read(reader, "pptx", make.slides())
    assert found.blocks == [
        Heading(1, "First slide", 1),
        ListItem("Point A", page=1),
        ListItem("Point B", page=1),
        Paragraph("Say hello", 1),
        Heading(1, "Second slide", 2),
        Table(TABLE, header=True, page=2),
    ]
    assert [page.number for page in found.pages] == [1, 2]


def test_each_link_of_a_slide_and_its_notes_is_there_once(reader):
    found = read(reader, "pptx", make.linked_slides())
    assert found.links == [
        Link(f"to {name}", f"https://example.com/{name}", 1) for name in ("a", "b", "c")
    ]


def test_an_open_document(reader):
    found = read(reader, "odt", make.open_document())
    assert found.blocks == [
        Heading(2, "Teil"),
        Paragraph("Ein Absatz mit ß."),
        ListItem("Punkt"),
        Table(TABLE),
    ]
    assert (found.title, found.author) == ("Bericht", "Ada")


def test_a_workbook(reader):
    found = read(reader, "xlsx", make.workbook())
    assert found.blocks == [
        Heading(2, "Tea", 1),
        Table([["name", "sum"], ["green", "1.5"]], header=True, page=1),
    ]
    assert (found.title, found.metadata["left_out"]) == ("Sums", "hidden sheets")


def test_a_book_in_the_order_of_its_spine(reader):
    found = read(reader, "epub", make.book())
    assert found.blocks == [
        Heading(1, "One", 1),
        Paragraph("The beginning ß.", 1),
        Heading(1, "Two", 2),
        Paragraph("The end.", 2),
    ]
    assert (found.title, found.author, found.language) == ("Ein Buch", "Ada", "de")


def test_a_chapter_that_is_named_again_and_again_is_read_once(reader):
    long = make.OPF.replace("<spine>", "<spine>" + '<itemref idref="a"/>' * 1_000)
    found = read(reader, "epub", make.book(long))
    assert [one.text for one in found.blocks if isinstance(one, Heading)] == ["One", "Two"]


def test_a_page(reader):
    found = read(reader, "html", make.HTML)
    assert found.blocks == [
        Paragraph("Menu"),
        Heading(1, "Titre"),
        Paragraph("Un deux trois\nquatre lien"),
        ListItem("a"),
        ListItem("b", 2),
        ListItem("c"),
        Table([["nom", "somme"], ["thé", "12"]], header=True),
        Code("x\n  y"),
        ImageRef("a.png", "Une image"),
    ]
    assert (found.title, found.author, found.language) == ("Une page", "Zoé", "fr")
    assert found.links[1] == Link("lien", "https://example.com/b")


def test_markdown(reader):
    found = read(reader, "markdown", make.MARKDOWN)
    assert found.blocks == [
        Heading(1, "Head"),
        Paragraph("Text with stress and a link."),
        ListItem("one"),
        ListItem("two", 2),
        Table(TABLE, header=True),
        Code("x = 1", "py"),
    ]
    assert (found.title, found.language, found.metadata) == ("Notes", "en", {"tags": "tea, cups"})


def test_rich_text(reader):
    found = read(reader, "rtf", make.RTF)
    assert found.blocks == [
        Paragraph("Erste fette Zeile mit ä."),
        Paragraph("Zweite."),
        Table(TABLE),
    ]
    assert (found.title, found.author) == ("Brief", "Ada")


def test_an_e_mail(reader):
    found = read(reader, "email", make.MAIL)
    assert found.blocks == [Paragraph("Schön."), Paragraph("Bis bald.")]
    assert (found.title, found.created) == ("Grüße", "2026-11-30T10:00:00+01:00")
    assert found.metadata["left_out"] == "attachment cat.png"


def test_json(reader):
    found = read(reader, "json", make.JSON)
    assert found.blocks == [
        ListItem("title: Stock"),
        ListItem("open: true"),
        Heading(1, "rows"),
        Table([["name", "sum"], ["tea", "12"], ["cup", ""]], header=True),
        Heading(1, "deep"),
        Heading(2, "list"),
        ListItem("1"),
        ListItem("two"),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_table_as_text(reader, mark):
    data = f'name{mark}sum\n"tea"{mark}12\n\n'
    assert read(reader, "csv", data).blocks == [Table(TABLE, header=True)]


@pytest.mark.parametrize(
    ("encoding", "noted"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252")],
)  # fmt: skip
def test_plain_text_in_any_encoding(reader, encoding, noted):
    words = "Die Größe der Straße.\r\nZweite Zeile: „schön“.\r\n\r\nEin neuer Absatz über Äpfel."
    found = read(reader, "text", words.encode(encoding))
    assert found.blocks == [
        Paragraph("Die Größe der Straße.\nZweite Zeile: „schön“."),
        Paragraph("Ein neuer Absatz über Äpfel."),
    ]
    assert found.metadata.get("encoding") == noted


def test_a_pdf(reader):
    page = pdf.text(50, 780, "A title", 20) + b"".join(
        pdf.text(50, 740 - 14 * n, words) for n, words in enumerate(pdf.wrapped(" ".join(map(pdf.sentence, range(9))), 80))
    )  # fmt: skip
    data = pdf.pdf(
        page,
        pdf.text(50, 700, "The end."),
        info=b"/Title(Report)/Author(Ada)/CreationDate(D:20240102030405+01'00')",
        catalog=b"/Lang(en-GB)",
    )
    found = read(reader, "pdf", data)
    assert found.blocks == [
        Heading(1, "A title", 1),
        Paragraph(" ".join(map(pdf.sentence, range(9))), 1),
        Paragraph("The end.", 2),
    ]
    assert [(page.number, page.state) for page in found.pages] == [(1, "text"), (2, "text")]
    assert (found.title, found.author, found.language) == ("Report", "Ada", "en-GB")
    assert found.created == "2024-01-02T03:04:05+01:00"


SCAN = pdf.pdf(
    b"q 500 0 0 700 40 60 cm /X0 Do Q", b"", extra=[pdf.picture(bytes(200 * 280), 200, 280)]
)


def test_a_scanned_pdf_is_called_so(reader):
    told = "Its page is a picture without text: it is scanned. `ocr: true` reads it (extra `ocr`)"
    assert refusal(reader, "pdf", SCAN) == ("no_text", told)


def test_scanned_and_empty_pages_stand_beside_those_with_text(reader):
    scan = b"q 500 0 0 700 40 60 cm /X0 Do Q"
    data = pdf.pdf(
        pdf.text(50, 700, "Text."), scan, b"", extra=[pdf.picture(bytes(200 * 280), 200, 280)]
    )
    assert read(reader, "pdf", data).pages == [
        PageState(1, "text", 5),
        PageState(2, "scanned"),
        PageState(3, "empty"),
    ]


@pytest.mark.parametrize(
    "name", ["Ünïcödé ß.txt", "文書.txt", "وثيقة.txt", "a\x1b[31m.txt", "../../x.txt"]
)
def test_names_in_any_script_change_nothing(reader, name):
    assert read(reader, "text", b"words", name).blocks == [Paragraph("words")]


def test_what_no_text_may_hold_is_taken_out(reader):
    found = read(reader, "text", "x" * 5000 + "\0b\x1b[31mc\u0007")
    assert found.blocks == [Paragraph("x" * 5000 + "b[31mc")]


def test_nothing_is_imported_by_who_asks():
    code = (
        "import sys, resources.documents.reader as r;"
        "print(sorted({*r.PACKAGES, *r.OCR_PACKAGES} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_without_the_packages_it_says_which_one_is_missing(monkeypatch, reader):
    monkeypatch.setitem(sys.modules, "striprtf", None)
    with (
        pytest.raises(MissingDependencyError, match=r'pip install "waybill\[documents\]"'),
        open_reader(),
    ):
        pass


@pytest.mark.parametrize("package", OCR_PACKAGES)
def test_text_recognition_without_its_extra_says_so(monkeypatch, reader, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r'pip install "waybill\[ocr\]"'):
        read(reader, "pdf", SCAN, ocr=True)
    assert read(reader, "text", b"words").blocks
