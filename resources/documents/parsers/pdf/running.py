"""What stands at the head or foot of many pages: it belongs to no place in the text, and is kept once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from resources.documents.parsers.pdf.content import FoundTable, PageContent, PageLine

_MARGIN = 0.12
"""Share of a page's height in which heads and feet stand."""
_SHARE = 0.4
"""Of the pages: left and right ones may have heads of their own."""
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_LONGEST = 200


def without_running(pages: Sequence[PageContent]) -> tuple[list[PageContent], list[str], list[str]]:
    """The pages without their heads and feet; the texts of the heads, and of the feet."""
    if len(pages) < 2:
        return list(pages), [], []
    counts: Counter[tuple[str, str]] = Counter()
    for page in pages:
        counts.update({_sign(line, page) for line in page.lines} - {("", "")})
    least = max(2, round(len(pages) * _SHARE))
    running = {sign for sign, count in counts.items() if count >= least and sign[0]}
    texts: dict[str, dict[str, str]] = {"head": {}, "foot": {}}
    kept = []
    for page in pages:
        content: list[PageLine | FoundTable] = []
        for one in page.content:
            where, sign = _sign(one, page) if isinstance(one, PageLine) else ("", "")
            if isinstance(one, PageLine) and (where, sign) in running:
                texts[where].setdefault(sign, one.text)
            else:
                content.append(one)
        kept.append(page._replace(content=content))
    return kept, list(texts["head"].values()), list(texts["foot"].values())


def _sign(line: PageLine, page: PageContent) -> tuple[str, str]:
    """Where it stands and what it says without its numbers; nothing for a line of the text."""
    if len(line.text) > _LONGEST:
        return "", ""
    where = ""
    if line.box.bottom > page.height * (1 - _MARGIN):
        where = "head"
    elif line.box.top < page.height * _MARGIN:
        where = "foot"
    return (where, _DIGITS.sub("#", line.text)) if where else ("", "")
