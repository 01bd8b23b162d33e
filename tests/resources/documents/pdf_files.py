"""PDF files by hand: texts at places, in fonts that every reader has."""

from __future__ import annotations

import zlib

WIDTH, HEIGHT = 595, 842
_FONTS = (
    b"/F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    b"/F2<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>"
    b"/F3<</Type/Font/Subtype/Type0/BaseFont/HeiseiKakuGo-W5/Encoding/UniJIS-UCS2-H/DescendantFonts[<</Type/Font"
    b"/Subtype/CIDFontType0/BaseFont/HeiseiKakuGo-W5/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>>>]>>"
)


def text(x, y, words, size=10, font="F1"):
    """An instruction that draws words at a place."""
    if font == "F3":
        shown = b"<" + words.encode("utf-16-be").hex().encode() + b">"
    else:
        raw = words.encode("cp1252")
        shown = (
            b"(" + raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"
        )
    return b"BT /%s %g Tf %g %g Td %s Tj ET\n" % (font.encode(), size, x, y, shown)


def line(x1, y1, x2, y2):
    """An instruction that draws a straight line."""
    return b"%g %g m %g %g l S\n" % (x1, y1, x2, y2)


def pdf(*pages, info=b"", catalog=b"", page=b"", extra=()):
    """A file of pages, each the bytes of its instructions.

    Args:
        pages: instructions of each.
        info: entries of the information dictionary.
        catalog: entries of the catalogue.
        page: entries of each page.
        extra: objects behind those of the pages; the first has the number `4 + 2 * pages`.
    """
    kids = b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), kids),
        b"<<" + info + b">>",
    ]
    for number, content in enumerate(pages):
        packed = zlib.compress(content)
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<<%s>>/XObject<<%s>>>>%s>>"
            % (WIDTH, HEIGHT, 5 + 2 * number, _FONTS, _named(len(pages), extra), page),
            b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed),
        ]
    return written([*objects, *extra], b"/Info 3 0 R")


def _named(pages, extra):
    return b" ".join(b"/X%d %d 0 R" % (n, 4 + 2 * pages + n) for n in range(len(extra)))


def picture(data, width, height):
    """A grey picture as an object; `/X0 Do` shows the first of `extra`."""
    packed = zlib.compress(data)
    return (
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8"
        b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
        % (width, height, len(packed), packed)
    )


def written(objects, trailer=b""):
    """A file of these objects; the first is the catalogue."""
    out, places = bytearray(b"%PDF-1.6\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        trailer,
        start,
    )
    return bytes(out)


def sentence(number):
    """A sentence that is found again by its number."""
    words = (
        "amber",
        "river",
        "office",
        "flask",
        "garden",
        "window",
        "matter",
        "little",
        "silver",
        "copper",
    )
    chosen = " ".join(words[(number * 7 + step * 3) % 10] for step in range(6))
    return f"Sentence {number} tells of {chosen}."


def wrapped(words, width):
    """Lines of at most so many characters."""
    lines, now = [], ""
    for word in words.split():
        if len(now) + len(word) >= width:
            lines.append(now)
            now = word
        else:
            now = f"{now} {word}".strip()
    return [*lines, now]
