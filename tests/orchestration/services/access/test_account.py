"""The own password: whoever guesses the current one is slowed, together with guesses at the sign-in."""

import asyncio
from contextlib import nullcontext

import pytest

from orchestration.server.guard import Guard, GuardRules
from orchestration.services.access import passwords
from orchestration.services.access.account import change_own_password
from orchestration.services.access.actor import Actor, Role
from orchestration.services.access.directory import Directory
from orchestration.services.access.throttle import TRIES
from orchestration.services.access.users import add_user
from orchestration.services.access.visits import actor_of, guess_of, session_of
from resources.kernel.errors import ForbiddenError, TooManyTriesError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import sqlite_config
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import PASSWORD, PORT, SHELL, Browser

NEW = "another horse battery"


class Account:
    """An application that changes the password of whoever asks."""

    def __init__(self, database):
        self.database = database
        self.seen = []

    async def __call__(self, scope, receive, send):
        class Request:
            pass

        request = Request()
        request.scope = scope
        current = (await receive())["body"].decode()
        try:
            await asyncio.to_thread(
                change_own_password,
                self.database,
                actor_of(request),
                current=current,
                password=NEW,
                session=session_of(request),
                guess=guess_of(request),
            )
            self.seen.append("changed")
        except ForbiddenError as error:
            self.seen.append(type(error))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def account(tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
    database = CatalogDatabase(sqlite_config(tmp_path / "catalog.sqlite"))
    for name in ("ada", "olga"):
        add_user(database, SHELL, name=name, role=Role.ADMIN, password=PASSWORD)
    return Account(database)


@pytest.fixture
def guard(account):
    rules = GuardRules(PORT, failed_login_seconds=0)
    return Guard(account, rules, Directory(account.database))


def change(guard, browser, current: str, client=("127.0.0.1", 50000)):
    headers = {"cookie": browser.cookie, "content-type": "application/json"}
    ask(guard, "PUT", "/api/v1/me/password", headers=headers, body=current.encode(), client=client)


def test_after_ten_wrong_ones_not_even_the_right_one_is_looked_at(guard, account):
    browser = Browser(guard)
    browser.sign_in("ada")
    for _ in range(TRIES + 3):
        change(guard, browser, "wrong")
    assert account.seen == [ForbiddenError] * TRIES + [TooManyTriesError] * 3
    change(guard, browser, PASSWORD, client=("192.0.2.7", 1))  # counted by the user as well
    assert account.seen[-1] is TooManyTriesError
    assert Browser(guard, client=("192.0.2.7", 1)).sign_in("ada").status == 429
    assert Browser(guard, client=("192.0.2.7", 1)).sign_in("olga").status == 303


def test_right_ones_use_up_nothing(guard, account):
    browser = Browser(guard)
    browser.sign_in("ada")
    change(guard, browser, PASSWORD)
    for _ in range(TRIES):
        change(guard, browser, NEW)
    assert account.seen == ["changed"] * (TRIES + 1)


def test_who_came_in_otherwise_changes_none(account):
    with pytest.raises(ForbiddenError, match="signed in with it"):
        change_own_password(
            account.database,
            Actor("ada", via="token"),
            current=PASSWORD,
            password=NEW,
            session="",
            guess=nullcontext(),
        )
