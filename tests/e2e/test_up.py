"""`waybill up` from outside: the guard, a run, the end."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG as RETRIED_BY

from orchestration.services.runs.process import RunProcess
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config
from resources.stores.catalog.webhooks.outbox import note_event
from tests.e2e.server import (
    environment,
    recorded_messages,
    recorded_run,
    recorded_status,
    running_server,
    wait_for,
)
from tests.resources.stores.catalog.webhooks.made import deliveries, ended, make_webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CODE = """
import os
import time
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from orchestration.executor import in_process_executor

FOLDER = Path(__file__).parent


@dg.asset
def moving():
    # Has the threads of three libraries at work.
    table = pa.table({"n": np.arange(200_000)})
    path = FOLDER / f"moving-{os.getpid()}.parquet"
    pyarrow.parquet.write_table(table, path)
    found = duckdb.connect().execute(f"select sum(n) from '{path}'").fetchone()
    np.linalg.inv(np.random.rand(200, 200))
    return dg.MaterializeResult(metadata={"total": int(found[0])})


@dg.asset(key=["datasets", "tiny"], pool="dataset/tiny")
def tiny():
    (FOLDER / "rows.csv").write_text("id\\n" + "".join(f"{n}\\n" for n in range(1000)))
    return dg.MaterializeResult(metadata={"dagster/row_count": 1000})


@dg.asset
def slow():
    (FOLDER / "began").touch()
    time.sleep(300)


defs = dg.Definitions(assets=[tiny, slow, moving], executor=in_process_executor)
"""
MUTATION = 'mutation { setConcurrencyLimit(concurrencyKey: "foreign", limit: 3) }'
DONE = ("SUCCESS", "FAILURE", "CANCELED")


def write_workspace(folder: Path, code: str = CODE) -> Path:
    # A file in the current folder that has the name of a module of Python must not take its place.
    (folder / "code.py").write_text("raise AssertionError('not me')")
    (folder / "tiny_code.py").write_text(code)
    workspace = folder / "workspace.yaml"
    workspace.write_text(
        "load_from:\n  - python_file: {relative_path: tiny_code.py, location_name: tiny}\n"
    )
    return workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def server(folder):
    with running_server(folder, "--workspace", str(write_workspace(folder))) as server:
        server.wait_until_ready()
        yield server


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", f"/graphql?query={quote(MUTATION)}", {}, 405),
        ("GET", f"/graphql%0A?query={quote(MUTATION)}", {}, 400),
        ("POST", "/graphql", {"Host": "evil.example"}, 421),
        ("POST", "/graphql", {"Origin": "http://evil.example"}, 403),
        ("POST", "/graphql", {"Sec_Fetch_Site": "same-site"}, 403),
        ("POST", "/graphql", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ("OPTIONS", "/graphql", {}, 405),
    ],
    ids=["GET", "GET with a newline", "host", "origin", "site", "form", "preflight"],
)
def test_a_foreign_mutation_is_refused(server, method, path, headers, status):
    given = {"Content_Type": "application/json", **headers}
    body = json.dumps({"query": MUTATION}) if method == "POST" else ""
    assert server.request(method, path, body, **given)[0] == status
    limits = server.graphql("{ instance { concurrencyLimits { concurrencyKey } } }")
    assert "foreign" not in str(limits)


def test_a_large_body_is_refused_before_it_is_sent(server):
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Content-Type: application/json",
        "Content-Length: 3000000",
    ]
    assert first_status(server, lines) == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "{own}"}, 101),
        ({}, 101),
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example", "Origin": "{own}"}, 421),
    ],
    ids=["own page", "no page", "foreign origin", "foreign host"],
)
def test_a_websocket_is_held_to_the_same_rules(server, headers, status):
    own = f"http://127.0.0.1:{server.port}"
    given = {"Host": f"127.0.0.1:{server.port}", **headers}
    lines = [f"{name}: {value.replace('{own}', own)}" for name, value in given.items()]
    request = [
        "GET /graphql HTTP/1.1",
        *lines,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: graphql-ws",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    assert first_status(server, request) == status


def first_status(server, lines: list[str]) -> int:
    """The status that a request of these lines is answered with, its body never sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(connection.recv(1000).split()[1])


def test_a_dataset_is_made_by_a_run_launched_from_outside(server, folder):
    run_id = server.launch("tiny", "datasets", "tiny")
    wait_for(lambda: server.status(run_id) in DONE)
    assert server.status(run_id) == "SUCCESS"
    assert len((folder / "rows.csv").read_text().splitlines()) == 1001
    made = server.graphql(
        """{ assetNodes(assetKeys: [{path: ["datasets", "tiny"]}])
        { assetMaterializations(limit: 1) { runId } } }"""
    )
    assert made["assetNodes"][0]["assetMaterializations"] == [{"runId": run_id}]


def test_events_leave_the_outbox_of_a_server_that_runs(server):
    catalog = CatalogDatabase(sqlite_config(server.home / "catalog.sqlite"))
    make_webhook(catalog, "crm", "import.completed", url="https://10.0.0.1/")
    with catalog.write() as connection:
        note_event(connection, ended())
    wait_for(lambda: deliveries(catalog)[0].attempts)
    wait_for(lambda: deliveries(catalog)[0].reason)
    assert "made with another key" in deliveries(catalog)[0].reason


def test_a_run_that_is_executed_again_in_the_ui_has_a_process_of_its_own(server):
    first = server.launch("tiny", "moving")
    wait_for(lambda: server.status(first) in DONE)
    again = server.graphql(
        """mutation($p: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $p) {
        ... on LaunchRunSuccess { run { runId } } } }""",
        {"p": {"parentRunId": first, "strategy": "ALL_STEPS"}},
    )["launchRunReexecution"]["run"]["runId"]
    wait_for(lambda: server.status(again) in DONE)
    assert server.status(again) == "SUCCESS"
    locks = set()
    for run_id in (first, again):
        found = recorded_run(server.home, run_id)
        locks.add(RunProcess.of(run_id, found.tags).lock)
    assert len(locks) == 2


def test_runs_leave_no_process_no_open_file_and_no_memory_behind(server):
    run_many(server, 2)  # what is opened once
    before = Usage.of(server)
    run_many(server, 12)  # more than the files that may be open beside
    wait_for(lambda: len(Usage.of(server).processes) == len(before.processes), seconds=30)
    after = Usage.of(server)
    assert after.processes == before.processes
    assert after.open_files <= before.open_files + 10
    assert after.memory_mb < before.memory_mb + 60  # one such run that stays has 60 and more


def run_many(server, count: int) -> None:
    runs = [server.launch("tiny", "moving") for _ in range(count)]
    for run_id in runs:
        wait_for(lambda run_id=run_id: server.status(run_id) in DONE)
        assert server.status(run_id) == "SUCCESS"


@dataclass(frozen=True)
class Usage:
    """What the processes of a server hold."""

    processes: frozenset[int]
    open_files: int
    memory_mb: float

    @classmethod
    def of(cls, server):
        """Now."""
        processes = frozenset(server.processes())
        files = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in processes)
        memory = sum(pss_kb(pid) for pid in processes)
        return cls(processes, files, memory / 1024)


def pss_kb(pid: int) -> int:
    """A process's share of memory, what it shares with others divided among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_a_second_server_of_the_same_home_is_refused(server, folder):
    command = [Path(sys.executable).with_name("waybill"), "up", "--port", "0"]
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment(server.home)
    )
    assert result.returncode == 1
    assert f"already runs for the home folder {server.home}" in result.stderr
    assert f"http://127.0.0.1:{server.port}" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--host", "0.0.0.0"), 2, "reverse proxy"),
        (("--port", "{taken}"), 1, "cannot be used"),
        (("--workspace", "/none.yaml"), 2, "/none.yaml"),
        (("--port", "70000"), 2, "65535"),
    ],
    ids=["another address", "a port in use", "no workspace", "no port"],
)
def test_what_cannot_be_started_says_why(tmp_path, options, code, text):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = [option.replace("{taken}", port) for option in options]
        result = subprocess.run(
            [Path(sys.executable).with_name("waybill"), "up", *given],
            check=False,
            capture_output=True,
            text=True,
            env=environment(tmp_path),
        )
    assert result.returncode == code, result.stderr
    assert text in result.stderr


def interrupted(server, folder: Path) -> str:
    """A run in the middle of its step."""
    server.wait_until_ready()
    run_id = server.launch("tiny", "slow")
    wait_for((folder / "began").exists)
    assert len(server.processes()) > 4
    return run_id


def assert_gone(server) -> None:
    """Nothing of it is left."""
    server.process.wait(60)
    wait_for(lambda: not server.processes(), seconds=60)


def assert_stopped(server, run_id: str) -> None:
    """It went in good order, and said so."""
    assert server.process.returncode == 0
    assert server.said().endswith("waybill: stopped\n")
    assert f"run {run_id} of __ASSET_JOB is interrupted" in server.said()
    assert "stopped on purpose" in recorded_messages(server.home, run_id)


@pytest.mark.kill
@pytest.mark.parametrize(
    ("is_killed", "number", "options", "status"),
    [
        (True, signal.SIGINT, ("--interrupted", "cancel"), "CANCELED"),
        (False, signal.SIGKILL, (), "FAILURE"),
    ],
    ids=["a crash, then stopped for good", "a stop, then killed"],
)
def test_a_run_that_was_interrupted_is_closed_and_tried_again_at_the_next_start(
    tmp_path, is_killed, number, options, status
):
    """And the end of that server is the end of everything, too."""
    workspace = write_workspace(tmp_path)
    with running_server(tmp_path, "--workspace", str(workspace)) as server:
        run_id = interrupted(server, tmp_path)
        if is_killed:
            processes = server.processes()
            for blow in (signal.SIGSTOP, signal.SIGKILL):  # none sees another one die
                for pid in processes:
                    os.kill(pid, blow)
        else:
            server.process.send_signal(signal.SIGTERM)
        assert_gone(server)
        assert recorded_status(server.home, run_id) == ("STARTED" if is_killed else "FAILURE")
        if not is_killed:
            assert_stopped(server, run_id)
        (tmp_path / "began").unlink()
    with running_server(tmp_path, "--workspace", str(workspace), *options, name="again") as server:
        server.wait_until_ready()
        assert server.status(run_id) == "FAILURE"
        assert f"run {run_id} of __ASSET_JOB is tried again" in server.said()
        wait_for((tmp_path / "began").exists)
        again = recorded_run(server.home, recorded_run(server.home, run_id).tags[RETRIED_BY])
        assert again.parent_run_id == run_id
        assert RunProcess.of(again.run_id, again.tags) is not None
        server.process.send_signal(number)
        assert_gone(server)
        assert recorded_status(server.home, again.run_id) == status
        if number == signal.SIGINT:
            assert_stopped(server, again.run_id)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server with a password, whose code does not load; it starts all the same."""
    folder = tmp_path_factory.mktemp("guarded")
    workspace = write_workspace(folder, code="import dagster\nraise ValueError('no luck')\n")
    variables = {"WAYBILL_UI_PASSWORD": "canary-4711"}
    with running_server(folder, "--workspace", str(workspace), **variables) as server:
        server.wait_until_ready()
        yield server


def test_code_that_does_not_load_is_named(guarded):
    place = f"{guarded.home.parent / 'tiny_code.py'}:2: ValueError: no luck"
    assert f"the code location 'tiny' does not load: {place}" in guarded.said()


def test_a_password_is_asked_for(guarded):
    assert guarded.request("GET", "/")[0] == 401
    assert guarded.request("GET", "/", Authorization="Basic OmNhbmFyeS00NzEx")[0] == 200
    assert "canary" not in guarded.said()
    assert not any("canary" in log.read_text() for log in (guarded.home / "logs").iterdir())
