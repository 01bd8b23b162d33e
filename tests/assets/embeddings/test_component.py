"""Embeddings as YAML: one run from a stored dataset to stored vectors with their picture."""

from __future__ import annotations

import base64
import re

import dagster as dg
import pyarrow as pa
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
EMBEDDING = """
type: assets.Embedding
attributes:
  name: places
  dataset: homes
  label: city
  key: [id]
  dimension: 4
"""


@pytest.fixture
def tables(tmp_path, monkeypatch) -> TableStore:
    monkeypatch.setenv("WAYBILL_STORE", str(tmp_path / "store"))
    return TableStore.open(str(tmp_path / "store"))


def run(tables: TableStore, table: pa.Table, *, raise_on_error: bool = True):
    tables.write_stream(
        ("datasets", "homes"),
        lambda: BatchStream(table.schema, iter(table.to_batches())),
        run_id="run-0",
    )
    with project(EMBEDDING, python=DATASET) as definitions, dg.instance_for_test() as instance:
        return materialize(
            definitions, "embeddings/places", instance=instance, raise_on_error=raise_on_error
        )


def test_a_run_keeps_a_vector_for_each_row_and_shows_them(tables):
    result = run(tables, mixed_table(300))
    (event,) = result.get_asset_materialization_events()
    metadata = {name: entry.value for name, entry in event.materialization.metadata.items()}
    assert metadata["dagster/row_count"] == 300
    assert (metadata["method"], metadata["dimension"]) == ("pca", 4)
    assert metadata["dataset version"] == 1
    assert 0 < metadata["explained variance"] < 1
    assert "| size | number |" in metadata["columns used"]
    picture = metadata["scatter"].partition("base64,")[2].removesuffix(")")
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert event.materialization.tags["dagster/data_version"] == "1"
    stored = tables.read(("embeddings", "places"))
    assert stored.schema.names == ["row_number", "id", "city", "vector", "x", "y"]
    assert stored.schema.field("vector").type == pa.list_(pa.float32(), 4)
    assert stored.to_table().column("id").to_pylist() == list(range(300))
    assert stored.version.properties["inputs"] == {"homes": 1}
    assert stored.version.properties["seed"] == 0


def test_an_empty_dataset_keeps_nothing(tables):
    result = run(tables, mixed_table(10).slice(0, 0), raise_on_error=False)
    failure = next(event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert "embedding 'places': the dataset has no rows" in failure.user_failure_data.description
    assert tables.item(("embeddings", "places")).numbers() == []


def test_the_place_in_lineage():
    with project(EMBEDDING, python=DATASET) as definitions:
        specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    spec = specs["embeddings/places"]
    assert [dep.asset_key.to_user_string() for dep in spec.deps] == ["datasets/homes"]
    assert spec.group_name == "embeddings"


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        pytest.param(EMBEDDING.replace("homes", "hoses"), "unknown dataset 'hoses'.*Known: homes", id="dataset"),
        pytest.param(EMBEDDING.replace("dimension: 4", "dimension: 0"), r"defs\.yaml:\d+: dimension is 0", id="dimension"),
        pytest.param(EMBEDDING.replace("label: city", "label: vector"), "'vector' has the name of a column", id="label"),
        pytest.param(f"{EMBEDDING}---{EMBEDDING}", "two embeddings are named 'places'", id="twins"),
        pytest.param(EMBEDDING + "  columns: 3\n", "columns", id="columns"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused_when_the_project_is_loaded(yaml, text):
    assert re.search(text, told_by_loading(yaml, python=DATASET), re.DOTALL)
