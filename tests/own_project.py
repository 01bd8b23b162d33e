"""A whole project in a folder of its own, in place of the one that this repository is: for the real command line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def own_project(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, str]) -> Path:
    """`orchestration.defs` is `folder/defs` with these files; the home folder is `folder/home`. Returns `folder/defs`."""
    defs = folder / "defs"
    for name, text in {"__init__.py": "", **files}.items():
        path = defs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(
        "orchestration.defs", defs / "__init__.py", submodule_search_locations=[str(defs)]
    )
    assert spec is not None
    monkeypatch.setitem(sys.modules, "orchestration.defs", importlib.util.module_from_spec(spec))
    monkeypatch.setenv("WAYBILL_HOME", str(folder / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "home" / "dagster"))
    monkeypatch.delenv("WAYBILL_STORE", raising=False)
    return defs
