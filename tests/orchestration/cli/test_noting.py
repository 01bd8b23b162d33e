"""What commands change is in the audit log, with what became of it; commands that only look touch no catalog."""

import json

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.services.access.audit import LogFilter, list_entries
from orchestration.services.access.shell import open_access, own_name
from orchestration.services.home import open_home
from tests.orchestration.cli.test_works import YAML
from tests.project import project
from tests.servers.postgres import free_port


@pytest.fixture(scope="module")
def definitions():
    with project(YAML) as found:
        yield found


@pytest.fixture
def waybill(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    for name in ("DAGSTER_HOME", "WAYBILL_CATALOG_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "1.csv").write_text("id\n1\n2\n")
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0, stdin=None):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, arguments, obj=context, input=stdin)
            assert result.exit_code == code, (result.output, result.exception)
            return result

        yield command


def noted():
    return list_entries(open_access(), LogFilter())[::-1]


def test_what_changes_something_is_noted_once_with_its_outcome(waybill):
    waybill("dataset", "rename", "orders", "--title", "All orders")
    waybill("dataset", "rename", "nothing", "--title", "x", code=2)
    waybill("pipeline", "pause", "nightly")
    run_id = json.loads(waybill("refresh", "orders", "--json").stdout)["run_id"]
    waybill("dataset", "remove", "orders", "--yes", "--force")
    entries = noted()
    assert [(e.action, e.subject.rpartition("/")[2], e.outcome) for e in entries] == [
        ("dataset.rename", "orders", "done"),
        ("dataset.rename", "nothing", "failed"),
        ("pipeline.pause", "nightly", "done"),
        ("dataset.refresh", "orders", "done"),
        ("dataset.remove", "orders", "done"),
    ]
    assert {(e.actor, e.via) for e in entries} == {(own_name(), "shell")}
    renamed, unknown, paused, refreshed, removed = entries
    assert json.loads(renamed.after)["title"] == "All orders"
    assert json.loads(renamed.before)["title"] == ""
    assert "unknown dataset 'nothing'" in unknown.detail
    assert paused.subject.count("/") == 2  # its project, the noun, its name
    assert json.loads(refreshed.after) == {"run_id": run_id}
    assert (json.loads(removed.before), removed.detail) == ({"versions": [1]}, "forced")


def test_a_run_that_fails_is_noted_so(waybill, tmp_path):
    (tmp_path / "lake" / "1.csv").write_bytes(b"\xff\xfe\x00")
    waybill("refresh", "orders", code=1)
    (entry,) = noted()
    assert (entry.action, entry.outcome) == ("dataset.refresh", "failed")
    assert entry.detail


def test_commands_that_only_look_or_try_make_no_catalog(waybill):
    home = open_home().root
    waybill("dataset", "list")
    waybill("pipeline", "list")
    waybill("datasource", "test", "orders")
    waybill(
        "datasource",
        "create",
        "more",
        "--set",
        "connector=lake",
        "--set",
        "path=*.csv",
        "--dry-run",
    )
    assert list(home.glob("catalog*")) == []


def test_users_and_tokens_are_noted_once(waybill):
    waybill("user", "add", "ada", "--role", "admin", stdin="correct horse battery\n")
    assert [e.action for e in noted()] == ["user.add"]


def test_without_a_catalog_the_command_still_works_and_says_so_once(waybill, monkeypatch):
    url = f"postgresql://waybill:secret@127.0.0.1:{free_port()}/none"
    monkeypatch.setenv("WAYBILL_CATALOG_URL", url)
    told = waybill("pipeline", "pause", "nightly").stderr
    assert told.count("not in the audit log") == 1
    assert "secret" not in told
    assert "paused" in waybill("pipeline", "list").stdout
