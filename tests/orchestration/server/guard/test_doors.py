"""Who comes in: nobody without a name once there are users, and nobody with what was revoked."""

import base64
from datetime import timedelta

import pytest

from orchestration.server.settings import PublicAddress
from orchestration.services.access import directory, tokens
from orchestration.services.access.actor import Role, Scope
from orchestration.services.access.shell import own_name
from orchestration.services.access.throttle import TRIES
from orchestration.services.access.tokens import create_token, revoke_token
from orchestration.services.access.users import remove_user, set_disabled, set_role
from resources.stores.catalog.access import records
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import SHELL, Browser, bearer

JSON = {"content-type": "application/json"}
PUBLIC = PublicAddress("waybill.example.com", "https://waybill.example.com")
AT_PROXY = {"host": PUBLIC.host}
EVERYWHERE = [
    ("GET", "/"),
    ("GET", "/runs/1"),
    ("POST", "/graphql"),
    ("GET", "/logs/1/2/err"),
    ("GET", "/download_debug/1"),
    ("POST", "/report_asset_materialization/a"),
    ("GET", "/favicon.png"),
    ("GET", "/data/"),
    ("POST", "/data/shop/datasets"),
    ("GET", "/api/v1/projects"),
    ("DELETE", "/api/v1/projects/shop/datasets/a"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/metrics"),
]


def basic(text):
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_without_users_the_only_user_of_the_machine_is_an_admin(make_guard, inner, database):
    assert ask(make_guard()).status == 200
    (actor,) = inner.actors
    assert (actor.name, actor.role, actor.via) == (own_name(), Role.ADMIN, "local")
    assert not database.exists()  # a look makes no catalog


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
@pytest.mark.parametrize(
    "headers",
    [{}, bearer("waybill_nonsense"), bearer(""), basic("ada:correct horse battery"), {"cookie": "waybill-3000=x.y"}],
    ids=["nothing", "unknown token", "empty token", "basic", "cookie"],
)  # fmt: skip
def test_with_users_nobody_comes_in_without_a_name(guard, inner, method, path, headers):
    answer = ask(guard, method, path, headers=JSON | headers, body=b"{}")
    assert answer.status == 401
    assert inner.actors == []
    assert "Basic" not in str(answer.header("www-authenticate"))


def test_with_users_no_websocket_is_opened_without_a_name(guard, inner):
    answer = ask(guard, path="/graphql", kind="websocket")
    assert [message["type"] for message in answer.messages] == ["websocket.close"]
    assert inner.actors == []


def test_an_answer_to_a_program_is_a_problem_document(guard):
    answer = ask(guard, path="/api/v1/projects")
    assert answer.header("content-type") == ["application/problem+json"]
    assert answer.header("www-authenticate") == ['Bearer realm="Waybill"']
    assert b'"status": 401' in answer.body


def test_a_token_opens_until_it_is_revoked(guard, inner, people, token_of):
    headers = bearer(token_of("olga"))
    assert ask(guard, path="/api/v1/x", headers=headers).status == 200
    actor = inner.actors[0]
    assert (actor.name, actor.user, actor.role) == ("olga (token t)", "olga", Role.OPERATOR)
    assert (actor.via, actor.scopes) == ("token", frozenset(Scope))
    revoke_token(people, SHELL, user="olga", alias="t")
    assert ask(guard, path="/api/v1/x", headers=headers).status == 401


def test_an_expired_token_is_worth_nothing(guard, people, monkeypatch):
    made = create_token(people, SHELL, user="ada", alias="t", scopes=[Scope.READ], days=1)
    assert ask(guard, headers=bearer(made.secret)).status == 200
    later = records.now() + timedelta(days=1)
    monkeypatch.setattr(directory, "now", lambda: later)
    assert ask(guard, headers=bearer(made.secret)).status == 401


@pytest.mark.parametrize("shut_out", [
    lambda people: set_disabled(people, SHELL, name="olga", is_disabled=True),
    lambda people: remove_user(people, SHELL, name="olga"),
], ids=["disabled", "removed"])  # fmt: skip
def test_who_is_shut_out_is_so_in_every_way(guard, people, token_of, shut_out):
    browser, headers = Browser(guard), bearer(token_of("olga"))
    browser.sign_in("olga")
    assert browser.get("/").status == 200
    shut_out(people)
    assert browser.get("/").status == 303
    assert ask(guard, headers=headers).status == 401


def test_another_role_counts_from_the_next_request_on(guard, inner, people, token_of):
    headers = bearer(token_of("olga"))
    ask(guard, headers=headers)
    set_role(people, SHELL, name="olga", role=Role.VIEWER)
    ask(guard, headers=headers)
    assert [actor.role for actor in inner.actors] == [Role.OPERATOR, Role.VIEWER]


def test_the_password_of_the_server_goes_on_working(people, make_guard, inner):
    app = make_guard(password="right")
    assert ask(app, headers=basic("anybody:right")).status == 200
    assert (inner.actors[0].role, inner.actors[0].via) == (Role.ADMIN, "password")
    assert ask(app, headers=basic("anybody:wrong")).status == 401


def test_read_only_makes_everybody_a_viewer(people, make_guard, inner, token_of):
    app = make_guard(is_read_only=True, password="right")
    ask(app, headers=bearer(token_of("ada")))
    ask(app, headers=basic("x:right"))
    assert [actor.role for actor in inner.actors] == [Role.VIEWER] * 2
    assert ask(app, "POST", "/report_asset_check/a", headers=JSON | basic("x:right")).status == 403


def test_the_supervisor_may_ask_and_nothing_else(people, make_guard, inner):
    app = make_guard(probe="secret")
    query = {**JSON, **bearer("secret")}
    assert ask(app, "POST", "/graphql", headers=query, body=b'{"query": "{version}"}').status == 200
    mutation = b'{"query": "mutation { terminateRun(runId: 1) { __typename } }"}'
    assert ask(app, "POST", "/graphql", headers=query, body=mutation).status == 403


def test_at_the_public_address_somebody_has_to_sign_in_even_without_users(make_guard, inner):
    app = make_guard(public=PUBLIC)
    assert ask(app, headers=AT_PROXY).status == 401
    assert ask(app).status == 401  # a proxy that sends the host of loopback would come in so
    assert inner.actors == []


def test_the_address_that_the_proxy_saw_counts_only_where_it_is_the_proxy(people, make_guard, inner, token_of):  # fmt: skip
    app = make_guard(public=PUBLIC)
    headers = {**bearer(token_of("ada")), "x-forwarded-for": "1.2.3.4, 203.0.113.9"}
    ask(app, headers=headers | AT_PROXY)
    ask(app, headers=headers)
    ask(app, headers=headers | AT_PROXY, client=("198.51.100.7", 1))
    ask(app, headers=headers | AT_PROXY | {"x-forwarded-for": "<script>"})
    found = [actor.address for actor in inner.actors]
    assert found == ["203.0.113.9", "127.0.0.1", "198.51.100.7", "127.0.0.1"]


def test_a_forged_address_brings_no_new_tries(make_guard):
    app = make_guard(password="right")
    answers = [
        ask(app, headers=basic("x:wrong") | {"x-forwarded-for": f"203.0.113.{n}"}, client=("127.0.0.1", n)).status
        for n in range(1, TRIES + 3)
    ]  # fmt: skip
    assert answers[TRIES:] == [429, 429]


def test_a_catalog_that_does_not_answer_lets_nobody_in(make_guard, database, inner):
    database.config.path.write_bytes(b"no database at all" * 100)
    assert ask(make_guard()).status == 503
    assert inner.actors == []


def test_last_use_of_a_token_is_noted(guard, people, token_of):
    headers = bearer(token_of("ada"))
    assert tokens.list_tokens(people)[0].used_at is None
    ask(guard, headers=headers)
    while tokens.list_tokens(people)[0].used_at is None:
        pass
