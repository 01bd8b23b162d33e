"""A home folder of its own, and a small project with a set, a transform and an exporter on top of it."""

import dagster as dg
import pytest

from assets.classifications.declaration import DECLARATION, ClassificationSpec
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.uploads import UploadStore
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: assets.ClassificationSet
attributes:
  name: products
  columns: [{name: Brand, description: Who made it}, {name: Size, type: integer}, {name: Tags, type: "list[string]"}]
  keep_versions: 5
  files: {connector: lake, path: "in/*"}
---
type: assets.SqlTransform
attributes: {name: brands, sql: 'select "Brand" as brand, count(*) as n from products group by all order by all'}
---
type: assets.Exporter
attributes: {name: out, dataset: products, connector: warehouse, table: products}
---
type: orchestration.Pipeline
attributes: {name: nightly, export: [out], assets: [datasets/brands]}
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    for name in ("WAYBILL_CATALOG_URL", "WAYBILL_STORE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "lake" / "in").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def definitions(home):
    with project(YAML) as loaded:
        yield loaded


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def catalog(home):
    return ClassificationCatalog(CatalogDatabase.open())


class Runs:
    """Runs of the set's job."""

    def __init__(self, definitions, instance, home):
        self.definitions, self.instance, self.home = definitions, instance, home
        self.job = definitions.resolve_job_def("apply_products")

    def __call__(self, run_id=None, tags=None, **config):
        return self.job.execute_in_process(
            instance=self.instance,
            run_id=run_id,
            tags=tags,
            raise_on_error=False,
            run_config={"ops": {"datasets__products": {"config": config}}},
        )

    def upload(self, text, name="a.csv", **config):
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        upload = UploadStore.open().stage(path, limit=10**8)
        run = {k: config.pop(k) for k in ("run_id", "tags") if k in config}
        return self(**run, upload=upload.sha256, file_name=name, author="ada", **config)


@pytest.fixture
def take(definitions, instance, home):
    """`take.upload(text)` takes a file in a run; `take(undo_to=1)` goes back."""
    return Runs(definitions, instance, home)


@pytest.fixture
def spec(definitions):
    [found] = [s for s in definitions.resolve_all_asset_specs() if DECLARATION in s.metadata]
    return ClassificationSpec.from_metadata(found.metadata[DECLARATION].value)
