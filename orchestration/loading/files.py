"""Which files below `defs/` count, and those that look as if they did.

Dagster reads `defs.yaml` of a folder and nothing else in it; without one, the folder's Python files and folders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.loading import overlay
from orchestration.loading.documents import component_file
from orchestration.loading.problems import Problem


@dataclass
class Found:
    """What a walk found."""

    yaml: list[Path] = field(default_factory=list)
    python: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)
    """Python and YAML that the rule above leaves out."""


def find_files(root: Path) -> Found:
    """Every file below `root` that makes definitions, in order, and those that do not."""
    found = Found()
    _walk(root, found)
    return found


def _walk(folder: Path, found: Found) -> None:
    component = component_file(folder)
    if component is not None:
        found.yaml.append(component)
        found.unread += [path for path in _below(folder) if path != component]
        return
    for path in _visible(folder):
        if overlay.is_dir(path):
            _walk(path, found)
        elif path.suffix == ".py":
            found.python.append(path)
        elif path.suffix in (".yaml", ".yml"):
            found.unread.append(path)


def _below(folder: Path) -> Iterator[Path]:
    for path in _visible(folder):
        if overlay.is_dir(path):
            yield from _below(path)
        elif path.suffix in (".py", ".yaml", ".yml") and path.name != "__init__.py":
            yield path


def _visible(folder: Path) -> list[Path]:
    found = sorted(overlay.children(folder))
    return [p for p in found if p.name[0] != "." and p.name != "__pycache__"]


def unread_file(path: Path, root: Path) -> Problem:
    """The warning about a file that is not read."""
    above = path.parent.parent if path == component_file(path.parent) else path.parent
    owner = _owner(above, root)
    if owner is None:
        goal = path.parent / path.stem / "defs.yaml"
        text = f"this file is not read: only files named defs.yaml are. Move it to {goal}"
    elif path.suffix == ".py":
        goal = owner.parent.parent / path.name
        text = f"this file is not read: {owner.name} stands in the same folder. Move it to {goal}"
        if owner.parent == root:
            goal = root / owner.parent.name / "defs.yaml"
            text = f"this file is not read: {owner} stands above it. Move that one to {goal}"
    elif path.name == "defs.yaml" and path.parent != owner.parent:
        goal = owner.parent.parent / path.parent.name / path.name
        text = f"this file is not read: {owner} stands above it. Move it to {goal}"
    else:
        goal = path.parent / path.stem / "defs.yaml"
        text = (
            f"this file is not read: {owner.name} stands in the same folder. Put its content there,"
            f" after a line of `---`, or move it to {owner.parent.parent / path.stem / 'defs.yaml'}"
        )
    return Problem(str(path), 1, text, is_warning=True)


def _owner(folder: Path, root: Path) -> Path | None:
    """The component file that keeps what stands in `folder` from being read."""
    while True:
        if (found := component_file(folder)) is not None:
            return found
        if folder in (root, folder.parent):
            return None
        folder = folder.parent
