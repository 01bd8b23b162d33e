"""The house is kept: tests mirror the code, the top level is the agreed one, package exports are true."""

import importlib
import subprocess
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
