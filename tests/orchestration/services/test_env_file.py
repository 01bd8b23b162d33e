"""A project's `.env`: what it says counts for `waybill` as it does for Dagster's own commands."""

import os

import pytest
from dagster._core.secrets.env_file import get_env_var_dict

import resources.project
from orchestration.services.env_file import add_home, take_env_file
from orchestration.services.home import Home
from resources.home import waybill_home
from resources.kernel.errors import ConfigError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project; what is taken from its file is taken back."""
    monkeypatch.setattr(resources.project._AT_HAND, "project", None)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in ("WAYBILL_HOME", "DAGSTER_HOME", "CRM_PASSWORD"):
        os.environ.pop(name, None)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.waybill]\n[tool.dg.project]\nroot_module = "shop"\n'
    )
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    return tmp_path


def own(root):
    return Home(root / "data" / "my home", root / "data" / "my home" / "dagster")


def test_home_is_added_to_what_is_there(root):
    (root / ".env").write_text("CRM_PASSWORD='a # b'")
    (root / ".env").chmod(0o640)
    assert add_home(root, own(root)) == ["WAYBILL_HOME", "DAGSTER_HOME"]
    assert add_home(root, own(root)) == []
    assert (root / ".env").stat().st_mode & 0o777 == 0o640
    take_env_file()
    assert os.environ["CRM_PASSWORD"] == "a # b"
    assert os.environ["WAYBILL_HOME"] == str(own(root).root)
    assert os.environ["DAGSTER_HOME"] == str(own(root).dagster)
    found = get_env_var_dict(str(root))
    assert all(os.environ[name] == value for name, value in found.items())


@pytest.mark.parametrize("name", ["a #b", "it's", 'a "b"', r"a\nb", "sp  ace", "a'b\\"])
def test_any_path_arrives_as_it_is(root, name):
    home = Home(root / name, root / name / "dagster")
    add_home(root, home)
    take_env_file()
    assert os.environ["WAYBILL_HOME"] == str(home.root)
    os.environ["WAYBILL_HOME"] = "/srv/other"
    take_env_file()
    assert os.environ["WAYBILL_HOME"] == "/srv/other"  # what is set already counts more


def test_a_relative_home_is_below_the_project_wherever_a_command_starts(root):
    (root / ".env").write_text("WAYBILL_HOME=../data\n")
    take_env_file()
    assert waybill_home().resolve() == root.parent / "data"


def test_a_path_that_the_file_cannot_hold_is_refused(root):
    with pytest.raises(ConfigError, match="cannot hold the path"):
        add_home(root, Home(root / "a}b", root / "a}b" / "dagster"))
    assert not (root / ".env").exists()


def test_a_new_file_is_the_users_alone(root):
    add_home(root, own(root))
    assert (root / ".env").stat().st_mode & 0o777 == 0o600


def test_a_line_of_the_users_own_stays(root):
    (root / ".env").write_text("DAGSTER_HOME=/srv/dagster\n")
    assert add_home(root, own(root)) == ["WAYBILL_HOME"]
    take_env_file()
    assert os.environ["DAGSTER_HOME"] == "/srv/dagster"


@pytest.mark.parametrize(
    ("given", "dagster"),
    [
        ({"WAYBILL_HOME": "/other"}, None),
        ({"DAGSTER_HOME": "/dagster"}, "/dagster"),
        ({"WAYBILL_HOME": "/other", "DAGSTER_HOME": "/dagster"}, "/dagster"),
    ],
    ids=["a home", "Dagster's", "both"],
)
def test_what_is_set_already_counts_more(root, given, dagster):
    add_home(root, own(root))
    os.environ.update(given)
    take_env_file()
    assert os.environ["WAYBILL_HOME"] == given.get("WAYBILL_HOME", str(own(root).root))
    assert os.environ.get("DAGSTER_HOME") == dagster


def test_without_a_file_nothing_happens(root):
    before = dict(os.environ)
    take_env_file()
    assert dict(os.environ) == before
