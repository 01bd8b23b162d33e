"""A project: every file read, every component loaded, then built; what cannot be is told, and the rest is kept.

A component is left out when it has a mistake of its own or needs something that has one; everything else works.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import cast

import dagster as dg

from orchestration.loading.attributes import check_top, parse_attributes, told
from orchestration.loading.documents import read_documents
from orchestration.loading.files import find_files, unread_file
from orchestration.loading.problems import Problem, problem_of
from orchestration.loading.tree import (
    ForeignComponents,
    ProjectTree,
    YamlComponent,
    is_folder_type,
    is_imported,
)
from orchestration.loading.types import component_type
from orchestration.loading.units import Unit, keep_whole
from orchestration.reasons import raised_on_purpose, reason_of
from resources.declared import DeclaredComponent, MisfitError
from resources.kernel.errors import WaybillError
from resources.kernel.garbage import no_full_collections
from resources.references import LeftOutError
from resources.yaml_positions import YamlDocument


@dataclass(frozen=True)
class Project:
    """What came of loading."""

    definitions: dg.Definitions
    problems: tuple[Problem, ...] = ()
    """Causes first, in order of file and line; warnings last."""


def load_project(
    defs: ModuleType, project_root: Path, *, provided: Collection[str] = ()
) -> Project:
    """Everything below the package `defs`.

    Args:
        defs: the package whose folder holds the files.
        project_root: folder of the project's pyproject.toml.
        provided: keys of resources that come from elsewhere.
    """
    with no_full_collections():
        return _Loading(ProjectTree.from_defs(defs, project_root), provided).run()


@dataclass
class _Loading:
    tree: ProjectTree
    provided: Collection[str]
    problems: list[Problem] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    declared: set[Hashable] = field(default_factory=set)
    """Components that were loaded, by the place that the tree knows them by."""
    folders: set[Path] = field(default_factory=set)
    """Those that Dagster itself reads, with all that is in them."""

    def run(self) -> Project:
        root = self.tree.defs_module_path
        found = find_files(root)
        for path in found.yaml:
            self._read(path)
        for path in found.python:
            self._read_python(path)
        self._build()
        units = keep_whole(self.units, self.tree.registry, self.provided, self.problems)
        self.tree.registry.leave_out(self.declared - {unit.loc for unit in units})
        self.problems += [unread_file(path, root) for path in found.unread if self._is_unread(path)]
        merged = dg.Definitions.merge(
            *(u.definitions for u in units), self.tree.library_definitions()
        )
        return Project(merged, tuple(sorted(set(self.problems), key=lambda p: p.order)))

    def _is_unread(self, path: Path) -> bool:
        """Whether neither Dagster nor some module of the project took it."""
        return not (is_imported(path) or self.folders.intersection(path.parents))

    def _read(self, path: Path) -> None:
        documents: list[YamlDocument] = []
        with _Told(self.problems, str(path), 1):
            documents = read_documents(path)
        for number, document in enumerate(documents):
            self._read_document(document, number)

    def _read_document(self, document: YamlDocument, number: int) -> None:
        kind: type[dg.Component] | None = None
        before = len(self.problems)
        self.problems += check_top(document)
        with _Told(self.problems, str(document.file), document.line(("type",))):
            if document.type:
                kind = component_type(document.type, self._package(document.file.parent))
        if kind is not None and len(self.problems) == before:
            self._load(document, number, kind)
        if len(self.problems) > before:
            self.tree.registry.add_broken(document.name, kind, where=document.where())

    def _load(self, document: YamlDocument, number: int, kind: type[dg.Component]) -> None:
        place = (str(document.file), document.line())
        if is_folder_type(kind) or not issubclass(kind, DeclaredComponent):
            if is_folder_type(kind):
                self.folders.add(document.file.parent)
            with _Told(self.problems, *place):
                foreign = ForeignComponents.from_document(self.tree, document, number)
                foreign.load()
                self.units.append(Unit(*place, build=foreign.build))
            return
        attributes, problems = parse_attributes(kind, document)
        if problems:
            self.problems += problems
            return
        with _Told(self.problems, *place, document=document):
            component = YamlComponent(self.tree, document, number, kind)
            self.declared.add(component.loc)
            loaded = component.load(attributes)
            name = loaded.name if isinstance(loaded, DeclaredComponent) else ""
            self.units.append(
                Unit(*place, build=component.build, name=name, kind=kind, loc=component.loc)
            )

    def _read_python(self, path: Path) -> None:
        with _Told(self.problems, str(path), 1):
            python = ForeignComponents.from_python(self.tree, path)
            python.load()
            self.units.append(Unit(str(path), 1, build=python.build))

    def _build(self) -> None:
        for unit in self.units:
            with _Told(self.problems, unit.file, unit.line):
                unit.definitions = unit.build()
                unit.is_built = True
            if not unit.is_built:
                self.tree.registry.add_broken(unit.name, unit.kind, where=unit.where)
        self.units = [unit for unit in self.units if unit.is_built]

    def _package(self, folder: Path) -> str:
        parts = folder.relative_to(self.tree.defs_module_path).parts
        return ".".join([self.tree.defs_module_name, *parts])


class _Told:
    """Turns whatever is raised inside into problems at a place; users' own Python may raise anything."""

    def __init__(
        self,
        problems: list[Problem],
        file: str,
        line: int,
        *,
        document: YamlDocument | None = None,
    ) -> None:
        self._problems = problems
        self._place = (file, line)
        self._document = document

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, Exception | SystemExit):  # a module that calls `sys.exit`
            return False
        self._problems += self._tell(error)
        return True

    def _tell(self, error: BaseException) -> Iterable[Problem]:
        file, line = self._place
        if isinstance(error, MisfitError) and self._document:
            return told(error.error, error.model, self._document, error.path)
        meant = raised_on_purpose(error)
        if meant is not None:
            waits = isinstance(meant, LeftOutError)
            return [
                problem_of(found, file, line, is_consequence=waits)
                for found in (meant, *_also(meant))
            ]
        if isinstance(error, SyntaxError) and error.filename:
            text = f"this is no Python: {error.msg}"
            return [Problem(error.filename, error.lineno or 1, text)]
        return [Problem(file, _line_in(error, file) or line, reason_of(error))]


def _also(error: WaybillError) -> tuple[WaybillError, ...]:
    """Other errors of the same component that were found with this one."""
    return cast("tuple[WaybillError, ...]", error.facts.get("also", ()))


def _line_in(error: BaseException, file: str) -> int | None:
    """The last line of `file` that an error went through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return lines[-1] if lines else None
