"""Small documents of every kind with known content, written by the libraries that others use."""

from __future__ import annotations

import io
import zipfile

import docx
import openpyxl
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from odf import dc, meta
from odf import table as odf_table
from odf import text as odf_text
from odf.opendocument import OpenDocumentText
from pptx import Presentation
from pptx.util import Inches


def word(title="Größe und Länge"):
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = title, "Åsa Öberg"
    document.core_properties.language = "sv"
    document.add_heading("Part one", 1)
    document.add_paragraph("A paragraph with “quotes” and a dash.")
    document.add_heading("Below it", 2)
    document.add_paragraph("First", style="List Bullet")
    document.add_paragraph("Counted", style="List Number")
    table = document.add_table(2, 2, style="Table Grid")
    for number, cell in enumerate(("name", "sum", "tea", "12")):
        table.cell(number // 2, number % 2).text = cell
    document.add_paragraph("After the table.")
    document.sections[0].header.paragraphs[0].text = "Internal"
    _link(document.add_paragraph("See "), "the site", "https://example.com/a")
    return _saved(document)


def _link(paragraph, text, address):
    link = OxmlElement("w:hyperlink")
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
    link.set(qn("r:id"), paragraph.part.relate_to(address, kind, is_external=True))
    run = OxmlElement("w:r")
    run.text = text
    link.append(run)
    paragraph._p.append(link)


def slides():
    presentation = Presentation()
    presentation.core_properties.title = "Plans"
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "First slide"
    slide.placeholders[1].text = "Point A\nPoint B"
    slide.notes_slide.notes_text_frame.text = "Say hello"
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Second slide"
    table = slide.shapes.add_table(2, 2, 0, Inches(2), Inches(3), Inches(2)).table
    for number, cell in enumerate(("name", "sum", "tea", "12")):
        table.cell(number // 2, number % 2).text = cell
    return _saved(presentation)


def linked_slides():
    """A slide with two links in one paragraph, and one in its notes."""
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    links = (slide.placeholders[1], "a"), (slide.placeholders[1], "b"), (slide.notes_slide.notes_placeholder, "c")  # fmt: skip
    for shape, name in links:
        run = shape.text_frame.paragraphs[0].add_run()
        run.text = f"to {name}"
        run.hyperlink.address = f"https://example.com/{name}"
    return _saved(presentation)


def open_document():
    document = OpenDocumentText()
    document.meta.addElement(dc.Title(text="Bericht"))
    document.meta.addElement(meta.InitialCreator(text="Ada"))
    document.text.addElement(odf_text.H(outlinelevel=2, text="Teil"))
    document.text.addElement(odf_text.P(text="Ein Absatz mit ß."))
    listed = odf_text.List()
    item = odf_text.ListItem()
    item.addElement(odf_text.P(text="Punkt"))
    listed.addElement(item)
    document.text.addElement(listed)
    table = odf_table.Table()
    for row in (("name", "sum"), ("tea", "12")):
        line = odf_table.TableRow()
        for cell in row:
            one = odf_table.TableCell()
            one.addElement(odf_text.P(text=cell))
            line.addElement(one)
        table.addElement(line)
    document.text.addElement(table)
    return _saved(document)


def workbook():
    book = openpyxl.Workbook()
    book.properties.title = "Sums"
    sheet = book.active
    sheet.title = "Tea"
    sheet.append(["name", "sum"])
    sheet.append(["green", 1.5])
    book.create_sheet("Hidden").append(["secret"])
    book["Hidden"].sheet_state = "hidden"
    return _saved(book)


def _saved(document):
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


OPF = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>Ein Buch</dc:title><dc:creator>Ada</dc:creator><dc:language>de</dc:language></metadata><manifest>
<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/><item id="a" href="o%20ne.xhtml" media-type="application/xhtml+xml"/>
<item id="c" href="c.css" media-type="text/css"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>"""
CHAPTER = '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'


def book(opf=OPF):
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": opf,
            "OEBPS/two.xhtml": CHAPTER.format("<h1>Two</h1><p>The end.</p>"),
            "OEBPS/o ne.xhtml": CHAPTER.format("<h1>One</h1><p>The beginning ß.</p>"),
        }
    )


def packed(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data, zipfile.ZIP_STORED if name == "mimetype" else None)
    return out.getvalue()


def changed(data, **members):
    """A package with some parts replaced or added; keys are names with `__` for `/` and `_x_` for a dot."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return packed(parts | {_name(key): value for key, value in members.items()})


def _name(key):
    return key.replace("__", "/").replace("_x_", ".")


def part(data, name):
    """The bytes of a part of a package."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


HTML = """<!doctype html><html lang="fr"><head><title>Une page</title><meta name="author" content="Zoé">
<style>p{color:red}</style></head><body><nav><a href="/menu">Menu</a></nav><h1>Titre</h1><p>Un <b>deux</b> trois<br>quatre
<a href="https://example.com/b">lien</a></p><ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul><script>no()</script>
<table><tr><th>nom</th><th>somme</th></tr><tr><td>thé</td><td>12</td></tr></table><pre>x
  y</pre><img src="a.png" alt="Une image"><p hidden>nothing</p></body></html>"""
MARKDOWN = """---
title: Notes
lang: en
tags: [tea, cups]
---
# Head

Text with *stress* and a [link](https://example.com/c).

- one
  - two

| name | sum |
| --- | --- |
| tea | 12 |

```py
x = 1
```
"""
RTF = (
    r"{\rtf1\ansi\ansicpg1252{\info{\title Brief}{\author Ada}}\pard Erste {\b fette} Zeile mit \'e4.\par"
    r" Zweite.\par\trowd\cellx1\cellx2 name\cell sum\cell\row\trowd\cellx1\cellx2 tea\cell 12\cell\row}"
)
MAIL = """From: Ada <ada@example.com>
To: bo@example.com
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Mon, 30 Nov 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6n.

Bis bald.
--x
Content-Type: image/png
Content-Disposition: attachment; filename=cat.png
Content-Transfer-Encoding: base64

AAAA
--x--
"""
JSON = '{"title": "Stock", "open": true, "rows": [{"name": "tea", "sum": 12}, {"name": "cup"}], "deep": {"list": [1, "two"]}}'
