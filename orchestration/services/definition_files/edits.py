"""Attributes changed in a document's text: only the lines of what is changed become others.

Comments stay where they are: one behind a value stays behind the new one, those above an attribute go only with the
attribute itself. Quotes are kept where they can hold the new text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.services.definition_files.emit import same, to_inline, to_yaml
from orchestration.services.definition_files.source import Entry, Node, YamlText

_COMMENT = re.compile(r"[ \t]+#.*$")


@dataclass(frozen=True)
class Splice:
    """`text[start:end]` becomes `text`."""

    start: int
    end: int
    text: str


def apply(source: YamlText, splices: Sequence[Splice]) -> YamlText:
    """The text with all of them done; those at one place in their order."""
    parts, at = [], 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        parts += [source.text[at : splice.start], splice.text]
        at = splice.end
    return YamlText("".join([*parts, source.text[at:]]), source.has_bom)


class Editor:
    """Works out what has to change in a text.

    Args:
        source: the text.
        order: of attributes, for those that are new.
    """

    def __init__(self, source: YamlText, order: Sequence[str] = ()) -> None:
        self._source = source
        self._text = source.text
        self._order = {name: number for number, name in enumerate(order)}

    def mapping(
        self, node: Node, old: Mapping[Any, Any], new: Mapping[Any, Any]
    ) -> Iterator[Splice]:
        """What turns the mapping `old`, which stands at `node`, into `new`.

        Keys keep their order; new ones come behind that which precedes them in the order of attributes.
        """
        if node.is_block:
            yield from self._block(node, old, new)
        else:
            yield from self._flow(node, old, new)

    def _block(
        self, node: Node, old: Mapping[Any, Any], new: Mapping[Any, Any]
    ) -> Iterator[Splice]:
        entries = _own(node)
        kept = [entry for entry in entries if _name(entry, old) in new]
        for entry in entries:
            name = _name(entry, old)
            if name not in new:
                yield self._without(entry)
            elif not same(old[name], new[name]):
                yield from self._value(entry, old[name], new[name])
        for name in self._added(node, old, new) if kept else ():
            after = self._before_in_order(name, kept)
            at = self._source.line_end(after.value.end)
            column = after.key.start - self._source.line_start(after.key.start)
            yield Splice(at, at, self._source.newline + self._lines({name: new[name]}, column))

    def _added(self, node: Node, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Any]:
        names = {_name(entry, old) for entry in _own(node)}
        found = [n for n in new if n not in names and not (n in old and same(old[n], new[n]))]
        return sorted(found, key=lambda name: self._order.get(name, len(self._order)))

    def _before_in_order(self, name: Any, kept: Sequence[Entry]) -> Entry:
        """The entry that a new one is written behind."""
        place = self._order.get(name, len(self._order))
        known = [e for e in kept if self._order.get(e.name, len(self._order)) < place]
        return max(known, key=lambda e: self._order[e.name]) if known else kept[-1]

    def _without(self, entry: Entry) -> Splice:
        """An entry's lines out, with the comments directly above them."""
        source = self._source
        start = source.line_start(entry.key.start)
        column = entry.key.start - start
        while start > 0:
            above = source.line_above(start)
            line = self._text[above:start]
            if not line.strip().startswith("#") or len(line) - len(line.lstrip(" ")) != column:
                break
            start = above
        return Splice(start, source.next_line(entry.value.end), "")

    def _value(self, entry: Entry, old: Any, new: Any) -> Iterator[Splice]:
        node = entry.value
        if node.kind == "mapping" and isinstance(new, dict) and (set(old) & set(new)):
            yield from self.mapping(node, old, new)
        elif node.kind == "sequence" and node.is_block and isinstance(new, list):
            yield self._sequence(node, old, new) or self._whole(entry, new)
        elif node.is_block or not self._fits_inline(node, new):
            yield self._whole(entry, new)
        else:
            yield self._inline(entry, new)

    def _fits_inline(self, node: Node, new: Any) -> bool:
        if isinstance(new, dict | list):
            return node.style == "flow" and node.kind != "scalar"
        return not (isinstance(new, str) and "\n" in new)

    def _inline(self, entry: Entry, new: Any) -> Splice:
        node = entry.value
        space = " " if node.start == node.end else ""  # `key:` without a value
        quote = node.style if node.kind == "scalar" else ""
        return Splice(node.start, node.end, space + to_inline(new, quote=quote))

    def _whole(self, entry: Entry, new: Any) -> Splice:
        """The value anew from the colon on; a comment in the first line stays there."""
        source, start = self._source, entry.key.start
        column = start - source.line_start(start)
        colon = self._text.index(":", entry.key.end) + 1
        lines = self._lines({"k": new}, column)[column + len("k:") :]
        first, newline, rest = lines.partition(source.newline)
        end = source.line_end(entry.value.end)
        comment = self._comment(entry.value, colon)
        return Splice(colon, end, first + comment + newline + rest)

    def _comment(self, node: Node, colon: int) -> str:
        """The comment of a value's first line, or behind a value of one line, with the space before it."""
        start = colon if node.is_block else node.end
        found = _COMMENT.search(self._text[start : self._source.line_end(start)])
        return found[0] if found else ""

    def _sequence(self, node: Node, old: list[Any], new: list[Any]) -> Splice | None:
        """Only those items that differ; None where the whole list has to be written anew."""
        source = self._source
        head, tail = _common(old, new)
        starts = [source.line_start(item.start) for item in node.items]
        prefixes = [self._text[s : i.start] for s, i in zip(starts, node.items, strict=True)]
        column = len(prefixes[0]) - len(prefixes[0].lstrip(" "))
        if head + tail == 0 or any(p.strip() != "-" for p in prefixes):
            return None
        lines = self._lines(new[head : len(new) - tail], column) if head + tail < len(new) else ""
        if head + tail < len(old):
            end = source.line_end(node.items[len(old) - tail - 1].end)
            if not lines:  # the lines go with their line ends
                return Splice(starts[head], source.next_line(end), "")
            return Splice(starts[head], end, lines)
        if head:
            at = source.line_end(node.items[head - 1].end)
            return Splice(at, at, source.newline + lines)
        return Splice(starts[0], starts[0], lines + source.newline)

    def _flow(self, node: Node, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[Splice]:
        entries = _own(node)
        kept = [n for n, entry in enumerate(entries) if _name(entry, old) in new]
        added = {name: new[name] for name in self._added(node, old, new)}
        if not kept:
            yield Splice(node.start, node.end, to_inline(dict(new)))
            return
        for number, entry in enumerate(entries):
            name = _name(entry, old)
            if name in new and not same(old[name], new[name]):
                if entry.value.kind == "mapping" and isinstance(new[name], dict):
                    yield from self._flow(entry.value, old[name], new[name])
                else:
                    yield self._inline(entry, new[name])
            elif name not in new and number < kept[-1]:
                yield Splice(entry.key.start, entries[number + 1].key.start, "")
        last = entries[kept[-1]].value.end
        if kept[-1] < len(entries) - 1:
            yield Splice(last, entries[-1].value.end, "")
        if added:
            yield Splice(last, last, f", {to_inline(added)[1:-1]}")

    def _lines(self, value: Any, column: int) -> str:
        """A value's lines, indented, without the last line end."""
        lines = to_yaml(value).rstrip("\n").split("\n")
        indented = (f"{' ' * column}{line}" if line else line for line in lines)
        return self._source.newline.join(indented)


def _own(node: Node) -> list[Entry]:
    """The entries but for a merge, whose keys stand elsewhere."""
    return [entry for entry in node.entries if entry.name != "<<"]


def _name(entry: Entry, old: Mapping[Any, Any]) -> Any:
    """The key as the loader reads it: of `1:` a number."""
    if entry.name in old:
        return entry.name
    return next((key for key in old if str(key) == entry.name), entry.name)


def _common(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items are the same at the beginning, and how many of the others at the end."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if not same(old[n], new[n])), shorter)
    left = shorter - head
    tail = next((n for n in range(left) if not same(old[-1 - n], new[-1 - n])), left)
    return head, tail
