"""`dg scaffold defs TYPE PATH`: a file that works as it stands, from the first example of the component's type.

What the example refers to is taken from the project when it declares something of that type, and written beside it
when it does not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any, ClassVar, Protocol

import dagster as dg
import yaml
from dagster.components.component_scaffolding import scaffold_component

from resources.component_schema import parse_example
from resources.kernel.keys import check_name

_FILES = ("defs.yaml", "defs.yml", "component.yaml")
_COMMENTED = re.compile(r"(\s*[^\s#].*?)(\s{2,})(# .*)")
"""A line with a comment after something else: all but the spaces before it, and the comment."""
_FOREIGN = ("node_modules", "site-packages", "__pycache__")


class ExampleScaffolder(dg.Scaffolder[Any]):
    """Writes the first example of a component's type."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Writes `defs.yaml`, named after its folder, or appends to a file when asked to.

        Raises:
            ConfigError: the folder's name cannot name a component.
        """
        if request.scaffold_format == "python":
            scaffold_component(request)
            return
        path = request.target_path
        project = _Project(request.project_root or path.parent)
        name = (path.parent if request.append else path).name
        text = "---\n".join(project.write(request.type_name, name))
        if request.append:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"---\n{text}")
        else:
            (path / "defs.yaml").write_text(text, encoding="utf-8")


class _HasExamples(Protocol):
    """What a component's type says of itself."""

    noun: ClassVar[str]
    examples: ClassVar[Sequence[str]]
    refers_to: ClassVar[Mapping[str, str]]


class _Project:
    """What a project declares already, and documents to add to it.

    Args:
        root: its folder.
    """

    def __init__(self, root: Path) -> None:
        self._names: dict[str, list[str]] = {}
        for kind, name in _declared_below(root):
            self._names.setdefault(kind, []).append(name)

    def write(self, type_name: str, name: str, example: int = 0) -> Iterator[str]:
        """The document of a component, after one of its type's examples, then of what it needs and the project lacks.

        Raises:
            ConfigError: `name` cannot name a component.
        """
        kind = _component(type_name)
        text = kind.examples[example]
        check_name(kind.noun, name)
        self._names.setdefault(type_name, []).append(name)
        needed: list[str] = []
        for wanted, wanted_type in kind.refers_to.items():
            number = _example_of(wanted_type, wanted)
            known = self._names.get(wanted_type, [])
            # What has an example of its own is more than any other of its type: a collection of web pages.
            found = [] if number else [n for n in known if n != name]
            if not found:
                found = [self._free(wanted)]
                needed += self.write(wanted_type, found[0], number)
            if wanted not in found:
                text = _replaced(rf"\b{wanted}\b", found[0], text)
        own = parse_example(text)["name"]
        text = _replaced(rf"^name: {own}\b", f"name: {name}", text)
        yield f"type: {type_name}\nattributes:\n{indent(text, '  ')}"
        yield from needed

    def _free(self, name: str) -> str:
        taken = {known for names in self._names.values() for known in names}
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        return next(free for free in (name, *numbered) if free not in taken)


def _example_of(type_name: str, name: str) -> int:
    """Which of a type's examples is called so; the first where none is."""
    names = [parse_example(text)["name"] for text in _component(type_name).examples]
    return names.index(name) if name in names else 0


def _replaced(pattern: str, new: str, text: str) -> str:
    """The text with others' names in it; comments at the ends of lines stay below each other."""
    lines = [_COMMENTED.fullmatch(line) or line for line in text.splitlines()]
    code = [re.sub(pattern, new, line if isinstance(line, str) else line[1]) for line in lines]
    commented = [(n, line) for n, line in enumerate(lines) if not isinstance(line, str)]
    column = max((max(line.start(3), len(code[n]) + 2) for n, line in commented), default=0)
    for n, line in commented:
        code[n] = f"{code[n].ljust(column)}{line[3]}"
    return "\n".join(code) + "\n"


def _component(type_name: str) -> type[_HasExamples]:
    module, _, name = type_name.rpartition(".")
    found: type[_HasExamples] = getattr(import_module(module), name)
    return found


def _declared_below(root: Path) -> Iterator[tuple[str, str]]:
    """Type and name of every component in YAML; files that cannot be read are reported when the project is loaded."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f[0] != "." and f not in _FOREIGN)
        for file in sorted(set(files).intersection(_FILES)):
            try:
                documents = list(yaml.safe_load_all(Path(folder, file).read_text("utf-8")))
            except (yaml.YAMLError, UnicodeDecodeError):
                continue
            for document in documents:
                attributes = document.get("attributes") if isinstance(document, dict) else None
                name = attributes.get("name") if isinstance(attributes, dict) else None
                if isinstance(name, str) and isinstance(document.get("type"), str):
                    yield document["type"], name
