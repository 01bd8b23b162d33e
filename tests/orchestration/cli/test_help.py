"""Every command explains itself, and the documentation names it."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestration.cli import definition
from orchestration.cli.main import app

DOCS = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")


def walk(command, path=("waybill",)):
    """All commands below `command`, groups included."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


COMMANDS = dict(walk(typer.main.get_command(app)))
LEAVES = {path: found for path, found in COMMANDS.items() if not hasattr(found, "commands")}


KNOWN = {
    "init",
    "up",
    "demo",
    "backup",
    "check",
    "run",
    "refresh",
    "cancel",
    "dataset refresh",
    "connector list",
    "connector show",
    "connector test",
    "connector browse",
    "connector describe",
    "datasource list",
    "datasource show",
    "datasource test",
    "datasource observe",
    "datasource observations",
    "dataset list",
    "dataset summary",
    "dataset show",
    "dataset columns",
    "dataset checks",
    "dataset suggest-checks",
    "dataset runs",
    "dataset sample",
    "dataset versions",
    "dataset compare",
    "dataset restore",
    "dataset tag",
    "dataset untag",
    "dataset pin",
    "dataset unpin",
    "dataset uses",
    "dataset upload",
    "dataset rows",
    "dataset facets",
    "dataset cell",
    "query run",
    "query download",
    "query history",
    "query transform",
    "dataset download",
    "dataset profile",
    "dataset drift",
    "dataset rename",
    "dataset remove",
    "dataset export",
    "embedding list",
    "embedding show",
    "embedding compute",
    "exporter list",
    "exporter show",
    "exporter test",
    "exporter run",
    "exporter history",
    "import create",
    "import list",
    "import show",
    "import items",
    "import start",
    "import stop",
    "import retry",
    "import delete",
    "import failures",
    "import formats",
    "image-folder upload",
    "image-folder list",
    "image-folder show",
    "image-folder files",
    "image-folder file",
    "image-folder image",
    "image-folder download",
    "image-folder rename",
    "image-folder remove",
    "collection list",
    "collection make-spec",
    "collection check-spec",
    "collection import",
    "collection resume",
    "collection imports",
    "collection retry",
    "collection stop",
    "collection progress",
    "collection show",
    "collection failures",
    "collection merge-metadata",
    "collection items",
    "collection item",
    "collection folders",
    "collection rename-item",
    "collection move-items",
    "collection remove-items",
    "collection content",
    "schema list",
    "schema show",
    "schema print",
    "schema history",
    "schema verify",
    "schema add-scalar",
    "schema add-enum",
    "schema add-enum-options",
    "schema add-embedding",
    "schema add-geospatial",
    "schema delete-key",
    "schema restore-key",
    "collection frames",
    "classification list",
    "classification check",
    "classification apply",
    "classification undo",
    "classification show",
    "classification download",
    "classification template",
    "classification history",
    "classification errors",
    "pipeline list",
    "pipeline show",
    "pipeline run",
    "pipeline pause",
    "pipeline resume",
    "runs list",
    "runs show",
    "runs watch",
    "runs retry",
    "runs cancel",
    "user list",
    "user add",
    "user role",
    "user password",
    "user disable",
    "user enable",
    "user remove",
    "token create",
    "token list",
    "token pause",
    "token resume",
    "token revoke",
    "webhook create",
    "webhook list",
    "webhook show",
    "webhook edit",
    "webhook pause",
    "webhook resume",
    "webhook rotate",
    "webhook remove",
    "webhook test",
    "webhook deliveries",
    "webhook resend",
    "audit list",
}


def test_the_commands_are_these():
    changes = {
        f"{noun} {verb}" for noun in definition.NOUNS for verb in ("create", "edit", "delete")
    }
    assert {" ".join(path[1:]) for path in LEAVES} - changes == KNOWN


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_has_help(path):
    assert len(COMMANDS[path].help or "") > 20
    result = CliRunner().invoke(app, [*path[1:], "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_has_help(path):
    for parameter in LEAVES[path].params:
        if parameter.param_type_name == "option":
            assert parameter.help, parameter.name


ARGUMENTS = [
    (path, parameter.name, parameter.help)
    for path, command in LEAVES.items()
    for parameter in command.params
    if parameter.param_type_name == "argument"
]


def test_every_argument_shows_its_help():
    # click 8.5 and typer 0.25 lose it between them: pyproject.toml.
    assert [(" ".join(path), name) for path, name, text in ARGUMENTS if not text] == []
    shown = CliRunner().invoke(app, ["run", "--help"], terminal_width=200).output
    assert "Name of the pipeline." in shown


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_a_command_is_documented(path):
    heading = f"## {' '.join(path)}"
    if path[-1] in ("create", "edit", "delete"):  # the same for every noun
        heading = "## waybill NOUN create, edit, delete"
    assert any(line.startswith(heading) for line in DOCS.splitlines())


GROUPS = (
    "dataset",
    "connector",
    "datasource",
    "classification",
    "user",
    "token",
    "webhook",
    "audit",
    "exporter",
    "pipeline",
    "runs",
    "query",
    "import",
)
FILES = ("download", "template", "cell")  # their answer is a file, or one value


@pytest.mark.parametrize(
    "path", [path for path in LEAVES if path[1] in GROUPS and path[-1] not in FILES]
)
def test_every_answer_comes_as_json_too(path):
    assert any("--json" in parameter.opts for parameter in LEAVES[path].params)


def test_every_option_of_up_is_documented():
    for parameter in LEAVES["waybill", "up"].params:
        assert f"`{parameter.opts[0]}" in DOCS


def test_help_does_not_load_dagster():
    code = (
        "import sys, orchestration.cli.main\n"
        "heavy = {'dagster', 'pandas', 'pyarrow', 'sqlalchemy', 'duckdb'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout == "[]\n"


def test_no_command_shows_the_help():
    result = CliRunner().invoke(app, [])
    assert "dataset" in result.output


def test_an_unknown_command_is_wrong_usage():
    assert CliRunner().invoke(app, ["nonsense"]).exit_code == 2
