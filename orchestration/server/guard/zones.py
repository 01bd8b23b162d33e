"""The parts of the one address: which methods and bodies each takes, and how it says no. One table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from orchestration.server.guard.asgi import Headers, Refusal, Scope

BODY_LIMIT_BYTES = 2_000_000  # T33
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


class Body(Enum):
    """How a body is passed on."""

    WHOLE = "whole"
    """Read to its end first: at most 2 MB, within seconds."""
    STREAMED = "streamed"
    """As it comes in, under limits of its own."""


@dataclass(frozen=True)
class Zone:
    """A part of the address.

    Args:
        prefix: where it begins.
        methods: what it takes.
        bodies: media types of bodies, and how each is passed on.
        style: how it refuses: a page for people, a problem document for programs.
        may_be_empty: whether a POST may come without a body.
    """

    prefix: str
    methods: tuple[str, ...]
    bodies: Mapping[str, Body]
    style: Literal["page", "problem"] = "page"
    may_be_empty: bool = False

    def holds(self, path: str) -> bool:
        """Whether a path is part of it."""
        return path == self.prefix or path.startswith(f"{self.prefix.rstrip('/')}/")

    def body_of(self, headers: Headers) -> Body:
        """How the body of a request that `check` let through is passed on."""
        return self.bodies.get(headers.kind, Body.WHOLE)

    def check(self, scope: Scope, headers: Headers, *, upload_limit: int) -> Refusal | None:
        """Why a request has no form that is taken here."""
        method = scope["method"]
        if method not in self.methods:
            allowed = ", ".join(self.methods)
            return Refusal(405, f"{method} is not allowed", ((b"allow", allowed.encode()),))
        if method in ("GET", "HEAD", "OPTIONS"):
            return _check_graphql_page(scope, headers)
        if self.may_be_empty and not headers.has("content-type") and not headers.may_have_body:
            return None
        if headers.kind not in self.bodies:
            return Refusal(415, f"a {method} needs Content-Type: {' or '.join(self.bodies)}")
        limit = upload_limit if self.body_of(headers) is Body.STREAMED else BODY_LIMIT_BYTES
        text = headers.first("content-length") or ""
        if text.isdigit() and (headers.length is None or headers.length > limit):
            return Refusal(413, f"more than {limit} bytes")
        return None


ZONES = (
    Zone(
        "/api/v1",
        ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
        {
            _JSON: Body.WHOLE,
            "application/merge-patch+json": Body.WHOLE,
            _MULTIPART: Body.STREAMED,
            "application/octet-stream": Body.STREAMED,
            "application/offset+octet-stream": Body.STREAMED,  # a piece of an upload by tus
        },
        style="problem",
        may_be_empty=True,
    ),
    Zone(
        "/data",
        ("GET", "HEAD", "POST"),
        {_FORM: Body.WHOLE, _MULTIPART: Body.STREAMED, _JSON: Body.WHOLE},
    ),
    Zone("/login", ("GET", "HEAD", "POST"), {_FORM: Body.WHOLE}),
    Zone("/logout", ("GET", "HEAD", "POST"), {_FORM: Body.WHOLE}),
    Zone("/metrics", ("GET", "HEAD"), {}),
    Zone("/", ("GET", "HEAD", "POST"), {_JSON: Body.WHOLE}),  # Dagster's
)


def zone_of(path: str) -> Zone:
    """The part that a path belongs to."""
    return next(zone for zone in ZONES if zone.holds(path))


def is_graphql(path: str) -> bool:
    """Whether a path is Dagster's GraphQL."""
    return path.rstrip("/") == "/graphql"


def is_open(scope: Scope) -> bool:
    """What is shown before anybody has signed in: the stylesheet and pictures of the page for it."""
    path = scope["path"]
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and path.startswith("/data/static/")
        and ".." not in path
    )


def _check_graphql_page(scope: Scope, headers: Headers) -> Refusal | None:
    if is_graphql(scope["path"]) and "text/html" not in (headers.first("accept") or ""):
        return Refusal(405, "GraphQL is answered by POST only", ((b"allow", b"POST"),))
    return None
