"""Which model, table and export used which version: after real runs, and once what used it is not declared any more."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_uses import dataset_uses
from orchestration.services.home import open_home
from orchestration.services.instance import open_instance
from resources.stores.tables import TableStore
from tests.own_project import own_project

SHOP = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files, refresh: manual, profile: "off"}
---
"""
USERS = """
type: assets.Model
attributes: {name: days, dataset: orders, target: days, exclude: [id], parameters: {max_iter: 5}, refresh: manual}
---
type: assets.Prediction
attributes: {name: guesses, dataset: orders, model: days, refresh: manual, profile: "off"}
---
type: assets.Exporter
attributes: {name: push, dataset: orders, connector: warehouse, table: orders, mode: overwrite}
---
type: assets.Exporter
attributes: {name: push_guesses, dataset: guesses, connector: warehouse, table: guesses, mode: overwrite}
---
type: orchestration.Pipeline
attributes: {name: nightly, export: [push, push_guesses]}
"""
ENTRY = DatasetEntry("orders", "datasource", ("datasets", "orders"))
FIRST = {(1, "model", "days"), (1, "dataset", "guesses"), (1, "exporter", "push")}
SECOND = {(2, *use[1:]) for use in FIRST}


def csv(days: int) -> str:
    rows = (f"{n},{n % 7 + days},{'abc'[n % 3]}\n" for n in range(200))
    return "id,days,kind\n" + "".join(rows)


class Shop:
    """The command on a project of its own."""

    def __init__(self, monkeypatch, folder):
        own_project(monkeypatch, folder, {"shop/defs.yaml": SHOP + USERS})
        self.inbox = folder / "home" / "inbox"
        self.inbox.mkdir(parents=True)

    def run(self, *words: str) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return done.stdout

    def uses(self, *words: str) -> set[tuple[int, str, str]]:
        found = json.loads(self.run("dataset", "uses", "orders", *words, "--json"))
        assert found["is_whole"]
        return {(use["version"], use["kind"], use["name"]) for use in found["uses"]}


@pytest.fixture
def shop(monkeypatch, tmp_path):
    return Shop(monkeypatch, tmp_path)


def test_what_used_a_version_is_told_also_when_it_is_not_declared_any_more(shop):
    for days in (1, 2):
        (shop.inbox / "orders.csv").write_text(csv(days))
        shop.run("run", "nightly")
    assert shop.uses() == FIRST | SECOND
    assert shop.uses("--version", "1") == FIRST

    shop.run("dataset", "restore", "orders", "1")
    assert shop.uses() == FIRST | SECOND, "what used version 1 did not use version 3"

    shop.run("dataset", "remove", "orders", "--yes", "--force")
    assert shop.uses("--version", "2") == SECOND

    with open_instance(open_home()) as instance:  # nothing but the dataset is declared any more
        store = TableStore.open(str(shop.inbox.parent / "store"))
        found = dataset_uses(ENTRY, store, instance, (), declared={ENTRY.key})
    assert {(use.version, use.kind, use.name) for use in found.uses} == FIRST | SECOND
    assert {use.detail for use in found.uses if use.kind == "exporter"} == {
        "warehouse: orders, done"
    }
