"""The home folder: made once, never at the user's expense."""

import os
from pathlib import Path

import pytest
import yaml

from orchestration.services.home import open_home, warnings_of, workspace_file
from resources.kernel.errors import StorageError
from resources.project import find_project


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


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project with settings of its own, as the current folder."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[tool.waybill]\n[tool.dg.project]\nroot_module = "shop"\n'
    )
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return folder


def test_the_projects_settings_count_and_the_home_knows_its_project(root, shop):
    home = open_home()
    assert (home.dagster / "dagster.yaml").readlink() == shop / "dagster.yaml"
    assert (home.root / "project.txt").read_text() == f"{shop}\n"


def test_settings_of_a_project_that_was_moved_are_linked_anew(root, shop):
    link = open_home().dagster / "dagster.yaml"
    link.unlink()
    link.symlink_to(shop.parent / "moved" / "dagster.yaml")
    open_home()
    assert link.readlink() == shop / "dagster.yaml"


def test_a_home_inside_the_project_is_said(root, shop):
    (told,) = warnings_of(shop / ".waybill", find_project())
    assert "git clean" in told


def test_a_home_of_two_projects_is_said(root, shop, tmp_path):
    root.mkdir()
    (root / "project.txt").write_text(f"{tmp_path}\n")
    (told,) = warnings_of(root, find_project())
    assert told.endswith(f"that of the project at {tmp_path}")
    (root / "project.txt").write_text(f"{shop}\n")
    assert warnings_of(root, find_project()) == []


def test_a_new_home_beside_one_that_lost_its_project_is_said(root, shop, tmp_path):
    lost = tmp_path / "data" / "waybill" / "shop"
    lost.mkdir(parents=True)
    (lost / "project.txt").write_text(f"{tmp_path / 'before' / 'shop'}\n")
    (told,) = warnings_of(tmp_path / "data" / "waybill" / "shop-1", find_project())
    assert str(lost) in told
    assert "WAYBILL_HOME" in told
    new = open_home().root  # as commands that only list make it
    assert warnings_of(new, find_project()) == [told.replace(f"{lost}-1", str(new))]
    (new / "store").mkdir()
    assert warnings_of(new, find_project()) == []


def test_a_home_goes_with_a_project_that_was_moved(root, shop):
    root.mkdir()
    (root / "project.txt").write_text(f"{shop.parent / 'before'}\n")
    open_home()
    assert (root / "project.txt").read_text() == f"{shop}\n"
