"""The documentation is true where a machine can tell: tests that it names exist, and so do pages that it links."""

import functools
import io
import re
import subprocess
import tokenize
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


def test_the_table_of_rooms_names_each_room_and_nothing_else():
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.split("## The rooms")[1].split("###")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {
        name if "/" in name.rstrip("/") else f"orchestration/{name}"
        for cell in cells
        for name in re.findall(r"`([^`]+)`", cell)
    }
    named.remove("assets/<noun>/")
    assert [name for name in named if not (ROOT / name).exists()] == []
    nouns = {f"assets/{path.parent.name}/" for path in ROOT.glob("assets/*/component.py")}
    rooms = {
        path.relative_to(ROOT).as_posix() + ("/" if path.is_dir() else "")
        for package in ("resources", "assets", "orchestration")
        for path in (ROOT / package).iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or any(path.glob("*.py")))
    }
    assert sorted(rooms - nouns - named) == []


FILE = r"[\w./-]*\w\.(?:py|md)"
"""A path as it is written in docstrings, comments and docs."""
OF_USERS = {"NAME/definitions.py", "airline_delays.py"}
"""Files of a user's project that the docs name."""


def _named_paths(source):
    """Files that the docstrings and comments of a module name by their paths, alone or before the name of a test."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    told = "\n".join(
        token.string
        for token in tokens
        if token.type == tokenize.COMMENT
        or (token.type == tokenize.STRING and token.string.endswith('"""'))
    )
    unmarked = re.findall(r"(?<![\w`/.:-])((?:[\w-]+/)+[\w-]+\.(?:py|md))(?![\w`])", told)
    return [*re.findall(rf"`({FILE})(?:::\w+)?`", told), *unmarked]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_named_in_the_docs_exist(page):
    named = set(re.findall(rf"`({FILE})(?:::\w+)?`", page.read_text()))
    assert sorted(named - _ends() - OF_USERS) == []


@functools.cache
def _ends():
    """Each tracked file by its path, and by all that its path may end in."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    parts = [path.split("/") for path in listed]
    return {"/".join(path[at:]) for path in parts for at in range(len(path))}
