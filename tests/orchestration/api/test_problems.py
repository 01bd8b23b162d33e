"""Problems: each type of the API and of the guard before it is a place in the reference, and says when to come back."""

import asyncio
import json
import re

import pytest
from fastapi import FastAPI

from orchestration.api.problems import add_problems
from orchestration.api.reference import router
from orchestration.server.guard import Guard, GuardRules
from orchestration.server.guard.answers import refuse
from orchestration.server.guard.asgi import Refusal
from orchestration.services.statuses import REFUSALS, STATUSES
from resources.kernel.errors import TooManyTriesError
from tests.orchestration.server.asgi import Answer, ask


@pytest.fixture(scope="module")
def api():
    api = FastAPI()
    api.include_router(router)
    add_problems(api)

    @api.get("/tries")
    def tries() -> None:
        raise TooManyTriesError("too many wrong passwords", wait_seconds=7)

    return api


def test_every_type_is_a_place_in_the_reference(api):
    page = ask(api).body.decode()
    assert set(re.findall(r'id="problem-([a-z-]+)"', page)) == {
        *(name for _, name in STATUSES.values()),
        *REFUSALS.values(),
    }


def test_what_the_framework_refuses_has_a_type_too(api):
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/tries", 405)):
        told = json.loads(ask(api, method, path).body)
        assert told["type"] == f"/api/v1/#problem-{REFUSALS[status]}"


def test_too_many_tries_say_when_to_come_back(api):
    answer = ask(api, path="/tries")
    assert (answer.status, answer.header("retry-after")) == (429, ["7"])
    assert json.loads(answer.body)["type"] == "/api/v1/#problem-too-many-tries"


@pytest.mark.parametrize(
    ("method", "path", "headers", "name"),
    [
        ("GET", "/api/v1/x", {"host": "evil.example"}, "host"),
        ("GET", "/api/v1/x", {"origin": "http://evil.example"}, "forbidden"),
        ("GET", "/api/v1/x", {"authorization": "Bearer x"}, "not-signed-in"),
        ("TRACE", "/api/v1/x", {}, "method"),
        ("POST", "/api/v1/x", {"content-type": "text/csv"}, "media-type"),
        (
            "POST",
            "/api/v1/x",
            {"content-type": "application/json", "content-length": "9" * 9},
            "too-large",
        ),
    ],
)
def test_the_guard_answers_as_the_api_does(method, path, headers, name):
    answer = ask(Guard(None, GuardRules(3000, probe="secret")), method, path, headers=headers)
    told = json.loads(answer.body)
    assert answer.header("content-type") == ["application/problem+json"]
    assert set(told) == {"type", "title", "status", "detail", "hint", "instance", "facts"}
    assert (told["type"], told["status"]) == (f"/api/v1/#problem-{name}", answer.status)
    assert told["instance"] == path


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 415, 421, 429, 503])
def test_no_refusal_is_without_a_name(status):
    answer = Answer()

    async def send(message):
        answer.body += message.get("body", b"")

    scope = {"type": "http", "method": "GET", "path": "/api/v1/x", "headers": []}
    asyncio.run(refuse(scope, send, Refusal(status, "no")))
    assert json.loads(answer.body)["type"] == f"/api/v1/#problem-{REFUSALS[status]}"
