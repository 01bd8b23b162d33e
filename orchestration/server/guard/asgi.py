"""Words of ASGI that the guard's modules share: messages, headers, why a request is not passed on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not passed on.

    Args:
        status: of the answer.
        reason: for the client.
        headers: beside the usual ones.
        may_sign_in: whether signing in on the page for it would help.
        hint: what to do about it.
    """

    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    may_sign_in: bool = False
    hint: str = ""


class Headers:
    """A request's headers, names without case, values as text."""

    def __init__(self, scope: Scope) -> None:
        self._items = [
            (k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"]
        ]

    def has(self, name: str) -> bool:
        """Whether the header is there at all."""
        return any(key == name for key, _ in self._items)

    def first(self, name: str) -> str | None:
        """The value, the first where there are several."""
        return next((value for key, value in self._items if key == name), None)

    def all(self, name: str) -> list[str]:
        """Every value."""
        return [value for key, value in self._items if key == name]

    def only(self, name: str) -> str | None:
        """The value, when the header stands there exactly once."""
        values = self.all(name)
        return values[0].strip() if len(values) == 1 else None

    @property
    def kind(self) -> str:
        """The media type of the body, without its parameters; empty when none is named, or several are."""
        return (self.only("content-type") or "").partition(";")[0].strip().lower()

    @property
    def length(self) -> int | None:
        """How many bytes are announced; None when that is not said."""
        text = self.first("content-length") or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    @property
    def may_have_body(self) -> bool:
        """Whether a body may follow."""
        return self.has("transfer-encoding") or self.first("content-length") not in (None, "0")


def is_navigation(scope: Scope, headers: Headers) -> bool:
    """A browser goes to a page here, by a link or by typing its address: it is only shown, and never framed."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.first("sec-fetch-mode") == "navigate"
        and headers.first("sec-fetch-dest") == "document"
    )
