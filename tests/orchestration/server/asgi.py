"""Asks an ASGI application without a server: what comes back is what a client would see."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class Answer:
    """Status, headers and body; for a websocket the messages that the application sent."""

    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    messages: list[dict] = field(default_factory=list)

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value.decode() for key, value in self.headers if key == name.encode()]


def ask(
    app,
    method="GET",
    path="/",
    *,
    headers=None,
    body=b"",
    chunks=None,
    query=b"",
    kind="http",
    client=("127.0.0.1", 50000),
    texts=(),
):
    """One request; `chunks` sends the body in several messages, `texts` are those of a websocket."""
    scope = _scope(kind, method, path, query, headers or {}) | {"client": client}
    parts = list(chunks or [body])
    inbox = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    if kind == "websocket":
        del scope["method"]
        said = [{"type": "websocket.receive", "text": text} for text in texts]
        inbox = [{"type": "websocket.connect"}, *said]
    answer = Answer()

    async def receive():
        return inbox.pop(0) if inbox else {"type": f"{kind}.disconnect", "code": 1000}

    async def send(message):
        answer.messages.append(dict(message))
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    asyncio.run(app(scope, receive, send))
    return answer


def _scope(kind, method, path, query, headers):
    given = {"host": "127.0.0.1:3000", **headers}
    return {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 3000),
        "subprotocols": ["graphql-ws"],
        "headers": [(k.encode(), v.encode()) for k, v in given.items() if v is not None],
    }
