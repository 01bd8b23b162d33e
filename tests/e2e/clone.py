"""A project of a newcomer: the code of this one in a folder of its own, with other definitions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tests.e2e.server import environment
from tests.e2e.warm import WarmCommands

ROOT = Path(__file__).resolve().parents[2]
FILES = ("pyproject.toml", "requirements.lock", "run", "workspace.yaml")
PACKAGES = ("assets", "orchestration", "resources")

DEFS = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: orders, connector: lake, path: "orders/*.csv", settle_seconds: 0}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders}
---
type: orchestration.Pipeline
attributes: {name: nightly, assets: [datasets/orders]}
---
type: resources.SqlConnector
attributes: {name: shop, dialect: duckdb, path: shop.duckdb}
---
type: assets.Datasource
attributes:
  name: numbers
  connector: shop
  query: >
    select i * 1000000 + j as n from range(1000000) a(i), range(1000000) b(j)
    limit (select cast(most as bigint) from bound)
---
type: assets.Dataset
attributes: {name: numbers, datasource: numbers}
---
type: orchestration.Pipeline
attributes: {name: counting, assets: [datasets/numbers]}
---
type: resources.SqlConnector
attributes: {name: away, dialect: postgresql, host: 127.0.0.1, database: d, username: u, password: {env: AWAY_PASSWORD}}
---
type: assets.Datasource
attributes: {name: away, connector: away, table: t}
---
type: assets.Dataset
attributes: {name: away, datasource: away}
"""
BROKEN = """type: assets.Dataset
attributes:
  name: lost
  datasource: nowhere
"""


class Clone:
    """The project in `folder`, its home beside it in `folder/home`."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home = folder / "clone", folder / "home"
        for name in PACKAGES:
            keep_out = shutil.ignore_patterns("flight_delays")
            shutil.copytree(ROOT / name, self.root / name, ignore=keep_out)
        for name in FILES:
            shutil.copy(ROOT / name, self.root)
        self.broken = self.write("broken", BROKEN)
        self.write("shop", DEFS)
        self.give_orders("id\n1\n2\n")
        self.count_to(10)

    @property
    def variables(self) -> dict[str, str]:
        """What makes Python take the code from here."""
        return {"PYTHONPATH": str(self.root)}

    def write(self, name: str, text: str) -> Path:
        """A file of definitions."""
        path = self.root / "orchestration" / "defs" / name / "defs.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return path

    def give_orders(self, text: str) -> None:
        """What the folder connector has."""
        (self.home / "lake" / "orders").mkdir(parents=True, exist_ok=True)
        (self.home / "lake" / "orders" / "1.csv").write_text(text)

    def count_to(self, most: int) -> None:
        """How many rows the database gives."""
        with duckdb.connect(str(self.home / "shop.duckdb")) as database:
            database.execute(f"create or replace table bound as select {most} as most")

    def start(self, command: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """A program of the environment in the project's folder."""
        return subprocess.Popen(
            [Path(sys.executable).with_name(command), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.root,
            env=environment(self.home, **{**self.variables, **variables}),
        )

    @contextmanager
    def warm(self) -> Iterator[WarmCommands]:
        """What `waybill` needs meanwhile: no process of this home, so that it is none of its server's."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "WAYBILL"))}
        with WarmCommands({**kept, **self.variables}, self.home.parent) as self._commands:
            yield self._commands

    def waybill(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """How a command ended, and what it said; see `warm`."""
        given = environment(self.home, **{**self.variables, **variables})
        done = self._commands.run(arguments, given, self.root)
        return done.returncode, done.stdout, done.stderr

    def set_up(self) -> None:
        """`./run setup`, with the packages that are there."""
        (self.root / ".venv" / "bin").mkdir(parents=True)
        python = self.root / ".venv" / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        script = "eval \"$(sed -n '/^UV_VERSION=/p;/^fingerprint()/p' run)\"; ROOT=$(pwd -P); fingerprint"
        stamp = subprocess.run(
            ["sh", "-c", script], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout
        (self.root / ".venv" / "waybill-setup").write_text(stamp)
        subprocess.run(
            ["./run", "setup"],
            cwd=self.root,
            check=True,
            env=environment(self.home, PATH=os.environ["PATH"], **self.variables),
        )
