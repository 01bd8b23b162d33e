"""Which kind of document a file is: its name and its content have to say the same."""

from __future__ import annotations

import pytest

from resources.documents.kinds import DOCUMENT_KINDS, check_kind, kind_of
from resources.documents.refusals import DocumentRefusedError
from tests.resources.documents import document_files as make
from tests.resources.documents import pdf_files as pdf

FILES = {
    "text": b"words", "markdown": b"# Head", "json": b'{"a": 1}', "html": b"<!doctype html><p>x", "docx": make.word(),
    "pdf": pdf.pdf(b""), "rtf": make.RTF.encode(), "odt": make.open_document(), "pptx": make.slides(),
    "xlsx": make.workbook(), "csv": b"a,b\n1,2\n", "epub": make.book(), "email": make.MAIL.encode(),
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def refusal(name, data):
    with pytest.raises(DocumentRefusedError) as caught:
        check_kind(name, data[:4096], len(data))
    return caught.value.rule, caught.value.message


@pytest.mark.parametrize("kind", FILES)
def test_name_and_content_tell_the_kind(kind):
    for ending in DOCUMENT_KINDS[kind].endings:
        for name in (f"a{ending}", f"folder/Größe{ending.upper()}", f"C:\\文書{ending.title()}"):
            assert kind_of(name, FILES[kind][:4096]) == kind


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "pdf"])
def test_a_picture_by_another_name_is_refused(kind):
    ending = DOCUMENT_KINDS[kind].endings[0]
    told = f"Expected {DOCUMENT_KINDS[kind].title}, got image/png"
    assert refusal(f"a{ending}", PNG) == ("type_mismatch", told)
    assert kind_of(f"a{ending}", PNG) is None


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.pdf", b"words", "Expected a PDF, got plain text"),
        ("a.docx", b"words", "Expected a Word document, got plain text"),
        ("a.docx", make.open_document(), "Expected a Word document, got an OpenDocument text"),
        ("a.odt", make.book(), "Expected an OpenDocument text, got an e-book"),
        ("a.txt", b"\0\1\2\3" * 50, "Expected plain text, got bytes that are no document"),
        ("a.html", b"<svg xmlns='x'><rect/></svg>", "Expected an HTML page, got image/svg+xml"),
        ("a.rtf", pdf.pdf(b""), "Expected rich text, got application/pdf"),
    ],
)
def test_what_is_something_else_is_told_as_what_it_is(name, data, told):
    assert refusal(name, data) == ("type_mismatch", told)


def test_text_is_text_in_utf_16_without_a_mark_too():
    assert kind_of("a.txt", "Größe und mehr".encode("utf-16-le")) == "text"


@pytest.mark.parametrize(
    ("name", "told"),
    [("a.xyz", "Files that end in '.xyz' are not taken"), ("README", "A file without an ending is not taken")],
)  # fmt: skip
def test_other_names_are_refused(name, told):
    assert refusal(name, b"words") == ("format_not_taken", told)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_without_a_byte_is_empty(kind):
    assert refusal(f"a{DOCUMENT_KINDS[kind].endings[0]}", b"") == ("empty", "It has 0 bytes")
