"""The jobs of the Launchpad and the check on a data source, as runs: what they show, how they fail, what they never hold."""

import json
import sqlite3

import dagster as dg
import pytest

from orchestration.connections.build import build_connection_jobs
from orchestration.location import Location
from tests.project import project

CANARY = "canary-8841"
PARAMETER_CANARY = "canary-parameter-1182"
OPS = {"connector_check": "check_connector", "datasource_test": "look_at_datasource"}
YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: shop, dialect: sqlite, path: shop.sqlite}
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
type: assets.Datasource
attributes: {name: landed, connector: lake, path: "orders/*.csv", observe: "0 3 * * *"}
---
type: assets.Datasource
attributes: {name: locked, connector: vault, table: orders}
---
type: assets.Datasource
attributes:
  name: chosen
  connector: shop
  query: select id from orders where note = :note
  parameters: {note: {env: TEST_NOTE}}
  fingerprint: rows
---
type: assets.Dataset
attributes: {name: orders, datasource: landed, refresh: manual}
---
type: orchestration.Pipeline
attributes: {name: nightly, assets: [datasets/orders]}
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setenv("TEST_VAULT_PASSWORD", CANARY)
    monkeypatch.setenv("TEST_NOTE", PARAMETER_CANARY)
    folder = tmp_path / "lake" / "orders"
    folder.mkdir(parents=True)
    (folder / "1.csv").write_text("id,note\n007,<b>x</b>|y\n008,\n")
    with sqlite3.connect(tmp_path / "shop.sqlite") as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)")
        shop.execute("INSERT INTO orders VALUES (1, ?), (2, 'other')", [PARAMETER_CANARY])
    shop.close()
    return tmp_path


@pytest.fixture(scope="module")
def project_definitions():
    """One project; each test has a home of its own."""
    with project(YAML) as loaded:
        yield loaded


@pytest.fixture
def definitions(home, project_definitions):
    return project_definitions


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def run(definitions, instance):
    """Runs a job with the config of its op; the result, and all that Dagster stored of it as text."""

    def execute(job, **config):
        found = definitions.resolve_job_def(job)
        run_config = {"ops": {OPS[job]: {"config": config}}}
        result = found.execute_in_process(
            run_config=run_config, instance=instance, raise_on_error=False
        )
        stored = [
            repr(entry) + str(entry.dagster_event) for entry in instance.all_logs(result.run_id)
        ]
        stored.append(json.dumps(instance.get_run_by_id(result.run_id).run_config))
        assert not any(CANARY in text or PARAMETER_CANARY in text for text in stored)
        return result

    return execute


def metadata(result):
    (event,) = (e for e in result.all_events if e.event_type_value == "STEP_OUTPUT")
    return event.step_output_data.metadata


def failure(result):
    (event,) = (e for e in result.all_events if e.event_type_value == "STEP_FAILURE")
    return event.step_failure_data


class TestConnectorCheck:
    def test_steps_are_a_table(self, run):
        shown = metadata(run("connector_check", connector="lake"))
        steps = [record.data for record in shown["steps"].records]
        assert [(step["step"], step["ok"]) for step in steps] == [
            ("folder", True),
            ("rights", True),
        ]
        assert "entries" not in shown

    def test_a_place_is_shown_beside_them(self, run):
        shown = metadata(run("connector_check", connector="lake", browse=""))
        assert "orders/" in shown["entries"].md_str
        shown = metadata(run("connector_check", connector="lake", browse="orders", limit=1))
        assert "orders/1.csv | object | 28" in shown["entries"].md_str
        assert shown["shown"].text == "1 entries"

    def test_a_list_that_was_cut_says_so(self, run, home):
        (home / "lake" / "orders" / "2.csv").touch()
        shown = metadata(run("connector_check", connector="lake", browse="orders", limit=1))
        assert shown["shown"].text == "1 entries, there are more"

    def test_one_that_does_not_answer_fails_with_its_steps(self, run):
        result = run("connector_check", connector="vault")
        assert not result.success
        found = failure(result).user_failure_data
        assert "connector 'vault' does not answer" in found.description
        assert "127.0.0.1" in found.description
        assert "steps" in found.metadata

    def test_a_place_that_is_not_there_fails(self, run):
        found = failure(run("connector_check", connector="lake", browse="nothing"))
        assert "no folder 'nothing'" in found.user_failure_data.description

    def test_a_variable_that_is_not_set_fails_its_own_test_alone(self, run, monkeypatch):
        monkeypatch.delenv("TEST_VAULT_PASSWORD")
        assert run("connector_check", connector="lake").success
        found = failure(run("connector_check", connector="vault"))
        assert "TEST_VAULT_PASSWORD" in found.user_failure_data.description

    def test_only_declared_names_are_taken(self, definitions, instance):
        job = definitions.resolve_job_def("connector_check")
        config = {"ops": {"check_connector": {"config": {"connector": "nothing"}}}}
        with pytest.raises(dg.DagsterInvalidConfigError, match="ConnectorName"):
            job.execute_in_process(run_config=config, instance=instance)


class TestDatasourceTest:
    def test_rows_and_guesses_are_shown_and_nothing_is_imported(self, run, home):
        shown = metadata(run("datasource_test", datasource="landed", rows=1))
        assert "007" in shown["rows"].md_str
        assert "&lt;b>x" in shown["rows"].md_str
        assert "<b>" not in shown["rows"].md_str
        assert "separator" in shown["guesses"].md_str
        assert len(shown["fingerprint"].text) == 32
        assert not (home / "store").exists()

    def test_a_parameter_from_the_environment_is_used_and_kept_nowhere(self, run):
        shown = metadata(run("datasource_test", datasource="chosen", fingerprint=True))
        assert shown["rows"].md_str.splitlines()[2:] == ["| 1 |"]
        assert shown["facts"].data["rows"] == 1

    def test_one_that_cannot_be_read_fails(self, run, home):
        (home / "lake" / "orders" / "1.csv").unlink()
        found = failure(run("datasource_test", datasource="landed"))
        assert "no object of connector 'lake'" in found.user_failure_data.description


class TestReachable:
    def check(self, definitions, instance, name):
        key = dg.AssetCheckKey(dg.AssetKey(["datasources", name]), "reachable")
        job = dg.define_asset_job("asked_for", dg.AssetSelection.checks(key))
        resolved = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
        result = resolved.resolve_job_def("asked_for").execute_in_process(instance=instance)
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation

    def test_it_passes_with_its_steps(self, definitions, instance):
        found = self.check(definitions, instance, "landed")
        assert found.passed
        assert [record.data["step"] for record in found.metadata["steps"].records] == [
            "folder",
            "rights",
        ]

    def test_it_fails_with_the_reason(self, definitions, instance):
        found = self.check(definitions, instance, "locked")
        assert not found.passed
        assert found.severity == dg.AssetCheckSeverity.ERROR
        assert "127.0.0.1" in found.description

    def test_a_variable_that_is_not_set_is_the_reason(self, definitions, instance, monkeypatch):
        monkeypatch.delenv("TEST_VAULT_PASSWORD")
        assert "TEST_VAULT_PASSWORD" in self.check(definitions, instance, "locked").description

    @pytest.mark.parametrize("job", ["nightly", "observe_landed"])
    def test_no_other_run_connects_for_it(self, definitions, instance, job):
        result = definitions.resolve_job_def(job).execute_in_process(instance=instance)
        assert result.success
        assert not [e for e in result.get_asset_check_evaluations() if e.check_name == "reachable"]
        observed = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
        assert len(observed) == 1


@pytest.mark.parametrize(
    ("job", "first"), [("connector_check", "lake"), ("datasource_test", "chosen")]
)
def test_the_launchpad_opens_with_what_can_be_launched(definitions, job, first):
    found = definitions.resolve_job_def(job)
    assert dg.validate_run_config(found, found.run_config)
    assert first in str(found.run_config)


def test_a_project_without_connectors_has_no_such_jobs():
    assert build_connection_jobs(Location(dg.Definitions())) == []


def test_the_repository_holds_no_secret(definitions):
    """T23: what the UI is told of resources, jobs and configuration."""
    from dagster._core.remote_representation.external_data import RepositorySnap

    snapshot = RepositorySnap.from_def(definitions.get_repository_def())
    text = dg.serialize_value(snapshot)
    assert "TEST_VAULT_PASSWORD" in text
    assert CANARY not in text
    assert PARAMETER_CANARY not in text


def test_other_projects_of_one_process_have_names_of_their_own(definitions, instance):
    """Dagster keeps shapes of configuration by the names of their types, for all that a process loads."""
    other = YAML.replace("lake", "pond").replace("landed", "fished")
    with project(other) as loaded:
        pond = loaded.resolve_job_def("connector_check")
        lake = definitions.resolve_job_def("connector_check")
        for job, name in ((pond, "pond"), (lake, "lake")):
            config = {"ops": {"check_connector": {"config": {"connector": name}}}}
            assert dg.validate_run_config(job, config)
