"""Files, functions and classes stay small; the exceptions are listed with their reasons, and the list only shrinks."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES, CLASS_METHODS = 420, 50, 20
ROOMS = ("resources", "assets", "orchestration", "benchmarks", "tests")

EXCEPTIONS: dict[str, tuple[int, str]] = {}
"""What is larger -> its size, and why it may be. A size that has shrunk is written down; one that grew is an error."""


def sizes() -> Iterator[tuple[str, int]]:
    """Everything above its limit: `file`, `file::function` or `file::Class`, with lines or methods."""
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        name, text = path.relative_to(ROOT).as_posix(), path.read_text()
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield name, lines
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{name}::{node.name}", length
            elif isinstance(node, ast.ClassDef):
                methods = sum(
                    isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) for n in node.body
                )
                if methods > CLASS_METHODS:
                    yield f"{name}::{node.name}", methods


def test_whatever_is_large_is_listed_with_its_size():
    listed = {name: size for name, (size, _) in EXCEPTIONS.items()}
    assert dict(sizes()) == listed


def test_each_exception_has_a_reason():
    assert [name for name, (_, reason) in EXCEPTIONS.items() if len(reason) < 20] == []
