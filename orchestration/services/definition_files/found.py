"""Where definitions stand: the document of a noun by its name, below the project's `defs/`.

Only files whose bytes hold the name are read, so that one definition of thousands is found at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.loading.documents import NAMES, check_size
from orchestration.loading.files import find_files
from orchestration.services.definition_files.documents import DefinitionFile, DefinitionText
from orchestration.services.definition_files.source import YamlText
from resources.kernel.errors import ConfigError, said

NounOf = Callable[[str, Path], str]
"""What components of a type are called: by the type's name and the file that names it; empty of one that is not known."""


@dataclass(frozen=True)
class FoundDefinition:
    """A definition in its file."""

    file: DefinitionFile
    number: int
    """Which definition of its file it is, from 0."""
    noun: str

    @property
    def definition(self) -> DefinitionText:
        """Its text and values."""
        return self.file.definitions[self.number]

    @property
    def where(self) -> str:
        """`file:line`."""
        return self.definition.document.where()


def read_file(path: Path) -> DefinitionFile:
    """A component file; one that is not there has no text.

    Raises:
        ConfigError: it is too large, or no UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return DefinitionFile(path, YamlText(""))
    check_size(path, len(data))
    try:
        return DefinitionFile(path, YamlText.decode(data))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the file is not UTF-8", hint="Save it as UTF-8") from error


def find(root: Path, noun: str, name: str, noun_of: NounOf) -> FoundDefinition | None:
    """The definition of a noun by name; None where no YAML has one.

    Args:
        root: the folder of the definitions.
        noun: what it is: `connector`, `dataset`.
        name: what it is called.
        noun_of: tells what components of a type are called.

    Raises:
        ConfigError: several are called so, or a file that may hold it cannot be read.
    """
    found = [f for f in find_named(root, name, noun_of) if f.noun == noun]
    if len(found) > 1:
        places = ", ".join(f.where for f in found)
        raise ConfigError(
            f"{len(found)} {said(noun)}s are named {name!r}: {places}",
            hint="Give each its own name, in the files",
        )
    return found[0] if found else None


def find_named(root: Path, name: str, noun_of: NounOf) -> Iterator[FoundDefinition]:
    """Every definition of this name, whatever noun it is.

    Raises:
        ConfigError: a file that may hold one cannot be read.
    """
    for path in component_files(root):
        if name.encode() not in path.read_bytes():
            continue
        file = read_file(path)
        for number, definition in enumerate(file.definitions):
            document = definition.document
            if document.name == name:
                yield FoundDefinition(file, number, noun_of(document.type, path))


def component_files(root: Path) -> list[Path]:
    """Every component file that is read: by Waybill, or by a folder of Dagster's own type above it."""
    found = find_files(root)
    folders = [path.parent for path in found.yaml if b"DefsFolderComponent" in path.read_bytes()]
    nested = [
        path
        for path in found.unread
        if path.name in NAMES and any(path.is_relative_to(folder) for folder in folders)
    ]
    return [*found.yaml, *nested]


def check_own(path: Path, root: Path) -> None:
    """Nothing, where a file is the project's own: what a link leads to may belong to another project.

    Raises:
        ConfigError: it is reached by a link.
    """
    real = path.resolve()
    if real != root.resolve() / path.relative_to(root):
        raise ConfigError(
            f"{path} is reached by a link, and stands at {real}",
            hint="Change it there, by hand",
            file=str(path),
        )
