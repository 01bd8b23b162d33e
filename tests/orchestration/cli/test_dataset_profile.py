"""`waybill dataset profile` on a small project: made by a run, kept, shown as tables and as JSON, absent with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from resources.kernel.errors import StorageError
from resources.profiles import compute
from tests.project import materialize, project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: orders.csv}
---
type: assets.Dataset
attributes: {name: orders, datasource: files, profile: on_demand}
---
type: assets.SqlTransform
attributes: {name: bare, sql: select * from orders, profile: "off"}
"""
Run = Callable[..., Result]


@pytest.fixture
def waybill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `waybill dataset ...` on a project whose datasets have been made."""
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    rows = "".join(f"{n},{n % 7}.25,{'' if n % 4 else 'x'}\n" for n in range(40))
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "orders.csv").write_text(f"id,price,note\n{rows}")
    with project(YAML) as definitions, dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(Location(definitions), instance)

        def run(*arguments: str, code: int = 0) -> Result:
            found = CliRunner().invoke(app, ("dataset", *arguments), obj=context)
            assert found.exit_code == code, (found.output, found.exception)
            return found

        materialize(definitions, "datasets/orders", "datasets/bare", instance=instance)
        yield run


def test_a_profile_is_made_shown_and_asked_for_one_column(waybill: Run) -> None:
    absent = waybill("profile", "orders", code=1)
    assert "no profile of version 1: pending" in absent.stderr
    waybill("profile", "orders", "--compute")

    found = json.loads(waybill("profile", "orders", "--json").stdout)
    assert (found["state"], found["version"]) == ("ready", 1)
    assert [column["missing"] for column in found["profile"]["columns"]] == [0, 0, 30]
    shown = waybill("profile", "orders").stdout
    assert "missing cells" in shown
    assert "identifier" in shown
    price = waybill("profile", "orders", "--column", "price").stdout
    assert "3.125" in price
    assert "goes with" in price

    columns = json.loads(waybill("columns", "orders", "--json").stdout)
    assert [(c["name"], c["missing"], c["lowest"]) for c in columns][1] == ("price", 0, "0.25")
    assert "different" in waybill("columns", "orders").stdout


def test_a_profile_that_failed_says_why_and_the_dataset_stays(
    waybill: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StorageError("its profile needs more memory than it may have")

    with monkeypatch.context() as patch:
        patch.setattr(compute, "associate", broken)
        waybill("profile", "orders", "--compute", code=1)
    found = json.loads(waybill("profile", "orders", "--json", code=1).stdout)
    assert found["state"] == "failed"
    assert "more memory" in found["reason"]
    assert json.loads(waybill("show", "orders", "--json").stdout)["summary"]["status"] == "ready"
    waybill("profile", "orders", "--compute")
    assert json.loads(waybill("profile", "orders", "--json").stdout)["reason"] == ""


def test_a_profile_is_written_as_one_html_file(waybill: Run, tmp_path: Path) -> None:
    file = tmp_path / "orders.html"
    absent = waybill("profile", "orders", "--html", str(file), code=1)
    assert "no profile of version 1" in absent.stderr
    assert not file.exists()
    waybill("profile", "orders", "--compute")

    told = waybill("profile", "orders", "--html", str(file)).stdout
    text = file.read_text(encoding="utf-8")
    assert told.startswith(f"Wrote {file}: ")
    assert "<title>orders, version 1: profile</title>" in text
    for name in ("id", "price", "note"):
        assert f">{name}</a>" in text
    assert "3.125" in text  # the mean of the price
    assert "<script" not in text
    nowhere = waybill("profile", "orders", "--html", str(tmp_path / "none" / "x.html"), code=1)
    assert "cannot be written: No such file or directory" in nowhere.stderr


def test_a_removed_dataset_leaves_no_profile(waybill: Run, tmp_path: Path) -> None:
    waybill("profile", "orders", "--compute")
    assert list(tmp_path.rglob("profile/data/*/*.parquet"))
    waybill("remove", "orders", "--yes", "--force")
    assert not list(tmp_path.rglob("profile/data/*/*.parquet"))
    assert "no profile yet" in waybill("profile", "orders", code=1).stderr


def test_what_has_no_profile_says_so(waybill: Run) -> None:
    assert "off" in waybill("profile", "bare", code=1).stderr
    assert "profile: always" in waybill("profile", "bare", "--compute", code=2).stderr
