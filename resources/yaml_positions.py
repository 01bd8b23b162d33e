"""A YAML document and where each thing in it stands, from libyaml's nodes. Knows no Dagster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KeyPath = Sequence[str | int]


@dataclass(frozen=True)
class YamlDocument:
    """One document of a component file."""

    file: Path
    node: yaml.Node
    value: Any
    """Plain values, as a safe loader makes them; dates stay text."""
    has_braces: bool = True
    """Whether its file holds `{{` anywhere: without, there is no template in it."""
    text: str | None = field(default=None, repr=False)
    """All of its file as it was read; None where that was not kept."""

    def line(self, path: KeyPath = ()) -> int:
        """The line of what `path` leads to, or of the last thing on the way that is there: of a mapping, the key's."""
        node, line = self.node, self.node.start_mark.line + 1
        for part in path:
            found = _step(node, part)
            if found is None:
                break
            line, node = found
        return line

    def where(self, path: KeyPath = ()) -> str:
        """`file:line` of what `path` leads to."""
        return f"{self.file}:{self.line(path)}"

    def line_within(self, path: KeyPath, text: str, offset: int) -> int:
        """The line of the character at `offset` of `text`, which is what stands at `path`.

        YAML folds and indents, but leaves all other characters in order. Where it does not (escapes, a template that
        was replaced), it is the line of the key.
        """
        node = self.node
        for part in path:
            found = _step(node, part)
            if found is None:
                return self.line(path)
            _, node = found
        if isinstance(node, yaml.ScalarNode):
            return _line_of(node, self.source_text(), text[: offset + 1]) or self.line(path)
        return self.line(path)

    def source_text(self) -> str:
        """The text of its file."""
        return self.file.read_text(encoding="utf-8") if self.text is None else self.text

    @property
    def type(self) -> str:
        """The component type that it names; empty when it names none."""
        return str(self._head("type") or "")

    @property
    def name(self) -> str:
        """The name that it declares, as it stands there; empty when it has none."""
        attributes = self._head("attributes")
        given = attributes.get("name") if isinstance(attributes, dict) else None
        return given if isinstance(given, str) else ""

    def _head(self, key: str) -> Any:
        return self.value.get(key) if isinstance(self.value, dict) else None


def _step(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    """The line and the node below `node` that a part of a path names."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found = node.value[part]
        return found.start_mark.line + 1, found
    return None


def _line_of(node: yaml.ScalarNode, source: str, text: str) -> int | None:
    """The line in which the last character of `text`, which begins a scalar, stands; None when the file has another text."""
    wanted = "".join(text.split())
    start, column = node.start_mark.line, node.start_mark.column
    lines = source.splitlines()[start : node.end_mark.line + 1]
    if node.style in ("|", ">"):  # the text begins in the line after the mark
        start, lines = start + 1, lines[1:]
    elif lines:
        lines[0] = lines[0][column + (1 if node.style else 0) :]
    for number, line in enumerate(lines, start=start + 1):
        found = "".join(line.split())
        if len(found) >= len(wanted):
            return number if found.startswith(wanted) else None
        if not wanted.startswith(found):
            return None
        wanted = wanted[len(found) :]
    return None
