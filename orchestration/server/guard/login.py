"""The pages for signing in and out: plain forms that work without JavaScript, in the look of the data section."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import jinja2

from orchestration.server.guard.answers import page, redirect, refuse
from orchestration.server.guard.asgi import Headers, Receive, Refusal, Scope, Send
from orchestration.server.guard.bodies import read_whole
from orchestration.server.guard.doors import Doors, Visit
from orchestration.server.guard.forms import field_of
from orchestration.server.guard.rules import GuardRules
from orchestration.services.access.directory import Directory
from orchestration.services.access.sessions import sign_in, sign_out
from orchestration.services.access.throttle import Client, Guesses
from resources.kernel.errors import ForbiddenError, TooManyTriesError

PATHS = ("/login", "/logout")
START = "/data/"
_AT_ONCE = 2
"""How many passwords are hashed side by side, with 32 MB each."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} - Waybill</title>
<link rel="stylesheet" href="/data/static/section.css">
<link rel="icon" href="/data/static/icon.svg" type="image/svg+xml">
</head>
<body>
<header class="top"><span class="brand"><img src="/data/static/icon.svg" alt="" width="20" height="20"> Waybill</span></header>
<main id="content" class="narrow">
<h1>{{ title }}</h1>
{% if problem %}<div class="banner bad" role="alert">{{ problem }}</div>{% endif %}
{% if not form %}
<p>{{ text }}</p>
{% elif form == "in" %}
<form method="post" action="/login" class="card">
<input type="hidden" name="next" value="{{ next }}">
<div class="field"><label for="name">Name</label>
<input id="name" name="name" value="{{ name }}" autocomplete="username" autocapitalize="none"
 spellcheck="false" maxlength="64" required{% if not name %} autofocus{% endif %}></div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="500"
 required{% if name %} autofocus{% endif %}></div>
<p><button type="submit" class="main">Sign in</button></p>
</form>
{% else %}
<form method="post" action="/logout" class="card">
<input type="hidden" name="form_token" value="{{ token }}">
<p>You are signed in as {{ name }}.</p>
<p><button type="submit" class="main">Sign out</button> <a href="/data/">Stay</a></p>
</form>
{% endif %}
</main>
</body>
</html>
"""
_TEMPLATE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_PAGE)

_EMPTY = {
    "title": "Sign in", "form": "in", "text": "", "problem": "", "name": "", "next": START, "token": "",
}  # fmt: skip


class SignIn:
    """Answers `/login` and `/logout`.

    Args:
        rules: what the server was started with.
        directory: its users; None where it has none at all.
        doors: how people come in.
        guesses: slows them down.
    """

    def __init__(
        self, rules: GuardRules, directory: Directory | None, doors: Doors, guesses: Guesses
    ) -> None:
        self._rules = rules
        self._directory = directory
        self._doors = doors
        self._guesses = guesses
        self._hashing = asyncio.Semaphore(_AT_ONCE)

    async def answer_login(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The form, or what becomes of it."""
        headers = Headers(scope)
        if scope["method"] == "POST":
            body = await read_whole(receive, self._rules.body_seconds)
            if isinstance(body, Refusal):
                await refuse(scope, send, body)
            else:
                await self._sign_in(scope, send, headers, body)
            return
        wanted = safe_target(field_of(scope.get("query_string", b""), "next"))
        if isinstance(await self._doors.enter(scope), Visit):
            await redirect(send, wanted)
        elif await self._doors.has_users():
            await _show(send, 200, next=wanted)
        else:
            text = "No user is defined yet. Make the first one at a shell of the server: waybill user add NAME --role admin"
            await _show(send, 200, form="", text=text)

    async def answer_logout(self, scope: Scope, send: Send, visit: Visit, token: str) -> None:
        """A page that asks, or the end of the session; its form was checked before."""
        if not visit.session:
            text = "You came in without signing in, so there is nothing to sign out of."
            await _show(send, 200, title="Sign out", form="", text=text)
        elif scope["method"] == "POST" and self._directory is not None:
            await asyncio.to_thread(sign_out, self._directory.database, visit.actor, visit.session)
            await redirect(send, "/login", [self._doors.cookie.clear(Headers(scope))])
        else:
            await _show(send, 200, title="Sign out", form="out", name=visit.actor.user, token=token)

    async def _sign_in(self, scope: Scope, send: Send, headers: Headers, body: bytes) -> None:
        wanted = safe_target(field_of(body, "next"))
        name, password = field_of(body, "name").strip(), field_of(body, "password")
        client = self._doors.client_of(scope, headers)
        try:
            with self._guesses.one(client, name):
                secret = await self._begin(name, password, client, self._doors.cookie.read(headers))
        except TooManyTriesError as error:
            await _show_wait(send, error.wait_seconds, name=name, next=wanted)
            return
        except ForbiddenError:
            await asyncio.sleep(self._rules.failed_login_seconds)
            text = "Name or password is wrong."
            await _show(send, 401, name=name, next=wanted, problem=text)
            return
        await redirect(send, wanted, [self._doors.cookie.write(headers, secret)])

    async def _begin(self, name: str, password: str, client: Client, had: list[str]) -> str:
        if self._directory is None:
            raise ForbiddenError("no one can sign in without users")
        address = "" if client is None else client[0]
        async with self._hashing:
            session = await asyncio.to_thread(
                sign_in,
                self._directory.database,
                name=name,
                password=password,
                address=address,
                replaced=had[0] if had else "",
            )
        return session.secret


def safe_target(wanted: str) -> str:
    """Where to go after signing in: a path of this server, whatever the address said."""
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return START
    if not all(character.isprintable() for character in wanted):
        return START
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return START
    is_loop = parts.path.rstrip("/") in PATHS
    return START if parts.scheme or parts.netloc or is_loop or len(wanted) > 2_000 else wanted


async def _show(send: Send, status: int, **values: str) -> None:
    await page(send, status, _TEMPLATE.render(_EMPTY | values))


async def _show_wait(send: Send, seconds: int, **values: str) -> None:
    text = f"Too many tries. Wait {seconds} seconds, then try again."
    shown = _TEMPLATE.render(_EMPTY | values | {"problem": text})
    await page(send, 429, shown, [(b"retry-after", str(seconds).encode())])
