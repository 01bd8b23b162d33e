"""A dataset that lags behind its set is published without a further file."""

import dagster as dg
import pytest

from assets.classifications import build
from assets.classifications.declaration import DECLARATION, ClassificationSpec
from assets.classifications.publishing import lags
from orchestration.classifications.jobs import SET_TAG
from resources.home import store_url
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore
from resources.stores.uploads import UploadStore
from tests.faults import kill_at
from tests.project import project

YAML = """
type: assets.ClassificationSet
attributes: {name: products, columns: [{name: Brand}]}
---
type: assets.ClassificationSet
attributes: {name: untouched, columns: [{name: Brand}]}
"""


class Project:
    def __init__(self, definitions, instance, folder):
        self.definitions, self.instance, self.folder = definitions, instance, folder
        self.sensor = definitions.resolve_sensor_def("classification_sets_published")
        self.job = definitions.resolve_job_def("apply_products")

    def take(self, text):
        path = self.folder / "a.csv"
        path.write_text(text)
        upload = UploadStore.open().stage(path, limit=1000)
        self.run({"upload": upload.sha256, "file_name": "a.csv"})

    def run(self, config):
        return self.job.execute_in_process(
            instance=self.instance, run_config={"ops": {"datasets__products": {"config": config}}}
        )

    def requests(self):
        with dg.build_sensor_context(
            instance=self.instance,
            definitions=self.definitions,
            resources=self.definitions.resources,
        ) as context:
            return self.sensor.evaluate_tick(context).run_requests

    def lags(self):
        specs = self.definitions.resolve_all_asset_specs()
        found = [s.metadata[DECLARATION].value for s in specs if s.key.path[-1] == "products"]
        spec = ClassificationSpec.from_metadata(found[0])
        stored = ClassificationCatalog(CatalogDatabase.open()).find("products")
        return stored is not None and lags(TableStore.open(store_url()), spec, stored)


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    for name in ("WAYBILL_CATALOG_URL", "WAYBILL_STORE"):
        monkeypatch.delenv(name, raising=False)
    with project(YAML) as definitions, dg.DagsterInstance.ephemeral() as instance:
        yield Project(definitions, instance, tmp_path)


@pytest.mark.kill
def test_what_a_killed_run_left_unpublished_is_asked_for_once(loaded):
    assert loaded.requests() == []
    loaded.take("Key,Brand\na,first\n")
    assert loaded.requests() == []
    killed = kill_at(lambda: loaded.take("Key,Brand\na,second\n"), [(build, "publish")], 0)
    assert killed.killed
    assert loaded.lags()
    [request] = loaded.requests()
    assert request.job_name == "apply_products"
    assert request.run_key == loaded.requests()[0].run_key
    loaded.run({})
    assert not loaded.lags()
    assert loaded.requests() == []
    table = TableStore.open(store_url()).read(("datasets", "products")).to_table()
    assert table.to_pylist() == [{"Key": "a", "Brand": "second"}]


@pytest.mark.kill
def test_a_run_that_is_on_its_way_publishes_by_itself(loaded):
    kill_at(lambda: loaded.take("Key,Brand\na,first\n"), [(build, "publish")], 0)
    loaded.instance.create_run_for_job(
        loaded.job, status=dg.DagsterRunStatus.STARTED, tags={SET_TAG: "products"}
    )
    assert loaded.requests() == []
