"""Mixed documents of usual sizes, and the bare libraries that read them."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import random
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.document_layouts import sentence

_PICTURE_EDGE = 300
_SENTENCES = 400


def made_documents(folder: Path, count: int) -> Iterator[Path]:
    """So many documents: four in ten PDF, three in ten of Office, the others text of all kinds."""
    chosen = random.Random(7)
    made = {ending: make(chosen) for ending, make in _MAKERS.items()}
    for number in range(count):
        ending = _MIX[number % len(_MIX)]
        path = folder / f"{number:05}.{ending}"
        path.write_bytes(made[ending])
        yield path


def made_kinds() -> Iterator[tuple[str, bytes]]:
    """A document of each kind, by its ending."""
    for ending, make in _MAKERS.items():
        yield ending, make(random.Random(7))


def parse_bare(path: Path) -> int:
    """Characters that the bare library of a kind reads of a document."""
    return len(_PARSERS[path.suffix[1:]](path))


def _prose(count: int = _SENTENCES) -> list[str]:
    return [" ".join(sentence(n) for n in range(start, start + 5)) for start in range(0, count, 5)]


def _picture(chosen: random.Random) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    data = chosen.randbytes(_PICTURE_EDGE * _PICTURE_EDGE * 3)
    Image.frombytes("RGB", (_PICTURE_EDGE, _PICTURE_EDGE), data).save(out, "JPEG", quality=90)
    return out.getvalue()


def _pdf(chosen: random.Random) -> bytes:
    """Ten pages of text, a picture on each third one."""
    import matplotlib as mpl

    mpl.use("pdf")
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    out = io.BytesIO()
    lines = [line for one in _prose() for line in textwrap.wrap(one, 90)]
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(out) as pages:
        for start in range(0, min(len(lines), 500), 50):
            figure = Figure(figsize=(8.27, 11.69))
            for number, line in enumerate(lines[start : start + 50]):
                figure.text(0.1, 0.93 - number * 0.017, line, fontsize=10)
            if start % 150 == 0:
                axes = figure.add_axes((0.8, 0.02, 0.15, 0.05))
                axes.imshow([[chosen.random() for _ in range(110)] for _ in range(110)])
            pages.savefig(figure)
    return out.getvalue()


def _word(chosen: random.Random) -> bytes:
    import docx

    document = docx.Document()
    for number, paragraph in enumerate(_prose()):
        if number % 8 == 0:
            document.add_heading(f"Part {number}", 1)
        document.add_paragraph(paragraph)
    table = document.add_table(30, 4)
    for number, cell in enumerate(table._cells):  # noqa: SLF001 - `table.cell` is quadratic
        cell.text = f"cell {number}"
    document.add_picture(io.BytesIO(_picture(chosen)))
    return _saved(document)


def _slides(chosen: random.Random) -> bytes:
    from pptx import Presentation

    presentation = Presentation()
    for number, paragraph in enumerate(_prose(100)):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        slide.placeholders[1].text = paragraph
        slide.shapes.add_picture(io.BytesIO(_picture(chosen)), 0, 0)
    return _saved(presentation)


def _open_document(_: random.Random) -> bytes:
    from odf.opendocument import OpenDocumentText
    from odf.text import P

    document = OpenDocumentText()
    for paragraph in _prose():
        document.text.addElement(P(text=paragraph))
    return _saved(document)


def _workbook(chosen: random.Random) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for number in range(2_000):
        book.active.append([f"item {number}", number, chosen.random(), f"buyer {number % 50}"])
    return _saved(book)


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _book(chosen: random.Random) -> bytes:
    out = io.BytesIO()
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(20)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(20))
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "b.opf",
            f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>',
        )
        archive.writestr("cover.jpg", _picture(chosen))
        for number in range(20):
            archive.writestr(f"c{number}.xhtml", _page(None))
    return out.getvalue()  # fmt: skip


def _page(_: random.Random | None) -> bytes:
    rows = "".join(f"<tr><td>{n}</td><td>item {n}</td></tr>" for n in range(50))
    body = "".join(f"<p>{one} <a href='/x'>more</a></p>" for one in _prose())
    return f"<html><head><title>T</title></head><body><h1>T</h1>{body}<table>{rows}</table></body></html>".encode()


_MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    "pdf": _pdf,
    "docx": _word,
    "pptx": _slides,
    "odt": _open_document,
    "xlsx": _workbook,
    "epub": _book,
    "html": _page,
    "md": lambda _: "\n\n".join(f"## Part\n\n{one}\n\n- item" for one in _prose()).encode(),
    "txt": lambda _: ("\n\n".join(_prose()) * 5).encode(),
    "json": lambda _: json.dumps([{"name": f"item {n}", "sum": n, "text": sentence(n)} for n in range(2_000)]).encode(),
    "csv": lambda _: "\n".join(["name,sum,text", *(f"item {n},{n},{sentence(n)}" for n in range(2_000))]).encode(),
    "rtf": lambda _: ("{\\rtf1\\ansi " + "\\par ".join(_prose(100)) + "}").encode(),
    "eml": lambda _: ("From: a@example.com\nSubject: T\n\n" + "\n\n".join(_prose())).encode(),
}  # fmt: skip
_MIX = ("pdf",) * 8 + ("docx",) * 4 + ("pptx", "xlsx", "html", "md", "txt", "json", "csv", "eml")


def bare_pdf(path: Path) -> str:
    """The text of a PDF as PDFium has it."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def _bare_word(path: Path) -> str:
    import docx
    from docx.table import Table

    return "\n".join(
        "\n".join("\t".join(c.text for c in row.cells) for row in one.rows)
        if isinstance(one, Table)
        else f"{one.style.name if one.style else ''} {one.text}"
        for one in docx.Document(str(path)).iter_inner_content()
    )


def _bare_slides(path: Path) -> str:
    from pptx import Presentation

    return "\n".join(
        shape.text_frame.text
        for slide in Presentation(str(path)).slides
        for shape in slide.shapes
        if shape.has_text_frame
    )


def _bare_open_document(path: Path) -> str:
    from odf import teletype
    from odf.opendocument import load
    from odf.text import P

    return "\n".join(map(teletype.extractText, load(str(path)).getElementsByType(P)))


def _bare_workbook(path: Path) -> str:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    return "\n".join(
        str(row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()
    )


def _bare_page(data: bytes) -> str:
    from lxml import html

    return str(html.document_fromstring(data).text_content())


def _bare_book(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".xhtml")]
        return "\n".join(_bare_page(archive.read(name)) for name in names)


def _bare_markdown(path: Path) -> str:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text())
    return "\n".join(token.content for token in tokens)


def _bare_rich_text(path: Path) -> str:
    from striprtf.striprtf import rtf_to_text

    return str(rtf_to_text(path.read_text()))


def _bare_mail(path: Path) -> str:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return str(message.get_content())


_PARSERS: dict[str, Callable[[Path], str]] = {
    "pdf": bare_pdf,
    "docx": _bare_word,
    "pptx": _bare_slides,
    "odt": _bare_open_document,
    "xlsx": _bare_workbook,
    "epub": _bare_book,
    "html": lambda path: _bare_page(path.read_bytes()),
    "md": _bare_markdown,
    "txt": lambda path: path.read_text(),
    "json": lambda path: str(json.loads(path.read_bytes())),
    "csv": lambda path: str(list(csv.reader(io.StringIO(path.read_text())))),
    "rtf": _bare_rich_text,
    "eml": _bare_mail,
}
