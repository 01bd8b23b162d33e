"""Pages of the web: the article alone, without what a site puts around it. An HTML file as it is, is `pages.py`'s."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import trafilatura
from lxml import etree, html
from lxml.html import HtmlElement

from resources.documents.parsers.article import article_of
from resources.documents.parsers.gathering import Gathered, cleaned
from resources.documents.parsers.page_blocks import PageBlock, blocks_of, tidied
from resources.documents.refusals import DocumentRefusedError
from resources.formats.page_text import decode_page
from resources.sandbox.ranged_file import RangedFile

_MOST_LINKS = 10_000
_LONGEST_LINK = 2_048
_LARGE = 1_000_000
"""Bytes of a page beyond which only one judge is asked: the others take longer the more siblings an element has."""
_DATES = {"extensive_search": False, "original_date": True}
"""What a page says of itself only: a year in its footer is no date of an article."""
_MORE = {"sitename": "site", "license": "license", "tags": "tags", "categories": "categories"}
"""Fields of trafilatura's -> names of metadata."""


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads the article of a page.

    Raises:
        DocumentRefusedError: it has no text that could be read.
    """
    file.seek(0)
    put_article(file.read(), gathered, gathered.asked.address, gathered.asked.charset)


def put_article(data: bytes, gathered: Gathered, address: str = "", charset: str = "") -> None:
    """Puts the article of a page where what was found goes.

    Args:
        data: all of the page.
        gathered: where it goes.
        address: where it came from; its links start there.
        charset: its encoding, as its server says.

    Raises:
        DocumentRefusedError: see `parse`.
    """
    tree, is_cut = _tree_of(decode_page(data, charset))
    found = None if tree is None else trafilatura.bare_extraction(
        tree, url=address or None, include_comments=False, include_tables=True, with_metadata=True, date_extraction_params=_DATES, fast=len(data) > _LARGE,
    )  # fmt: skip
    blocks = [] if tree is None or found is None else article_of(blocks_of(tree), found.text or "")
    if not any(block.text.strip() for block in blocks if block.kind != "picture"):
        raise _no_text(is_cut=is_cut)
    if is_cut:
        gathered.left_out("what is nested too deep")
    base = _base(tree, address)
    for block in blocks:
        _put(block, gathered, base)
    _put_facts(tree, found, gathered)
    for label, target in _links(tree, base):
        gathered.link(label, target)


def _tree_of(text: str) -> tuple[HtmlElement | None, bool]:
    """The tree of a page, None when there is nothing in it; and whether it is cut where it is nested too deep (2,048 elements)."""
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:
        return None, False
    _clean(tree)
    return tree, any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log)


def _clean(tree: HtmlElement) -> None:
    """Takes characters out that no text may hold: `&#27;` is one, and trafilatura loses the paragraph that has it."""
    for element in tree.iter():
        if element.text:
            element.text = cleaned(element.text)
        if element.tail:
            element.tail = cleaned(element.tail)


def _no_text(*, is_cut: bool) -> DocumentRefusedError:
    if is_cut:
        return DocumentRefusedError("unreadable", "Its HTML is nested too deep to be read")
    return DocumentRefusedError("no_text", "The page has no readable text; it may need JavaScript")


def _put(block: PageBlock, gathered: Gathered, base: str) -> None:
    match block.kind:
        case "heading":
            gathered.heading(block.level, block.text)
        case "item":
            gathered.item(block.text, block.level, ordered=block.is_ordered)
        case "table":
            gathered.table(block.rows, header=block.has_header)
        case "code":
            gathered.code(block.text)
        case "picture":
            gathered.image(_joined(base, block.source) or block.source, block.text)
        case _:
            gathered.paragraph(block.text)


def _put_facts(tree: HtmlElement, found: trafilatura.Document, gathered: Gathered) -> None:
    gathered.fact("title", found.title)
    gathered.fact("author", found.author)
    gathered.fact("created", _content(tree, "article:published_time") or found.date)
    gathered.fact("modified", _content(tree, "article:modified_time"))
    gathered.fact("description", found.description)
    gathered.fact("language", _language(tree))
    for field, name in _MORE.items():
        value = getattr(found, field, None)
        gathered.more(name, ", ".join(value) if isinstance(value, list) else value)
    if found.url and found.url != gathered.asked.address:
        gathered.more("canonical", found.url)


def _content(tree: HtmlElement, name: str) -> str:
    """What a `meta` of a page says; empty when there is none of that name."""
    for meta in tree.iter("meta"):
        if name in (meta.get("property"), meta.get("name"), meta.get("http-equiv")):
            return (meta.get("content") or "").strip()
    return ""


def _language(tree: HtmlElement) -> str:
    given = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    return (given or _content(tree, "content-language") or _content(tree, "og:locale")).replace("_", "-")  # fmt: skip


def _links(tree: HtmlElement, base: str) -> Iterator[tuple[str, str]]:
    """Links of the whole page that robots may follow, each address once."""
    seen: set[str] = set()
    for link in tree.iter("a"):
        if len(seen) >= _MOST_LINKS:
            return
        if {"nofollow", "ugc", "sponsored"} & set((link.get("rel") or "").lower().split()):
            continue
        target = _joined(base, link.get("href") or "").partition("#")[0]
        if target and target not in seen and target.partition(":")[0] in ("http", "https", ""):
            seen.add(target)
            yield tidied("".join(link.itertext()))[:200], target


def _base(tree: HtmlElement, address: str) -> str:
    given = next((one.get("href") for one in tree.iter("base") if one.get("href")), "")
    return _joined(address, given) or address


def _joined(base: str, link: str) -> str:
    plain = link.strip()
    try:
        return urljoin(base, plain)[: _LONGEST_LINK + 1] if len(plain) <= _LONGEST_LINK else ""
    except ValueError:
        return ""
