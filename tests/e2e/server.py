"""`waybill up` as a process of its own, as a user starts it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

READY = re.compile(r"ready at http://127\.0\.0\.1:(\d+)")
START_SECONDS = 240


class Server:
    """A running server and what it said."""

    def __init__(self, process: subprocess.Popen, output: Path, home: Path) -> None:
        self.process = process
        self.output = output
        self.home = home
        self.port = 0

    def wait_until_ready(self) -> None:
        """Waits for the line with the address."""
        found = wait_for(lambda: READY.search(self.said()) or self.process.poll() is not None)
        assert found is not True, self.said()
        self.port = int(found[1])

    def said(self) -> str:
        """All that it printed so far."""
        return self.output.read_text()

    def request(self, method: str, path: str, body: str = "", **headers: str):
        """Status and body of an answer; headers by their names with `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body.encode(), given)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def graphql(self, query: str, variables: dict | None = None) -> dict:
        """The data of an answer."""
        body = json.dumps({"query": query, "variables": variables or {}})
        status, text = self.request("POST", "/graphql", body, Content_Type="application/json")
        answer = json.loads(text)
        assert status == 200, text
        assert "errors" not in answer, text
        return answer["data"]

    def launch(self, location: str, *asset: str) -> str:
        """The id of a new run that makes an asset."""
        selector = {
            "repositoryLocationName": location,
            "repositoryName": "__repository__",
            "jobName": "__ASSET_JOB",
            "assetSelection": [{"path": list(asset)}],
        }
        found = self.graphql(
            """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
            __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }""",
            {"p": {"selector": selector, "mode": "default"}},
        )["launchRun"]
        return found["run"]["runId"]

    def status(self, run_id: str) -> str:
        """The state of a run."""
        query = "query($r: ID!) { runOrError(runId: $r) { ... on Run { status } } }"
        return self.graphql(query, {"r": run_id})["runOrError"]["status"]

    def processes(self) -> set[int]:
        """Ids of all living processes whose environment names this home folder."""
        mark = f"WAYBILL_HOME={self.home}".encode()
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if mark in environment and state != "Z" and int(folder.name) != os.getpid():
                found.add(int(folder.name))
        return found


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user whose home folder is `home`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "DEMO_"))}
    return {**kept, "WAYBILL_HOME": str(home), **more}


@contextmanager
def recorded(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage in a home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            yield instance


def recorded_run(home: Path, run_id: str) -> dg.DagsterRun:
    """A run as Dagster's storage has it."""
    with recorded(home) as instance:
        return instance.get_run_by_id(run_id)


def recorded_status(home: Path, run_id: str) -> str:
    """The state of a run as Dagster's storage has it."""
    return recorded_run(home, run_id).status.value


def recorded_messages(home: Path, run_id: str) -> str:
    """What Dagster's storage has of a run's events."""
    with recorded(home) as instance:
        return "\n".join(entry.message for entry in instance.all_logs(run_id))


@contextmanager
def running_server(folder: Path, *options: str, name: str = "up", **variables: str):
    """A server of the home folder `folder/home`, killed at the end if it still runs."""
    home, output = folder / "home", folder / f"{name}.txt"
    command = [
        Path(sys.executable).with_name("waybill"),
        "up",
        "--port",
        "0",
        *_open(variables),
        *options,
    ]
    with output.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=folder, env=environment(home, **variables)
        )
    server = Server(process, output, home)
    try:
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            for pid in server.processes():
                os.kill(pid, signal.SIGKILL)


def _open(variables: dict[str, str]) -> list[str]:
    """Without a password of its own, also where the machine that runs the tests has other users."""
    return [] if "WAYBILL_UI_PASSWORD" in variables else ["--no-password"]


def wait_for(condition, seconds: float = START_SECONDS):
    """The first true answer of `condition`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)
    return found
