"""Markdown, as CommonMark has it, with tables; what a page's head of YAML says is metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.plain import read_text
from resources.sandbox.ranged_file import RangedFile

_FRONT = re.compile(
    r"\A---[ \t]*\r?\n(.{0,65536}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_FACTS: dict[str, Fact] = {
    "title": "title",
    "lang": "language",
    "language": "language",
    "author": "author",
    "date": "created",
    "created": "created",
    "modified": "modified",
    "updated": "modified",
    "description": "description",
    "summary": "description",
}


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a Markdown document."""
    text = read_text(file, gathered)
    front = _FRONT.match(text)
    if front:
        text = text[front.end() :]
        _take_front(front[1], gathered)
    reader = MarkdownIt("commonmark", {"maxNesting": 50}).enable("table")
    _Walk(gathered).take(reader.parse(text))


def _take_front(text: str, gathered: Gathered) -> None:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        return  # a text between two lines of dashes, and no head
    for name, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, list):
            value = ", ".join(map(str, value))  # noqa: PLW2901 - one kind of value from here on
        if isinstance(value, dict):
            continue
        fact = _FACTS.get(str(name).lower())
        if fact:
            gathered.fact(fact, value)
        else:
            gathered.more(str(name), value)


class _Walk:
    """Goes over the tokens of a document."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._lists: list[bool] = []
        """Of the lists around: whether they are ordered."""
        self._rows: list[list[str]] = []
        self._heading = 0
        self._is_first = False
        """Whether the next paragraph is the first one of its item."""

    def take(self, tokens: Sequence[Token]) -> None:
        """Takes all of them."""
        for token in tokens:
            take = getattr(self, f"_take_{token.type}", None)
            if take is not None:
                take(token)

    def _take_heading_open(self, token: Token) -> None:
        self._heading = int(token.tag[1:])

    def _take_bullet_list_open(self, _: Token) -> None:
        self._lists.append(False)

    def _take_ordered_list_open(self, _: Token) -> None:
        self._lists.append(True)

    def _take_bullet_list_close(self, _: Token) -> None:
        self._lists.pop()

    _take_ordered_list_close = _take_bullet_list_close

    def _take_list_item_open(self, _: Token) -> None:
        self._is_first = True

    def _take_table_open(self, _: Token) -> None:
        self._rows = []

    def _take_table_close(self, _: Token) -> None:
        rows, self._rows = self._rows, []
        self._gathered.table(rows, header=True)

    def _take_tr_open(self, _: Token) -> None:
        self._rows.append([])

    def _take_fence(self, token: Token) -> None:
        self._gathered.code(token.content, token.info.split(" ")[0])

    def _take_code_block(self, token: Token) -> None:
        self._gathered.code(token.content)

    def _take_html_block(self, token: Token) -> None:
        self._gathered.paragraph(
            re.sub(r"<!--.*?-->|<[^<>]*>", " ", token.content, flags=re.DOTALL)
        )

    def _take_inline(self, token: Token) -> None:
        text = _shown(token.children or (), self._gathered)
        if self._rows:
            self._rows[-1].append(text)
        elif self._heading:
            self._gathered.heading(self._heading, text)
            self._heading = 0
        elif self._lists and self._is_first:
            self._gathered.item(text, len(self._lists), ordered=self._lists[-1])
            self._is_first = False
        else:
            self._gathered.paragraph(text)


def _shown(tokens: Sequence[Token], gathered: Gathered) -> str:
    """The text of a line; its links and pictures are noted."""
    parts: list[str] = []
    links: list[tuple[str, int]] = []
    for token in tokens:
        if token.type == "link_open":
            links.append((str(token.attrs.get("href", "")), len(parts)))
        elif token.type == "link_close" and links:
            target, start = links.pop()
            gathered.link("".join(parts[start:]), target)
        elif token.type == "image":
            gathered.image(str(token.attrs.get("src", "")), token.content, in_text=False)
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" " if token.type == "softbreak" else "\n")
        elif token.type in ("text", "code_inline"):
            parts.append(token.content)
    return "".join(parts)
