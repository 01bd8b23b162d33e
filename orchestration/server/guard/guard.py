"""The guard itself: each request and websocket on its way from the network to the application that answers it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect

from orchestration.server.guard.answers import hardened, refuse
from orchestration.server.guard.asgi import (
    SAFE_METHODS,
    App,
    Headers,
    Message,
    Receive,
    Refusal,
    Scope,
    Send,
)
from orchestration.server.guard.bodies import StreamedBody, read_whole, replay
from orchestration.server.guard.doors import Doors, Visit
from orchestration.server.guard.forms import HEADER, FormTokens, field_of, first_field_of
from orchestration.server.guard.graphql import Operation, read_operation
from orchestration.server.guard.json_bodies import check_json
from orchestration.server.guard.lasting import run_while
from orchestration.server.guard.limits import Rates, UploadSlots
from orchestration.server.guard.lingering import Lingering
from orchestration.server.guard.login import SignIn
from orchestration.server.guard.record import Recorder
from orchestration.server.guard.rules import GuardRules
from orchestration.server.guard.sockets import GuardedSocket
from orchestration.server.guard.zones import Body, Zone, is_graphql, is_open, zone_of
from orchestration.services.access.actor import Actor
from orchestration.services.access.directory import Directory
from orchestration.services.access.rights import LOOK, Right, check_right, right_of
from orchestration.services.access.throttle import Guesses, Throttle
from orchestration.services.access.visits import ACTOR, FORM_FIELD, FORM_TOKEN, GUESS, SESSION
from resources.kernel.errors import ForbiddenError

_BEHIND_FORMS = ("/data", "/logout")
"""Where a form has to carry a token."""

_FORM_KINDS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class _Request:
    """A request that is allowed as far as can be seen before its body is read."""

    scope: Scope
    headers: Headers
    zone: Zone
    visit: Visit
    binding: str

    @property
    def actor(self) -> Actor:
        return self.visit.actor

    @property
    def is_streamed(self) -> bool:
        """Whether its body is passed on as it comes in."""
        is_read = self.scope["method"] in SAFE_METHODS
        return not is_read and self.zone.body_of(self.headers) is Body.STREAMED


class Guard:
    """ASGI middleware: `Guard(app, rules)` passes on what may come and hardens every answer.

    Args:
        app: what answers; it finds who asks in `scope["state"]`, see `orchestration.services.access.visits`.
        rules: what the server was started with.
        directory: users, tokens and sessions; None where there are none at all.
    """

    def __init__(self, app: App, rules: GuardRules, directory: Directory | None = None) -> None:
        self._app = app
        self._rules = rules
        throttle = Throttle()
        self._doors = Doors(rules, directory, throttle)
        self._guesses = Guesses(throttle)
        self._sign_in = SignIn(rules, directory, self._doors, self._guesses)
        self._forms = FormTokens(rules.key)
        self._rates = Rates(rules.requests_a_second)
        self._uploads = UploadSlots(rules.uploads_at_once)
        self._recorder = Recorder(None if directory is None else directory.database)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks, then hands over; `lifespan` goes straight through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope)
        if scope["type"] == "http":
            line = Lingering(headers, receive, send)
            receive, send = line.receive, line.send
        send = hardened(send, is_public=self._rules.is_public(headers))
        refusal = self._rules.check_place(scope)
        if refusal is not None:
            await refuse(scope, send, refusal)
        elif is_open(scope):
            await self._app(scope, replay(b"", receive), send)
        elif scope["path"] == "/login" and scope["type"] == "http":
            await self._answer_login(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer_login(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope)
        refusal = zone_of("/login").check(
            scope, headers, upload_limit=0
        ) or self._rules.check_cause(scope, headers)
        if refusal is not None:
            await refuse(scope, send, refusal)
        else:
            await self._sign_in.answer_login(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = await self._doors.enter(scope)
        if isinstance(visit, Refusal):
            if visit.status == 401 and not visit.may_sign_in:
                await asyncio.sleep(self._rules.failed_login_seconds)
            await refuse(scope, send, visit)
            return
        request = self._request(scope, visit)
        refusal = self._check(request)
        if refusal is not None:
            await refuse(scope, send, refusal)
        elif scope["type"] == "websocket":
            socket = GuardedSocket(
                self._app, visit, self._doors.is_welcome, self._recorder.note_refused
            )
            await socket.run(scope, receive, send)
        else:
            await self._pass_while_welcome(request, receive, _Answered(send))

    async def _pass_while_welcome(
        self, request: _Request, receive: Receive, answered: _Answered
    ) -> None:
        is_whole = await run_while(
            lambda: self._doors.is_welcome(request.visit),
            lambda: answered.has_begun or request.is_streamed,
            self._pass_request(request, receive, answered),
        )
        # Of an answer that has begun, the end is missing: the connection is closed, and no download looks whole.
        if not is_whole and not answered.has_begun:
            text = "whoever sends this was signed out or shut out meanwhile"
            await refuse(request.scope, answered.send, Refusal(401, text))

    def _request(self, scope: Scope, visit: Visit) -> _Request:
        binding = visit.session or f"via {visit.actor.via}"
        state = scope.setdefault("state", {})
        state[ACTOR] = visit.actor
        state[FORM_TOKEN] = self._forms.make(binding)
        state[SESSION] = visit.session
        headers = Headers(scope)
        client = self._doors.client_of(scope, headers)
        state[GUESS] = lambda: self._guesses.one(client, visit.actor.user)
        return _Request(scope, headers, zone_of(scope["path"]), visit, binding)

    def _check(self, request: _Request) -> Refusal | None:
        scope = request.scope
        if scope["type"] == "websocket":
            if scope["path"] != "/graphql":
                return Refusal(404, "no websocket here")
            return _check_right(request.actor, "dagster.look", LOOK)
        return (
            request.zone.check(scope, request.headers, upload_limit=self._rules.upload_limit_bytes)
            or self._check_cause(request)
            or self._check_metrics(request)
            or _check_route(request)
            or self._check_rate(request)
        )

    def _check_cause(self, request: _Request) -> Refusal | None:
        if request.actor.via == "token":
            return None  # no browser sends one by itself
        return self._rules.check_cause(request.scope, request.headers)

    def _check_metrics(self, request: _Request) -> Refusal | None:
        if request.zone.prefix != "/metrics" or self._rules.has_metrics:
            return None
        return Refusal(404, "there are no figures here", hint="Set WAYBILL_METRICS=1 to have them")

    def _check_rate(self, request: _Request) -> Refusal | None:
        if request.zone.style != "problem":
            return None
        wait = self._rates.take(request.actor.name)
        if not wait:
            return None
        later = (b"retry-after", str(math.ceil(wait)).encode())
        return Refusal(429, "too many requests: wait, then go on", (later,))

    async def _pass_request(self, request: _Request, receive: Receive, answered: _Answered) -> None:
        scope, send = request.scope, answered.send
        if scope["method"] in SAFE_METHODS:
            await self._finish(request, b"", replay(b"", receive), send)
        elif request.is_streamed:
            await self._pass_stream(request, receive, answered)
        else:
            body = await read_whole(receive, self._rules.body_seconds)
            if isinstance(body, Refusal):
                await refuse(scope, send, body)
                return
            refusal = self._check_form(request, lambda: field_of(body, FORM_FIELD))
            if refusal is None and _is_json_of_ours(request):
                refusal = await asyncio.to_thread(check_json, body)
            if refusal is not None:
                await refuse(scope, send, refusal)
                return
            await self._finish(request, body, replay(body, receive), send)

    async def _finish(self, request: _Request, body: bytes, receive: Receive, send: Send) -> None:
        scope = request.scope
        if scope["path"] == "/logout":
            token = scope["state"][FORM_TOKEN]
            await self._sign_in.answer_logout(scope, send, request.visit, token)
        elif scope["method"] == "POST" and request.zone.prefix == "/":
            await self._pass_to_dagster(request, body, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _pass_to_dagster(
        self, request: _Request, body: bytes, receive: Receive, send: Send
    ) -> None:
        """What changes something there is noted: mutations, and reports of assets."""
        scope = request.scope
        operation = Operation(())
        if is_graphql(scope["path"]):
            read = await asyncio.to_thread(read_operation, body)
            refusal = read if isinstance(read, Refusal) else read.check(request.actor)
            if isinstance(read, Operation):
                operation = read
            if refusal is not None:
                await self._recorder.note_refused(request.actor, operation, refusal)
                await refuse(scope, send, refusal)
                return
        await self._recorder.run(self._app, request.actor, operation, scope, receive, send)

    async def _pass_stream(self, request: _Request, receive: Receive, answered: _Answered) -> None:
        scope = request.scope

        async def refuse_now(refusal: Refusal) -> None:
            if not answered.has_begun:
                await refuse(scope, answered.send, refusal)
            answered.is_closed = True

        body = StreamedBody(
            receive,
            limit_bytes=self._rules.upload_limit_bytes,
            grace_seconds=self._rules.body_seconds,
            refuse=refuse_now,
        )
        with self._uploads.one(request.actor.name) as may_begin:
            if not may_begin:
                text = (
                    f"{self._rules.uploads_at_once} uploads are under way: wait until one is done"
                )
                await refuse_now(Refusal(429, text, ((b"retry-after", b"5"),)))
                return
            first = (
                await first_field_of(body, request.headers, FORM_FIELD)
                if _has_form(request)
                else ""
            )
            refusal = self._check_form(request, lambda: first)
            if refusal is not None:
                await refuse_now(refusal)
                return
            try:
                await self._app(scope, body.receive, answered.send)
            except ClientDisconnect:
                if body.refusal is None:
                    raise

    def _check_form(self, request: _Request, field: Callable[[], str]) -> Refusal | None:
        if not _has_form(request):
            return None
        given = request.headers.first(HEADER) or field()
        return self._forms.check(request.binding, given)


class _Answered:
    """An answer as it is sent; nothing more of it goes out once it is closed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False
        self.is_closed = False

    async def send(self, message: Message) -> None:
        if self.is_closed:
            return
        self.has_begun = True
        await self._send(message)


def _has_form(request: _Request) -> bool:
    """Whether it is a form that has to show where it was made."""
    is_form = request.scope["method"] == "POST" and request.headers.kind in _FORM_KINDS
    return is_form and request.zone.prefix in _BEHIND_FORMS and request.actor.via != "token"


def _is_json_of_ours(request: _Request) -> bool:
    """Whether its JSON is read by the API or the pages; GraphQL's is looked at where it is parsed."""
    return request.headers.kind.endswith("json") and request.zone.prefix != "/"


def _check_route(request: _Request) -> Refusal | None:
    """What a part of the address asks for as a whole; the API and the pages ask for more by use case."""
    if request.zone.prefix == "/metrics":
        return _check_right(request.actor, "metrics.show")
    if request.zone.prefix != "/":
        return None
    if request.scope["method"] == "POST" and not is_graphql(request.scope["path"]):
        return _check_right(request.actor, "asset.report")
    return _check_right(request.actor, "dagster.look", LOOK)


def _check_right(actor: Actor, use_case: str, right: Right | None = None) -> Refusal | None:
    try:
        check_right(actor, use_case, right or right_of(use_case))
    except ForbiddenError as error:
        return Refusal(403, error.message, hint=error.hint)
    return None
