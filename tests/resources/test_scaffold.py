"""`dg scaffold defs TYPE PATH` writes what loads, in an empty project and in one that has things already."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from dagster.components.component_scaffolding import scaffold_object
from dagster.components.testing import create_defs_folder_sandbox

from orchestration.definitions import build_defs
from orchestration.loading.problems import refuse
from orchestration.loading.project import load_project
from orchestration.loading.types import known_types
from resources.kernel.errors import ConfigError
from resources.kernel.keys import SHARED_RESOURCES


@contextmanager
def empty_project():
    with create_defs_folder_sandbox() as sandbox:
        folder = Path(sandbox.defs_folder_path)

        def scaffold(kind: str, name: str, *, append: bool = False) -> Path:
            path = folder / name / "defs.yaml"
            target = path if append else path.parent
            root = Path(sandbox.project_root)
            scaffold_object(target, kind, None, "yaml", root, append)
            return path

        def load():
            with sandbox.build_component_tree() as tree:
                found = load_project(tree.defs_module, tree.project_root, provided=SHARED_RESOURCES)
                refuse(found.problems)
                return build_defs(loaded=found.definitions)

        yield scaffold, load


def documents(path: Path) -> list[tuple[str, str]]:
    found = yaml.safe_load_all(path.read_text())
    return [(document["type"], document["attributes"]["name"]) for document in found]


@pytest.mark.parametrize("kind", known_types())
def test_what_is_scaffolded_loads_as_it_stands(kind):
    with empty_project() as (scaffold, load):
        path = scaffold(kind, "mine")
        assert documents(path)[0] == (kind, "mine")
        load()


def test_what_the_project_declares_is_used_and_the_rest_is_written_once():
    with empty_project() as (scaffold, load):
        scaffold("resources.FolderConnector", "inbox")
        source = scaffold("assets.Datasource", "arrivals")
        assert documents(source) == [("assets.Datasource", "arrivals")]
        assert "connector: inbox" in source.read_text()
        prediction = scaffold("assets.Prediction", "guesses")
        assert documents(prediction) == [
            ("assets.Prediction", "guesses"),
            ("assets.Dataset", "orders"),
            ("assets.Model", "delivery_days"),
        ]
        assert "datasource: arrivals" in prediction.read_text()
        scaffold("assets.SqlTransform", "orders_by_sql")
        scaffold("assets.Exporter", "out")
        scaffold("assets.Dataset", "out", append=True)
        keys = {spec.key.to_user_string() for spec in load().resolve_all_asset_specs()}
        assert {"datasets/guesses", "exports/out", "datasets/out", "datasets/orders_by_sql"} <= keys


def test_a_name_that_the_example_uses_itself_still_gives_a_file_that_loads():
    with empty_project() as (scaffold, load):
        path = scaffold("assets.SqlTransform", "orders")
        assert documents(path)[1] == ("assets.Dataset", "orders_2")
        assert "FROM orders_2" in path.read_text()
        load()


def test_a_folder_whose_name_can_name_nothing_is_refused():
    with (
        empty_project() as (scaffold, _),
        pytest.raises(ConfigError, match="cannot name a dataset"),
    ):
        scaffold("assets.Dataset", "My-Data")


def test_a_broken_file_elsewhere_is_passed_over():
    with empty_project() as (scaffold, _):
        broken = scaffold("resources.FolderConnector", "inbox")
        broken.write_text("type: [")
        (broken.parent.parent / "binary").mkdir()
        (broken.parent.parent / "binary" / "defs.yaml").write_bytes(b"\xff\xfe\x00")
        assert len(documents(scaffold("assets.Datasource", "arrivals"))) == 2


def test_every_type_is_known_wherever_waybill_is_installed():
    group = entry_points(group="dagster_dg_cli.registry_modules")
    ours = {entry.value for entry in group if entry.dist and entry.dist.name == "waybill"}
    assert ours == {name.partition(".")[0] for name in known_types()}


def test_the_components_tab_of_the_ui_knows_every_type_with_its_working_example():
    with empty_project() as (scaffold, load):
        scaffold("resources.FolderConnector", "inbox")
        shown = load().metadata["plugin_component_types_json"].value
    types = {kind["name"]: kind for namespace in shown for kind in namespace["componentTypes"]}
    assert set(known_types()) <= set(types)
    example = yaml.safe_load(types["assets.Dataset"]["example"])
    assert example["attributes"]["datasource"] == "orders_files"
    assert "Name of a data source." in types["assets.Dataset"]["schema"]


@pytest.mark.parametrize("name", ["a", "a_name_that_is_longer_than_the_one_of_the_example"])
def test_comments_stay_below_each_other(name):
    with empty_project() as (scaffold, _):
        written = scaffold("resources.SqlConnector", name).read_text()
    columns = {line.index("# ") for line in written.splitlines() if "# " in line}
    assert len(columns) == 1
    assert f"  name: {name}\n" in written
