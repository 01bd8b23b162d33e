"""`assets.ImageFolder` in a project: what a run makes of it, who may read it, and who may not have it."""

import dagster as dg
import pytest

from assets.exporters.choice import choice_config
from resources.sources.uploads import UPLOAD_TAG
from tests.assets.image_folders.zips import JPEG, KEY, PNG, Photos, zipped
from tests.assets.loading import told_by_loading
from tests.project import materialize, project

FOLDER = """
type: assets.ImageFolder
attributes: {name: photos, keep_versions: 1, column_descriptions: {folder: The town}}
"""
OTHERS = """---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.SqlTransform
attributes: {name: wide, sql: SELECT path FROM photos WHERE width > 50}
---
type: assets.Exporter
attributes: {name: wide_out, dataset: wide, connector: warehouse, table: wide}
"""
EXPORTER = """---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.Exporter
attributes: {name: photos_out, dataset: photos, connector: warehouse, table: photos}
"""
PYTHON = """
import dagster as dg
import pandas as pd
from resources.stores.resource import StoreResource

@dg.asset(key=["datasets", "first_bytes"], ins={"photos": dg.AssetIn(["datasets", "photos"])})
def first_bytes(photos: pd.DataFrame, store: StoreResource) -> pd.DataFrame:
    found = []
    for row in photos.itertuples():
        with store.media().read(row.sha256) as image:
            found.append({"path": row.path, "begins": image.read(4).hex()})
    return pd.DataFrame(found)
"""


@pytest.fixture(scope="module")
def definitions():
    with project(FOLDER + OTHERS, python=PYTHON) as loaded:
        yield loaded


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    return Photos(tmp_path)


def test_a_run_makes_a_table_that_sql_and_python_read_and_no_exporter_delivers(definitions, photos):
    with dg.DagsterInstance.ephemeral() as instance:
        photos.upload(zipped({"x/a.jpg": JPEG, "b.png": PNG, "c.png": PNG}))
        made = ("datasets/photos", "datasets/wide", "datasets/first_bytes", "exports/wide_out")
        materialize(definitions, *made, instance=instance)
        event = instance.get_latest_materialization_event(dg.AssetKey(KEY)).asset_materialization
        shown = {name: event.metadata[name].value for name in ("images", "duplicates", "file", "uploaded by")}  # fmt: skip
        assert shown == {"images": 3, "duplicates": 1, "file": "photos.zip", "uploaded by": "ada"}
        (column,) = [c for c in event.metadata["dagster/column_schema"].value.columns if c.name == "folder"]  # fmt: skip
        assert column.description == "The town"
        assert photos.tables.read(("datasets", "wide")).to_table().to_pylist() == [{"path": "x/a.jpg"}]  # fmt: skip
        begins = photos.tables.read(("datasets", "first_bytes")).to_table().to_pylist()
        assert begins[0] == {"path": "b.png", "begins": PNG[:4].hex()}
        job = definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["exports", "wide_out"])],
            run_config=choice_config("wide_out", dataset="photos"),
            raise_on_error=False,
        )
        (failed, *_) = [event for event in result.all_events if event.is_step_failure]
        told = failed.step_failure_data.user_failure_data.description
        assert "'photos' is an image folder, which cannot be exported" in told


def test_a_run_imports_the_upload_that_it_was_started_for(definitions, photos):
    photos.upload(zipped({"first.png": PNG}))
    photos.upload(zipped({"second.png": PNG}))
    with dg.DagsterInstance.ephemeral() as instance:
        for number, name in ((1, "first.png"), (2, "second.png")):
            tags = {UPLOAD_TAG: str(number)}
            materialize(definitions, "datasets/photos", instance=instance, tags=tags)
            assert list(photos.files()) == [name]


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        (FOLDER + EXPORTER, "'photos' is an image folder, which cannot be exported"),
        (
            FOLDER + "---\ntype: assets.Dataset\nattributes: {name: copy, datasource: photos}\n",
            "unknown data source 'photos'",
        ),
        ("type: assets.ImageFolder\nattributes: {name: photos, datasource: x}\n", "datasource"),
        ("type: assets.ImageFolder\nattributes: {name: My Photos}\n", "cannot name an image folder"),
        ("type: assets.ImageFolder\nattributes: {name: photos, keep_versions: 0}\n", "keep_versions"),
        (
            FOLDER + "---\ntype: assets.Dataset\nattributes: {name: photos, upload: true}\n",
            "photos",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_when_the_project_is_loaded(yaml, told):
    assert told in told_by_loading(yaml)
