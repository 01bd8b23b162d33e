"""`waybill dataset upload`: from a file of this machine to a dataset, in a project that knows nothing of it."""

import json
import sys
import zipfile
from dataclasses import replace

import pytest
import yaml
from typer.testing import CliRunner

from orchestration.cli.main import app
from resources.project import _AT_HAND, find_project
from resources.stores.kept_uploads import KeptUploads
from resources.stores.tables import TableStore
from tests.own_project import own_project

OTHERS = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: taken, datasource: files}
---
type: assets.Dataset
attributes: {name: prices, upload: true, format: csv, options: {separator: ";"}}
"""


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    folder = tmp_path / "orchestration"
    defs = own_project(monkeypatch, folder, {"others/defs.yaml": OTHERS})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(_AT_HAND, "project", replace(find_project(), root=tmp_path))

    def command(*arguments, code=0):
        result = CliRunner().invoke(app, ["dataset", *map(str, arguments)])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    command.defs, command.store = defs, TableStore.open(str(folder / "home" / "store"))
    return command


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "Sales 2024.csv"
    path.write_text("id,amount\n1,2.50\n2,10.25\n")
    return path


def rows(waybill, name):
    return waybill.store.read(("datasets", name)).to_table().to_pylist()


def test_a_file_becomes_a_dataset_that_is_declared(waybill, file):
    shown = waybill("upload", file, "--name", "sales")
    assert "upload 1 of sales" in shown
    assert rows(waybill, "sales") == [{"id": 1, "amount": 2.5}, {"id": 2, "amount": 10.25}]
    written = waybill.defs / "uploads" / "sales" / "defs.yaml"
    assert yaml.safe_load(written.read_text()) == {
        "type": "assets.Dataset",
        "attributes": {"name": "sales", "upload": True},
    }
    assert list(written.parent.iterdir()) == [written]
    (entry,) = [d for d in json.loads(waybill("list", "--json")) if d["name"] == "sales"]
    assert (entry["origin"], entry["status"], entry["rows"]) == ("upload", "ready", 2)


def test_a_second_file_is_the_next_version_and_leaves_the_declaration_alone(waybill, file):
    waybill("upload", file, "--name", "sales")
    written = waybill.defs / "uploads" / "sales" / "defs.yaml"
    written.write_text("# mine\n" + written.read_text())
    file.write_text("id,amount\n3,1.00\n")
    answer = json.loads(waybill("upload", file, "--name", "sales", "--json"))
    assert answer["made"] == [
        {"key": "datasets/sales/profile", "rows": None, "version": 2},
        {"key": "datasets/sales", "rows": 1, "version": 2},
    ]
    assert written.read_text().startswith("# mine\n")


def test_a_file_that_cannot_be_read_fails_with_line_and_stays(waybill, file):
    waybill("upload", file, "--name", "sales")
    file.write_text("id,amount\n1,2\n3\n")
    assert "Sales 2024.csv, line 3" in waybill("upload", file, "--name", "sales", code=1)
    assert len(rows(waybill, "sales")) == 2
    uploads = KeptUploads(waybill.store)
    assert all(uploads.has_bytes(one) for one in uploads.all("sales"))


def test_settings_are_declared_and_columns_renamed(waybill, tmp_path):
    path = tmp_path / "preise.txt"
    path.write_text("Ware;Preis\na;1,50\n")
    options = ["--format", "csv", "--option", "separator=;", "--option", "decimal_mark=','"]
    waybill("upload", path, "--name", "goods", *options, "--rename", "Preis=price")
    assert rows(waybill, "goods") == [{"Ware": "a", "price": 1.5}]
    written = yaml.safe_load((waybill.defs / "uploads" / "goods" / "defs.yaml").read_text())
    assert written["attributes"]["options"] == {"separator": ";", "decimal_mark": ","}


def test_a_preview_shows_types_rows_and_guesses_and_keeps_nothing(waybill, tmp_path, file):
    found = json.loads(waybill("upload", file, "--preview", "--rename", "id=key", "--json"))
    assert found["columns"] == [["key", "int64"], ["amount", "double"]]
    assert found["rows"] == [[1, 2.5], [2, 10.25]]
    assert "separator" in [guess["subject"] for guess in found["guesses"]]
    assert "amount" in waybill("upload", file, "--preview")
    assert waybill.store.keys() == []
    assert not (waybill.defs / "uploads").exists()


def test_a_preview_of_an_archive_with_two_files_lists_them(waybill, tmp_path):
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "id\n1\n")
        archive.writestr("b.csv", "id\n2\n")
    assert "holds 2 files" in waybill("upload", path, "--preview", code=1)
    assert json.loads(waybill("upload", path, "--preview", "--member", "b.csv", "--json"))[
        "rows"
    ] == [[2]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "taken"], "'taken' is not made of uploaded files"),
        (["--name", "../x"], "cannot name a dataset"),
        ([], "--name sales_2024"),
        (["--name", "prices", "--option", "separator=','"], "options need a format"),
        (
            ["--name", "prices", "--format", "csv", "--option", "separator=','"],
            "is declared with another 'options'",
        ),
        (["--name", "new", "--rename", "id"], "Write OLD=NEW"),
        (["--name", "new", "--rename", "id={{ env.HOME }}"], "would be taken for a template"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_kept(waybill, file, arguments, message):
    assert message in " ".join(waybill("upload", file, *arguments, code=2).split())
    assert waybill.store.keys() == []


def test_what_begins_otherwise_than_its_name_says_is_refused(waybill, tmp_path):
    path = tmp_path / "x.parquet"
    path.write_text("id\n1\n")
    assert "is no Parquet file" in waybill("upload", path, "--name", "x", code=1)
    assert waybill.store.keys() == []
    assert not (waybill.defs / "uploads").exists()


def test_without_a_server_nothing_is_kept_that_nobody_would_import(waybill, file):
    shown = waybill("upload", file, "--name", "sales", "--no-wait", code=2)
    assert "no server runs" in shown
    assert waybill.store.keys() == []
