"""Models and predictions as YAML: one run from a stored dataset to stored predictions, and every wrong word refused."""

from __future__ import annotations

import base64
import re

import dagster as dg
import pytest

from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore
from tests.assets.loading import told_by_loading
from tests.assets.memory_table import mixed_table
from tests.project import materialize, project

DATASET = """
import dagster as dg

homes = dg.AssetSpec(dg.AssetKey(["datasets", "homes"]))
"""
MODEL = """
type: assets.Model
attributes:
  name: worth
  dataset: homes
  target: price
  exclude: [id, dear, level]
  parameters: {max_iter: 10}
  seed: 3
"""
PREDICTION = """
type: assets.Prediction
attributes:
  name: guesses
  dataset: homes
  model: worth
  columns: [id]
"""


@pytest.fixture
def tables(tmp_path, monkeypatch) -> TableStore:
    monkeypatch.setenv("WAYBILL_STORE", str(tmp_path / "store"))
    store = TableStore.open(str(tmp_path / "store"))
    table = mixed_table(300)
    store.write_stream(
        ("datasets", "homes"),
        lambda: BatchStream(table.schema, iter(table.to_batches())),
        run_id="run-0",
    )
    return store


def run(*keys: str):
    with (
        project(f"{MODEL}---{PREDICTION}", python=DATASET) as definitions,
        dg.instance_for_test() as instance,
    ):
        return materialize(definitions, *keys, instance=instance)


def metadata_of(result, key: str) -> dict[str, object]:
    events = result.get_asset_materialization_events()
    found = next(e.materialization for e in events if e.asset_key.to_user_string() == key)
    return {name: entry.value for name, entry in found.metadata.items()} | {"tags": found.tags}


def test_a_run_trains_keeps_predicts_and_says_what_it_did(tables):
    result = run("models/worth", "datasets/guesses")
    model = metadata_of(result, "models/worth")
    assert isinstance(model["r2"], float)
    assert model["rmse"] < model["baseline rmse"]
    assert model["dataset"] == "homes, version 1"
    assert re.match(r"[\d,]+ table, .* train, [\d,]+ test", model["rows"])
    assert "| size | number |" in model["importance"]
    assert "| price | regression |" not in model["guesses"]
    assert "| task | regression |" in model["guesses"]
    assert "identifier" in model["warnings"]
    assert model["tags"]["dagster/data_version"] == "1"
    for picture in ("importance chart", "answers chart"):
        data = model[picture].partition("base64,")[2].removesuffix(")")
        assert base64.b64decode(data).startswith(b"\x89PNG")
    guesses = metadata_of(result, "datasets/guesses")
    assert guesses["dagster/row_count"] == 300
    assert guesses["model version"] == 1
    assert guesses["dataset version"] == 1
    assert guesses["tags"]["dagster/data_version"] == "1"
    origins = guesses["dagster/column_lineage"].deps_by_column
    assert [(dep.asset_key.path, dep.column_name) for dep in origins["id"]] == [
        (["datasets", "homes"], "id")
    ]
    told = {(*dep.asset_key.path, dep.column_name) for dep in origins["prediction"]}
    assert {("models", "worth", "price"), ("datasets", "homes", "size")} <= told
    described = {c.name: c.description for c in guesses["dagster/column_schema"].columns}
    assert described["id"] == "from homes.id"
    assert described["prediction"].startswith("from worth.price, homes.")
    stored = tables.read(("datasets", "guesses"))
    assert stored.schema.names == ["id", "prediction"]
    assert stored.to_table().column("id").to_pylist() == list(range(300))
    assert stored.version.properties["model"] == {"name": "worth", "version": 1}
    assert stored.version.properties["inputs"] == {"homes": 1}


@pytest.mark.parametrize("policy", ["warn", "fail"])
def test_the_columns_of_a_prediction_may_change_as_declared(tables, policy):
    run("models/worth", "datasets/guesses")
    changed = PREDICTION.replace("[id]", "[id, size]") + f"  on_schema_change: {policy}\n"
    with (
        project(f"{MODEL}---{changed}", python=DATASET) as definitions,
        dg.instance_for_test() as instance,
    ):
        result = materialize(
            definitions, "datasets/guesses", instance=instance, raise_on_error=False
        )
    numbers = [version.number for version in tables.item(("datasets", "guesses")).versions()]
    if policy == "fail":
        assert "dataset guesses: its columns would change: column 'size' is new" in failure_of(
            result
        )
        assert numbers == [1]
    else:
        (schema,) = result.get_asset_check_evaluations()
        assert (schema.check_name, schema.passed, schema.severity.value) == (
            "schema",
            False,
            "WARN",
        )
        assert (result.success, numbers) == (True, [1, 2])


def failure_of(result) -> str:
    return next(
        event.step_failure_data for event in result.all_events if event.is_step_failure
    ).user_failure_data.description


def test_a_model_without_its_dataset_fails_with_what_to_do(tables):
    yaml = MODEL.replace("dataset: homes", "dataset: flats")
    python = DATASET + 'flats = dg.AssetSpec(dg.AssetKey(["datasets", "flats"]))\n'
    with project(yaml, python=python) as definitions, dg.instance_for_test() as instance:
        result = materialize(definitions, "models/worth", instance=instance, raise_on_error=False)
    assert not result.success
    assert "datasets/flats has no version" in failure_of(result)


def specs_of(yaml: str) -> dict[str, dg.AssetSpec]:
    with project(yaml, python=DATASET) as definitions:
        return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_the_place_in_lineage():
    specs = specs_of(f"{MODEL}---{PREDICTION}")
    model, prediction = specs["models/worth"], specs["datasets/guesses"]
    assert [dep.asset_key.to_user_string() for dep in model.deps] == ["datasets/homes"]
    assert sorted(dep.asset_key.to_user_string() for dep in prediction.deps) == [
        "datasets/homes",
        "models/worth",
    ]
    assert (model.group_name, prediction.group_name) == ("models", "predictions")
    assert "scikitlearn" in model.kinds
    assert model.automation_condition is not None


def test_what_is_learned_is_the_code_version():
    def code_version(yaml: str) -> str | None:
        return specs_of(yaml)["models/worth"].code_version

    assert code_version(MODEL) == code_version(
        MODEL + "  description: other\n  keep_versions: 9\n  refresh: manual\n"
    )
    assert code_version(MODEL) != code_version(MODEL.replace("seed: 3", "seed: 4"))


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        pytest.param(MODEL.replace("homes", "hoses"), "unknown dataset 'hoses'.*Known: homes", id="dataset"),
        pytest.param(f"{MODEL}---{PREDICTION.replace('model: worth', 'model: wort')}", "unknown model 'wort'.*Known: worth", id="model"),
        pytest.param(MODEL.replace("name: worth", "name: Worth"), "'Worth' cannot name a model", id="name"),
        pytest.param(f"{MODEL}---{MODEL}", "two models are named 'worth'", id="twins"),
        pytest.param(f"{MODEL}---{PREDICTION.replace('name: guesses', 'name: homes')}", "would replace its own input", id="itself"),
        pytest.param(MODEL + "  test_share: 1.5\n", r"defs\.yaml:\d+: test_share is 1.5", id="share"),
        pytest.param(MODEL + "  features: [price]\n", "the target 'price' is among the features", id="target"),
        pytest.param(MODEL + "  algorithm: magic\n", "gradient_boosting", id="algorithm"),
        pytest.param(MODEL + "  task: guessing\n", "regression", id="task"),
        pytest.param(MODEL + "  refresh: daily\n", "'daily' is not a cron", id="refresh"),
        pytest.param(MODEL + "  colour: red\n", "colour", id="unknown attribute"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused_when_the_project_is_loaded(yaml, text):
    assert re.search(text, told_by_loading(yaml, python=DATASET), re.DOTALL)
