"""`waybill import create` into a dataset that nobody has declared: files and objects of a connector become a table."""

import json
import sys
from dataclasses import replace

import pytest
import yaml
from typer.testing import CliRunner

from orchestration.cli.main import app
from resources.project import _AT_HAND, find_project
from resources.stores.tables import TableStore
from tests.own_project import own_project

PLACE = "type: resources.FolderConnector\nattributes: {name: lake, root: lake}\n"


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    folder = tmp_path / "orchestration"
    defs = own_project(monkeypatch, folder, {"others/defs.yaml": PLACE})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(_AT_HAND, "project", replace(find_project(), root=tmp_path))

    def command(*arguments, code=0):
        result = CliRunner().invoke(app, ["import", *map(str, arguments), "--json"])
        assert result.exit_code == code, (result.output, result.exception)
        return json.loads(result.stdout)

    command.home = folder / "home"
    command.uploads = defs / "uploads"
    command.store = TableStore.open(str(command.home / "store"))
    return command


def declared(waybill, name):
    return yaml.safe_load((waybill.uploads / name / "defs.yaml").read_text())["attributes"]


def rows(waybill, name):
    return waybill.store.read(("datasets", name)).to_table().to_pylist()


def test_files_become_a_dataset_that_is_declared_as_the_task_reads_them(waybill, tmp_path):
    for name, text in {"a.csv": "id;n\n1;x\n", "b.csv": "id;n\n2;y\n"}.items():
        (tmp_path / name).write_text(text)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    into = ("--into", "sales", "--kind", "dataset", "--read", "format=csv", "--read", "separator=;")
    task = waybill("create", *files, *into, "--start")
    assert (task["state"], task["created"]) == ("completed", 2)
    assert rows(waybill, "sales") == [{"id": 1, "n": "x"}, {"id": 2, "n": "y"}]
    said = {"name": "sales", "upload": True, "format": "csv", "options": {"separator": ";"}}
    assert declared(waybill, "sales") == said


def test_objects_become_one_too_and_bad_ones_are_left_out_if_asked_for(waybill):
    lake = waybill.home / "lake"
    lake.mkdir(parents=True)
    for number in range(3):
        (lake / f"{number}.csv").write_text(f"id\n{number}\n")
    (lake / "bad.csv").write_bytes(b"")
    given = ("--from", "lake", "--path", "*.csv", "--into", "ids", "--kind", "dataset", "--start")
    assert waybill("create", *given, code=1)["state"] == "failed"
    assert declared(waybill, "ids") == {"name": "ids", "upload": True, "connectors": ["lake"]}
    task = waybill("create", *given, "--ignore-errors")
    assert (task["state"], task["created"], task["failed"]) == ("completed", 3, 1)
    assert [row["id"] for row in rows(waybill, "ids")] == [0, 1, 2]
