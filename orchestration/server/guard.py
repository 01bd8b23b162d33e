"""What stands before the web UI: requests that a foreign page or host could have caused never reach it (R11).

Dagster's webserver executes GraphQL mutations by GET and asks neither for Origin nor Host (T29-T34). This guard is
plain ASGI and knows no Dagster. It answers 421 for a foreign Host, 403 for a foreign Origin or a cross-site
request, 405 for GraphQL by GET, 415 for a body that is no JSON, 413 for a body that is too large, 401 without the
password when one is set, 429 for guesses that come too fast, 408 for a body that takes too long, 400 for GraphQL that
is no single operation, and closes websockets under the same rules.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from orchestration.server.throttle import Throttle

BODY_LIMIT_BYTES = 2_000_000  # T33
BODY_SECONDS = 20.0
"""How long a client may take to send a body."""

FAILED_LOGIN_SECONDS = 0.5
_METHODS = ("GET", "HEAD", "POST")
_SECURITY_HEADERS = [
    # A second policy beside the page's own: browsers enforce both (T32).
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Refusal:
    """Why a request is not passed on."""

    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class GuardRules:
    """What the guard lets through.

    Args:
        port: the port that the UI listens on; a Host must name it.
        password: asked of every request by HTTP Basic when set; the user name does not count.
        failed_login_seconds: how long the answer to a wrong one takes.
        body_seconds: how long a body may take to arrive.
    """

    port: int
    password: str = field(default="", repr=False)
    failed_login_seconds: float = FAILED_LOGIN_SECONDS
    body_seconds: float = BODY_SECONDS

    @property
    def hosts(self) -> frozenset[str]:
        """Values of Host that mean this server: a name that an attacker resolves to loopback is not among them."""
        names = ("127.0.0.1", "localhost", "[::1]")
        bare = names if self.port == 80 else ()
        return frozenset({*(f"{name}:{self.port}" for name in names), *bare})

    @property
    def origins(self) -> frozenset[str]:
        """Values of Origin that mean a page of this server."""
        return frozenset(f"http://{host}" for host in self.hosts)

    def check_place(self, scope: Scope) -> Refusal | None:
        """Why a request or websocket is refused whoever sends it: what it was caused by, where it leads."""
        headers = _Headers(scope)
        return self._check_host(headers) or self._check_origin(scope, headers) or _check_path(scope)

    def check_sender(self, scope: Scope) -> Refusal | None:
        """Why one that may come is refused to this sender, or in this form; None when it may pass."""
        headers = _Headers(scope)
        return (
            self._check_password(headers)
            or (_check_websocket(scope) if scope["type"] == "websocket" else None)
            or (_check_method(scope, headers) if scope["type"] == "http" else None)
        )

    def is_guess(self, scope: Scope) -> bool:
        """Whether a password comes along that has to be looked at."""
        return bool(self.password) and _Headers(scope).has("authorization")

    def _check_host(self, headers: _Headers) -> Refusal | None:
        host = headers.only("host")
        if host is not None and host.lower() in self.hosts:
            return None
        return Refusal(421, f"this server answers as {', '.join(sorted(self.hosts))} only")

    def _check_origin(self, scope: Scope, headers: _Headers) -> Refusal | None:
        if headers.has("origin"):
            origin = headers.only("origin")
            if origin is None or origin.lower() not in self.origins:
                return Refusal(403, "requests from pages of another origin are refused")
        site = headers.first("sec-fetch-site")
        if site in (None, "same-origin", "none") or _is_navigation(scope, headers):
            return None
        return Refusal(403, "requests from pages of another site are refused")

    def _check_password(self, headers: _Headers) -> Refusal | None:
        if not self.password or hmac.compare_digest(_password_of(headers), self.password.encode()):
            return None
        challenge = (b"www-authenticate", b'Basic realm="Waybill", charset="UTF-8"')
        return Refusal(401, "sign in with the password of this server", (challenge,))


class Guard:
    """ASGI middleware: `Guard(app, rules)` passes on what `rules` allow and hardens every answer."""

    def __init__(self, app: App, rules: GuardRules) -> None:
        self._app = app
        self._rules = rules
        self._throttle = Throttle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks, then hands over; `lifespan` goes straight through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._rules.check_place(scope) or self._check_sender(scope)
        if refusal is not None:
            if refusal.status == 401:
                await asyncio.sleep(self._rules.failed_login_seconds)
            await _refuse(scope, send, refusal)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._pass_request(scope, receive, send)

    def _check_sender(self, scope: Scope) -> Refusal | None:
        if not self._rules.is_guess(scope):
            return self._rules.check_sender(scope)
        wait = self._throttle.wait_seconds(scope.get("client"))
        if wait:  # not even a right one is told from a wrong one now
            later = (b"retry-after", str(math.ceil(wait)).encode())
            return Refusal(429, "too many wrong passwords: wait, then try again", (later,))
        refusal = self._rules.check_sender(scope)
        if refusal is not None and refusal.status == 401:
            self._throttle.failed(scope.get("client"))
        else:
            self._throttle.passed(scope.get("client"))
        return refusal

    async def _pass_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        if scope["method"] == "POST":
            read = await self._read_body(scope, receive)
            if isinstance(read, Refusal):
                await _refuse(scope, send, read)
                return
            body = read
        await self._app(scope, _replay(body, receive), _hardened(send))

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes | Refusal:
        try:
            async with asyncio.timeout(self._rules.body_seconds):
                body = await _read_body(receive)
        except TimeoutError:
            return Refusal(408, f"the body did not arrive in {self._rules.body_seconds:g} seconds")
        if body is None:
            return Refusal(413, f"more than {BODY_LIMIT_BYTES} bytes")
        if scope["path"].rstrip("/") == "/graphql" and not body.lstrip().startswith(b"{"):
            # Dagster fails on a batch, which is a JSON array.
            return Refusal(400, "GraphQL takes one operation a request, as a JSON object")
        return body


class _Headers:
    """A request's headers, names without case, values as text."""

    def __init__(self, scope: Scope) -> None:
        self._items = [
            (k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"]
        ]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self._items)

    def first(self, name: str) -> str | None:
        return next((value for key, value in self._items if key == name), None)

    def only(self, name: str) -> str | None:
        """The value, when the header stands there exactly once."""
        values = [value for key, value in self._items if key == name]
        return values[0].strip() if len(values) == 1 else None


def _is_navigation(scope: Scope, headers: _Headers) -> bool:
    """Somebody followed a link to a page here: harmless, since pages are only shown and never framed."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.first("sec-fetch-mode") == "navigate"
        and headers.first("sec-fetch-dest") == "document"
    )


# Dagster shows any notebook on this machine's disk there, as HTML of this origin.
_CLOSED = ("/notebook", "/dagit/notebook")


def _check_path(scope: Scope) -> Refusal | None:
    if scope["path"].rstrip("/") in _CLOSED:
        return Refusal(404, "notebooks are not shown")
    # The router's patterns end with `$`, which also matches before a newline: "/graphql\n" would be GraphQL (T30).
    if all(character.isprintable() for character in scope["path"]):
        return None
    return Refusal(400, "the path holds a control character")


def _check_websocket(scope: Scope) -> Refusal | None:
    return None if scope["path"] == "/graphql" else Refusal(404, "no websocket here")


def _check_method(scope: Scope, headers: _Headers) -> Refusal | None:
    method, path = scope["method"], scope["path"]
    if method not in _METHODS:
        return Refusal(405, f"{method} is not allowed", ((b"allow", b"GET, HEAD, POST"),))
    if method == "POST":
        return _check_post(headers)
    if path.rstrip("/") == "/graphql" and "text/html" not in (headers.first("accept") or ""):
        return Refusal(405, "GraphQL is answered by POST only", ((b"allow", b"POST"),))
    return None


def _check_post(headers: _Headers) -> Refusal | None:
    kind = (headers.only("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Refusal(415, "a POST needs Content-Type: application/json")
    length = headers.first("content-length") or ""
    if length.isdigit() and int(length) > BODY_LIMIT_BYTES:
        return Refusal(413, f"more than {BODY_LIMIT_BYTES} bytes")
    return None


def _password_of(headers: _Headers) -> bytes:
    """The password that came along by HTTP Basic; empty when none did."""
    scheme, _, encoded = (headers.only("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except ValueError:  # no base64: as good as no password
        return b""


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than the limit, whatever its headers said."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client has gone
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def _hardened(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", [])
            # A policy of the page's own stays; ours replaces any other header of the same name.
            ours = {name for name, _ in _SECURITY_HEADERS} - {b"content-security-policy"}
            kept = [pair for pair in given if pair[0].lower() not in ours]
            message = {**message, "headers": [*kept, *_SECURITY_HEADERS]}
        await send(message)

    return sent


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason[:120]})
        return
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    body = f"{refusal.status}: {refusal.reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *refusal.headers,
        *_SECURITY_HEADERS,
    ]
    await send({"type": f"{prefix}.response.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": body})
