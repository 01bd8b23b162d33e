"""The calls of Dagster that are not public, pinned; and the guard before the real web UI."""

import json
import threading
from urllib.parse import quote

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from orchestration.server import web
from orchestration.server.guard import GuardRules
from orchestration.server.web import guarded_app, open_workspace
from orchestration.services import instance
from orchestration.services.home import open_home
from tests.orchestration.server.asgi import ask

MUTATION = 'mutation { setConcurrencyLimit(concurrencyKey: "pool_x", limit: 3) }'
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(folder / "home"))
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setenv("DAGSTER_HOME", str(open_home().dagster))
        file = folder / "workspace.yaml"
        file.write_text("load_from: []\n")
        yield file


@pytest.fixture(scope="module")
def guarded(workspace):
    with open_workspace(workspace) as context:
        yield guarded_app(context, GuardRules(port=3000))


@pytest.fixture
def limits(workspace):
    """Pools that have a limit now: a mutation that ran leaves one."""

    def found():
        with dg.DagsterInstance.get() as instance:
            return {limit.name for limit in instance.event_log_storage.get_pool_limits()}

    return found


@pytest.mark.parametrize("path", ["/graphql", "/graphql\n"])
def test_dagster_alone_executes_a_mutation_by_get(workspace, limits, path):
    # Why the guard is there. When this fails, a release of Dagster has mended it.
    name = "bare" + str(len(path))
    query = MUTATION.replace("pool_x", name)
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, workspace_load_target=WorkspaceFileTarget(paths=[str(workspace)])
        ) as context,
    ):
        app = create_app_from_workspace_process_context(context)
        answer = ask(
            app, path=path, query=b"query=" + quote(query).encode(), headers={"host": "evil"}
        )
    assert answer.status == 200
    assert name in limits()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/graphql", {}, 405),
        ("GET", "/graphql", {"accept": "image/*"}, 405),
        ("GET", "/graphql\n", {}, 400),
        ("POST", "/graphql", {}, 415),
        ("POST", "/graphql", {"content-type": "text/plain"}, 415),
        ("POST", "/graphql", {**JSON, "host": "evil.example"}, 421),
        ("POST", "/graphql", {**JSON, "origin": "http://evil.example"}, 403),
    ],
)
def test_behind_the_guard_no_foreign_mutation_is_executed(
    guarded, limits, method, path, headers, status
):
    body = json.dumps({"query": MUTATION}).encode() if method == "POST" else b""
    query = b"query=" + quote(MUTATION).encode()
    answer = ask(guarded, method, path, headers=headers, body=body, query=query)
    assert answer.status == status
    assert "pool_x" not in limits()


def test_graphql_by_post_is_answered(guarded):
    body = json.dumps({"query": "{ version }"}).encode()
    answer = ask(guarded, "POST", "/graphql", headers=JSON, body=body)
    assert json.loads(answer.body) == {"data": {"version": dg.__version__}}


def test_the_page_keeps_dagsters_policy_and_gets_ours(guarded):
    answer = ask(guarded, path="/", headers={"accept": "text/html"})
    policies = answer.header("content-security-policy")
    assert answer.status == 200
    assert any("nonce-" in policy for policy in policies)
    assert "frame-ancestors 'none'" in policies


def test_the_graphql_page_executes_nothing(guarded, limits):
    query = b"query=" + quote(MUTATION).encode()
    answer = ask(guarded, path="/graphql", query=query, headers={"accept": "text/html"})
    assert answer.status == 200
    assert b"<html" in answer.body.lower()
    assert "pool_x" not in limits()


def test_a_new_instance_is_opened_by_one_process_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = open_home()
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    (tmp_path / "workspace.yaml").write_text("load_from: []\n")
    asked, opened = threading.Event(), threading.Event()

    def opened_in_turn(of):
        asked.set()
        return instance.opened_in_turn(of)

    def open_it():
        with open_workspace(tmp_path / "workspace.yaml"):
            opened.set()

    monkeypatch.setattr(web, "opened_in_turn", opened_in_turn)
    thread = threading.Thread(target=open_it)
    with instance.opened_in_turn(home):  # a code location makes it
        thread.start()
        assert asked.wait(60)
        assert not list(home.dagster.rglob("*.db"))
    thread.join()
    assert opened.is_set()
    assert list(home.dagster.rglob("*.db"))
