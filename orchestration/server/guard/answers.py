"""What the guard itself answers: refusals in the form that fits who asks, and headers that harden every answer."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

from orchestration.server.guard.asgi import Headers, Message, Refusal, Scope, Send, is_navigation
from orchestration.server.guard.zones import is_graphql, zone_of
from orchestration.services.statuses import problem_document

SECURITY_HEADERS = [
    # A second policy beside the page's own: browsers enforce both (T32).
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000")
"""For answers over TLS: this name is not asked for without it again."""

PAGE_POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
)
_REFERRER = (b"referrer-policy", b"same-origin")


def hardened(send: Send, *, is_public: bool = False) -> Send:
    """`send` with the headers that every answer has."""
    added = [*SECURITY_HEADERS, *([HSTS] if is_public else [])]
    # A policy of the page's own stays; ours replaces any other header of the same name.
    ours = {name for name, _ in added} - {b"content-security-policy"}

    async def sent(message: Message) -> None:
        if message["type"].endswith("http.response.start"):
            kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in ours]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return sent


async def refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answers a request or websocket that is not passed on."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.reason[:120]})
        return
    headers = Headers(scope)
    if refusal.may_sign_in and _wants_page(scope, headers):
        await _lead_to_sign_in(scope, send, headers)
        return
    kind, body = _body_of(scope, refusal)
    prefix = "websocket.http" if scope["type"] == "websocket" else "http"
    given = [(b"content-type", kind), (b"connection", b"close"), *refusal.headers]
    await answer(send, refusal.status, body, given, prefix=prefix)


async def answer(
    send: Send,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    *,
    prefix: str = "http",
) -> None:
    """A whole answer; what every answer has is added by `hardened`."""
    length = (b"content-length", str(len(body)).encode())
    given = [*headers, length, (b"cache-control", b"no-store")]
    await send({"type": f"{prefix}.response.start", "status": status, "headers": given})
    await send({"type": f"{prefix}.response.body", "body": body})


async def redirect(
    send: Send, target: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Sends a browser to another page here."""
    where = (b"location", quote(target, safe="/?&=%:;,+@!~*'()$#[]-._").encode())
    await answer(send, 303, b"", [where, *(headers or [])])


async def page(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """A page of the guard's own."""
    kind = (b"content-type", b"text/html; charset=utf-8")
    policy = (b"content-security-policy", PAGE_POLICY)
    await answer(send, status, text.encode(), [kind, policy, _REFERRER, *(headers or [])])


def _wants_page(scope: Scope, headers: Headers) -> bool:
    if scope["type"] != "http" or zone_of(scope["path"]).style != "page":
        return False
    if scope["method"] == "POST":
        return headers.kind not in ("application/json", "")
    return is_navigation(scope, headers) or "text/html" in (headers.first("accept") or "")


async def _lead_to_sign_in(scope: Scope, send: Send, headers: Headers) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    here = quote(scope["path"]) + (f"?{query}" if query else "")
    if headers.first("sec-fetch-site") in ("cross-site", "same-site"):
        # A strict cookie does not come along on a link from elsewhere; it does when this page leads on.
        link = html.escape(here, quote=True)
        await page(
            send,
            200,
            f'<!doctype html><meta charset="utf-8"><title>Waybill</title>'
            f'<meta http-equiv="refresh" content="0;url={link}"><p><a href="{link}">Continue</a></p>',
        )
        return
    wanted = here if scope["method"] == "GET" else "/data/"
    await redirect(send, f"/login?next={quote(wanted, safe='')}")


def _body_of(scope: Scope, refusal: Refusal) -> tuple[bytes, bytes]:
    if zone_of(scope["path"]).style == "problem":
        problem = problem_document(
            refusal.status, refusal.reason, hint=refusal.hint, instance=scope["path"]
        )
        return b"application/problem+json", json.dumps(problem, ensure_ascii=False).encode()
    text = f"{refusal.reason}. {refusal.hint}" if refusal.hint else refusal.reason
    if is_graphql(scope["path"]) and scope.get("method") == "POST":
        answer = {"data": None, "errors": [{"message": text}]}  # as Dagster's page expects it
        return b"application/json", json.dumps(answer).encode()
    return b"text/plain; charset=utf-8", f"{refusal.status}: {text}\n".encode()
