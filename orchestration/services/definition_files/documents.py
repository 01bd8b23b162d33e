"""Definitions in the text of a file: one added, changed or taken out, and proof that nothing else became different.

Whatever the edit of the text did, the result is read again as loading reads it: the documents that were not meant are
the same values, the one that was meant is exactly what was asked for. Else nothing is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

from orchestration.loading.documents import parse_documents as load_documents
from orchestration.services.definition_files.edits import Editor, Splice, apply
from orchestration.services.definition_files.emit import same, to_yaml
from orchestration.services.definition_files.source import (
    DocumentText,
    Node,
    YamlText,
    parse_documents,
)
from resources.kernel.errors import ConfigError
from resources.yaml_positions import YamlDocument


@dataclass(frozen=True)
class DefinitionText:
    """One definition in the text of its file."""

    place: DocumentText
    document: YamlDocument
    text: str

    @property
    def revision(self) -> str:
        """Changes with every byte of it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]

    @property
    def attributes(self) -> dict[str, Any]:
        """What it declares, as plain values."""
        given = self.document.value.get("attributes")
        return given if isinstance(given, dict) else {}


@dataclass(frozen=True)
class DefinitionFile:
    """The text of a component file, and the definitions in it.

    Args:
        path: where it stands, or will.
        source: its text.
    """

    path: Path
    source: YamlText

    @property
    def definitions(self) -> list[DefinitionText]:
        """Every document that holds something, in order.

        Raises:
            ConfigError: it is no YAML that loading would take; with file and line.
        """
        if not self.source.text.strip():
            return []
        documents = load_documents(self.path, self.source.text)
        places = {place.root.start: place for place in parse_documents(self.source)}
        found = []
        for document in documents:
            place = places[document.node.start_mark.index]
            found.append(DefinitionText(place, document, self.source.text[place.start : place.end]))
        return found

    def with_added(self, type_name: str, attributes: Mapping[str, Any]) -> DefinitionFile:
        """The file with one more definition at its end.

        Raises:
            ConfigError: the file cannot take it.
        """
        text, newline = self.source.text, self.source.newline
        value = {"type": type_name, "attributes": dict(attributes)}
        inner = indent(to_yaml(value["attributes"]), "  ")
        lines = f"{to_yaml({'type': type_name})}attributes:\n{inner}".replace("\n", newline)
        before = self.definitions
        if text and not text.endswith(("\n", "\r")):
            text += newline
        separator = f"---{newline}" if before else ""
        changed = self._with(YamlText(f"{text}{separator}{lines}", self.source.has_bom))
        return self._proven(changed, [*_values(before), value])

    def with_changed(
        self, number: int, attributes: Mapping[str, Any], *, order: Sequence[str] = ()
    ) -> DefinitionFile:
        """The file with other attributes of its n-th definition.

        Args:
            number: which one, from 0.
            attributes: all of them, as they are to be.
            order: of attributes, for those that are new.

        Raises:
            ConfigError: the text is such that it cannot be changed without touching more.
        """
        before = self.definitions
        own = before[number]
        splices = self._splices(own, dict(attributes), order)
        changed = self._with(apply(self.source, splices))
        wanted = _values(before)
        wanted[number] = {**deepcopy(own.document.value), "attributes": dict(attributes)}
        return self._proven(changed, wanted)

    def without(self, number: int) -> DefinitionFile:
        """The file without its n-th definition and the comments that belong to it; without text when it was the only one.

        A comment that a blank line parts from the definition stays.

        Raises:
            ConfigError: the text is such that it cannot be taken out alone.
        """
        before = self.definitions
        if len(before) == 1:
            return self._with(YamlText(""))
        changed = self._with(apply(self.source, [self._gap(before[number].place)]))
        wanted = _values(before)
        del wanted[number]
        return self._proven(changed, wanted)

    def _gap(self, place: DocumentText) -> Splice:
        """The lines of a document, with the `---` that parts it from the others."""
        source = self.source
        tail = _tail(source, place)
        if place.separator is not None and place.separator > 0:
            kept = source.text[tail : place.end]
            start = source.line_start(place.separator)
            if start == 0:
                return Splice(place.start, source.next_line(place.end), kept)
            return Splice(start, place.end, kept)
        start = _head(source, place)
        return Splice(start, source.next_line(place.end), source.text[tail : place.end])

    def _splices(
        self, own: DefinitionText, attributes: dict[str, Any], order: Sequence[str]
    ) -> list[Splice]:
        editor, root = Editor(self.source, order), own.place.root
        node = root.at("attributes")
        if node is not None and node.kind == "mapping":
            return list(editor.mapping(node, own.attributes, attributes))
        whole = {**own.document.value, "attributes": attributes}
        return list(editor.mapping(root, own.document.value, whole))

    def _with(self, source: YamlText) -> DefinitionFile:
        return DefinitionFile(self.path, source)

    def _proven(self, changed: DefinitionFile, wanted: Sequence[Any]) -> DefinitionFile:
        try:
            found = _values(changed.definitions)
        except (ConfigError, KeyError) as error:
            raise self._stuck() from error
        if len(found) != len(wanted) or not all(map(same, found, wanted)):
            raise self._stuck()
        return changed

    def _stuck(self) -> ConfigError:
        return ConfigError(
            f"{self.path}: what is to be changed is tied to the rest of the file, by an anchor or in another way",
            hint="Change it in the file by hand",
            file=str(self.path),
        )


def attribute_at(definition: DefinitionText, source: YamlText, line: int) -> str:
    """The attribute whose lines hold a line of the file, `schedule.cron` of a nested one.

    Empty where there is none, or where several share the line.
    """
    node: Node | None = definition.place.root.at("attributes")
    names: list[str] = []
    while node is not None and node.kind == "mapping":
        inside = [e for e in node.entries if _holds(source, e.key.start, e.value.end, line)]
        if len(inside) != 1:
            break
        names.append(inside[-1].name)
        node = inside[-1].value
    return ".".join(names)


def _holds(source: YamlText, start: int, end: int, line: int) -> bool:
    return source.line_number(start) <= line <= source.line_number(max(start, end - 1))


def _values(definitions: Sequence[DefinitionText]) -> list[Any]:
    return [definition.document.value for definition in definitions]


def _head(source: YamlText, place: DocumentText) -> int:
    """Where a first document begins: behind the comments that a blank line parts from it."""
    start = source.line_start(place.root.start)
    while start > place.start:
        above = source.line_above(start)
        if not source.text[above:start].strip():
            break
        start = above
    return start


def _tail(source: YamlText, place: DocumentText) -> int:
    """Where the comments begin that stand behind a document and a blank line."""
    at = source.next_line(place.root.end)
    while at < place.end:
        line = source.text[at : source.next_line(at)]
        if not line.strip():
            rest = source.text[at : place.end]
            return source.next_line(at) if rest.strip() else place.end
        at = source.next_line(at)
    return place.end
