"""The home folder: made once, never at the user's expense."""

import os
from pathlib import Path

import pytest
import yaml

from orchestration.services.home import open_home, workspace_file
from resources.kernel.errors import StorageError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path / "home"


def test_everything_is_made_and_named(root):
    home = open_home()
    assert (home.root, home.dagster) == (root, root / "dagster")
    assert os.environ["DAGSTER_HOME"] == str(root / "dagster")
    assert home.logs.is_dir()
    assert home.locks.is_dir()


def test_the_defaults_are_quiet_queued_and_monitored(root):
    settings = yaml.safe_load((open_home().dagster / "dagster.yaml").read_text())
    assert settings["telemetry"] == {"enabled": False}
    assert settings["nux"] == {"enabled": False}
    assert settings["run_coordinator"]["class"] == "QueuedRunCoordinator"
    assert settings["run_monitoring"]["enabled"] is True
    assert settings["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert settings["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}


def test_dagster_takes_the_defaults(root):
    import dagster as dg

    open_home()
    with dg.DagsterInstance.get() as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert type(instance.run_launcher).__name__ == "WarmRunLauncher"
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"


def test_a_file_of_the_users_is_kept(root):
    own = root / "dagster" / "dagster.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("telemetry: {enabled: true}\n")
    open_home()
    assert own.read_text() == "telemetry: {enabled: true}\n"
    assert [path.name for path in own.parent.iterdir()] == ["dagster.yaml"]


def test_a_dagster_home_that_is_set_is_respected(root, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    home = open_home()
    assert home.dagster == tmp_path / "elsewhere"
    assert (home.dagster / "dagster.yaml").exists()
    assert not (root / "dagster").exists()


def test_twice_is_the_same(root):
    assert open_home() == open_home()


def test_a_home_that_is_a_file_is_refused(root):
    root.write_text("")
    with pytest.raises(StorageError, match="WAYBILL_HOME"):
        open_home()


def test_the_projects_workspace_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert workspace_file() == Path(__file__).parents[3] / "workspace.yaml"
