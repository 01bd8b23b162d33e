"""What the guard lets through for all users: which names mean this server, and what a request was caused by."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from orchestration.server.guard.asgi import SAFE_METHODS, Headers, Refusal, Scope, is_navigation
from orchestration.server.settings import REQUESTS_A_SECOND, UPLOADS_AT_ONCE, PublicAddress
from orchestration.services.uploads.limits import DEFAULT_LIMIT

BODY_SECONDS = 20.0
"""How long a client may take to send a body that is not streamed."""

FAILED_LOGIN_SECONDS = 0.5

_FORM_KINDS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "")
"""What a page of any origin may send without being asked first whether it may."""

# Dagster shows any notebook on this machine's disk there, as HTML of this origin.
_CLOSED = ("/notebook", "/dagit/notebook")


@dataclass(frozen=True)
class GuardRules:
    """What the guard lets through.

    Args:
        port: the port that the UI listens on; a Host must name it.
        password: asked of every request by HTTP Basic when set; the user name does not count.
        failed_login_seconds: how long the answer to a wrong one takes.
        body_seconds: how long a body may take to arrive that is not streamed; and the start of one that is.
        public: where a reverse proxy offers this server; its name is then one of this server's too.
        key: signs cookies and form tokens.
        probe: the secret with which the supervisor asks whether the server is ready.
        is_read_only: everybody only looks.
        has_metrics: whether there are figures for Prometheus.
        upload_limit_bytes: the largest body that is streamed.
        uploads_at_once: how many of them one user may send side by side.
        requests_a_second: of one user to the HTTP API, on average.
    """

    port: int
    password: str = field(default="", repr=False)
    failed_login_seconds: float = FAILED_LOGIN_SECONDS
    body_seconds: float = BODY_SECONDS
    public: PublicAddress | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    probe: str = field(default="", repr=False)
    is_read_only: bool = False
    has_metrics: bool = False
    upload_limit_bytes: int = DEFAULT_LIMIT
    uploads_at_once: int = UPLOADS_AT_ONCE
    requests_a_second: float = REQUESTS_A_SECOND

    @property
    def hosts(self) -> frozenset[str]:
        """Values of Host that mean this server: a name that an attacker resolves to loopback is not among them."""
        return self._loopback | ({self.public.host} if self.public else set())

    @property
    def _loopback(self) -> frozenset[str]:
        names = ("127.0.0.1", "localhost", "[::1]")
        bare = names if self.port == 80 else ()
        return frozenset({*(f"{name}:{self.port}" for name in names), *bare})

    def is_public(self, headers: Headers) -> bool:
        """Whether a request came to the public address: through the proxy, and so over TLS."""
        return self.public is not None and (headers.only("host") or "").lower() == self.public.host

    def origins_of(self, headers: Headers) -> frozenset[str]:
        """Values of Origin that mean a page of this server, under the name that was asked for."""
        if self.public is not None and self.is_public(headers):
            return frozenset({self.public.origin})
        return frozenset(f"http://{host}" for host in self._loopback)

    def check_place(self, scope: Scope) -> Refusal | None:
        """Why a request or websocket is refused for all users: what it was caused by, where it leads."""
        headers = Headers(scope)
        return self._check_host(headers) or self._check_origin(scope, headers) or _check_path(scope)

    def check_cause(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Why a change is refused for which nothing vouches: a form of any page could have sent it.

        For requests that a browser sends with what it remembers, such as a cookie. Bodies that are no form's are
        sent to another origin only after a question that this server does not answer.
        """
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            return None
        if headers.has("origin") or headers.first("sec-fetch-site") in ("same-origin", "none"):
            return None  # and it is the right one: `check_place`
        if scope["method"] != "POST" or headers.kind not in _FORM_KINDS:
            return None
        origin = min(self.origins_of(headers))
        return Refusal(
            403,
            "a form without Origin could come from any page",
            hint=f"Send Origin: {origin}, JSON, or a token",
        )

    def _check_host(self, headers: Headers) -> Refusal | None:
        host = headers.only("host")
        if host is not None and host.lower() in self.hosts:
            return None
        return Refusal(421, f"this server answers as {', '.join(sorted(self.hosts))} only")

    def _check_origin(self, scope: Scope, headers: Headers) -> Refusal | None:
        if headers.has("origin"):
            origin = headers.only("origin")
            if origin is None or origin.lower() not in self.origins_of(headers):
                return Refusal(403, "requests from pages of another origin are refused")
        site = headers.first("sec-fetch-site")
        if site in (None, "same-origin", "none") or is_navigation(scope, headers):
            return None
        return Refusal(403, "requests from pages of another site are refused")


def _check_path(scope: Scope) -> Refusal | None:
    if scope["path"].rstrip("/") in _CLOSED:
        return Refusal(404, "notebooks are not shown")
    # The router's patterns end with `$`, which also matches before a newline: "/graphql\n" would be GraphQL (T30).
    if all(character.isprintable() for character in scope["path"]):
        return None
    return Refusal(400, "the path holds a control character")
