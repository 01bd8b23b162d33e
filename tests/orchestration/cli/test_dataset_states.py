"""What the dataset commands say of a store that is damaged, lost or keyed in more parts than usual."""

import json
import shutil

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.services.home import open_home
from tests.project import materialize, project

PYTHON = """
import dagster as dg
import pandas as pd

@dg.asset(key=["datasets", "plain"], io_manager_key="io_manager")
def plain():
    return pd.DataFrame({"a": [1, 2]})

@dg.asset(key_prefix=["datasets", "sub"], io_manager_key="io_manager")
def deep():
    return pd.DataFrame({"a": [3]})
"""
YAML = "type: resources.FolderConnector\nattributes: {name: lake, root: lake}\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("WAYBILL_STORE", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    open_home()
    return tmp_path


@pytest.fixture
def waybill(root):
    """Runs a command after both assets were materialized."""
    with (
        project(YAML, python=PYTHON) as definitions,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        location = Location(definitions)
        materialize(definitions, "datasets/plain", "datasets/sub/deep", instance=instance)

        def run(*arguments, code=0):
            context = CommandContext(location, instance)
            result = CliRunner().invoke(app, ("dataset", *arguments), obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result

        run.store = location.store()
        yield run


def states(result):
    return {item["name"]: (item["status"], item["version"]) for item in json.loads(result.stdout)}


def test_a_key_of_three_parts_is_a_dataset_like_any_other(waybill):
    assert states(waybill("list", "--json")) == {
        "plain": ("ready", 1),
        "sub/deep": ("ready", 1),
    }
    assert json.loads(waybill("show", "sub/deep", "--json").stdout)["summary"]["rows"] == 1
    assert json.loads(waybill("sample", "sub/deep", "--json").stdout) == [{"a": 3}]
    assert len(json.loads(waybill("versions", "sub/deep", "--json").stdout)) == 1


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [("{", "damaged", "not JSON"), ('{"format": 999}', "damaged", "newer Waybill")],
    ids=["damaged", "from the future"],
)
def test_a_manifest_that_cannot_be_read_takes_only_its_own_row(
    waybill, root, content, status, reason
):
    found = [p for p in root.rglob("*.json") if "plain" in p.parts]
    assert len(found) == 1
    found[0].chmod(0o644)
    found[0].write_text(content)
    result = waybill("list", "--json", code=1)
    assert states(result) == {"plain": (status, None), "sub/deep": ("ready", 1)}
    assert result.stderr.startswith("error: dataset 'plain': ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    table = waybill("list", code=1).stdout
    assert status in table
    assert "sub/deep" in table
    shown = waybill("show", "plain", code=1)
    assert status in shown.stdout
    assert reason in shown.stderr
    assert waybill("show", "sub/deep").stderr == ""


def test_what_the_store_lost_is_not_called_materialized(waybill):
    shutil.rmtree(waybill.store.url.removeprefix("file://"))
    assert states(waybill("list", "--json", code=1)) == {
        "plain": ("damaged", None),
        "sub/deep": ("damaged", None),
    }
    assert "the store has no version" in waybill("show", "plain", code=1).stderr


def test_a_broken_dagster_yaml_is_one_line(root):
    (root / "dagster" / "dagster.yaml").write_text("storrage: {}\n")
    context = CommandContext(Location(dg.Definitions()))
    result = CliRunner().invoke(app, ("dataset", "list"), obj=context)
    assert result.exit_code == 2, result.exception
    assert result.stderr.startswith("error: ")
    assert "dagster.yaml" in result.stderr
    assert "storrage" in result.stderr
    assert result.stderr.count("\n") == 1
