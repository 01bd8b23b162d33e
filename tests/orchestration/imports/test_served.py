"""Import tasks of a real server: files that arrive in an inbox, a run that somebody asks for, a daemon that starts both."""

import dagster as dg
import pytest

from orchestration.services.import_tasks.listing import TaskFilter, list_tasks
from orchestration.services.import_tasks.records import TaskRecords
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore
from tests.faults import wait_until
from tests.served import served

YAML = """
type: resources.FolderConnector
attributes: {name: landing, root: landing}
---
type: assets.Dataset
attributes: {name: sales, upload: true, connectors: [landing]}
---
type: orchestration.RecurringImport
attributes:
  name: inbox
  target: {kind: dataset, name: sales}
  inbox: {connector: landing, path: "*.csv", settle_seconds: 1, every_seconds: 1}
"""
KEY = ("datasets", "sales")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"shop/defs.yaml": YAML}, daemon=True) as found:
        (found.home.root / "landing").mkdir()
        yield found


def test_a_file_that_arrives_is_in_the_dataset_and_a_run_by_hand_makes_a_task_too(shop):
    store = TableStore.open(str(shop.home.root / "store"))
    (shop.home.root / "landing" / "a.csv").write_text("id\n1\n2\n")
    wait_until(lambda: store.item(KEY).latest() is not None, seconds=120)
    assert [row["id"] for row in store.read(KEY).to_table().to_pylist()] == [1, 2]
    with shop.client(headers={"Origin": shop.url}) as client:
        assert client.post(f"{shop.api}/pipelines/inbox/run").status_code == 202
    wait_until(lambda: len(found(shop)) == 2, seconds=120)
    by_hand, by_itself = found(shop)
    assert (by_itself.via, by_itself.created) == ("sensor", 1)
    assert (by_hand.unchanged, by_hand.asked_by != by_itself.asked_by) == (1, True)


def found(shop):
    with dg.DagsterInstance.from_config(str(shop.home.dagster)) as instance:
        records = TaskRecords(shop.name, CatalogDatabase.open(), instance)
        return [t for t in list_tasks(records, TaskFilter()).items if t.state == "completed"]
