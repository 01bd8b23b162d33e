"""The project that a process works for: the folder whose `pyproject.toml` has a table `[tool.waybill]`.

It is looked for from the current folder upwards, so commands work anywhere inside a project. A clone of Waybill is a
project too: where no other is found its definitions count, as its commands may be started from anywhere.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from resources.kernel.errors import ConfigError

CODE_ROOT = Path(__file__).resolve().parent.parent
"""Where Waybill's own packages are: a clone, or `site-packages`."""


@dataclass(frozen=True)
class ProjectFolders:
    """Where a project keeps what, as its `pyproject.toml` tells `dg` and Waybill alike.

    Args:
        root: the folder of `pyproject.toml`.
        package: the project's own package, `root_module`.
        defs_module: the package whose files are the definitions.
        target_module: the module that Dagster loads.
        location: the code location's name in the web UI.
    """

    root: Path
    package: str
    defs_module: str
    target_module: str
    location: str

    @property
    def is_clone(self) -> bool:
        """Whether it is Waybill's own repository."""
        return self.root == CODE_ROOT

    @property
    def defs_folder(self) -> Path:
        """The folder whose files are the definitions."""
        for base in (self.root / "src", self.root):
            if (found := base.joinpath(*self.defs_module.split("."))).is_dir():
                return found
        raise ConfigError(
            f"{self.root / 'pyproject.toml'}: the package {self.defs_module!r} has no folder below"
            f" {self.root}",
            hint="Make it, or correct `defs_module` in [tool.dg.project]",
        )

    def make_importable(self) -> None:
        """Lets Python find the project's packages, as Dagster does for a code location."""
        if self.is_clone:
            return
        base = str(self.defs_folder.parents[len(self.defs_module.split(".")) - 1])
        if base not in sys.path:
            sys.path.insert(0, base)


@dataclass
class _AtHand:
    project: ProjectFolders | None = None


_AT_HAND = _AtHand()


def use_project(place: Path) -> ProjectFolders:
    """Makes the project of `place`, a file or a folder, the one that this process works for, wherever it was started.

    A project may lie in another one, or in a clone: the innermost counts.

    A project that is installed as a package has its `pyproject.toml` elsewhere: then the current folder's counts.

    Raises:
        ConfigError: neither lies in a project.
    """
    above = (read_project(folder) for folder in (place.absolute(), *place.absolute().parents))
    found = next((project for project in above if project), None)
    _AT_HAND.project = None
    _AT_HAND.project = found = found or find_project()
    return found


def find_project(start: Path | None = None) -> ProjectFolders:
    """The project that `start`, or the current folder, lies in; else the clone that this code is of.

    Without `start` it is the one of `use_project`, where that was called.

    Raises:
        ConfigError: there is none, or its `pyproject.toml` cannot be used.
    """
    if start is None and _AT_HAND.project is not None:
        return _AT_HAND.project
    given = (start or Path.cwd()).absolute()
    for folder in (given, *given.parents, CODE_ROOT):
        if (found := read_project(folder)) is not None:
            return found
    raise ConfigError(
        f"{given} lies in no project of Waybill: no pyproject.toml here or above has [tool.waybill]",
        hint="Go to a project's folder, or make a project: waybill init DIR",
    )


def read_project(folder: Path) -> ProjectFolders | None:
    """The project of exactly this folder; None when it is none.

    Raises:
        ConfigError: its `pyproject.toml` cannot be read, or lacks what is needed.
    """
    file = folder / "pyproject.toml"
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        return None
    return _read(file, changed)


@lru_cache(maxsize=64)
def _read(file: Path, _changed: int) -> ProjectFolders | None:
    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}", file=str(file)) from error
    if "waybill" not in tools:
        return None
    given: dict[str, Any] = tools.get("dg", {}).get("project", {})
    package = given.get("root_module")
    if not isinstance(package, str) or not package:
        raise ConfigError(
            f"{file}: [tool.dg.project] has no `root_module`",
            hint="Name the project's own package there, for example root_module = 'shop'",
            file=str(file),
        )
    return ProjectFolders(
        root=file.parent,
        package=package,
        defs_module=str(given.get("defs_module", f"{package}.defs")),
        target_module=str(given.get("code_location_target_module", f"{package}.definitions")),
        location=str(given.get("code_location_name", package)),
    )
