"""Which code locations are served, and by whom."""

from pathlib import Path

import pytest
import yaml

from orchestration.server.workspace import plan_workspace
from resources.kernel.errors import ConfigError


@pytest.fixture
def plan(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()

    def planned(text: str):
        source = tmp_path / "workspace.yaml"
        source.write_text(text, encoding="utf-8")
        found = plan_workspace(source, folder)
        return found.servers, yaml.safe_load(found.file.read_text())["load_from"]

    return planned


def test_a_module_gets_a_server(plan, tmp_path):
    servers, entries = plan(
        "load_from:\n  - python_module: {module_name: a.b, location_name: mine}"
    )
    assert [server.location for server in servers] == ["mine"]
    assert servers[0].target == ("--module-name", "a.b", "--working-directory", str(tmp_path))
    assert entries == [{"grpc_server": {"socket": str(servers[0].socket), "location_name": "mine"}}]


def test_short_forms_are_named_after_their_code(plan, tmp_path):
    servers, _ = plan("load_from:\n  - python_module: a.b\n  - python_file: defs.py")
    assert [server.location for server in servers] == ["a.b", "defs.py"]
    assert servers[1].target[:2] == ("--python-file", str(tmp_path / "defs.py"))
    assert servers[0].socket != servers[1].socket


def test_folder_and_attribute_are_passed_on(plan, tmp_path):
    servers, _ = plan(
        "load_from:\n  - python_file:"
        " {relative_path: x/defs.py, working_directory: x, attribute: mine}"
    )
    assert servers[0].target[2:] == (
        "--working-directory",
        str(tmp_path / "x"),
        "--attribute",
        "mine",
    )


@pytest.mark.parametrize(
    "entry",
    [
        {"grpc_server": {"host": "localhost", "port": 4266}},
        {"python_package": "somewhere"},
        {"python_module": {"module_name": "a", "executable_path": "/usr/bin/python3"}},
    ],
    ids=["a server that runs", "a package", "another interpreter"],
)
def test_other_entries_stay_as_they_are(plan, entry):
    servers, entries = plan(yaml.safe_dump({"load_from": [entry]}))
    assert (servers, entries) == ((), [entry])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "load_from: []",
        "load_from: {}",
        "load_from: [",
        "!!python/object/apply:os.system [id]",
        "x: " + "y" * 1_000_001,
    ],
    ids=["empty", "a list", "no entry", "no list", "broken", "python tag", "too large"],
)
def test_what_is_no_workspace_is_refused(plan, text):
    with pytest.raises(ConfigError, match=r"workspace\.yaml"):
        plan(text)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        plan_workspace(tmp_path / "none.yaml", tmp_path)


def test_the_projects_own_workspace_is_one_code_location(tmp_path):
    own = Path(__file__).parents[3] / "workspace.yaml"
    servers = plan_workspace(own, tmp_path).servers
    assert [(server.location, server.target[1]) for server in servers] == [
        ("waybill", "orchestration.definitions")
    ]
