"""The way into a PDF: page after page, then what is common to all of them."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import groupby, islice, pairwise
from typing import Literal

import pypdfium2
from pypdfium2 import raw

from resources.documents.document import PageState
from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.pdf.aligned import aligned_tables
from resources.documents.parsers.pdf.characters import Box, Characters
from resources.documents.parsers.pdf.columns import in_columns
from resources.documents.parsers.pdf.content import FoundTable, PageContent, PageLine
from resources.documents.parsers.pdf.layout import PdfLayout
from resources.documents.parsers.pdf.lines import HYPHEN, lines_of, looseness
from resources.documents.parsers.pdf.ruled import ruled_tables
from resources.documents.parsers.pdf.running import without_running
from resources.documents.parsers.plain import read_all
from resources.documents.refusals import DocumentRefusedError
from resources.kernel.foreign_text import one_line
from resources.sandbox.ranged_file import RangedFile

_FACTS: dict[str, Fact] = {"Title": "title", "Author": "author", "Subject": "description"}
_DATES: dict[str, Fact] = {"CreationDate": "created", "ModDate": "modified"}
_MORE = ("Keywords", "Creator", "Producer")
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d'?\d\d)?")
_FIRST_MOMENT = (1, 1, 1, 0, 0, 0)
"""What a date means by what it leaves out."""
_FEWEST_CHARACTERS = 4
"""Less text than that says nothing of a page: it may be a picture with a number."""
_MOST_LOOKED_AT = 2_000
_SMALL = 16 * 1024 * 1024
"""Bytes of a file that is read at once; of a larger one what PDFium asks for."""
_LONGEST_BOLD = 120
_LOOSE = 1.2
_BEGINS = re.compile(r"[\W\d_]*(?![a-zß-öø-ÿ])")
_MOST_BOOKMARKS = 5_000
_MOST_LINKS = 5_000
_ADDRESS = 2_048


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a PDF."""
    with _opened(file) as document:
        gathered.check_pages(len(document))
        _put_facts(document, gathered)
        pages = [page for n in range(len(document)) if (page := _read_page(document, n, gathered))]
        _put_pages(document, pages, gathered)


@contextmanager
def _opened(file: RangedFile) -> Iterator[pypdfium2.PdfDocument]:
    file.seek(0)
    try:
        document = pypdfium2.PdfDocument(read_all(file) if file.size <= _SMALL else file)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentRefusedError("encrypted", "It is locked with a password") from None
        raise DocumentRefusedError("unreadable", "It is damaged or cut off") from None
    try:
        if len(document) < 1:
            raise DocumentRefusedError("unreadable", "It has no page")
        yield document
    finally:
        document.close()


def _put_facts(document: pypdfium2.PdfDocument, gathered: Gathered) -> None:
    found = document.get_metadata_dict()
    for name, fact in _FACTS.items():
        gathered.fact(fact, found.get(name))
    for name, fact in _DATES.items():
        gathered.fact(fact, _date(found.get(name) or ""))
    for name in _MORE:
        gathered.more(name.lower(), found.get(name))
    length = raw.FPDFCatalog_GetLanguage(document.raw, None, 0)
    if 2 < length < 200:
        buffer = ctypes.create_string_buffer(length)
        raw.FPDFCatalog_GetLanguage(
            document.raw, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length
        )
        gathered.fact("language", buffer.raw.decode("utf-16-le", "replace").strip("\0"))
    if raw.FPDFDoc_GetAttachmentCount(document.raw) > 0:
        gathered.left_out("attached files")


def _date(text: str) -> str:
    """As ISO 8601; as it stands where it is no date of PDF."""
    match = _DATE.match(text)
    if match is None:
        return text
    parts = [int(part or least) for part, least in zip(match.groups(), _FIRST_MOMENT, strict=False)]
    year, month, day, hour, minute, second = parts
    try:
        date = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone comes behind
    except ValueError:
        return text
    zone = (match[7] or "").replace("'", "")
    return date.isoformat(timespec="seconds") + (
        "Z" if zone == "Z" else f"{zone[:3]}:{zone[3:]}" if zone else ""
    )


def _read_page(
    document: pypdfium2.PdfDocument, index: int, gathered: Gathered
) -> PageContent | None:
    """The content of a page, its state noted; None: it is damaged."""
    number = index + 1
    try:
        page = document[index]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        gathered.pages.append(PageState(number, "failed", message=one_line(str(error), 120)))
        return None
    try:
        characters = Characters(textpage)
        content = content_of(page, characters)
        count = _count(content)
        gathered.pages.append(PageState(number, _state(page, count), count))
        gathered.page = number
        _put_links(document, page, characters, gathered)
        return PageContent(number, page.get_height(), content)
    finally:
        textpage.close()
        page.close()


def _count(content: Sequence[PageLine | FoundTable]) -> int:
    return sum(
        len(one.text)
        if isinstance(one, PageLine)
        else sum(len(cell) for row in one.rows for cell in row)
        for one in content
    )


def _state(page: pypdfium2.PdfPage, characters: int) -> Literal["text", "scanned", "empty"]:
    if characters >= _FEWEST_CHARACTERS:
        return "text"
    found = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    looked_at = islice(found, _MOST_LOOKED_AT)
    return "scanned" if next(looked_at, None) is not None else "text" if characters else "empty"


def content_of(page: pypdfium2.PdfPage, characters: Characters) -> list[PageLine | FoundTable]:
    """Lines and tables of a page in the order of reading."""
    lines = [_weighed(line, characters) for line in lines_of(characters)]
    content: list[PageLine | FoundTable] = list(lines)
    if _may_hold_table(lines):
        for table in ruled_tables(page, characters):
            content = _with_table(content, table)
    if len(content) == len(lines):
        content = list(in_columns(lines, characters))
    return _with_aligned(content, characters)


def _weighed(line: PageLine, characters: Characters) -> PageLine:
    """With whether it is bold, as far as it may be a heading."""
    if len(line.text) > _LONGEST_BOLD or line.start < 0 or not _BEGINS.match(line.text):
        return line
    if line.text.endswith((".", ",", ";", HYPHEN)) or not characters.is_bold(line.start):
        return line
    return line._replace(is_bold=characters.is_bold(line.start + len(line.text) - 1))


def _may_hold_table(lines: Sequence[PageLine]) -> bool:
    """Whether words stand apart in some lines, or text goes back up the page more often than columns do."""
    loose = sum(how > _LOOSE for how in looseness(lines))
    jumps = sum(
        below.box.bottom > above.box.bottom - above.height * 0.3 for above, below in pairwise(lines)
    )
    return loose >= 2 or jumps >= 3


def _with_table(
    content: Sequence[PageLine | FoundTable], table: FoundTable
) -> list[PageLine | FoundTable]:
    """The table in the place of the lines that stand in it."""
    inside = [
        n for n, one in enumerate(content) if isinstance(one, PageLine) and _is_within(one, table)
    ]
    if not inside:
        return list(content)
    kept: list[PageLine | FoundTable] = [one for n, one in enumerate(content) if n not in {*inside}]
    kept.insert(inside[0], table)
    return kept


def _is_within(line: PageLine, table: FoundTable) -> bool:
    across, up = (line.box.left + line.box.right) / 2, (line.box.bottom + line.box.top) / 2
    box = table.box
    return box.left - 2 <= across <= box.right + 2 and box.bottom <= up <= box.top


def _with_aligned(
    content: Sequence[PageLine | FoundTable], characters: Characters
) -> list[PageLine | FoundTable]:
    """Lines that are the rows of a table without lines become one, between the tables that are known."""
    result: list[PageLine | FoundTable] = []
    for is_line, group in groupby(content, key=lambda one: isinstance(one, PageLine)):
        found = list(group)
        if not is_line:
            result += found
            continue
        lines = [one for one in found if isinstance(one, PageLine)]
        done = 0
        for numbers, table in aligned_tables(lines, characters):
            result += [*lines[done : numbers.start], table]
            done = numbers.stop
        result += lines[done:]
    return result


def _put_pages(
    document: pypdfium2.PdfDocument, pages: Sequence[PageContent], gathered: Gathered
) -> None:
    kept, heads, feet = without_running(pages)
    gathered.more("header", " | ".join(heads))
    gathered.more("footer", " | ".join(feet))
    layout = PdfLayout(kept, _bookmarks(document))
    for page in kept:
        gathered.page = page.number
        layout.put(page, gathered)


def _bookmarks(document: pypdfium2.PdfDocument) -> dict[tuple[int, str], int]:
    """Page and text of each bookmark -> its level, from 1 on."""
    found: dict[tuple[int, str], int] = {}
    with suppress(pypdfium2.PdfiumError):
        for bookmark in islice(document.get_toc(max_depth=9), _MOST_BOOKMARKS):
            target = bookmark.get_dest()
            index = target.get_index() if target is not None else None
            if index is not None:
                title = " ".join(bookmark.get_title().split()).lower()
                found.setdefault((index + 1, title), bookmark.level + 1)
    return found


def _put_links(
    document: pypdfium2.PdfDocument,
    page: pypdfium2.PdfPage,
    characters: Characters,
    gathered: Gathered,
) -> None:
    """Links out of the document, with the text that they lie on."""
    place, link = ctypes.c_int(0), raw.FPDF_LINK()
    box = raw.FS_RECTF()
    while len(gathered.links) < _MOST_LINKS and raw.FPDFLink_Enumerate(
        page.raw, ctypes.byref(place), ctypes.byref(link)
    ):
        action = raw.FPDFLink_GetAction(link)
        buffer = ctypes.create_string_buffer(_ADDRESS)
        length = raw.FPDFAction_GetURIPath(document.raw, action, buffer, _ADDRESS) if action else 0
        if 1 < length <= _ADDRESS and raw.FPDFLink_GetAnnotRect(link, ctypes.byref(box)):
            text = characters.within(Box(box.left, box.bottom, box.right, box.top))
            gathered.link(text, buffer.value.decode("utf-8", "replace"))
