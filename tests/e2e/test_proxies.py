"""The guard behind a real nginx and a real Caddy with the examples of docs/deploy: TLS, signing in, websockets, streams."""

import asyncio
import json
import socket
import ssl
import threading
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from orchestration.server.guard import Guard, GuardRules
from orchestration.server.http_protocol import PunctualProtocol
from orchestration.server.settings import PublicAddress
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.audit import LogFilter, list_entries
from orchestration.services.access.directory import Directory
from orchestration.services.access.tokens import create_token
from orchestration.services.access.users import add_user
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config
from tests.servers import proxies
from tests.servers.certificates import make_certificates
from tests.servers.postgres import free_port, required_or_skipped

pytestmark = pytest.mark.e2e
PASSWORD = "correct horse battery"
SHELL = Actor("root", via="shell")


class Inner:
    """Answers with what it saw; an upload and a stream wait for the other side half-way."""

    def __init__(self):
        self.began = threading.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept", "subprotocol": "graphql-ws"})
            message = await receive()
            await send({"type": "websocket.send", "text": message["text"]})
            await send({"type": "websocket.close"})
        elif scope["path"] == "/api/v1/events":
            await self._events(send)
        else:
            await self._body(scope, receive, send)

    async def _events(self, send):
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await asyncio.to_thread(self.began.wait, 60)  # until the client has seen the first event
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    async def _body(self, scope, receive, send):
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message.get("body", b""))
            if size:
                self.began.set()
            if not message.get("more_body"):
                break
        actor = scope["state"]["actor"]
        body = json.dumps({"name": actor.name, "address": actor.address, "size": size}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Front:
    """A proxy, the server behind it, and clients of it."""

    def __init__(self, port, inner, database, ca):
        self.url = f"https://localhost:{port}"
        self.host = f"localhost:{port}"
        self.inner = inner
        self.database = database
        self.tls = ssl.create_default_context(cafile=ca)

    def client(self, **headers):
        return httpx.Client(base_url=self.url, verify=self.tls, headers=headers, timeout=60)


@pytest.fixture(scope="module", params=[proxies.nginx, proxies.caddy], ids=["nginx", "caddy"])
def front(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        behind, port = listener.getsockname()[1], free_port()
        certificates = make_certificates(folder)
        place = proxies.Place(folder, port, behind, certificates)
        database = CatalogDatabase(sqlite_config(folder / "catalog.sqlite"))
        add_user(database, SHELL, name="ada", role=Role.ADMIN, password=PASSWORD)
        public = PublicAddress(f"localhost:{port}", f"https://localhost:{port}")
        inner = Inner()
        guard = Guard(inner, GuardRules(behind, public=public), Directory(database))
        config = uvicorn.Config(
            guard, http=PunctualProtocol, lifespan="off", log_level="error", proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            proxy = proxies.running(request.param, place)
            with required_or_skipped(proxy, request.param.__name__):
                yield Front(port, inner, database, certificates.ca)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def token(front):
    scopes = [Scope.READ, Scope.IMPORT, Scope.WRITE]
    return create_token(front.database, SHELL, user="ada", alias="t", scopes=scopes).secret


def test_a_person_signs_in_over_tls(front):
    with front.client(Origin=front.url, Accept="text/html") as client:
        led = client.get("/data/")
        assert (led.status_code, led.headers["location"]) == (303, "/login?next=%2Fdata%2F")
        form = {"name": "ada", "password": PASSWORD, "next": "/data/"}
        done = client.post("/login", data=form, headers={"X-Forwarded-For": "203.0.113.1"})
        assert done.headers["set-cookie"].startswith("__Host-waybill=")
        assert "; Secure" in done.headers["set-cookie"]
        assert client.get("/data/").json() == {"name": "ada", "address": "127.0.0.1", "size": 0}
        assert done.headers["strict-transport-security"]
    (entry, *_) = list_entries(front.database, LogFilter(action="session.open"))
    assert entry.address == "127.0.0.1"  # as the proxy saw it, not as the client had it


@pytest.mark.parametrize(("headers", "status"), [
    ({"Origin": "https://evil.example"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "http://127.0.0.1:3000"}, 403),
    ({"Authorization": "Bearer x"}, 401),
])  # fmt: skip
def test_what_is_foreign_stays_outside(front, token, headers, status):
    given = {"Authorization": f"Bearer {token}", **headers}
    with front.client() as client:
        assert (
            client.post("/graphql", json={"query": "{version}"}, headers=given).status_code
            == status
        )


def test_a_websocket_passes_for_whoever_may_come_in(front, token):
    address = front.url.replace("https", "wss") + "/graphql"
    message = json.dumps({"type": "connection_init"})
    given = {"ssl": front.tls, "origin": front.url, "subprotocols": ["graphql-ws"]}
    with connect(
        address, additional_headers={"Authorization": f"Bearer {token}"}, **given
    ) as found:
        found.send(message)
        assert found.recv() == message
    with pytest.raises(InvalidStatus):
        connect(address, **given)


def test_an_upload_passes_as_it_comes_in(front, token):
    front.inner.began.clear()

    def pieces():
        yield b"x" * 100_000
        # The rest is sent when the server has the start: a proxy that keeps it back would wait for ever.
        assert front.inner.began.wait(60)
        yield b"x" * 5_000_000

    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/offset+octet-stream",
    }
    with front.client(**headers) as client:
        answer = client.patch("/api/v1/uploads/1", content=pieces())
    assert answer.json()["size"] == 5_100_000


def test_events_pass_as_they_come(front, token):
    front.inner.began.clear()
    with (
        front.client(Authorization=f"Bearer {token}") as client,
        client.stream("GET", "/api/v1/events") as answer,
    ):
        lines = (line for line in answer.iter_lines() if line)
        assert next(lines) == "data: 1"  # before the server sends the second
        front.inner.began.set()
        assert next(lines) == "data: 2"


def test_a_body_that_is_too_large_is_told_by_the_guard(front, token):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with front.client(**headers) as client:
        answer = client.post("/api/v1/x", content=b'"' + b"x" * 2_000_000 + b'"')
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_form_of_another_page_signs_nobody_in(front):
    body = urlencode({"name": "ada", "password": PASSWORD})
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": "https://evil.example",
    }
    with front.client(**headers) as client:
        answer = client.post("/login", content=body)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)
