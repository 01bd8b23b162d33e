"""Documents made to harm, and broken ones: each is an error of its own, and the next one is read as if nothing was."""

from __future__ import annotations

import io
import random
import zipfile
import zlib

import pytest

from resources.documents.limits import ReadLimits
from resources.documents.reader import DocumentReader, open_reader
from resources.documents.refusals import DocumentRefusedError
from resources.sandbox.limits import MB
from resources.sandbox.ranges import BytesSource
from tests.resources.documents import document_files as make
from tests.resources.documents import pdf_files as pdf
from tests.resources.documents.test_kinds import FILES
from tests.resources.documents.test_reader import read, refusal

DTD = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY l "lol">'
BOMB = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.fixture(scope="module")
def strict():
    """A reader with limits that are soon reached."""
    limits = ReadLimits(
        memory_bytes=150 * MB, cpu_seconds=2, seconds=100, pages=10, file_bytes=20 * MB, unpacked_bytes=50 * MB, answer_bytes=2 * MB
    )  # fmt: skip
    with open_reader(limits, workers=1) as opened:
        yield opened


def outcome(reader, kind, data):
    """`read`, or the rule by which it is refused, with the words."""
    try:
        return "read", read(reader, kind, data).title
    except DocumentRefusedError as refused:
        return refused.rule, refused.message


@pytest.mark.parametrize("kind", FILES)
def test_a_document_cut_anywhere_is_read_or_refused(reader, kind):
    data = FILES[kind]
    for end in range(1, len(data), max(len(data) // 12, 1)):
        rule, told = outcome(reader, kind, data[:end])
        assert rule in ("read", "type_mismatch", "unreadable", "no_text", "encrypted")
        assert "\n" not in told


@pytest.mark.parametrize("kind", FILES)
def test_a_document_with_wrong_bytes_is_read_or_refused(reader, kind):
    chosen = random.Random(5)
    for _ in range(12):
        data = bytearray(FILES[kind])
        for _ in range(6):
            data[chosen.randrange(len(data))] = chosen.randrange(256)
        rule, _ = outcome(reader, kind, bytes(data))
        assert rule in (
            "read",
            "type_mismatch",
            "unreadable",
            "no_text",
            "encrypted",
            "over_size",
        )


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("docx", "word/document.xml"),
        ("docx", "word/styles.xml"),
        ("docx", "docProps/core.xml"),
        ("pptx", "ppt/slides/slide1.xml"),
        ("xlsx", "xl/worksheets/sheet1.xml"),
        ("xlsx", "xl/workbook.xml"),
        ("odt", "content.xml"),
        ("epub", "OEBPS/book.opf"),
    ],
)
@pytest.mark.parametrize("dtd", [DTD + b"]>", DTD + BOMB + b"]>"], ids=["external", "billion"])
def test_a_part_that_declares_a_document_type_is_refused(reader, kind, part, dtd):
    old = make.part(FILES[kind], part)
    root = old[old.index(b"<", old.index(b"?>") if b"?>" in old else 0) :]
    data = make.changed(FILES[kind], **{part: dtd + root})
    rule, told = refusal(reader, kind, data)
    assert rule == "unreadable"
    assert told.startswith(f"Its part '{part}' declares a document type (DOCTYPE)")


def test_macros_are_left_out_and_named(reader):
    found = read(reader, "docx", make.changed(make.word(), **{"word/vbaProject.bin": b"Sub x"}))
    assert found.metadata["left_out"] == "macros"
    assert found.blocks


def test_what_is_packed_in_a_document_is_not_opened(reader):
    inner = make.packed({"evil.docx": make.word()})
    data = make.changed(make.word(), **{"word/embeddings/a.zip": inner})
    assert read(reader, "docx", data).metadata["left_out"] == "embedded files"
    assert refusal(reader, "docx", make.packed({"a.docx": make.word()})) == (
        "type_mismatch",
        "Expected a Word document, got an archive without `word/document.xml`",
    )


def test_a_document_of_another_kind_is_told_as_what_it_is(reader):
    told = ("type_mismatch", "Expected a Word document, got an Excel workbook")
    assert refusal(reader, "docx", make.workbook()) == told


def test_a_zip_bomb_is_refused_before_it_is_unpacked(strict):
    data = make.changed(make.word(), **{"word/document.xml": bytes(60 * MB)})
    rule, told = refusal(strict, "docx", data)
    assert (rule, "at most 50 MB are read" in told) == ("over_size", True)


def test_packed_bytes_that_unpack_to_too_many_are_refused(reader):
    data = make.changed(make.word(), **{"word/document.xml": bytes(200 * MB)})
    rule, told = refusal(reader, "docx", data)
    assert (rule, "at most 200 for each are read" in told) == ("over_size", True)


def test_a_directory_that_lies_about_a_size_harms_nothing(reader):
    data = bytearray(make.changed(make.word(), **{"word/document.xml": bytes(MB)}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo("word/document.xml")
    at = data.index(b"PK\1\2")
    while data[at + 46 : at + 46 + len(info.filename)] != info.filename.encode():
        at = data.index(b"PK\1\2", at + 1)
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    assert refusal(reader, "docx", bytes(data))[0] == "unreadable"


def test_locked_documents_are_called_so(reader):
    locked = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    )
    for kind in ("docx", "pptx", "xlsx"):
        assert refusal(reader, kind, locked) == ("encrypted", "It is locked with a password")
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    assert refusal(reader, "docx", old)[0] == "type_mismatch"
    flagged = bytearray(make.word())
    flagged[flagged.index(b"PK\1\2") + 8] |= 1
    assert refusal(reader, "docx", bytes(flagged))[0] == "encrypted"


LOCK = b"<</Filter/Standard/V 1/R 2/Length 40/P -4/O<%s>/U<%s>>>" % (b"11" * 32, b"22" * 32)


def test_a_locked_pdf(reader):
    page = pdf.text(50, 700, "Secret.")
    data = pdf.pdf(page).replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt" + LOCK + b"/ID[<00><00>]")
    assert refusal(reader, "pdf", data) == ("encrypted", "It is locked with a password")


@pytest.mark.parametrize("data", [b"%PDF-1.7\n" + b"junk" * 99, pdf.pdf(b"")[:-200], pdf.pdf()])
def test_a_broken_pdf(reader, data):
    assert refusal(reader, "pdf", data)[0] in ("unreadable", "no_text")


def test_a_pdf_whose_pages_and_forms_lead_in_circles(reader):
    data = pdf.written(
        [b"<</Type/Catalog/Pages 2 0 R/Outlines 2 0 R>>", b"<</Type/Pages/Count 3/Kids[2 0 R 2 0 R 2 0 R]/First 2 0 R/Next 2 0 R>>"]
    )  # fmt: skip
    assert refusal(reader, "pdf", data)[0] in ("unreadable", "no_text")
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X0 6 0 R>>>>/Length 6>>stream\n/X0 Do\nendstream"
    assert read(
        reader, "pdf", pdf.pdf(pdf.text(50, 700, "Words.") + b"/X0 Do", extra=[form])
    ).blocks


def test_a_pdf_of_40_000_forms(reader):
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 26>>stream\n0 0 m 9 9 l S 0 0 9 9 re f\nendstream"
    data = pdf.pdf(b"/X0 Do\n" * 40_000 + pdf.text(50, 700, "Words."), extra=[form])
    assert [block.text for block in read(reader, "pdf", data).blocks] == ["Words."]


def test_a_pdf_that_does_not_end_takes_its_time_and_no_more(strict):
    """Forms that show forms: 30 to the power of 6 lines."""
    forms = [
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</N %d 0 R>>>>/Length %d>>stream\n%s\nendstream"
        % (7 + n, len(content), content)
        for n, content in enumerate([b"/N Do\n" * 30] * 6)
    ]
    last = b"BT (words) Tj ET 0 0 m 9 9 l S\n" * 9
    forms.append(b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length %d>>stream\n%s\nendstream" % (len(last), last))  # fmt: skip
    rule, told = refusal(strict, "pdf", pdf.pdf(b"/X0 Do", extra=forms))
    assert (rule, told) in (
        ("over_time", "over 100 s: it takes longer to read than that"),
        ("over_memory", "over 150 MB: it needs more memory to read"),
    )
    assert read(strict, "text", b"words").blocks


def test_a_pdf_whose_stream_unpacks_to_300_mb(strict):
    packed = zlib.compress(zlib.compress(bytes(300 * MB), 9), 9)
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(packed), packed),
    )  # fmt: skip
    data = pdf.written([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", *page])  # fmt: skip
    assert refusal(strict, "pdf", data)[0] in ("no_text", "over_memory", "over_time", "unreadable")
    assert read(strict, "text", b"words").blocks


def test_too_many_pages_are_not_read(strict):
    told = ("over_pages", "It has 11 pages, at most 10 are read")
    assert refusal(strict, "pdf", pdf.pdf(*[pdf.text(50, 700, "Words.")] * 11)) == told


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_json_of_100_000_levels(reader, opening):
    assert refusal(reader, "json", opening * 100_000) == ("unreadable", "It is nested too deep")


def test_json_that_is_deep_and_whole(reader):
    assert read(reader, "json", "[" * 300 + '"core"' + "]" * 300).characters


@pytest.mark.parametrize("data", [b'{"a": 1,}', b"{'a': 1}", b"words", b'{"a": NaN}', b"\xff\xfe{"])
def test_what_is_no_json_is_told(reader, data):
    rule, told = refusal(reader, "json", data)
    assert (rule, told[:20]) == ("unreadable", "It is no valid JSON:")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("html", b"<div>" * 200_000 + b"words"),
        ("html", b"<table><tr><td>" * 20_000 + b"words"),
        ("markdown", b">" * 100_000 + b"words"),
        ("markdown", b"[" * 50_000 + b"words"),
        ("markdown", b"- " * 20_000 + b"words"),
        ("rtf", b"{\\rtf1 " + b"{" * 200_000 + b"words"),
        ("email", b"From: a\nSubject: " + b"=?utf-8?q?" * 20_000 + b"\n\nwords"),
        ("csv", b'"' * 100_001),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_nested_or_repeated_without_end_is_read_or_refused(strict, kind, data):
    rule, _ = outcome(strict, kind, data)
    assert rule in ("read", "unreadable", "over_time", "over_memory", "no_text")
    assert read(strict, "text", b"words").blocks


def test_a_sheet_of_two_cells_in_opposite_corners(reader):
    sheet = make.part(make.workbook(), "xl/worksheets/sheet1.xml")
    far = sheet.replace(
        b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    rule, told = refusal(reader, "xlsx", make.changed(make.workbook(), **{"xl/worksheets/sheet1.xml": far}))  # fmt: skip
    assert (rule, "spans 17,179,869,184 cells" in told) == ("over_size", True)


class Deceived:
    """What a document could have its worker send."""

    def __init__(self, *answers):
        self.answers = answers

    def ask(self, *_):
        yield from self.answers


@pytest.mark.parametrize(
    "answers",
    [(), (b"", b""), (b"\xc1",), (b"\x80" * 2,), (b'\x81\xa6blocks\x91\x81\xa4type\xa4evil',)],
)  # fmt: skip
def test_what_a_worker_sends_is_believed_only_if_it_is_a_document(answers):
    reader = DocumentReader(Deceived(*answers), Deceived(*answers), ReadLimits())
    with pytest.raises(DocumentRefusedError, match="makes no sense") as caught:
        reader.read("text", BytesSource(b"words", "a"))
    assert caught.value.rule == "unreadable"
    with pytest.raises(DocumentRefusedError, match="makes no sense"):
        reader.recognise(BytesSource(b"words", "a"))


def test_a_parser_that_eats_memory_is_told(strict):
    data = b"[" + b"[]," * (6 * MB) + b"[]]"
    assert refusal(strict, "json", data) == (
        "over_memory",
        "over 150 MB: it needs more memory to read",
    )


def test_more_text_than_an_answer_may_have(strict):
    told = ("over_size", "What is read of it has more than 2 MB")
    assert refusal(strict, "text", b"words and more\n" * 200_000) == told


class Claimed(BytesSource):
    """A file that says it is large, and is never read."""

    def __init__(self, size):
        super().__init__(b"", "large.pdf")
        self.size = size

    def read_range(self, start, length):
        raise AssertionError("it was read")


def test_a_file_of_5_gb_is_refused_before_it_is_read(reader):
    with pytest.raises(DocumentRefusedError) as caught:
        reader.read("pdf", Claimed(5 << 30))
    assert (caught.value.rule, caught.value.message) == (
        "over_size",
        "It has 5,368,709,120 bytes, at most 512 MB are read",
    )


@pytest.mark.parametrize("kind", FILES)
def test_a_file_without_a_byte(reader, kind):
    assert refusal(reader, kind, b"") == ("empty", "It has 0 bytes")


@pytest.mark.parametrize("data", [b" \n\t", b"\xef\xbb\xbf"])
def test_a_text_without_text(reader, data):
    assert refusal(reader, "text", data) == ("no_text", "It has no text")


def test_a_table_of_more_cells_than_a_document_may_have(reader):
    data = ",".join(["ab"] * 1_000) + "\n"
    rule, told = refusal(reader, "csv", (data * 2_001).encode())
    assert (rule, "more than 2,000,000 cells" in told) == ("over_size", True)
    assert reader.read("csv", BytesSource((data * 10).encode(), "few.csv")).characters == 20_000
    empty = "a" + "," * 999 + "\n"  # cells without a text cost nothing
    assert reader.read("csv", BytesSource((empty * 2_001).encode(), "empty.csv")).characters
