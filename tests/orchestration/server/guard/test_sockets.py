"""GraphQL by websocket: messages are judged one by one, and the session has to last."""

import json

import pytest

from orchestration.server.guard import lasting
from orchestration.services.access.audit import LogFilter, list_entries
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import Browser, bearer

INIT = json.dumps({"type": "connection_init", "payload": {}})
SUBSCRIPTION = "subscription { locationStateChangeEvents { event { message } } }"
LAUNCH = "mutation { launchRun(executionParams: {}) { __typename } }"


def start(query, kind="start"):
    return json.dumps({"type": kind, "id": "1", "payload": {"query": query}})


@pytest.fixture
def talk(guard, token_of):
    def send(name, *texts):
        headers = bearer(token_of(name))
        return ask(guard, path="/graphql", kind="websocket", headers=headers, texts=texts).messages

    return send


def test_a_subscription_is_passed_on(talk, inner):
    talk("vic", INIT, start(SUBSCRIPTION))
    assert inner.bodies == [INIT, start(SUBSCRIPTION)]


@pytest.mark.parametrize("kind", ["start", "subscribe"])
def test_a_mutation_is_not_and_that_is_noted(talk, inner, people, kind):
    messages = talk("vic", INIT, start(LAUNCH, kind), start(SUBSCRIPTION))
    assert inner.bodies == [INIT, start(SUBSCRIPTION)]
    (refused,) = [json.loads(m["text"]) for m in messages if m["type"] == "websocket.send"]
    assert (refused["type"], refused["id"]) == ("error", "1")
    assert "launchRun needs the role operator" in refused["payload"]["message"]
    (entry,) = list_entries(people, LogFilter(action="graphql.launchRun"))
    assert (entry.actor, entry.outcome) == ("vic (token t)", "refused")


@pytest.mark.parametrize("text", [
    "", "[]", "x", '{"type": "start"}', '{"type": "start", "payload": []}',
    '{"type": "start", "payload": {"query": 7}}', "[" * 100_000, None,
])  # fmt: skip
def test_what_cannot_be_read_is_not_passed_on(talk, inner, text):
    messages = talk("ada", INIT, text)
    assert inner.bodies == [INIT]
    assert "websocket.send" in [message["type"] for message in messages]


def test_it_ends_with_its_session(guard, inner, monkeypatch):
    import asyncio

    monkeypatch.setattr(lasting, "CHECK_SECONDS", 0.02)
    browser = Browser(guard)
    browser.sign_in("ada")
    token = browser.form_token()
    gone = asyncio.Event()

    async def talk():
        scope = {
            "type": "websocket", "path": "/graphql", "query_string": b"", "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"127.0.0.1:3000"), (b"cookie", browser.cookie.encode())],
        }  # fmt: skip
        inbox = [{"type": "websocket.connect"}]

        async def receive():
            if inbox:
                return inbox.pop()
            await asyncio.sleep(60)
            raise AssertionError("it did not end")

        async def send(message):
            if message["type"] == "websocket.accept":
                gone.set()

        open_socket = asyncio.ensure_future(guard(scope, receive, send))
        await gone.wait()
        await asyncio.to_thread(browser.post, "/logout", {"form_token": token})
        await asyncio.wait_for(open_socket, 30)

    asyncio.run(talk())
    assert inner.bodies == []
