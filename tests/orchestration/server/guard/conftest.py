"""A guard with users, and browsers and programs that come to it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from orchestration.server.guard import Guard, GuardRules
from orchestration.services.access import passwords
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.directory import Directory
from orchestration.services.access.tokens import create_token
from orchestration.services.access.users import add_user
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config
from tests.orchestration.server.asgi import ask

PORT = 3000
ORIGIN = f"http://127.0.0.1:{PORT}"
FORM = "application/x-www-form-urlencoded"
PASSWORD = "correct horse battery"
PEOPLE = {"ada": Role.ADMIN, "olga": Role.OPERATOR, "vic": Role.VIEWER}
SHELL = Actor("root", via="shell")


class Inner:
    """The application behind: remembers whom and what it was asked by."""

    def __init__(self):
        self.actors = []
        self.bodies = []
        self.tokens = []
        self.was_cut = False

    async def __call__(self, scope, receive, send):
        state = scope.get("state", {})
        self.actors.append(state.get("actor"))
        self.tokens.append(state.get("form_token"))
        if scope["type"] == "websocket":
            await self._talk(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.was_cut = True
                return
            body += message["body"]
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inner"})

    async def _talk(self, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.bodies.append(message["text"])


class Browser:
    """Keeps its cookie, and says where it comes from as browsers do."""

    def __init__(self, app, **options):
        self.app = app
        self.cookie = ""
        self.options = options

    def get(self, path="/", **headers):
        given = {"accept": "text/html", "sec-fetch-site": "same-origin", "cookie": self.cookie}
        path, _, query = path.partition("?")
        return self._ask("GET", path, given | _named(headers), query=query.encode())

    def post(self, path, fields=None, **headers):
        given = {"origin": ORIGIN, "content-type": FORM, "cookie": self.cookie}
        body = urlencode(fields or {}).encode()
        return self._ask("POST", path, given | _named(headers), body=body)

    def sign_in(self, name, password=PASSWORD, **fields):
        return self.post("/login", {"name": name, "password": password, **fields})

    def form_token(self):
        """As the page for signing out shows it."""
        page = self.get("/logout").body.decode()
        return re.search(r'name="form_token" value="([^"]*)"', page)[1]

    def _ask(self, method, path, headers, **more):
        answer = ask(self.app, method, path, headers=headers, **more, **self.options)
        for given in answer.header("set-cookie"):
            self.cookie = given.partition(";")[0]
        return answer


def _named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def bearer(secret):
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Passwords that cost nothing."""
    monkeypatch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def database(tmp_path):
    return CatalogDatabase(sqlite_config(tmp_path / "catalog.sqlite"))


@pytest.fixture
def people(database, cheap):
    """The catalog with an admin, an operator and a viewer."""
    for name, role in PEOPLE.items():
        add_user(database, SHELL, name=name, role=role, password=PASSWORD)
    return database


@pytest.fixture
def make_guard(inner, database):
    """A guard over the catalog, by rules."""

    def make(**rules):
        given = {"failed_login_seconds": 0, "body_seconds": 0.3, **rules}
        return Guard(inner, GuardRules(PORT, **given), Directory(database))

    return make


@pytest.fixture
def guard(people, make_guard):
    return make_guard()


@pytest.fixture
def browser(guard):
    return Browser(guard)


@pytest.fixture
def token_of(people):
    """The secret of a new token."""

    def make(name, *scopes, alias="t"):
        wanted = scopes or tuple(Scope)
        return create_token(people, SHELL, user=name, alias=alias, scopes=wanted).secret

    return make
