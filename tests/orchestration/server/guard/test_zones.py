"""Which methods and bodies each part of the address takes, and what vouches for a change."""

import json

import pytest

from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import FORM, ORIGIN, Browser, bearer

MULTIPART = "multipart/form-data; boundary=b"
TUS = "application/offset+octet-stream"
OWN = {"origin": ORIGIN}


@pytest.fixture
def ada(token_of):
    return bearer(token_of("ada"))


@pytest.mark.parametrize(("method", "path", "kind", "status"), [
    ("POST", "/api/v1/x", "application/json", 200),
    ("PATCH", "/api/v1/x", "application/json", 200),
    ("PUT", "/api/v1/x", "application/octet-stream", 200),
    ("PATCH", "/api/v1/uploads/1", TUS, 200),
    ("POST", "/api/v1/x", MULTIPART, 200),
    ("POST", "/api/v1/x", None, 200),
    ("DELETE", "/api/v1/x", None, 200),
    ("OPTIONS", "/api/v1/uploads", None, 200),
    ("HEAD", "/api/v1/uploads/1", None, 200),
    ("POST", "/api/v1/x", FORM, 415),
    ("POST", "/api/v1/x", "text/plain", 415),
    ("POST", "/api/v1/x", "text/plain; application/json", 415),
    ("TRACE", "/api/v1/x", None, 405),
    ("CONNECT", "/api/v1/x", None, 405),
    ("get", "/api/v1/x", None, 405),
    ("POST", "/data/x", FORM, 200),
    ("POST", "/data/x", MULTIPART, 200),
    ("POST", "/data/x", "application/json", 200),
    ("POST", "/data/x", None, 415),
    ("POST", "/data/x", TUS, 415),
    ("PUT", "/data/x", "application/json", 405),
    ("DELETE", "/data/x", None, 405),
    ("POST", "/database", FORM, 415),
    ("POST", "/api/v2/x", MULTIPART, 415),
    ("POST", "/", FORM, 415),
    ("PUT", "/graphql", "application/json", 405),
    ("POST", "/metrics", "application/json", 405),
    ("POST", "/metrics", None, 405),
])  # fmt: skip
def test_each_part_takes_what_it_is_for(guard, ada, method, path, kind, status):
    headers = ada | {"content-type": kind}
    assert ask(guard, method, path, headers=headers).status == status


def test_what_is_not_allowed_is_said(guard, ada):
    answer = ask(guard, "PUT", "/data/x", headers=ada)
    assert answer.header("allow") == ["GET, HEAD, POST"]
    refused = ask(guard, "POST", "/api/v1/x", headers=ada | {"content-type": "text/xml"})
    assert json.loads(refused.body)["title"] == "Unsupported Media Type"


def test_a_token_needs_no_origin(guard, ada):
    assert ask(guard, "POST", "/api/v1/x", headers=ada | {"content-type": MULTIPART}).status == 200


@pytest.mark.parametrize("path", ["/data/x", "/api/v1/x"])
@pytest.mark.parametrize("who", ["session", "local"])
@pytest.mark.parametrize(("vouching", "status"), [
    ({}, 403),
    ({"sec-fetch-site": "same-site"}, 403),
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"sec-fetch-site": "same-origin"}, 200),
    ({"sec-fetch-site": "none"}, 200),
    (OWN, 200),
])  # fmt: skip
def test_a_form_is_taken_where_something_vouches_for_it(
    request, make_guard, path, who, vouching, status
):
    if who == "session":
        request.getfixturevalue("people")
    browser = Browser(make_guard())
    if who == "session":
        browser.sign_in("ada")
    token = (
        ask(browser.app, path="/data/", headers={"cookie": browser.cookie})
        and (browser.app._app.tokens[-1])
    )
    headers = {"content-type": MULTIPART, "cookie": browser.cookie, "x-form-token": token}
    assert ask(browser.app, "POST", path, headers=headers | vouching).status == status


def test_a_program_on_this_machine_needs_nothing_but_json(make_guard):
    for headers in ({"content-type": "application/json"}, {}):
        assert ask(make_guard(), "POST", "/api/v1/x", headers=headers | OWN).status == 200
    headers = {"content-type": "application/json"}
    assert ask(make_guard(), "POST", "/api/v1/x", headers=headers, body=b"{}").status == 200
    assert ask(make_guard(), "DELETE", "/api/v1/x").status == 200
    assert ask(make_guard(), "PATCH", "/api/v1/x", headers={"content-type": TUS}).status == 200


def test_a_viewer_reports_no_asset(guard, token_of, inner):
    headers = {"content-type": "application/json"}
    viewer, operator = bearer(token_of("vic")), bearer(token_of("olga"))
    path = "/report_asset_materialization/a"
    assert ask(guard, "POST", path, headers=headers | viewer).status == 403
    assert ask(guard, "POST", path, headers=headers | operator).status == 200
    assert len(inner.actors) == 1
