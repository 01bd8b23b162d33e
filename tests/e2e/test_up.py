"""`waybill up` from outside: the guard, a run, the end."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import pytest

from tests.e2e.server import environment, running_server, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CODE = """
import time
from pathlib import Path

import dagster as dg

FOLDER = Path(__file__).parent


@dg.asset(key=["datasets", "tiny"], pool="dataset/tiny")
def tiny():
    (FOLDER / "rows.csv").write_text("id\\n" + "".join(f"{n}\\n" for n in range(1000)))
    return dg.MaterializeResult(metadata={"dagster/row_count": 1000})


@dg.asset
def slow():
    (FOLDER / "began").touch()
    time.sleep(300)


defs = dg.Definitions(assets=[tiny, slow], executor=dg.in_process_executor)
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_server_is_the_end_of_everything(tmp_path, number):
    with running_server(tmp_path, "--workspace", str(write_workspace(tmp_path))) as server:
        server.wait_until_ready()
        run_id = server.launch("tiny", "slow")
        wait_for((tmp_path / "began").exists)
        assert len(server.processes()) > 4
        server.process.send_signal(number)
        server.process.wait(30)
        wait_for(lambda: not server.processes(), seconds=15)
        if number != signal.SIGKILL:
            assert server.process.returncode == 0
            assert server.said().endswith("waybill: stopped\n")
        assert recorded_status(server.home, run_id) in ("FAILURE", "CANCELED")


@pytest.mark.kill
def test_a_run_that_a_crash_interrupted_is_closed_at_the_next_start(tmp_path):
    workspace = write_workspace(tmp_path)
    with running_server(tmp_path, "--workspace", str(workspace)) as server:
        server.wait_until_ready()
        run_id = server.launch("tiny", "slow")
        wait_for((tmp_path / "began").exists)
        for pid in sorted(server.processes(), reverse=True):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not server.processes(), seconds=15)
        assert recorded_status(server.home, run_id) == "STARTED"
    with running_server(tmp_path, "--workspace", str(workspace), name="again") as server:
        server.wait_until_ready()
        # Run retries make a new run of it; the one that was interrupted is over.
        assert server.status(run_id) == "FAILURE"


def recorded_status(home: Path, run_id: str) -> str:
    """The state of a run as Dagster's storage has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            return instance.get_run_by_id(run_id).status.value


def test_code_that_does_not_load_is_named(tmp_path):
    workspace = write_workspace(tmp_path, code="import dagster\nraise ValueError('no luck')\n")
    with running_server(tmp_path, "--workspace", str(workspace)) as server:
        server.wait_until_ready()
        assert "the code location 'tiny' does not load" in server.said()


def test_a_password_is_asked_for(tmp_path):
    workspace = write_workspace(tmp_path)
    with running_server(
        tmp_path, "--workspace", str(workspace), WAYBILL_UI_PASSWORD="canary-4711"
    ) as server:
        server.wait_until_ready()
        assert server.request("GET", "/")[0] == 401
        assert server.request("GET", "/", Authorization="Basic OmNhbmFyeS00NzEx")[0] == 200
        assert "canary" not in server.said()
        assert not any("canary" in log.read_text() for log in (server.home / "logs").iterdir())
