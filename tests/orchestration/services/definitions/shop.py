"""A project in a folder of its own, changed through its definitions."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from orchestration.project import load_tolerant
from orchestration.services.definitions.change import DefinitionChange
from orchestration.services.definitions.saving import save
from orchestration.services.home import open_home
from resources import project as projects

LAKE = """\
# Where files come from.
type: resources.FolderConnector
attributes:
  name: lake      # ours
  root: lake
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: w.sqlite}
"""
ORDERS = """\
type: assets.Datasource
attributes:
  name: files
  connector: lake
  path: "*.csv"
---
type: assets.Dataset
attributes:
  name: orders
  datasource: files
  # why
  refresh: manual
"""
PYTHON = """\
import dagster as dg


@dg.asset(key_prefix="datasets")
def written() -> None: ...
"""


class Shop:
    """The project.

    Args:
        monkeypatch: puts things back.
        folder: an empty one.
        files: text by path below `defs/`.
    """

    def __init__(self, monkeypatch, folder: Path, files: dict[str, str]) -> None:
        package = f"shop_{uuid.uuid4().hex[:8]}"
        self.root = folder / "shop"
        self.defs = self.root / package / "defs"
        texts = {f"{package}/__init__.py": "", f"{package}/defs/__init__.py": ""}
        texts["pyproject.toml"] = f'[tool.dg.project]\nroot_module = "{package}"\n[tool.waybill]\n'
        texts |= {f"{package}/defs/{name}": text for name, text in files.items()}
        for name, text in texts.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        monkeypatch.setenv("WAYBILL_HOME", str(folder / "home"))
        monkeypatch.setenv("DAGSTER_HOME", str(folder / "home" / "dagster"))
        monkeypatch.delenv("WAYBILL_STORE", raising=False)
        monkeypatch.setattr(sys, "path", [*sys.path])
        self.project = projects.read_project(self.root)
        monkeypatch.setattr(projects._AT_HAND, "project", self.project)
        self.home = open_home()
        self.location, _ = load_tolerant()

    def save(self, action, noun, name, **given):
        """Makes a change."""
        options = {key: given.pop(key) for key in ("dry_run", "wrote") if key in given}
        change = DefinitionChange(action, noun, name, **given)
        return save(change, self.project, self.location, self.home, **options)

    def texts(self):
        """Every component file as it is."""
        return {
            str(path.relative_to(self.defs)): path.read_text() for path in self.defs.rglob("*.yaml")
        }

    def problems(self):
        """What is wrong with the project as it is."""
        return [str(problem) for problem in load_tolerant()[1]]
