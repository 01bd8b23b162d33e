"""Text in pictures and on scanned pages: read offline, in a process of its own."""

from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image, ImageDraw, ImageFont

from resources.documents.document import PageState, Paragraph
from resources.documents.limits import ReadLimits
from resources.documents.reader import open_reader
from resources.documents.refusals import DocumentRefusedError
from resources.sandbox.ranges import BytesSource
from tests.resources.documents import pdf_files as pdf
from tests.resources.documents.test_reader import read

pytest.importorskip("rapidocr")  # the extra `ocr`, which few have
WORDS = "Rechnung Nr. 4711"


@pytest.fixture(scope="module")
def reader():
    with open_reader(ReadLimits(seconds=200), workers=1) as opened:
        yield opened


def drawn(*lines):
    """A white picture with black lines of text."""
    picture = Image.new("L", (700, 60 + 70 * len(lines)), 255)
    font = ImageFont.load_default(40)
    for number, words in enumerate(lines):
        ImageDraw.Draw(picture).text((30, 30 + 70 * number), words, fill=0, font=font)
    return picture


def png(picture):
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_the_lines_of_a_picture_from_above(reader):
    found = reader.recognise(BytesSource(png(drawn(WORDS, "Total 12 EUR")), "a.png"))
    assert found == [WORDS, "Total 12 EUR"]
    assert reader._ocr.confinement[0] == "limits"


def test_scanned_pages_are_read_and_stand_in_their_place(reader):
    picture = drawn(WORDS)
    scan = b"q 500 0 0 %d 40 400 cm /X0 Do Q" % (500 * picture.height // picture.width)
    data = pdf.pdf(
        pdf.text(50, 700, "Page one."),
        scan,
        pdf.text(50, 700, "Page three."),
        extra=[pdf.picture(picture.tobytes(), *picture.size)],
    )
    found = read(reader, "pdf", data, ocr=True)
    assert found.blocks == [
        Paragraph("Page one.", 1),
        Paragraph(WORDS, 2),
        Paragraph("Page three.", 3),
    ]
    assert found.pages[1] == PageState(2, "text", len(WORDS))
    assert found.metadata["recognised_pages"] == "1"
    assert read(reader, "pdf", data).pages[1].state == "scanned"


@pytest.mark.parametrize(
    ("data", "rule"),
    [(b"no picture at all", "type_mismatch"), (png(drawn(WORDS))[:300], "unreadable")],
)
def test_what_is_no_picture(reader, data, rule):
    with pytest.raises(DocumentRefusedError) as caught:
        reader.recognise(BytesSource(data, "a.png"))
    assert caught.value.rule == rule


def test_a_picture_that_claims_100_000_by_100_000_pixels(reader):
    data = bytearray(png(Image.new("L", (9, 9))))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(DocumentRefusedError) as caught:
        reader.recognise(BytesSource(bytes(data), "a.png"))
    assert (caught.value.rule, caught.value.message) == (
        "over_size",
        "It has more than 50,000,000 pixels",
    )
