"""Lines of pages as blocks: headings by the size and weight of their letters, paragraphs by the room between lines."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

from msgspec.structs import replace

from resources.documents.document import Paragraph
from resources.documents.parsers.gathering import Gathered
from resources.documents.parsers.pdf.content import FoundTable, PageContent, PageLine, leading
from resources.documents.parsers.pdf.lines import HYPHEN
from resources.documents.parsers.pdf.words import KnownWords, marked

_LARGER = 1.12
"""Letters of a heading are larger than those of the text by this."""
_LONGEST_HEADING = 200
_MOST_LEVELS = 4
_MARK = re.compile(r"^(?:([•‣▪●○◦■□➢➤✓–—*·-])|(\(?(?:\d{1,3}|[a-zA-Z])[.)]))\s+(?=\S)")
_ENDS = re.compile(r"[.!?:;。！？：；…][\"'”’»)\]]*$")
_NO_SPACE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
"""Scripts that are written without spaces between words."""


class PdfLayout:
    """What is common to the pages of a document.

    Args:
        pages: of all of it.
        titles: of its bookmarks: page and text -> level.
    """

    def __init__(self, pages: Sequence[PageContent], titles: Mapping[tuple[int, str], int]) -> None:
        lines = [one for page in pages for one in page.lines_by_number.values()]
        sizes: Counter[int] = Counter()
        for one in lines:
            sizes[_size(one)] += len(one.text)
        self._body = sizes.most_common(1)[0][0] if sizes else 0
        large = sorted((size for size in sizes if size > self._body * _LARGER), reverse=True)
        self._levels = {size: min(n, _MOST_LEVELS) for n, size in enumerate(large, 1)}
        self._bold_level = min(len(set(self._levels.values())) + 1, _MOST_LEVELS + 1)
        self._titles = titles
        self._words = KnownWords([one.text for one in lines])
        self._leading = _leading(lines)
        self._last_page = 0
        """Whose text the last block ends with."""
        self._next = 1
        """Number of the next item of a list that counts."""

    def put(self, page: PageContent, gathered: Gathered) -> None:
        """The blocks of a page."""
        group: list[PageLine] = []
        for one in page.content:
            if isinstance(one, FoundTable):
                self._put_group(group, page.number, gathered)
                group = []
                rows = [[self._words.join(cell) for cell in row] for row in one.rows]
                gathered.table(rows, header=_has_header(rows))
                continue
            if group and not self._belongs(group, one, page.number):
                self._put_group(group, page.number, gathered)
                group = []
            group.append(one)
        self._put_group(group, page.number, gathered)

    def _put_group(self, group: Sequence[PageLine], page: int, gathered: Gathered) -> None:
        if not group:
            return
        text = self._words.join(_joined([one.text for one in group]))
        level = self._level(group[0], page)
        mark = _MARK.match(text)
        if level and len(text) <= _LONGEST_HEADING:
            gathered.heading(level, text)
            self._next = 1
        elif mark and (mark[1] or self._is_next(mark[2])):
            gathered.item(text[mark.end() :], ordered=bool(mark[2]))
        elif not self._goes_on(text, page, gathered):
            gathered.paragraph(text)
        self._last_page = page

    def _is_next(self, mark: str) -> bool:
        """Whether it counts the next item of a list. Other numbers stay in the text: they may be those of clauses."""
        digits = mark.strip("(.)")
        if not digits.isdigit() or int(digits) not in (1, self._next):
            return False
        self._next = int(digits) + 1
        return True

    def _goes_on(self, text: str, page: int, gathered: Gathered) -> bool:
        """Puts the rest of a paragraph that a page's end has cut behind its beginning, if it is one."""
        last = gathered.blocks[-1] if gathered.blocks else None
        if (
            not isinstance(last, Paragraph)
            or self._last_page != page - 1
            or _ENDS.search(last.text)
        ):
            return False
        if not (text[0].islower() or _NO_SPACE.match(last.text[-1])):
            return False
        gathered.blocks[-1] = replace(last, text=self._words.join(_joined([last.text, text])))
        return True

    def _level(self, one: PageLine, page: int) -> int:
        """Of a heading; 0: it is none."""
        if found := self._titles.get((page, " ".join(one.text.split()).lower())):
            return found
        if not self._is_heading_like(one):
            return 0
        size = _size(one)
        if size > self._body * _LARGER:
            return self._levels.get(size) or next(
                (level for known, level in self._levels.items() if known <= size), 1
            )
        return self._bold_level if one.is_bold and size >= self._body * 0.95 else 0

    @staticmethod
    def _is_heading_like(one: PageLine) -> bool:
        text = one.text
        return len(text) <= _LONGEST_HEADING and any(map(str.isalpha, text))

    def _belongs(self, group: Sequence[PageLine], line: PageLine, page: int) -> bool:
        """Whether a line goes on with the block that the lines before it are."""
        last = group[-1]
        level = self._level(group[0], page)
        if bool(level) != bool(self._level(line, page)) or _MARK.match(line.text):
            return False
        if abs(_size(last) - _size(line)) > self._body * 0.1 and not _is_sign(last, line):
            return False
        if line.box.top > last.box.top + last.height:  # another column
            return not level and not _ENDS.search(last.text)
        room = leading(last, line)
        if room > self._leading * 1.35 or (level and room > last.height * 2):
            return False
        return bool(level) or not self._begins(group, line)

    def _begins(self, group: Sequence[PageLine], line: PageLine) -> bool:
        """Whether a line begins a paragraph, though there is no more room above it than above others."""
        last = group[-1]
        left = min(one.box.left for one in group)
        right = max(one.box.right for one in group)
        is_short = last.box.right < right - (right - left) * 0.15
        is_indented = line.box.left > last.box.left + last.height * 0.7
        ends = _ENDS.search(last.text) is not None
        return ends and (is_short or (is_indented and len(group) > 1))


def _size(line: PageLine) -> int:
    """Quarters of a point of its height, so that nearly equal ones are equal."""
    return round(line.height * 4)


def _is_sign(one: PageLine, other: PageLine) -> bool:
    """Whether one of two lines is so short that its size says nothing."""
    return min(len(one.text), len(other.text)) < 4


def _leading(lines: Sequence[PageLine]) -> float:
    """Room from one line to the next in most of the text."""
    rooms = [leading(above, below) for above, below in itertools.pairwise(lines)]
    near = [
        room
        for room, one in zip(rooms, lines, strict=False)
        if 0.5 * one.height < room < 2.4 * one.height
    ]
    return median(near) if near else 1e9


def _joined(texts: Sequence[str]) -> str:
    """Lines as running text; words cut at their ends keep our mark."""
    text = ""
    for one in texts:
        if not text:
            text = one
        elif text.endswith(HYPHEN) or _is_unspaced(text[-1], one):
            text += one
        else:
            ended = marked(text)
            text = ended + one if ended.endswith(HYPHEN) else f"{text} {one}"
    return text


def _is_unspaced(last: str, text: str) -> bool:
    """Whether nothing stands between a letter and the text of the next line: scripts without spaces, numbers among them."""
    if _NO_SPACE.match(last) and _NO_SPACE.match(text[0]):
        return True
    is_latin = last.isascii() and last.isalpha() and text[0].isascii() and text[0].isalpha()
    return not is_latin and len(_NO_SPACE.findall(text)) > len(text) / 2


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: texts alone, and numbers below."""
    if len(rows) < 2:
        return False
    first = [cell for cell in rows[0] if cell]
    return len(first) == len(rows[0]) and not any(cell[:1].isdigit() for cell in first)
