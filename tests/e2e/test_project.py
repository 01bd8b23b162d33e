"""A project beside its running server: what commands start is the server's, and the web UI shows it where it belongs."""

import json
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestration.services.runs.process import RunProcess
from resources.stores.tables import TableStore
from tests.e2e.clone import Clone
from tests.e2e.server import recorded_run, running_server, wait_for
from tests.e2e.test_up import DONE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

RUNS_OF_JOB = """query($s: PipelineSelector!) { pipelineOrError(params: $s) {
  ... on Pipeline { name runs(limit: 20) { runId status } } } }"""
TIMELINE = """query($l: String!) { repositoriesOrError { ... on RepositoryConnection { nodes {
  location { name } pipelines { name } } } }
  runsFeed: runsOrError(filter: {tags: [{key: ".dagster/repository", value: $l}]}, limit: 50) {
  ... on Runs { results { runId pipelineName } } } }"""
PROBLEMS = """{ assetNodes { assetKey { path } groupName description
  metadataEntries { ... on CodeReferencesMetadataEntry { codeReferences {
    ... on LocalFileCodeReference { filePath lineNumber } } } } } }"""
STOP = """mutation($r: String!, $p: TerminateRunPolicy!) { terminateRun(runId: $r, terminatePolicy: $p) {
  __typename ... on PythonError { message } ... on TerminateRunFailure { message } } }"""

RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "waybill") { __typename
  ... on WorkspaceLocationEntry { locationOrLoadError { __typename } } } }"""
WORSE = """type: assets.Dataset
attributes: {name: worse, datasource: elsewhere}
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """With a run that was made before there was a server."""
    clone = Clone(tmp_path_factory.mktemp("project"))
    with clone.start("waybill", "run", "nightly", "--json") as process:
        said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert f"{clone.broken}:4: unknown data source" in errors
    clone.first = json.loads(said)["run_id"]
    with clone.warm():
        yield clone


@pytest.fixture(scope="module")
def server(clone):
    with running_server(clone.home.parent, **clone.variables) as server:
        server.wait_until_ready()
        yield server


def runs_of(server, job: str) -> list[str]:
    """The runs that the web UI lists under a job."""
    selector = {
        "pipelineName": job,
        "repositoryName": "__repository__",
        "repositoryLocationName": "waybill",
    }
    found = server.graphql(RUNS_OF_JOB, {"s": selector})["pipelineOrError"]
    return [run["runId"] for run in found["runs"]]


def test_a_run_made_without_a_server_stands_under_its_job_and_in_the_timeline(clone, server):
    assert clone.first in runs_of(server, "nightly")
    found = server.graphql(TIMELINE, {"l": "__repository__@waybill"})
    results = found["runsFeed"]["results"]
    assert {"runId": clone.first, "pipelineName": "nightly"} in results


def test_a_file_that_is_left_out_is_shown_with_file_and_line(clone, server):
    nodes = server.graphql(PROBLEMS)["assetNodes"]
    (problem,) = [node for node in nodes if node["groupName"] == "problems"]
    assert problem["assetKey"]["path"] == ["problems", "broken", "defs.yaml"]
    assert "nowhere" in problem["description"]
    (places,) = [entry["codeReferences"] for entry in problem["metadataEntries"] if entry]
    assert places == [{"filePath": str(clone.broken), "lineNumber": 4}]
    assert f"waybill: {clone.broken}:4: unknown data source 'nowhere'" in server.said()


def test_a_reload_names_a_new_mistake_where_the_server_was_started_and_loads_once(clone, server):
    before = len(server.said())
    worse = clone.write("worse", WORSE)
    try:
        with ThreadPoolExecutor() as clicks:
            answers = list(clicks.map(server.graphql, [RELOAD, RELOAD]))
        assert "PythonError" not in str(answers)
        said = server.said()[before:].splitlines()
    finally:
        shutil.rmtree(worse.parent)
        server.graphql(RELOAD)
    (told,) = [line for line in said if str(worse) in line]
    assert told.startswith(f"waybill: {worse}:2: unknown data source 'elsewhere'")
    assert [line for line in said if "loaded anew" in line] == [
        "waybill: the code of 'waybill' was loaded anew, without what has a mistake"
    ]


@pytest.mark.parametrize(
    ("command", "job"),
    [(("run", "nightly"), "nightly"), (("refresh", "orders"), "__ASSET_JOB")],
    ids=["run", "refresh"],
)
def test_a_command_puts_its_run_into_the_servers_queue_and_follows_it(clone, server, command, job):
    code, said, errors = clone.waybill(*command, "--json")
    assert code == 0, errors
    answer = json.loads(said)
    assert answer["made"][-1]["rows"] == 2
    assert server.status(answer["run_id"]) == "SUCCESS"
    assert answer["run_id"] in runs_of(server, job)
    run = recorded_run(clone.home, answer["run_id"])
    assert json.loads(run.tags[".dagster/waybill_process"])["runner"]  # forked by the server


def test_a_run_of_the_server_that_fails_ends_the_command_with_1(clone, server):
    clone.give_orders("id\n1,2\n")
    code, said, errors = clone.waybill("run", "nightly", "--json")
    clone.give_orders("id\n1\n2\n")
    assert code == 1
    assert "orders/1.csv" in errors
    assert server.status(json.loads(said)["run_id"]) == "FAILURE"


def test_ctrl_c_leaves_a_run_to_the_server_and_says_so(clone, server):
    clone.count_to(10**12)
    with clone.start("waybill", "run", "counting") as process:
        run_id = wait_for(lambda: (runs_of(server, "counting") or [""])[0])
        wait_for(lambda: server.status(run_id) == "STARTED")
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"run {run_id} goes on" in errors
    assert "Traceback" not in said + errors
    assert server.status(run_id) == "STARTED"
    stop(server, run_id, "SAFE_TERMINATE")


@pytest.mark.parametrize("policy", ["SAFE_TERMINATE", "MARK_AS_CANCELED_IMMEDIATELY"])
def test_a_stopped_import_is_gone_and_leaves_the_previous_version(clone, server, policy):
    clone.count_to(10)
    first = server.launch("waybill", "datasets", "numbers")
    wait_for(lambda: server.status(first) == "SUCCESS")
    clone.count_to(10**12)
    before = server.processes()
    run_id = server.launch("waybill", "datasets", "numbers")
    wait_for(lambda: "STEP_START" in [entry["eventType"] for entry in events_of(server, run_id)])
    worker = server.processes() - before
    assert worker
    stop(server, run_id, policy)
    wait_for(lambda: not worker & server.processes(), seconds=60)
    kinds = [entry["eventType"] for entry in events_of(server, run_id)]
    # Marked at once, it is told a second time by a process that still has the time to say so.
    assert kinds.count("RUN_CANCELED") in ({1} if policy == "SAFE_TERMINATE" else {1, 2})
    assert "STEP_RESTARTED" not in kinds
    assert kinds.count("STEP_START") == 1
    rows = TableStore.open(str(clone.home / "store")).read(("datasets", "numbers")).to_table()
    assert rows.column("n").to_pylist() == list(range(10))


def stop(server, run_id: str, policy: str) -> None:
    """Stops a run as the web UI does, and waits until nothing of it is left."""
    answer = server.graphql(STOP, {"r": run_id, "p": policy})["terminateRun"]
    assert answer["__typename"] == "TerminateRunSuccess", answer
    wait_for(lambda: server.status(run_id) in DONE)
    assert server.status(run_id) == "CANCELED"
    wait_for(lambda: "waybill-run" not in map(name_of, server.processes()), seconds=30)


def name_of(pid: int) -> str:
    """What a process is called."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def events_of(server, run_id: str) -> list[dict]:
    """The events of a run."""
    query = """query($r: ID!) { logsForRun(runId: $r, limit: 1000) { ... on EventConnection { events {
      __typename ... on MessageEvent { eventType } } } } }"""
    found = server.graphql(query, {"r": run_id})["logsForRun"]["events"]
    return [event for event in found if event.get("eventType")]


def test_an_unset_variable_is_told_in_our_words_where_the_run_is_launched_and_where_it_fails(
    clone, server
):
    told = "connector 'away' needs the environment variable AWAY_PASSWORD (its password), which is not set. Set it"
    with pytest.raises(AssertionError) as refused:
        server.launch("waybill", "datasets", "away")
    assert told in str(refused.value)
    assert clone.waybill("refresh", "away")[2].splitlines()[-1].startswith(f"error: {told}")
    # Set here, and not where the server runs.
    code, _, errors = clone.waybill("refresh", "away", AWAY_PASSWORD="x")
    assert code == 1
    assert told in errors


def test_dg_launch_records_its_run_where_the_server_shows_it(clone, server):
    clone.set_up()
    before = all_runs(server)
    with clone.start("dg", "launch", "--job", "nightly", WAYBILL_BAD_FILES="leave_out") as process:
        said = process.communicate()
    assert process.returncode == 0, said
    (run_id,) = all_runs(server) - before
    run = recorded_run(clone.home, run_id)
    assert (run.job_name, run.status.value) == ("nightly", "SUCCESS")
    assert RunProcess.of(run_id, run.tags) is None


def all_runs(server) -> set[str]:
    """Every run that the web UI knows."""
    found = server.graphql("{ runsOrError { ... on Runs { results { runId } } } }")
    return {run["runId"] for run in found["runsOrError"]["results"]}
