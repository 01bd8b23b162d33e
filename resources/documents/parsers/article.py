"""Which blocks of a page are its article.

trafilatura judges: it knows what articles and navigation look like on the web. Its own text leaves captions, short lines and
tables out now and then, and puts some out of order; so its word is taken for where the article is, and the text is
taken from the page itself: all from the first block that is the article to the last one, but what is plainly something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml.html import HtmlElement

from resources.documents.parsers.page_blocks import PageBlock

_TELLING = 16
"""Letters and digits that a block needs to be recognised by them alone."""
_NOT_ALNUM = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[a-z]+")
_FOREIGN_TAGS = frozenset(("nav", "aside", "footer", "form", "header", "search"))
_FOREIGN_WORDS = frozenset((
    "ad", "ads", "advert", "advertisement", "advertising", "banner", "breadcrumb", "breadcrumbs", "comment", "comments", "consent",
    "cookie", "cookies", "disqus", "footer", "gdpr", "login", "menu", "modal", "nav", "navbar", "navigation", "newsletter", "outbrain",
    "pager", "pagination", "popup", "promo", "promotion", "recommended", "related", "share", "sharing", "sidebar", "signup", "skip",
    "social", "sponsor", "sponsored", "subscribe", "subscription", "taboola", "teaser", "toolbar", "widget",
))  # fmt: skip
"""Words of classes, ids and roles of what stands in the midst of articles, and is none of them."""
_MOSTLY = 0.5


def article_of(blocks: Sequence[PageBlock], judged: str) -> list[PageBlock]:
    """The blocks of the article.

    Args:
        blocks: of the whole page, in order.
        judged: the text of the article as trafilatura gave it.
    """
    known = _Known(judged)
    sure = [i for i, block in enumerate(blocks) if known.has_block(block, _TELLING)]
    if not sure:  # a page of a few words
        sure = [
            i for i, one in enumerate(blocks) if known.has_block(one, 1) and not _is_around(one)
        ]
    if not sure:
        return []
    around = _around([blocks[i].element for i in sure])
    first, last = _with_headings(blocks, sure[0], around), sure[-1]
    certain = set(sure)
    return [
        block
        for i, block in enumerate(blocks[first : last + 1], start=first)
        if i in certain or not _is_foreign(block, around)
    ]


class _Known:
    """The text that was judged to be the article, as letters and digits alone.

    It is searched from where the last block was found on, since most come in order: a page of 5 MB takes no longer for it.
    """

    def __init__(self, judged: str) -> None:
        self._text = _plain(judged)
        self._at = 0

    def has_block(self, block: PageBlock, telling: int) -> bool:
        """Whether a block is text of the article beyond doubt."""
        if block.kind == "picture":
            return False
        if block.kind == "table":
            cells = [plain for row in block.rows for cell in row if (plain := _plain(cell))]
            return len(cells) > 3 and sum(map(self._has, cells)) > len(cells) * _MOSTLY
        plain = _plain(block.text)
        return len(plain) >= telling and self._has(plain)

    def _has(self, plain: str) -> bool:
        at = self._text.find(plain, self._at)
        if at < 0:
            return self._text.find(plain, 0, self._at) >= 0
        self._at = at
        return True


def _plain(text: str) -> str:
    return _NOT_ALNUM.sub("", text).casefold()


def _with_headings(blocks: Sequence[PageBlock], first: int, around: set[HtmlElement]) -> int:
    """The beginning, with the headings above it, whatever foreign stands between: a bar of buttons, the author's picture."""
    best = at = first
    while at > 0:
        at -= 1
        is_foreign = _is_foreign(blocks[at], around)
        if blocks[at].kind == "heading" and not is_foreign:
            best = at
        elif not is_foreign and blocks[at].kind != "picture":
            break
    return best


def _around(elements: Sequence[HtmlElement]) -> set[HtmlElement]:
    """The elements that all of the article is in."""
    common = list(elements[0].iterancestors())
    for element in elements[1:]:
        own = set(element.iterancestors())
        common = [one for one in common if one in own]
    return set(common)


def _is_around(block: PageBlock) -> bool:
    """Whether a block is of what stands around articles, by its elements and links alone."""
    if block.linked > len(block.text) * _MOSTLY:
        return True
    return any(one.tag in _FOREIGN_TAGS for one in [block.element, *block.element.iterancestors()])


def _is_foreign(block: PageBlock, around: set[HtmlElement]) -> bool:
    """Whether something in the midst of an article is plainly none of it."""
    if block.linked > max(len(block.text), 1) * _MOSTLY and block.kind != "heading":
        return True
    at: HtmlElement | None = block.element
    while at is not None and at not in around:
        if (at.tag in _FOREIGN_TAGS and not _is_own_header(at)) or _FOREIGN_WORDS & _names(at):
            return True
        at = at.getparent()
    return False


def _is_own_header(element: HtmlElement) -> bool:
    """Whether it is the header of an article, where its title stands, not of the site."""
    return (
        element.tag == "header" and next(element.iterancestors("article", "main"), None) is not None
    )


def _names(element: HtmlElement) -> set[str]:
    given = " ".join(element.get(name) or "" for name in ("class", "id", "role", "aria-label"))
    return set(_WORDS.findall(given[:500].lower()))
