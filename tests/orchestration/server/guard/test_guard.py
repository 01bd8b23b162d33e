"""The guard: what a foreign page, a foreign host or a large body can do (R11, T29-T34)."""

import base64
import json

import pytest

from orchestration.server.guard import BODY_LIMIT_BYTES, Guard, GuardRules, guard
from orchestration.server.guard.rules import FAILED_LOGIN_SECONDS
from tests.orchestration.server.asgi import ask

JSON = {"content-type": "application/json"}


class Inner:
    """The application behind: remembers what reached it."""

    def __init__(self):
        self.reached = []
        self.bodies = []

    async def __call__(self, scope, receive, send):
        self.reached.append((scope["type"], scope.get("method"), scope["path"]))
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        message = await receive()
        self.bodies.append(message["body"])
        headers = [
            (b"content-type", b"text/plain"),
            (b"content-security-policy", b"object-src 'none'"),
            (b"X-Frame-Options", b"ALLOWALL"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"inner"})


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def app(inner):
    return Guard(inner, GuardRules(port=3000))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000", "[::1]:3000"],
)
def test_names_of_this_machine_are_answered(app, host):
    assert ask(app, headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:3000",
        "127.0.0.1",
        "127.0.0.1:3001",
        "localhost.evil.example:3000",
        "127.0.0.1:3000.evil.example",
        "0.0.0.0:3000",
        "",
        None,
    ],
)
def test_a_foreign_host_is_misdirected(app, inner, host):
    assert ask(app, headers={"host": host}).status == 421
    assert inner.reached == []


def test_two_hosts_are_one_too_many(app, inner):
    # The driver cannot repeat a header under one name, a client can: names are compared without case.
    assert ask(app, headers={"host": "127.0.0.1:3000", "Host": "evil.example"}).status == 421
    assert inner.reached == []


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:3000",
        "http://127.0.0.1:3001",
        "http://localhost",
        "null",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_origin_is_refused(app, inner, origin, method):
    headers = {"origin": origin, **JSON}
    assert ask(app, method, "/graphql", headers=headers, body=b"{}").status == 403
    assert inner.reached == []


def test_the_own_origin_passes(app, inner):
    headers = {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-origin", **JSON}
    assert ask(app, "POST", "/graphql", headers=headers, body=b"{}").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_cross_site_request_is_refused(app, inner, site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert ask(app, path="/logs/x", headers=headers).status == 403
    assert inner.reached == []


def test_a_link_from_elsewhere_may_be_followed(app):
    headers = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    assert ask(app, path="/runs/1", headers=headers).status == 200


def test_a_frame_from_elsewhere_may_not(app, inner):
    headers = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "iframe",
    }
    assert ask(app, path="/runs/1", headers=headers).status == 403
    assert inner.reached == []


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ["*/*", "image/avif,image/webp", "application/json", None])
def test_graphql_is_not_answered_by_get(app, inner, path, method, accept):
    query = b"query=mutation{x}"
    assert ask(app, method, path, headers={"accept": accept}, query=query).status == 405
    assert inner.reached == []


def test_the_graphql_page_is_shown(app, inner):
    headers = {"accept": "text/html,application/xhtml+xml"}
    assert ask(app, path="/graphql", headers=headers).status == 200


@pytest.mark.parametrize("path", ["/graphql\n", "/graphql\r\n", "/gra\0phql", "/\x1b[31m"])
def test_a_path_with_control_characters_is_refused(app, inner, path):
    assert ask(app, path=path).status == 400
    assert inner.reached == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_other_methods_are_refused(app, inner, method):
    assert ask(app, method, "/graphql", headers=JSON).status == 405
    assert inner.reached == []


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "text/plain; application/json",
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/a"])
def test_a_post_that_a_form_could_send_is_refused(app, inner, content_type, path):
    headers = {"content-type": content_type}
    assert ask(app, "POST", path, headers=headers, body=b"x").status == 415
    assert inner.reached == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/json;"]
)
def test_json_passes_whole(app, inner, content_type):
    body = json.dumps({"query": "{ version }"}).encode()
    headers = {"content-type": content_type, "content-length": str(len(body))}
    assert ask(app, "POST", "/graphql", headers=headers, body=body).status == 200
    assert inner.bodies == [body]


def test_a_body_in_pieces_arrives_whole(app, inner):
    chunks = [b'{"query":', b'"{version}"', b"}"]
    assert ask(app, "POST", "/graphql", headers=JSON, chunks=chunks).status == 200
    assert inner.bodies == [b"".join(chunks)]


@pytest.mark.parametrize("length", [str(BODY_LIMIT_BYTES + 1), "9" * 30])
def test_a_body_that_says_it_is_too_large_is_not_read(app, inner, length):
    headers = {**JSON, "content-length": length}
    assert ask(app, "POST", "/graphql", headers=headers).status == 413
    assert inner.reached == []


@pytest.mark.parametrize("length", [None, "10", "-1", "x"])
def test_a_body_that_lies_about_its_size_is_cut_off(app, inner, length):
    headers = {**JSON, "content-length": length}
    chunks = [b"x" * 600_000] * 4
    assert ask(app, "POST", "/graphql", headers=headers, chunks=chunks).status == 413
    assert inner.reached == []


def test_a_body_at_the_limit_passes(app, inner):
    body = b'{"variables": "' + b"x" * (BODY_LIMIT_BYTES - 17) + b'"}'
    assert len(body) == BODY_LIMIT_BYTES
    assert ask(app, "POST", "/graphql", headers=JSON, body=body).status == 200


@pytest.mark.parametrize("path", ["/", "/graphql"])
def test_every_answer_forbids_framing_and_sniffing(app, path):
    answer = ask(app, path=path, headers={"accept": "text/html"})
    assert "frame-ancestors 'none'" in answer.header("content-security-policy")
    assert answer.header("x-frame-options") == ["DENY"]
    assert answer.header("x-content-type-options") == ["nosniff"]
    assert answer.header("cross-origin-resource-policy") == ["same-origin"]


def test_the_pages_own_policy_stays_beside_ours(app):
    assert "object-src 'none'" in ask(app).header("content-security-policy")


def test_refusals_are_hardened_too(app):
    answer = ask(app, headers={"host": "evil.example"})
    assert answer.header("x-frame-options") == ["DENY"]
    assert b"127.0.0.1:3000" in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=["host", "origin", "null origin", "cross-site"],
)
def test_a_foreign_websocket_is_closed(app, inner, headers):
    answer = ask(app, path="/graphql", headers=headers, kind="websocket")
    assert [message["type"] for message in answer.messages] == ["websocket.close"]
    assert inner.reached == []


@pytest.mark.parametrize("path", ["/notebook", "/notebook/", "/dagit/notebook"])
def test_notebooks_of_the_disk_are_not_shown(app, inner, path):
    assert ask(app, path=path, query=b"path=/home/ada/x.ipynb").status == 404
    assert inner.reached == []


def test_a_websocket_elsewhere_is_closed(app, inner):
    ask(app, path="/logs", kind="websocket")
    assert inner.reached == []


def test_the_own_websocket_is_accepted(app, inner):
    headers = {"origin": "http://localhost:3000", "sec-fetch-site": "same-origin"}
    answer = ask(app, path="/graphql", headers=headers, kind="websocket")
    assert answer.messages == [{"type": "websocket.accept"}]


def test_lifespan_goes_through(inner):
    async def app(scope, receive, send):
        inner.reached.append(scope["type"])

    ask(Guard(app, GuardRules(3000)), kind="lifespan")
    assert inner.reached == ["lifespan"]


def test_port_80_needs_no_port_in_the_name(inner):
    app = Guard(inner, GuardRules(port=80))
    assert ask(app, headers={"host": "localhost"}).status == 200
    assert ask(app, headers={"host": "evil.example"}).status == 421


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.fixture
def locked(inner):
    return Guard(inner, GuardRules(port=3000, password="päss:wörd", failed_login_seconds=0))


def test_the_answer_to_a_wrong_password_or_token_takes_its_time(inner, monkeypatch):
    waited = []

    async def noted(seconds):
        waited.append(seconds)

    monkeypatch.setattr(guard.asyncio, "sleep", noted)
    app = Guard(inner, GuardRules(port=3000, password="secret"))
    for authorization in (basic("me:wrong"), "Bearer wrong"):
        headers = {"host": "localhost:3000", "authorization": authorization}
        assert ask(app, headers=headers).status == 401
    assert waited == [FAILED_LOGIN_SECONDS] * 2
    assert FAILED_LOGIN_SECONDS > 0
    assert inner.reached == []


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        basic("no colon"),
        basic("me:"),
        basic("me:wrong"),
        basic("päss:wörd:x"),
        "Bearer päss",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_nothing_is_answered_without_the_password(locked, inner, authorization, kind):
    answer = ask(locked, path="/graphql", headers={"authorization": authorization}, kind=kind)
    assert answer.status in (401, None)
    assert inner.reached == []


def test_the_password_opens(locked):
    assert ask(locked, headers={"authorization": basic("anybody:päss:wörd")}).status == 200


def test_the_password_is_not_shown():
    assert "secret" not in repr(GuardRules(3000, password="secret"))
