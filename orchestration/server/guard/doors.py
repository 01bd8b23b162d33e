"""Who comes in, and how: a session, a token, the server's password, or being the only user of the machine."""

from __future__ import annotations

import asyncio
import base64
import hmac
import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import itsdangerous

from orchestration.server.guard.asgi import Headers, Refusal, Scope
from orchestration.server.guard.rules import GuardRules
from orchestration.services.access.actor import Actor, Role
from orchestration.services.access.actor import Scope as Reach
from orchestration.services.access.directory import Directory
from orchestration.services.access.shell import own_name
from orchestration.services.access.throttle import Client, Throttle
from resources.kernel.errors import WaybillError

T = TypeVar("T")
_COOKIES_MAX = 8
PROBE_NAME = "waybill up"


@dataclass(frozen=True)
class Visit:
    """A user who was let in.

    Args:
        actor: who it is.
        session: the secret of the session; empty for another way in.
        token: the secret of the token; empty for another way in.
    """

    actor: Actor
    session: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class SessionCookie:
    """The cookie that holds a session: signed, out of reach of scripts, sent to this server's own pages only.

    Over TLS it has the prefix that browsers take for a promise of that; on loopback it names the port, since all
    servers of a machine share their cookies there.
    """

    def __init__(self, rules: GuardRules) -> None:
        self._rules = rules
        self._signer = itsdangerous.Signer(rules.key, salt=b"waybill session")

    def read(self, headers: Headers) -> list[str]:
        """Secrets of sessions that came along and that this server has signed."""
        wanted = self._name(headers)
        found: list[str] = []
        for pair in ";".join(headers.all("cookie")).split(";")[:200]:
            name, _, value = pair.strip().partition("=")
            if name == wanted and len(found) < _COOKIES_MAX:
                found.append(value.strip('"'))
        return [secret for value in found if (secret := self._unsigned(value))]

    def write(self, headers: Headers, secret: str) -> tuple[bytes, bytes]:
        """The header that gives a browser the session."""
        return self._header(headers, self._signer.sign(secret).decode())

    def clear(self, headers: Headers) -> tuple[bytes, bytes]:
        """The header that takes it away."""
        return self._header(headers, "", "; Max-Age=0")

    def _header(self, headers: Headers, value: str, more: str = "") -> tuple[bytes, bytes]:
        secure = "; Secure" if self._rules.is_public(headers) else ""
        kept = f"{self._name(headers)}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}"
        return b"set-cookie", kept.encode()

    def _name(self, headers: Headers) -> str:
        if self._rules.is_public(headers):
            return "__Host-waybill"
        return f"waybill-{self._rules.port}"

    def _unsigned(self, value: str) -> str:
        try:
            return self._signer.unsign(value.encode("latin-1")).decode()
        except (itsdangerous.BadSignature, UnicodeError):
            return ""


class Doors:
    """Lets people and programs in.

    Args:
        rules: what the server was started with.
        directory: its users; None where it has none at all.
        throttle: slows down guesses.
    """

    def __init__(self, rules: GuardRules, directory: Directory | None, throttle: Throttle) -> None:
        self._rules = rules
        self._directory = directory
        self._throttle = throttle
        self.cookie = SessionCookie(rules)
        self._own_name = own_name()

    async def enter(self, scope: Scope) -> Visit | Refusal:
        """Who asks, or why they are not let in."""
        try:
            found = await self._enter(scope, Headers(scope))
        except WaybillError as error:
            return Refusal(503, f"no one can be let in: {error}", ((b"retry-after", b"5"),))
        if isinstance(found, Visit) and self._rules.is_read_only:
            return replace(found, actor=replace(found.actor, role=Role.VIEWER))
        return found

    async def _enter(self, scope: Scope, headers: Headers) -> Visit | Refusal:
        address = self.client_of(scope, headers)
        scheme, _, given = (headers.only("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and (self._directory or self._rules.probe):
            return await self._by_token(given.strip(), address)
        session = await self._by_session(headers, address)
        if session is not None:
            return session
        if self._rules.password and headers.has("authorization"):
            return self._by_password(headers, address)
        if self._rules.password or self._rules.public or await self.has_users():
            return await self._nobody()
        return Visit(Actor(self._own_name, via="local", address=_host(address)))

    async def has_users(self) -> bool:
        """Whether anybody can sign in with a name."""
        return bool(await self._ask(lambda found: found.has_users()))

    async def is_welcome(self, visit: Visit) -> bool:
        """Whether the visitor of an open connection would still be let in, for as much as then."""
        try:
            found = await self._again(visit)
        except WaybillError:
            return False
        return found is not None and found.role.includes(visit.actor.role)

    async def _again(self, visit: Visit) -> Actor | None:
        address = visit.actor.address
        if visit.session:  # to be open is no use: a session that nobody uses ends all the same
            return await self._session(visit.session, address, is_use=False)
        if visit.token:
            return await self._ask(lambda found: found.bearer_of_token(visit.token, address))
        if visit.actor.via == "local" and await self.has_users():
            return None
        return visit.actor

    def client_of(self, scope: Scope, headers: Headers) -> Client:
        """Where a request comes from: what the proxy says, for requests to the public address from this machine."""
        client: Client = scope.get("client")
        if client is None or not self._rules.is_public(headers) or not _is_loopback(client[0]):
            return client
        hops = ",".join(headers.all("x-forwarded-for")).split(",")
        last = hops[-1].strip()  # the only one that our proxy wrote itself
        try:
            return (str(ipaddress.ip_address(last)), 0)
        except ValueError:
            return client

    async def _by_token(self, secret: str, address: Client) -> Visit | Refusal:
        probe = self._rules.probe
        if probe and hmac.compare_digest(secret.encode("latin-1"), probe.encode()):
            reach = frozenset({Reach.READ})
            return Visit(Actor(PROBE_NAME, Role.VIEWER, reach, "local", _host(address)))
        actor = await self._ask(lambda found: found.bearer_of_token(secret, _host(address)))
        if actor is not None:
            return Visit(actor, token=secret)
        challenge = (b"www-authenticate", b'Bearer realm="Waybill", error="invalid_token"')
        return Refusal(
            401,
            "the token is unknown, revoked or expired",
            (challenge,),
            hint="Make another: waybill token create",
        )

    async def _by_session(self, headers: Headers, address: Client) -> Visit | None:
        for secret in self.cookie.read(headers):
            actor = await self._session(secret, _host(address))
            if actor is not None:
                return Visit(actor, secret)
        return None

    async def _session(self, secret: str, address: str, *, is_use: bool = True) -> Actor | None:
        return await self._ask(
            lambda found: found.bearer_of_session(secret, address, is_use=is_use)
        )

    def _by_password(self, headers: Headers, address: Client) -> Visit | Refusal:
        wait = self._throttle.wait_seconds(address)
        if wait:  # not even a right one is told from a wrong one now
            later = (b"retry-after", str(math.ceil(wait)).encode())
            return Refusal(429, "too many wrong passwords: wait, then try again", (later,))
        if not hmac.compare_digest(_password_of(headers), self._rules.password.encode()):
            self._throttle.failed(address)
            return _BY_BASIC
        self._throttle.passed(address)
        return Visit(Actor(self._own_name, via="password", address=_host(address)))

    async def _nobody(self) -> Refusal:
        if self._rules.password and not await self.has_users():
            return _BY_BASIC
        challenge = (b"www-authenticate", b'Bearer realm="Waybill"')
        return Refusal(
            401,
            "no user is signed in",
            (challenge,),
            may_sign_in=True,
            hint="Sign in at /login, or send a token: Authorization: Bearer ...",
        )

    async def _ask(self, question: Callable[[Directory], T]) -> T | None:
        directory = self._directory
        if directory is None:
            return None
        return await asyncio.to_thread(question, directory)


_BY_BASIC = Refusal(
    401,
    "sign in with the password of this server",
    ((b"www-authenticate", b'Basic realm="Waybill", charset="UTF-8"'),),
)


def _password_of(headers: Headers) -> bytes:
    """The password that came along by HTTP Basic; empty when none did."""
    scheme, _, encoded = (headers.only("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except ValueError:  # no base64: as good as no password
        return b""


def _host(client: Client) -> str:
    return "" if client is None else client[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
