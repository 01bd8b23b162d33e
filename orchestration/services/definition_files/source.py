"""A YAML file as text with places: where each document, key and value begins and ends.

Built on the events of the parser that loading uses, so both see the same. Unlike nodes, events know where an alias
stands. Comments and blank lines belong to nothing here; `edits.py` and `documents.py` say what becomes of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML 1.1."""

_BOM = "\ufeff"


@dataclass(frozen=True)
class YamlText:
    """The text of a file, its line ends as they stand, without the byte order mark."""

    text: str
    has_bom: bool = False

    @classmethod
    def decode(cls, data: bytes) -> YamlText:
        """The text of these bytes.

        Raises:
            UnicodeDecodeError: they are no UTF-8.
        """
        text = data.decode("utf-8")
        return cls(text.removeprefix(_BOM), text.startswith(_BOM))

    def encode(self) -> bytes:
        """The bytes again."""
        return f"{_BOM if self.has_bom else ''}{self.text}".encode()

    @property
    def newline(self) -> str:
        """How its lines end: as the first one does."""
        found = BREAK.search(self.text)
        return found[0] if found and found[0] in ("\r\n", "\n", "\r") else "\n"

    def line_start(self, index: int) -> int:
        """Where the line of a character begins."""
        start = max(self.text.rfind(mark, 0, index) for mark in "\n\r\x85\u2028\u2029")
        return start + 1

    def line_above(self, start: int) -> int:
        """Where the line above that which begins at `start` begins."""
        is_pair = self.text[start - 2 : start] == "\r\n"
        return self.line_start(start - (2 if is_pair else 1))

    def line_end(self, index: int) -> int:
        """Where the line of a character ends, before its line end."""
        found = BREAK.search(self.text, index)
        return found.start() if found else len(self.text)

    def next_line(self, index: int) -> int:
        """Where the line behind that of a character begins."""
        found = BREAK.search(self.text, index)
        return found.end() if found else len(self.text)

    def line_number(self, index: int) -> int:
        """The number of a character's line, from 1."""
        return 1 + sum(1 for _ in BREAK.finditer(self.text, 0, index))


@dataclass(frozen=True)
class Node:
    """A value with its place: `text[start:end]`, without comments and blank lines behind it."""

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    end: int
    style: str = ""
    """Of a scalar its quote, `|` or `>`; of a collection `flow` or nothing."""
    value: str = ""
    entries: tuple[Entry, ...] = ()
    items: tuple[Node, ...] = ()

    @property
    def is_block(self) -> bool:
        """Whether it takes lines of its own, told by indentation."""
        if self.kind in ("mapping", "sequence"):
            return self.style != "flow"
        return self.style in ("|", ">")

    def at(self, name: str) -> Node | None:
        """The value of a key."""
        return next((e.value for e in self.entries if e.name == name), None)


@dataclass(frozen=True)
class Entry:
    """A key of a mapping and its value."""

    key: Node
    value: Node

    @property
    def name(self) -> str:
        """The key's text."""
        return self.key.value


@dataclass(frozen=True)
class DocumentText:
    """One document: its place with the comments around it, and what it holds."""

    start: int
    """Behind the line of its `---`, or the start of the file."""
    end: int
    """Before the next `---` or `...`, or the end of the file."""
    separator: int | None
    """Where its `---` stands; None of a first document without one."""
    root: Node


@dataclass
class _Open:
    """A collection that is being read."""

    event: yaml.CollectionStartEvent
    children: list[Node] = field(default_factory=list)


def parse_documents(source: YamlText) -> list[DocumentText]:
    """The documents of a file, empty ones too.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    found: list[DocumentText] = []
    separator: int | None = None
    root: Node | None = None
    for event in yaml.parse(source.text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            separator = _index(event.start_mark) if event.explicit else None
            reader, root = _Reader(source.text), None
        elif isinstance(event, yaml.DocumentEndEvent):
            end = _index(event.start_mark) if event.explicit else len(source.text)
            start = 0 if separator is None else source.next_line(separator)
            if root is not None:
                found.append(DocumentText(start, end, separator, root))
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            root = reader.take(event) or root
    return list(_cut(source, found))


def _cut(source: YamlText, found: list[DocumentText]) -> Iterator[DocumentText]:
    """The documents, each ended where the next one begins."""
    for number, document in enumerate(found):
        after = found[number + 1].separator if number + 1 < len(found) else None
        end = document.end if after is None else min(document.end, source.line_start(after))
        yield DocumentText(document.start, end, document.separator, document.root)


class _Reader:
    """Makes nodes of events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[_Open] = []

    def take(self, event: yaml.NodeEvent | yaml.CollectionEndEvent) -> Node | None:
        """The node that this event completes, if it is the outermost."""
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append(_Open(event))
            return None
        if isinstance(event, yaml.CollectionEndEvent):
            node = _collection(self._open.pop(), event)
        else:
            node = self._leaf(event)
        if not self._open:
            return node
        self._open[-1].children.append(node)
        return None

    def _leaf(self, event: yaml.NodeEvent) -> Node:
        start, end = _index(event.start_mark), _index(event.end_mark)
        if isinstance(event, yaml.AliasEvent):
            return Node("alias", start, end, value=str(event.anchor))
        style, value = _scalar(event)
        if style in ("|", ">"):
            end = start + len(self._text[start:end].rstrip(" \t\n\r\x85\u2028\u2029"))
        return Node("scalar", start, end, style=style, value=value)


def _collection(opened: _Open, event: yaml.Event) -> Node:
    start, children = _index(opened.event.start_mark), opened.children
    is_flow = bool(opened.event.flow_style)
    end = _index(event.end_mark) if is_flow or not children else children[-1].end
    style = "flow" if is_flow else ""
    if isinstance(opened.event, yaml.SequenceStartEvent):
        return Node("sequence", start, end, style=style, items=tuple(children))
    pairs = zip(children[::2], children[1::2], strict=True)
    return Node("mapping", start, end, style=style, entries=tuple(Entry(k, v) for k, v in pairs))


def _scalar(event: Any) -> tuple[str, str]:
    return event.style or "", event.value


def _index(mark: Any) -> int:
    """Where the parser was; it says so of every event of a text."""
    return int(mark.index)
