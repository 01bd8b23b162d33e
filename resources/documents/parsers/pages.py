"""HTML files: all that a reader of the page sees. The article alone is another parser's business."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree, html

from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.markup import MarkupWalk
from resources.documents.parsers.plain import decoded, read_all
from resources.documents.refusals import DocumentRefusedError
from resources.sandbox.ranged_file import RangedFile

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\A\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.-]{1,40})")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_CHARSET_BYTES = 4096
_FACTS: dict[str, Fact] = {
    "author": "author",
    "article:author": "author",
    "dc.creator": "author",
    "description": "description",
    "og:description": "description",
    "dc.description": "description",
    "article:published_time": "created",
    "date": "created",
    "dc.date": "created",
    "dcterms.created": "created",
    "article:modified_time": "modified",
    "last-modified": "modified",
    "dc.language": "language",
}


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a page."""
    data = read_all(file)
    head = data[:_CHARSET_BYTES]
    named = _CHARSET.search(head) or _XML_ENCODING.search(head)
    text, encoding = decoded(data, named[1].decode() if named else "")
    if encoding != "utf-8":
        gathered.more("encoding", encoding)
    tree = tree_of(text)
    _put_facts(tree, gathered)
    put_tree(tree, gathered)


def put_tree(tree: Any, gathered: Gathered) -> None:
    """The blocks of a tree."""
    walk = MarkupWalk(gathered)
    bodies = tree.xpath("//*[local-name()='body']")
    for body in bodies or [tree]:
        walk.take(body)
    walk.end()


def tree_of(text: str) -> Any:
    """The tree of a page, however bad its HTML is.

    Raises:
        DocumentRefusedError: it has nothing in it.
    """
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        tree = html.document_fromstring(
            _DECLARATION.sub("", text).encode("utf-8", "replace"), parser=parser
        )
    except etree.ParserError:
        raise DocumentRefusedError("no_text", "The page has no text") from None
    return tree


def _put_facts(tree: Any, gathered: Gathered) -> None:
    """What the head of a page says of it."""
    gathered.fact(
        "language", tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    )
    for meta in tree.iter("meta"):
        name = (meta.get("name") or meta.get("property") or meta.get("http-equiv") or "").lower()
        value = meta.get("content") or ""
        if name in _FACTS:
            gathered.fact(_FACTS[name], value)
        elif name == "keywords":
            gathered.more("keywords", value)
    for title in tree.iter("title"):
        gathered.fact("title", title.text_content())
    for link in tree.iter("link"):
        if (link.get("rel") or "").lower() == "canonical":
            gathered.more("canonical", link.get("href"))
