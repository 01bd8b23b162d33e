"""Which project a process works for, and where its home folder is."""

from pathlib import Path

import pytest

import resources.project
from resources.home import home_of, waybill_home
from resources.kernel.errors import ConfigError
from resources.project import CODE_ROOT, find_project, use_project

OWN = '[tool.waybill]\n[tool.dg.project]\nroot_module = "shop"\n'


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch, tmp_path):
    monkeypatch.setattr(resources.project._AT_HAND, "project", None)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("WAYBILL_HOME", raising=False)


def new_project(root: Path, text: str = OWN) -> Path:
    """A project with its package, and a folder deep inside."""
    (root / "shop" / "defs" / "deep").mkdir(parents=True)
    (root / "pyproject.toml").write_text(text)
    return root


def test_it_is_found_upwards(tmp_path, monkeypatch):
    root = new_project(tmp_path / "shop")
    monkeypatch.chdir(root / "shop" / "defs" / "deep")
    found = find_project()
    assert (found.root, found.defs_folder) == (root, root / "shop" / "defs")
    assert (found.defs_module, found.target_module) == ("shop.defs", "shop.definitions")
    assert found.location == "shop"
    assert not found.is_clone


def test_a_project_of_dagster_alone_is_none(tmp_path, monkeypatch):
    root = new_project(tmp_path / "shop", OWN.replace("[tool.waybill]", ""))
    monkeypatch.chdir(root)
    assert find_project().root == CODE_ROOT  # a clone serves its own definitions from anywhere


def test_the_one_that_was_chosen_stays_wherever_the_process_is(tmp_path, monkeypatch):
    root = new_project(tmp_path / "shop")
    use_project(root / "shop" / "definitions.py")
    monkeypatch.chdir(tmp_path)
    assert find_project().root == root


def test_a_project_in_another_one_is_the_innermost(tmp_path):
    new_project(tmp_path / "shop")
    inner = new_project(tmp_path / "shop" / "inner")
    assert use_project(inner).root == inner
    assert use_project(inner / "shop" / "definitions.py").root == inner


@pytest.mark.parametrize(
    ("text", "told"),
    [("[tool.waybill\n", "cannot be read"), ("[tool.waybill]\n", "no `root_module`")],
    ids=["no TOML", "no package"],
)
def test_a_file_that_does_not_say_enough_is_the_error(tmp_path, monkeypatch, text, told):
    root = new_project(tmp_path / "shop", text)
    with pytest.raises(ConfigError, match=told):
        find_project(root)


def test_definitions_that_have_no_folder_are_the_error(tmp_path):
    root = new_project(tmp_path / "shop", OWN + 'defs_module = "shop.others"\n')
    with pytest.raises(ConfigError, match=r"'shop\.others' has no folder"):
        _ = find_project(root).defs_folder


def test_a_src_folder_is_looked_into(tmp_path):
    root = new_project(tmp_path / "shop")
    (root / "src").mkdir()
    (root / "shop").rename(root / "src" / "shop")
    assert find_project(root).defs_folder == root / "src" / "shop" / "defs"


def test_the_home_folder_lies_outside_of_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(new_project(tmp_path / "shop"))
    assert waybill_home() == tmp_path / "data" / "waybill" / "shop"
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "named"))
    assert waybill_home() == tmp_path / "named"


def test_two_projects_of_one_name_have_two_and_keep_them(tmp_path):
    one, two = (new_project(tmp_path / place / "shop") for place in "ab")
    first = home_of(one)
    first.mkdir(parents=True)
    (first / "project.txt").write_text(f"{one}\n")
    second = home_of(two)
    assert second.name.startswith("shop-")
    second.mkdir()
    (first / "project.txt").unlink()
    assert (home_of(one), home_of(two)) == (first, second)


def test_one_that_an_earlier_release_made_inside_is_still_used(tmp_path):
    root = new_project(tmp_path / "shop")
    (root / ".waybill").mkdir()
    assert home_of(root) == root / ".waybill"
