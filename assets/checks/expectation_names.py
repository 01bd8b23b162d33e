"""Which names `checks:` may use: those of Great Expectations, and classes of one's own by their dotted path.

The library costs 8 s of CPU to import, so a wrong name is told without it: its own names are those of
`expectation_arguments.py`, and of a class of one's own the source is read, nothing of it is run.
"""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from assets.checks.expectation_arguments import ARGUMENTS

KNOWN = frozenset(ARGUMENTS)


def wrong_name(kind: str) -> str | None:
    """Why no expectation is called `kind`, with the nearest name; None when one is."""
    if "." in kind:
        return _wrong_path(kind)
    if kind in KNOWN:
        return None
    return _proposal(kind, KNOWN) + (
        "The gallery of Great Expectations lists all;"
        " name a class of your own by its path, for instance `my_package.expectations.ExpectPrimes`"
    )


def as_in_gallery(kind: str) -> str:
    """The name under which the library knows an expectation: `a.b.ExpectPrimes` is `expect_primes`."""
    name = kind.rpartition(".")[2]
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


def _wrong_path(path: str) -> str | None:
    module, _, name = path.rpartition(".")
    spec = _find(module)
    if spec is None:
        return f"There is no module {module!r} that Python could import"
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    names = _top_level_names(Path(spec.origin))
    if name in names or "*" in names:
        return None
    return _proposal(name, names) + f"{spec.origin} defines no {name!r}"


def _proposal(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def _find(module: str) -> ModuleSpec | None:
    """Where a module is; unlike `find_spec` of a dotted name it imports none of the packages around it."""
    first, *rest = module.split(".")
    if not first or not all(rest):
        return None
    try:
        spec = find_spec(first)
    except (ImportError, ValueError):  # `__main__` and the like have no spec
        return None
    walked = first
    for part in rest:
        if spec is None:
            return None
        walked = f"{walked}.{part}"
        spec = PathFinder.find_spec(walked, spec.submodule_search_locations or [])
    return spec


def _top_level_names(source: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)
