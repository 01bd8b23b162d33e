"""What is open ends soon after whoever opened it may not come in any more, and changes are let finish."""

import asyncio
import json

import pytest

from orchestration.server.guard import Guard, GuardRules, lasting
from orchestration.server.guard.asgi import Headers
from orchestration.services.access.actor import Role
from orchestration.services.access.directory import Directory
from orchestration.services.access.sessions import sign_in
from orchestration.services.access.tokens import revoke_token
from orchestration.services.access.users import add_user, remove_user, set_disabled, set_role
from tests.orchestration.server.asgi import _scope
from tests.orchestration.server.guard.conftest import PASSWORD, PORT, SHELL, Browser, bearer

PIECE = {"content-type": "application/offset+octet-stream"}


class Endless:
    """Answers with an event now and then, for ever; takes a body that never ends; or works without a word."""

    def __init__(self):
        self.was_cut = False
        self.has_changed = False
        self.change = None
        """The request that changes something."""

    async def __call__(self, scope, receive, send):
        try:
            if scope["path"] == "/api/v1/change":
                await self._change(send)
            elif scope["method"] == "PATCH":
                while True:
                    await receive()
            else:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                while True:
                    await send({"type": "http.response.body", "body": b".", "more_body": True})
                    await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.was_cut = True
            raise

    async def _change(self, send):
        self.change.begun.set()
        await self.change.acted.wait()
        for _ in range(3):
            await asyncio.sleep(lasting.CHECK_SECONDS)  # the guard has looked meanwhile
        self.has_changed = True
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Open:
    """A request that is under way."""

    def __init__(self, app, method, path, headers):
        self.app, self.headers = app, headers
        self.scope = _scope("http", method, path, b"", headers) | {"client": ("127.0.0.1", 9)}
        self.sent = []
        self.begun = asyncio.Event()
        self.acted = asyncio.Event()

    async def receive(self):
        if self.scope["method"] == "GET":
            await asyncio.sleep(60)
        self.begun.set()
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def send(self, message):
        self.sent.append(message)
        self.begun.set()

    async def until_it_ends(self, act):
        """Acts once it is open; the status of what was answered."""
        task = asyncio.ensure_future(self.app(self.scope, self.receive, self.send))
        await self.begun.wait()
        await asyncio.to_thread(act)
        self.acted.set()
        await asyncio.wait_for(task, 30)
        return self.sent[0]["status"]


@pytest.fixture
def endless(monkeypatch):
    monkeypatch.setattr(lasting, "CHECK_SECONDS", 0.03)
    return Endless()


@pytest.fixture
def app(people, endless):
    rules = GuardRules(PORT, failed_login_seconds=0, body_seconds=60)
    return Guard(endless, rules, Directory(people))


def run(app, method, path, headers, act):
    async def both():
        opened = Open(app, method, path, headers)
        return await opened.until_it_ends(act), opened.sent

    return asyncio.run(both())


@pytest.mark.parametrize(
    "act",
    [
        lambda people: revoke_token(people, SHELL, user="olga", alias="t"),
        lambda people: set_disabled(people, SHELL, name="olga", is_disabled=True),
        lambda people: remove_user(people, SHELL, name="olga"),
        lambda people: set_role(people, SHELL, name="olga", role=Role.VIEWER),
    ],
    ids=["revoked", "disabled", "removed", "demoted"],
)
def test_a_stream_is_cut_off_and_has_no_end(app, endless, people, token_of, act):
    headers = bearer(token_of("olga"))
    status, sent = run(app, "GET", "/api/v1/stream", headers, lambda: act(people))
    assert (status, endless.was_cut) == (200, True)
    assert all(message.get("more_body", True) for message in sent)  # it does not look whole


def test_a_stream_ends_with_the_session(app, endless):
    browser = Browser(app)
    browser.sign_in("ada")
    endless.was_cut = False
    # The token of the form is asked for while nothing else is: this page is an endless one here.
    token = app._forms.make(app._doors.cookie.read(_cookie(browser.cookie))[0])
    headers = {"cookie": browser.cookie}

    def sign_out():
        assert browser.post("/logout", {"form_token": token}).status == 303

    run(app, "GET", "/data/stream", headers, sign_out)
    assert endless.was_cut


def test_whoever_came_in_without_a_name_goes_when_there_are_names(database, endless):
    rules = GuardRules(PORT, body_seconds=60)
    app = Guard(endless, rules, Directory(database))

    def add():
        add_user(database, SHELL, name="ada", role=Role.ADMIN, password=PASSWORD)

    run(app, "GET", "/data/stream", {}, add)
    assert endless.was_cut


def test_an_upload_is_refused_in_the_middle(app, endless, people, token_of):
    headers = bearer(token_of("olga")) | PIECE
    status, sent = run(
        app, "PATCH", "/api/v1/x", headers, lambda: remove_user(people, SHELL, name="olga")
    )
    assert (status, endless.was_cut) == (401, True)
    told = json.loads(sent[1]["body"])
    assert told["type"] == "/api/v1/#problem-not-signed-in"


def test_a_change_that_is_under_way_is_made(app, endless, people, token_of):
    headers = bearer(token_of("olga")) | {"content-type": "application/json"}

    async def both():
        opened = Open(app, "POST", "/api/v1/change", headers)
        opened.receive = _empty_body
        endless.change = opened
        return await opened.until_it_ends(lambda: remove_user(people, SHELL, name="olga"))

    assert asyncio.run(both()) == 200
    assert (endless.has_changed, endless.was_cut) == (True, False)


def test_to_be_open_is_no_use_of_a_session(people):
    directory = Directory(people)
    seen = []
    directory._touch = lambda last, _write: seen.append(last)
    secret = sign_in(people, name="ada", password=PASSWORD, address="").secret
    assert directory.bearer_of_session(secret, "", is_use=False).name == "ada"
    assert seen == []


async def _empty_body():
    return {"type": "http.request", "body": b"{}", "more_body": False}


def _cookie(text):
    return Headers({"headers": [(b"host", b"127.0.0.1:3000"), (b"cookie", text.encode())]})
