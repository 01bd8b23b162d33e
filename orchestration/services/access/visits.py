"""What the guard tells the application about a request: who asks, and the token that forms of the answer carry."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from orchestration.services.access.actor import Actor

ACTOR = "actor"
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
FORM_FIELD = "form_token"
"""What the hidden field is called; it is the first of its form, so that it is known before a file comes in."""

SESSION = "session"
GUESS = "guess"
ROUTE = "route"


class Request(Protocol):
    """A request of Starlette's, as far as it is looked at."""

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """ASGI's."""


def actor_of(request: Request) -> Actor:
    """Who asks. Only the guard says so."""
    actor = request.scope["state"][ACTOR]
    if not isinstance(actor, Actor):
        raise TypeError("the guard has not seen this request")
    return actor


def form_token(request: Request) -> str:
    """What each form of a page carries in `form_token`, or a script in the header `X-Form-Token`."""
    return str(request.scope["state"][FORM_TOKEN])


def note_route(request: Request, path: str) -> None:
    """Says which route answers, by its template, for the request counters."""
    request.scope["state"][ROUTE] = path


def session_of(request: Request) -> str:
    """The secret of the session of the request; empty for another way in."""
    return str(request.scope["state"].get(SESSION, ""))


def guess_of(request: Request) -> AbstractContextManager[None]:
    """One try of the own password by whoever asks: wrong ones are counted together with those at the sign-in."""
    found: AbstractContextManager[None] = request.scope["state"][GUESS]()
    return found
