"""What every noun's component has in common: attributes of the asset, errors with their place, and two hooks."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import dagster as dg
import pytest

from assets.noun import NounComponent
from orchestration.loading.types import component_type, known_types
from resources.component_schema import parse_example
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import IMAGE_FOLDER, NOUN_TAG, NOUNS, tag_of
from resources.references import asset_specs
from tests.project import materialize, project

TYPES = known_types()
CHAIN = """
type: resources.FolderConnector
attributes: {name: landing, root: landing}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Datasource
attributes: {name: files, connector: landing, path: "*.csv"}
---
"""
# A document of each noun, without the attributes under test.
NOUN_DOCUMENTS = {
    "datasources": "assets.Datasource\nattributes: {name: x, connector: landing, path: a.csv",
    "datasets": "assets.Dataset\nattributes: {name: x, datasource: files",
    "transforms": "assets.SqlTransform\nattributes: {name: x, sql: select n from source",
    "models": "assets.Model\nattributes: {name: x, dataset: source, target: n",
    "predictions": "assets.Prediction\nattributes: {name: x, dataset: source, model: m",
    "embeddings": "assets.Embedding\nattributes: {name: x, dataset: source",
    "exports": "assets.Exporter\nattributes: {name: x, dataset: source, connector: warehouse, table: t",
    "classifications": "assets.ClassificationSet\nattributes: {name: x, columns: [{name: A}]",
    "collections": "assets.Collection\nattributes: {name: x, connectors: [landing]",
    "image_folders": "assets.ImageFolder\nattributes: {name: x",
}
UPSTREAM = """---
type: assets.Dataset
attributes: {name: source, datasource: files}
---
type: assets.Model
attributes: {name: m, dataset: source, target: n}
"""


def declared(document: str, more: str = "") -> str:
    return f"{CHAIN}type: {document}{more}}}\n{UPSTREAM}"


def spec_of(definitions: dg.Definitions, name: str = "x") -> dg.AssetSpec:
    return next(s for s in asset_specs(definitions) if s.key.path[-1] == name)


def test_every_noun_is_under_test():
    nouns = {name for name in TYPES if issubclass(component_type(name, ""), NounComponent)}
    assert {document.split()[0] for document in NOUN_DOCUMENTS.values()} == nouns


@pytest.mark.parametrize("group", NOUN_DOCUMENTS)
def test_yaml_says_who_owns_an_asset_and_how_it_is_shown(group):
    more = ', description: "*What* it is", owners: ["team:a", b@c.org], tags: {tier: gold}, group: mine, kinds: [ruby]'
    with project(declared(NOUN_DOCUMENTS[group])) as plain:
        own = spec_of(plain)
    with project(declared(NOUN_DOCUMENTS[group], more)) as loaded:
        spec = spec_of(loaded)
    assert own.group_name == group
    assert own.description
    assert own.kinds
    assert spec.key == own.key
    assert spec.owners == ["team:a", "b@c.org"]
    assert spec.tags["tier"] == "gold"
    noun = tag_of(IMAGE_FOLDER) if group == "image_folders" else NOUNS[own.key.path[0]]
    assert spec.tags[NOUN_TAG] == own.tags[NOUN_TAG] == noun
    assert (spec.group_name, spec.kinds) == ("mine", {"ruby"})
    assert spec.description == "*What* it is"
    kept = {name for name in own.metadata if not name.startswith("dagster/")}
    assert kept <= set(spec.metadata)
    assert {dep.asset_key for dep in spec.deps} == {dep.asset_key for dep in own.deps}


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("owners", "[nobody]", "nobody"),
        ("tags", '{"a b!": x}', "a b!"),
        ("tags", "{waybill/noun: profile}", "Waybill's own"),
        ("group", "my-group", "my-group"),
        ("kinds", "[" + ", ".join(f"k{n}" for n in range(11)) + "]", "kinds"),
    ],
)
def test_what_dagster_refuses_of_an_asset_is_an_error_at_its_line(attribute, value, told):
    text = f"{CHAIN}type: assets.Dataset\nattributes:\n  name: x\n  datasource: files\n  {attribute}: {value}\n"
    line = len(text.splitlines())
    with pytest.raises(ConfigError) as caught, project(text):
        pass
    assert f"defs.yaml:{line}: " in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", TYPES)
def test_every_attribute_has_a_description_and_an_example(name):
    model = component_type(name, "").get_model_cls()
    schema = model.model_json_schema()
    for attribute, said in schema["properties"].items():
        assert len(said.get("description", "")) > 8, attribute
        assert said["examples"], attribute
    for inner, part in schema.get("$defs", {}).items():
        for attribute, said in part["properties"].items():
            assert len(said.get("description", "")) > 8, f"{inner}.{attribute}"


@pytest.mark.parametrize("name", TYPES)
def test_examples_validate(name):
    kind = component_type(name, "")
    model = kind.get_model_cls()
    assert model.model_json_schema()["examples"] == [parse_example(kind.examples[0])]
    for text in kind.examples:
        given = parse_example(text)
        found = model.model_validate(given)
        assert not found.model_extra
        assert found.model_fields_set == set(given)


def test_each_noun_is_a_family_of_its_own_name():
    nouns = [component_type(name, "").noun for name in TYPES if name.startswith("assets.")]
    assert len(nouns) == len(set(nouns)) == 11
    assert all(issubclass(component_type(name, ""), DeclaredComponent) for name in TYPES)


@pytest.mark.parametrize(
    ("type_name", "old", "new"),
    [
        ("assets.Dataset", "keep", "keep_versions"),
        ("assets.SqlTransform", "keep", "keep_versions"),
        ("assets.Model", "keep", "keep_versions"),
        ("assets.Embedding", "keep", "keep_versions"),
        ("assets.ClassificationSet", "keep", "keep_versions"),
        ("assets.Prediction", "keep", "columns"),
        ("assets.Exporter", "keep", "keep_tables"),
    ],
)
def test_an_old_word_is_answered_with_the_new_one(type_name, old, new):
    given = component_type(type_name, "").examples[0]
    text = f"type: {type_name}\nattributes:\n"
    text += "".join(f"  {line}\n" for line in given.splitlines()) + f"  {old}: 3\n"
    with pytest.raises(ConfigError, match=f"'{old}' was renamed to '{new}'"), project(text):
        pass


LOUD = """
import dagster as dg
from assets import Dataset, SqlTransform, Exporter

class LoudDataset(Dataset):
    '''A dataset that says what it does.'''
    team: str
    '''Who hears of it.'''

    def get_asset_spec(self, spec):
        made = super().get_asset_spec(spec)
        return made.merge_attributes(metadata={"team": self.team}, owners=[f"team:{self.team}"])

    def execute(self, context, spec, store):
        context.log.info("before %s", spec.name)
        result = super().execute(context, spec, store)
        return result._replace(metadata={**result.metadata, "heard by": self.team})

class Bent(SqlTransform):
    def get_asset_spec(self, spec):
        return super().get_asset_spec(spec).replace_attributes(key=["datasets", "other"])

class Mute(SqlTransform):
    def get_asset_spec(self, spec):
        super().get_asset_spec(spec)

class Broken(SqlTransform):
    def get_asset_spec(self, spec):
        return {}["boom"]

class Parted(SqlTransform):
    def get_asset_spec(self, spec):
        return super().get_asset_spec(spec).replace_attributes(
            partitions_def=dg.StaticPartitionsDefinition(["a"]))

class LoudExporter(Exporter):
    def get_asset_spec(self, spec):
        return super().get_asset_spec(spec).merge_attributes(metadata={"seen": "yes"}, tags={"loud": "yes"})

    def execute(self, context, spec, store, version):
        if version > 1:
            raise dg.Failure("no second time", allow_retries=False)
        return super().execute(context, spec, store, version)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("WAYBILL_STORE", raising=False)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.csv").write_text("n,m\n1,2\n3,4\n")
    return tmp_path


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A module of a user's own with subclasses."""
    (tmp_path / "loud_components.py").write_text(LOUD)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_a_subclass_changes_what_is_shown_and_wraps_what_a_run_does(home, library, instance):
    loud = (
        "type: loud_components.LoudDataset\nattributes: {name: x, datasource: files, team: sales}\n"
    )
    with project(f"{CHAIN}{loud}") as loaded:
        spec = spec_of(loaded)
        assert spec.metadata["team"] == "sales"
        assert spec.owners == ["team:sales"]
        result = materialize(loaded, "datasets/x", instance=instance)
    _profile, made = result.asset_materializations_for_node("datasets__x")
    assert made.metadata["heard by"].value == "sales"
    assert made.metadata["dagster/row_count"].value == 2


def test_a_subclass_shares_the_names_of_its_noun(library):
    twice = f"{CHAIN}type: loud_components.LoudDataset\nattributes: {{name: source, datasource: files, team: a}}\n"
    with (
        pytest.raises(ConfigError, match="two datasets are named 'source'"),
        project(twice + UPSTREAM),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("Bent", "changes the asset's key to 'datasets/other'"),
        ("Parted", "partitions"),
        ("Mute", "`get_asset_spec` of Mute returns NoneType, not a dg.AssetSpec"),
        ("Broken", r"failed: KeyError: 'boom' \(loud_components\.py, line \d+\)"),
    ],
)
def test_a_subclass_that_moves_the_asset_is_refused_with_its_place(library, kind, told):
    text = f"type: loud_components.{kind}\nattributes:\n  name: x\n  sql: select n from source\n"
    text = CHAIN + UPSTREAM.removeprefix("---") + "---\n" + text
    with pytest.raises(ConfigError, match=told) as caught, project(text):
        pass
    line = text.splitlines().index("  name: x") + 1
    assert f"defs.yaml:{line}: " in str(caught.value)


def test_a_subclass_of_an_exporter_wraps_the_sink(home, library, instance):
    text = (
        f"{CHAIN}type: assets.Dataset\nattributes: {{name: t, datasource: files}}\n---\n"
        "type: loud_components.LoudExporter\n"
        "attributes: {name: out, dataset: t, connector: warehouse, table: t}\n"
    )
    with project(text) as loaded:
        spec = spec_of(loaded, "out")
        assert (spec.metadata["seen"], spec.tags["loud"]) == ("yes", "yes")
        assert materialize(loaded, "datasets/t", "exports/out", instance=instance).success
        (home / "landing" / "a.csv").write_text("n,m\n5,6\n")
        second = materialize(
            loaded, "datasets/t", "exports/out", instance=instance, raise_on_error=False
        )
    assert not second.success
    with closing(sqlite3.connect(home / "warehouse.sqlite")) as database:
        assert database.execute("SELECT n FROM t ORDER BY n").fetchall() == [(1,), (3,)]


def test_column_descriptions_stand_beside_types_and_unknown_ones_are_told(home, instance):
    text = (
        f"{CHAIN}type: assets.Dataset\nattributes: {{name: source, datasource: files}}\n---\n"
        "type: assets.SqlTransform\nattributes: {name: t, sql: select n as k from source,"
        " column_descriptions: {k: A number, gone: Nobody}}\n"
    )
    with project(text) as loaded:
        result = materialize(loaded, "datasets/source", "datasets/t", instance=instance)
        _profile, made = result.asset_materializations_for_node("datasets__t")
    (column,) = made.metadata["dagster/column_schema"].value.columns
    assert column.description == "A number (from source.n)"
    logs = [e.user_message for e in instance.all_logs(result.run_id)]
    assert any("no column 'gone'" in text for text in logs)
