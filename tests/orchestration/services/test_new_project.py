"""A project made: what it holds, what is kept, and what is refused before anything is written."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

import resources.project
from orchestration.services.new_project import (
    folder_of,
    make_project,
    own_requirement,
    plan_project,
)
from resources.kernel.errors import ConfigError, ConflictError
from resources.project import CODE_ROOT, find_project


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """A user who has no home folder yet."""
    monkeypatch.setattr(resources.project._AT_HAND, "project", None)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in ("WAYBILL_HOME", "DAGSTER_HOME"):
        os.environ.pop(name, None)
    os.environ["XDG_DATA_HOME"] = str(tmp_path / "data")
    return tmp_path


def make(folder: Path, **options: str):
    return make_project(plan_project(folder, **options))


def test_its_files_agree_with_each_other(user):
    made = make(user / "Web Shop-2")
    root = made.root
    assert [path for path in made.made if not path.exists()] == []
    written = [path for path in root.rglob("*") if path.is_file()]
    marks = ("PACKAGE", "PROJECT_NAME", "WAYBILL_")
    unfilled = [
        p for p in written if p.name[:4] != ".env" and any(m in p.read_text() for m in marks)
    ]
    assert unfilled == []
    own = find_project(root)
    assert (own.package, own.location) == ("web_shop_2", "web-shop-2")
    (entry,) = yaml.safe_load((root / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"]["module_name"] == own.target_module
    assert entry["python_module"]["location_name"] == own.location
    assert len((root / "README.md").read_text().splitlines()) <= 12


def test_its_settings_are_those_of_every_home_folder():
    templates = CODE_ROOT / "orchestration" / "templates" / "project"
    given = yaml.safe_load((templates / "dagster.yaml").read_text())
    usual = yaml.safe_load((CODE_ROOT / "orchestration/server/dagster.yaml").read_text())
    assert given.pop("run_launcher") == {"module": "waybill", "class": "WarmRunLauncher"}
    assert usual.pop("run_launcher")["class"] == "WarmRunLauncher"
    assert given == usual


def test_nothing_is_written_where_files_would_be_lost(user):
    root = user / "shop"
    (root / "tests").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[project]\nname = 'mine'\n")
    (root / "workspace.yaml").symlink_to("nowhere")
    before = sorted(user.rglob("*"))
    with pytest.raises(ConflictError, match=r"workspace\.yaml, pyproject\.toml"):
        make(root)
    assert sorted(user.rglob("*")) == before


def test_what_a_repository_has_of_its_own_is_kept(user):
    root = user / "shop"
    root.mkdir()
    (root / "README.md").write_text("# Mine\n")
    (root / ".gitignore").write_text("*.log\n")
    made = make(root)
    assert (root / "README.md").read_text() == "# Mine\n"
    assert {root / "README.md", root / ".gitignore"} <= set(made.kept)
    assert any("does not name .env" in note for note in made.notes)


def test_an_attempt_that_was_interrupted_is_completed(user):
    first = make(user / "shop")
    root = first.root
    assert first.made[-3] == root / "pyproject.toml"  # then the sample in the home folder, and .env
    for name in ("pyproject.toml", "workspace.yaml", ".env"):
        (root / name).unlink()
    made = make(root)
    assert {root / "pyproject.toml", root / "workspace.yaml", root / ".env"} == set(made.made)
    assert len(made.made) + len(made.kept) + 1 == len(first.made)  # the sample is not told twice


def test_a_project_that_is_there_gets_what_this_machine_lacks(user):
    root = make(user / "shop").root
    (root / ".env").unlink()
    definitions = root / "shop" / "defs" / "orders" / "defs.yaml"
    definitions.unlink()
    root = root.rename(user / "pandas")  # the project has its name, whatever its folder is called
    for variable in ("WAYBILL_HOME", "DAGSTER_HOME"):
        del os.environ[variable]
    made = make(root)
    assert made.made == [root / ".env"]
    assert not definitions.exists()
    homes = user / "data" / "waybill"
    assert made.home == homes / "pandas"
    assert str(homes / "shop") in made.notes[0]  # as it was moved without its .env


def test_no_folder_is_not_the_current_one():
    with pytest.raises(ConfigError, match="no folder was named"):
        folder_of(" ")


def test_a_project_below_another_one_has_a_home_of_its_own(user, monkeypatch):
    outer = make(user / "shop")
    for variable in ("WAYBILL_HOME", "DAGSTER_HOME"):
        del os.environ[variable]
    inner = make(user / "shop" / "web_shop")
    assert inner.home == user / "data" / "waybill" / "web_shop" != outer.home
    assert (inner.root / ".env").is_file()


def test_a_folder_goes_by_its_real_name(user):
    (user / "real").mkdir()
    (user / "link").symlink_to("real")
    made = make(user / "link" / "x" / ".." / "Läden")
    assert made.root == user / "real" / "Läden"
    assert find_project(made.root).package == "laden"


@pytest.mark.parametrize("name", ["a #b", "we\"ird'$HOME", "x}y", r"back\slash", "sp  ace"])
def test_the_home_of_any_folder_is_found_by_env(user, name):
    made = make(user / name, name="shop")
    for variable in ("WAYBILL_HOME", "DAGSTER_HOME"):
        del os.environ[variable]
    found = dotenv_values(made.root / ".env")
    assert found == {"WAYBILL_HOME": str(made.home), "DAGSTER_HOME": f"{made.home}/dagster"}
    assert made.home.parent == user / "data" / "waybill"


def test_a_folder_that_is_a_file_is_refused(user):
    (user / "shop").write_text("")
    with pytest.raises(ConflictError, match="is no folder"):
        make(user / "shop")


@pytest.mark.parametrize("name", ["assets", "waybill", "json", "2024", "class", "pandas", "..."])
def test_a_name_that_cannot_be_a_package_of_ones_own_is_refused(user, name):
    with pytest.raises(ConfigError, match=re.escape(f"cannot be called {name!r}")):
        plan_project(user / "shop", name=name)


def test_an_unknown_example_is_refused(user):
    with pytest.raises(ConfigError, match="Known: orders, demo, none"):
        plan_project(user / "shop", example="flights")


DIRECT = {
    "wheel": ('{"url": "file:///w/waybill-9-py3-none-any.whl", "archive_info": {}}', "waybill @ file:///w/waybill-9-py3-none-any.whl"),
    "git": (
        '{"url": "https://host/waybill", "vcs_info": {"vcs": "git", "commit_id": "abc1"}}',
        "waybill @ git+https://host/waybill@abc1",
    ),
    "clone": ('{"url": "file:///w/clone", "dir_info": {"editable": true}}', "waybill @ file:///w/clone"),
    "index": (None, "waybill~=9.0"),
}  # fmt: skip


@pytest.mark.parametrize(("direct", "named"), DIRECT.values(), ids=DIRECT)
def test_waybill_is_named_by_what_it_was_installed_from(user, monkeypatch, direct, named):
    info = user / "waybill-9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: waybill\nVersion: 9.0\n")
    if direct:
        (info / "direct_url.json").write_text(direct)
    monkeypatch.syspath_prepend(str(user))
    assert own_requirement()[0] == named
    assert own_requirement("demo")[0] == named.replace("waybill", "waybill[demo]", 1)
    root = make(user / "shop", example="none").root
    needs = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    assert needs == [named]


def test_how_it_is_named_can_be_given(user):
    root = make(user / "shop", requirement="waybill @ https://host/w.whl").root
    needs = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    assert needs == ["waybill @ https://host/w.whl"]
