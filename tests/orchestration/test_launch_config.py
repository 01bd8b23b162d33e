"""What whoever may launch a run can set: nothing that leads elsewhere, nothing that is loaded as a program."""

import json
import pickle
from pathlib import Path

import dagster as dg
import pytest

from orchestration.launch_config import settable
from resources.kernel.errors import ConfigError
from tests.project import project

CANARY = "canary-7741"
YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes:
  name: vault
  dialect: postgresql
  host: 127.0.0.1
  port: 1
  database: dwh
  username: loader
  password: {env: TEST_VAULT_PASSWORD}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: warehouse.sqlite}
---
type: resources.S3Connector
attributes: {name: bucket, bucket: b, region: eu-west-1}
---
type: resources.SftpConnector
attributes: {name: drop, host: h.example, username: u, password: {env: TEST_VAULT_PASSWORD}, known_hosts: hosts}
---
type: assets.Datasource
attributes: {name: order_files, connector: lake, path: "orders/*.csv"}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: order_files
  checks: [expect_column_values_to_not_be_null: {column: id}]
---
type: assets.SqlTransform
attributes: {name: totals, sql: select count(*) as n from orders}
---
type: assets.Exporter
attributes: {name: totals_out, dataset: totals, connector: warehouse, table: totals}
---
type: assets.ClassificationSet
attributes:
  name: priorities
  columns: [{name: Level, type: integer}]
  files: {connector: lake, path: "in/*.csv", on_error: wait, settle_seconds: 5}
---
type: orchestration.Pipeline
attributes: {name: nightly, export: [totals_out]}
"""
# Name, and what it is for. Whatever else turns up here has to be argued.
HARMLESS = {
    "execution:config:retries": "whether steps are retried",
    "execution:config:marker_to_close": "Dagster's, kept for old configurations, read by nothing",
    "execution:config:step_dependency_config:require_upstream_step_success": "order of steps",
    "loggers:console:config:log_level": "how much is logged",
    "loggers:console:config:name": "a word in the log",
    "ops:datasets__orders:config:force": "whether an import looks at the fingerprint",
    "ops:check_connector:config:connector": "one of the declared connectors",
    "ops:check_connector:config:browse": "a place on that connector, which keeps it inside",
    "ops:check_connector:config:limit": "how many entries are shown",
    "ops:exports__totals_out:ops:pin_totals_out:config:dataset": "one of the datasets in the store",
    "ops:exports__totals_out:ops:pin_totals_out:config:version": "a number of a version",
    "ops:look_at_datasource:config:datasource": "one of the declared data sources",
    "ops:look_at_datasource:config:rows": "how many rows are shown",
    "ops:look_at_datasource:config:fingerprint": "whether it is taken",
    **{
        f"ops:datasets__{name}__profile:config:{field}": reason
        for name in ("orders", "totals")
        for field, reason in {
            "force": "whether a profile is made anew",
            "version": "a number of a version",
        }.items()
    },
    "ops:restore_version:config:by": "a word in the history",
    "ops:restore_version:config:dataset": "one of the datasets that are declared",
    "ops:restore_version:config:version": "a number of a version",
    **{
        f"ops:datasets__priorities:config:{name}": reason
        for name, reason in {
            "upload": "hash of a file that was handed in, checked to be one",
            "object_key": "a key on the connector that the set watches",
            "object_etag": "what it was when it was seen",
            "undo_to": "a number of a version",
            "file_name": "a name; its ending decides the format",
            "author": "a word in the history",
            "encoding": "one of two",
            "list_delimiter": "a character",
            "blank_clears": "how blank cells are taken",
            "task": "a number of an import task, refused where it goes elsewhere",
            "new_task": "a task as the API takes one, held to the same rules; uploads are not handed in by it",
            "keep_tasks": "a number; who may start runs may delete tasks that have ended",
        }.items()
    },
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("launch")
    (folder / "lake" / "orders").mkdir(parents=True)
    (folder / "lake" / "orders" / "a.csv").write_text("id\n1\n2\n")
    (folder / "hosts").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(folder))
        patch.setenv("TEST_VAULT_PASSWORD", CANARY)
        yield folder


@pytest.fixture(scope="module")
def definitions(home):
    with project(YAML) as loaded:
        yield loaded


def takes(definitions):
    """Every place in the run config of any job, with the types that it takes."""
    found = {}
    for job in definitions.get_repository_def().get_all_jobs():
        for path, kind in settable(job.run_config_schema.config_type):
            if kind.given_name != "Any":  # an op without a schema: what is given is not looked at
                found.setdefault(path, []).append(kind)
    return found


def test_all_that_can_be_set_is_listed_and_harmless(definitions):
    assert sorted(takes(definitions)) == sorted(HARMLESS)


def test_nothing_is_taken_from_a_variable_of_the_environment(definitions):
    selectors = {
        path: set(kind.fields)
        for path, kinds in takes(definitions).items()
        for kind in kinds
        if kind.kind.name == "SELECTOR"
    }
    assert selectors == {"execution:config:retries": {"enabled", "disabled"}}


def test_the_list_of_resources_tells_connectors_from_parts_of_waybill(definitions):
    found = definitions.get_repository_def().get_top_level_resources()
    said = {name: resource.description for name, resource in found.items()}
    assert said["lake"] == "Connector lake: folder, lake"
    assert said["vault"] == "Connector vault: postgresql, 127.0.0.1:1/dwh"
    ours = ("catalog", "handles", "io_manager", "store")
    assert all(said[name].startswith("Part of Waybill, not a connector") for name in ours)


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def hostile_configs(folder: Path) -> dict[str, dict]:
    at = {"config": {"base_dir": str(folder)}}
    pinned = {"exports__totals_out": {"ops": {"deliver_totals_out": {"inputs": {"pinned": None}}}}}
    loaded = json.loads(
        json.dumps(pinned).replace("null", json.dumps({"pickle": {"path": str(folder / "bomb")}}))
    )
    return {
        "handles moved": {"resources": {"handles": at}},
        "io manager moved": {
            "resources": {"io_manager": {"config": {"store": {"url": str(folder)}}}}
        },
        "store moved": {"resources": {"store": {"config": {"url": str(folder)}}}},
        "catalog moved": {"resources": {"catalog": {"config": {"url": f"sqlite:///{folder}/c"}}}},
        "folder moved": {"resources": {"lake": {"config": {"root": str(folder)}}}},
        "database moved": {
            "resources": {"warehouse": {"config": {"path": str(folder / "w.sqlite")}}}
        },
        "host moved": {"resources": {"vault": {"config": {"host": "evil.example"}}}},
        "an input as a pickle": {"ops": loaded},
        "a secret as an option": {
            "ops": {"datasets__orders": {"config": {"force": {"env": "TEST_VAULT_PASSWORD"}}}}
        },
    }


@pytest.mark.parametrize("name", sorted(hostile_configs(Path("x"))))
def test_a_hostile_launch_is_refused_before_it_does_anything(definitions, home, tmp_path, name):
    canary = tmp_path / "canary"
    for place in ("bomb", "storage/bomb"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(pickle.dumps(Canary(canary)))
    before = sorted(tmp_path.rglob("*"))
    job = definitions.resolve_implicit_global_asset_job_def()
    with pytest.raises(dg.DagsterInvalidConfigError) as refused:
        job.execute_in_process(run_config=hostile_configs(tmp_path)[name])
    assert CANARY not in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == before


OPEN_JOB = """
import dagster as dg

@dg.op
def load(context, rows: int):
    pass

@dg.graph
def inner(rows: int):
    load(rows)

@dg.job
def by_hand():
    inner()
"""


def test_an_own_job_that_would_take_a_pickle_is_refused_at_load():
    with (
        pytest.raises(
            ConfigError, match=r"job 'by_hand': the input 'rows' of 'inner'.* config of the op"
        ),
        project(YAML, python=OPEN_JOB),
    ):
        pass


def test_an_own_job_whose_inputs_are_connected_loads(home):
    one = "\n@dg.op\ndef one() -> int:\n    return 1\n\n@dg.job"
    connected = OPEN_JOB.replace("\n@dg.job", one).replace("inner()", "inner(one())")
    with project(YAML, python=connected) as loaded:
        assert loaded.resolve_job_def("by_hand").name == "by_hand"
