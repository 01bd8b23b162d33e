"""What a person asks to run by name: a name of something else is told as that."""

import dagster as dg
import pytest

from orchestration.location import Location
from orchestration.services.runs.launch import refresh_dataset, start_refresh
from orchestration.services.runs.start import Asked
from resources.kernel.errors import ConfigError, UnknownNameError
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: shop, dialect: sqlite, path: shop.sqlite}
---
type: assets.Datasource
attributes: {name: landed, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: landed, refresh: manual}
---
type: assets.Model
attributes: {name: worth, dataset: orders, target: price}
---
type: assets.Embedding
attributes: {name: meaning, dataset: orders, columns: [note]}
---
type: assets.ImageFolder
attributes: {name: signs}
---
type: assets.Exporter
attributes: {name: out, dataset: orders, connector: shop, table: orders}
"""


@pytest.fixture(scope="module")
def location():
    with project(YAML) as loaded:
        yield Location(loaded)


@pytest.mark.parametrize(
    ("name", "told", "way"),
    [
        ("worth", "'worth' is a model, no dataset", "Name models/worth under `assets:`"),
        ("meaning", "'meaning' is an embedding, no", "`waybill embedding compute meaning`"),
        ("signs", "'signs' is an image folder, no", "upload FILE --name signs`"),
        ("landed", "'landed' is a data source, no", "`waybill datasource observe landed`"),
        ("out", "'out' is an exporter, no dataset", "`waybill exporter run out`"),
    ],
)
def test_what_is_no_dataset_is_called_what_it_is(home, location, name, told, way):
    with dg.DagsterInstance.ephemeral() as instance:
        for refresh, rest in ((refresh_dataset, [print]), (start_refresh, [])):
            with pytest.raises(ConfigError, match=told) as caught:
                refresh(home, location, instance, name, Asked("ada"), *rest)
            assert way in caught.value.hint
        with pytest.raises(UnknownNameError, match="unknown dataset 'nothing'"):
            start_refresh(home, location, instance, "nothing", Asked("ada"))
        assert instance.get_runs_count() == 0
