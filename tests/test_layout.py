"""The house is kept: tests mirror the code, the top level is the agreed one, package exports are true."""

import ast
import gc
import importlib
import subprocess
from collections import defaultdict
from pathlib import Path

import dagster as dg
import pytest

ROOT = Path(__file__).resolve().parent.parent
AGREED = {
    "orchestration", "assets", "resources", "tests", "workspace.yaml", "pyproject.toml", "README.md",
    "docs", "benchmarks", ".ci", "run", "requirements.lock", "CHANGELOG.md", "LICENSE", ".gitignore",
}  # fmt: skip


def test_the_top_level_holds_what_was_agreed_and_nothing_else():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    assert {path.split("/")[0] for path in tracked if path} <= AGREED


@pytest.mark.parametrize("package", ["assets", "resources", "orchestration"])
def test_a_packages_exports_are_component_types(package):
    module = importlib.import_module(package)
    exported = [name for name in dir(module) if name[0].isupper() and name != "Any"]
    assert exported
    for name in exported:
        assert issubclass(getattr(module, name), dg.Component), name


_SIDE_BY_SIDE = "a use case or a page has the word for what it shows, a room below for what it does"
NAMED_TWICE: dict[str, str] = {
    "Asked": "who wants a run; what a query asks",
    "Client": "of the HTTP API, as users import it; of an SFTP server",
    "Dataset": "the component; one that a server keeps, from the client",
    "Datasets": "a project's, from the client; those that a query may read",
    "Delivery": _SIDE_BY_SIDE,
    "Described": _SIDE_BY_SIDE,
    "HistoryFilter": "of exports; of a set's files",
    "MetadataSchema": "the component; the keys that it stands for",
    "Outcome": _SIDE_BY_SIDE,
    "Place": _SIDE_BY_SIDE,
    "Problem": "of a project's files; RFC 9457's own word for an error of the API",
    "Project": "what came of loading one; one as the web process sees it",
    "Target": "what a process loads; where the items of a task go",
    "Request": "over the pipe to the code location's process; of HTTP, as far as it is looked at",
    "Visit": "who came through the guard; what a page is given of them",
}
"""Public class names that stand for two things -> why each is the best name where it is. The list only shrinks."""


def test_a_public_class_has_a_name_of_its_own():
    homes = defaultdict(set)
    gc.disable()  # trees of a thousand files: each collection would go over all that other tests left
    try:
        for path in (
            p
            for room in ("resources", "assets", "orchestration")
            for p in (ROOT / room).rglob("*.py")
        ):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes[node.name].add(path.relative_to(ROOT).as_posix())
    finally:
        gc.enable()
    twice = {name: sorted(files) for name, files in homes.items() if len(files) > 1}
    assert set(twice) == set(NAMED_TWICE), twice
    assert all(NAMED_TWICE.values())
