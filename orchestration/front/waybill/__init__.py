"""Waybill from outside: what a project's own files, `dagster.yaml` and the command `waybill` import.

Waybill's packages have general names: `assets`, `resources`, `orchestration`. A project may have folders of these names,
and Python looks into the project first. So this package, whose name is its own, makes sure that Waybill's own are
meant before anything imports them; what the project has under such a name says what to do when it is imported.

Installed as the top-level package `waybill`. Imports nothing heavy.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.client.client import Client
    from orchestration.loading.problems import Problem

__all__ = ["Client", "check", "load_definitions", "main"]

_SIGNS = {
    "resources": "kernel/errors.py",
    "assets": "boundary.py",
    "orchestration": "cli/main.py",
}
"""Waybill's packages, each with a file that no other package of that name will have."""


class _Hidden:
    """Python's last resort for what is in the project's own package that Waybill's hides: says why it is not found."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        """Raises when a package of this name elsewhere would have had it."""
        top, _, rest = name.partition(".")
        if top not in _SIGNS or not rest:
            return
        for folder in [Path(entry).absolute() for entry in sys.path]:
            for place in (folder / top, folder / f"{top}.py"):
                if not (place / _SIGNS[top]).is_file() and _holds(place, rest):
                    raise ImportError(
                        f"{name!r} is in {place}, where Python does not look here: {top!r} is a package of Waybill."
                        f" Rename yours, or move it into the project's own package, as <project>.{top}"
                    )


def _holds(place: Path, rest: str) -> bool:
    file = place.joinpath(*rest.split("."))
    if file.with_suffix(".py").is_file() or file.is_dir():
        return True
    code = place / "__init__.py" if place.is_dir() else place
    return code.is_file() and re.search(rf"\b{re.escape(rest)}\b", code.read_text()) is not None


def _settle(name: str, sign: str) -> None:
    """Makes `name` mean Waybill's package in this process.

    Raises:
        ImportError: another package of that name has been imported already.
    """
    loaded = sys.modules.get(name)
    if loaded is not None:
        if not _has(loaded, sign):
            raise ImportError(
                f"{name!r} is a package of Waybill, but {_place(loaded)} has been imported under that name."
                " Rename yours, or move it into the project's own package; where it belongs to another"
                " installed package, give Waybill an environment of its own"
            )
        return
    found = PathFinder.find_spec(name)
    own = _own_root() / name
    if found is None or not (own / sign).is_file():
        return
    folders = list(found.submodule_search_locations or [])
    if not any((Path(folder) / sign).is_file() for folder in folders):
        _load(name, own)


def _own_root() -> Path:
    """The folder of Waybill's packages: beside this one where it is installed, above it in a clone."""
    here = Path(__file__).resolve().parent
    return here.parents[2] if here.parent.name == "front" else here.parent


def _load(name: str, folder: Path) -> None:
    spec = spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if not isinstance(spec, ModuleSpec) or spec.loader is None:
        raise ImportError(f"{folder} cannot be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _has(module: ModuleType, sign: str) -> bool:
    return any((Path(folder) / sign).is_file() for folder in getattr(module, "__path__", []))


def _place(module: ModuleType) -> str:
    return str(getattr(module, "__file__", None) or list(getattr(module, "__path__", ["?"])))


for _name, _sign in _SIGNS.items():
    _settle(_name, _sign)
sys.meta_path.append(_Hidden)


def load_definitions(file: str) -> dg.Definitions:
    """The definitions of a project: everything under its `defs/`, put together.

    Args:
        file: any file of the project, such as `__file__` of the module that Dagster loads.

    Raises:
        ConfigError: `file` is in no project.
        ProjectError: what is wrong with the files under `defs/`, each with file and line.
    """
    from orchestration.definitions import load_definitions as load

    return load(Path(file))


def check(file: str) -> list[Problem]:
    """Everything that is wrong with a project, as `waybill check` lists it; nothing runs, nothing is connected to.

    Args:
        file: any file of the project.
    """
    from orchestration.project import check_project
    from resources.project import use_project

    use_project(Path(file))
    return check_project()


def main() -> None:
    """The command `waybill`."""
    from orchestration.cli.main import start

    start()


def __getattr__(name: str) -> Any:
    if name == "Client":
        return import_module("orchestration.client.client").Client
    if name == "WarmRunLauncher":  # as a project's dagster.yaml names it
        return import_module("orchestration.server.launcher").WarmRunLauncher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
