"""The documentation is true where a machine can tell: tests that it names exist, and so do pages that it links."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_every_test_named_in_the_feature_list_exists():
    named = re.findall(r"`([\w/]+\.py)::([\w*]+)`", (ROOT / "docs" / "features.md").read_text())
    assert named
    missing = [
        f"{file}::{function}"
        for file, function in named
        if not (path := ROOT / "tests" / file).is_file()
        or (function != "*" and f"def {function}(" not in path.read_text())
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+?)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def _named_paths(source):
    """Modules that the docstrings of a module name by their paths."""
    tree = ast.parse(source)
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docs = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds)]
    return re.findall(r"`([\w/]+\.py)`", "\n".join(docs))


def _starts(path):
    """Where a path named in a module may begin: at a folder around it, or where its tests are."""
    return [
        *path.parents[: len(path.relative_to(ROOT).parts)],
        ROOT / "resources",
        ROOT / "tests" / path.relative_to(ROOT).parent,
    ]


@pytest.mark.parametrize("package", ["resources", "assets", "orchestration", "benchmarks", "tests"])
def test_paths_named_in_docstrings_exist(package):
    missing = [
        f"{path.relative_to(ROOT)}: {named}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for named in _named_paths(path.read_text())
        if not any((start / named).exists() for start in _starts(path))
    ]
    assert missing == []
