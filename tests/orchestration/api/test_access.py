"""Users, tokens and the audit log over HTTP, as people of each role."""

import csv
import io

import pytest

from orchestration.services.access import passwords
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.tokens import create_token
from orchestration.services.access.users import add_user
from resources.stores.catalog.database import CatalogDatabase
from tests.served import served

SHELL = Actor("root", via="shell")
PASSWORD = "correct horse battery"
PEOPLE = {"ada": Role.ADMIN, "olga": Role.OPERATOR, "vic": Role.VIEWER}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
        with served(tmp_path_factory.mktemp("shop"), {}) as found:
            database = CatalogDatabase.open()
            for name, role in PEOPLE.items():
                add_user(database, SHELL, name=name, role=role, password=PASSWORD)
            found.database = database
            yield found


@pytest.fixture(scope="module")
def person(shop):
    """A client with a token of somebody."""
    made = {}

    def client(name, *scopes):
        wanted = scopes or tuple(Scope)
        if (name, wanted) not in made:
            token = create_token(
                shop.database, SHELL, user=name, alias=f"t{len(made)}", scopes=wanted
            )
            made[name, wanted] = shop.client(headers={"Authorization": f"Bearer {token.secret}"})
        return made[name, wanted]

    yield client
    for found in made.values():
        found.close()


ADMINS = [
    ("GET", "/users", None),
    ("POST", "/users", {"name": "eve", "role": "admin", "password": PASSWORD}),
    ("PUT", "/users/vic/role", {"role": "admin"}),
    ("PUT", "/users/ada/password", {"password": PASSWORD}),
    ("POST", "/users/ada/disable", None),
    ("POST", "/users/ada/enable", None),
    ("DELETE", "/users/ada", None),
    ("GET", "/audit", None),
    ("GET", "/audit.csv", None),
    ("GET", "/audit.jsonl", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINS)
def test_what_is_for_admins_is_refused_to_others(person, method, path, body):
    for name, scopes in (("vic", ()), ("olga", ()), ("ada", (Scope.IMPORT,))):
        answer = person(name, *scopes).request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == 403, name
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()["facts"]) >= {"use_case", "role", "scope"}


def test_nobody_comes_in_without_a_token(shop):
    with shop.client() as client:
        answer = client.get("/api/v1/me")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_who_asks_is_told(person):
    found = person("olga", Scope.READ).get("/api/v1/me").json()
    assert (found["user"], found["role"], found["scopes"], found["via"]) == (
        "olga",
        "operator",
        ["read"],
        "token",
    )


def test_an_admin_makes_changes_and_removes_users(person):
    ada = person("ada")
    made = ada.post("/api/v1/users", json={"name": "bob", "password": PASSWORD})
    assert (made.status_code, made.json()["role"]) == (201, "viewer")
    assert PASSWORD not in made.text
    again = ada.post("/api/v1/users", json={"name": "bob", "password": PASSWORD})
    assert (again.status_code, again.json()["detail"]) == (409, "there is a user 'bob' already")
    assert ada.put("/api/v1/users/bob/role", json={"role": "operator"}).json()["role"] == "operator"
    assert ada.post("/api/v1/users/bob/disable").json()["is_disabled"]
    assert not ada.post("/api/v1/users/bob/enable").json()["is_disabled"]
    assert (
        ada.put("/api/v1/users/bob/password", json={"password": "another one of his"}).status_code
        == 200
    )
    assert ada.delete("/api/v1/users/bob").status_code == 204
    assert ada.delete("/api/v1/users/bob").status_code == 404
    assert [user["name"] for user in ada.get("/api/v1/users").json()] == ["ada", "olga", "vic"]


@pytest.mark.parametrize("body", [
    {"name": "x", "password": "short"}, {"name": "../x", "password": PASSWORD}, {"name": "X", "password": PASSWORD},
    {"name": "x", "role": "root", "password": PASSWORD}, {"name": "x"}, {"name": "x", "password": "y" * 2_000}, [], "x",
])  # fmt: skip
def test_what_is_no_user_is_refused_without_repeating_a_password(person, body):
    answer = person("ada").post("/api/v1/users", json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_a_user_makes_and_revokes_own_tokens_and_no_others(person, shop):
    olga = person("olga")
    made = olga.post(
        "/api/v1/tokens", json={"alias": "nightly job", "scopes": ["read", "import"], "days": 3}
    )
    assert made.status_code == 201
    secret = made.json()["secret"]
    with shop.client(headers={"Authorization": f"Bearer {secret}"}) as nightly:
        assert nightly.get("/api/v1/me").json()["name"] == "olga (token nightly job)"
        assert (
            nightly.post("/api/v1/tokens", json={"alias": "x", "scopes": ["read"]}).status_code
            == 403
        )
        listed = olga.get("/api/v1/tokens")
        assert {token["user"] for token in listed.json()} == {"olga"}
        assert secret not in listed.text
        assert olga.get("/api/v1/tokens", params={"user": "ada"}).status_code == 403
        assert (
            olga.post(
                "/api/v1/tokens", json={"alias": "x", "scopes": ["read"], "user": "ada"}
            ).status_code
            == 403
        )
        assert olga.post("/api/v1/users/ada/tokens/t0/pause").status_code == 403
        own = "/api/v1/users/olga/tokens/nightly%20job"
        assert olga.post(f"{own}/pause").json()["is_paused"]
        assert nightly.get("/api/v1/me").status_code == 401
        assert not olga.post(f"{own}/resume").json()["is_paused"]
        assert nightly.get("/api/v1/me").status_code == 200
        assert olga.delete("/api/v1/users/ada/tokens/t0").status_code == 403
        assert olga.delete("/api/v1/users/olga/tokens/nightly%20job").status_code == 204
        assert nightly.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59-12:00"]
)
def test_a_moment_that_no_calendar_has_in_utc_is_refused(shop, person, moment):
    for path in ("/api/v1/audit", f"{shop.api}/runs", f"{shop.api}/classifications/history"):
        answer = person("ada").get(path, params={"since": moment})
        assert answer.status_code == 422, answer.text
        assert "the year has to be from 2 to 9998" in answer.json()["detail"]


def test_a_moment_without_a_zone_is_one_of_utc(person):
    ada = person("ada")
    last = ada.get("/api/v1/audit", params={"limit": 1}).json()["items"][0]["at"]
    wanted = [last.replace("Z", zone) for zone in ("", "Z", "+00:00")]
    assert wanted[0] != wanted[1]
    for until in wanted:
        found = ada.get("/api/v1/audit", params={"until": until, "limit": 1}).json()["items"]
        assert found[0]["at"] < last


def test_the_log_is_paged_filtered_and_downloaded(person):
    ada = person("ada")
    first = ada.get("/api/v1/audit", params={"limit": 2, "action": "user."}).json()
    second = ada.get(
        "/api/v1/audit", params={"limit": 2, "action": "user.", "cursor": first["next"]}
    ).json()
    ids = [entry["id"] for entry in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4
    for cursor in ("x", "W10", "WyJhIl0", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ"):
        assert ada.get("/api/v1/audit", params={"cursor": cursor}).status_code in (200, 422)
    assert ada.get("/api/v1/audit", params={"cursor": "W3RydWVd"}).status_code == 422
    file = ada.get("/api/v1/audit.csv", params={"action": "user.add"})
    assert file.headers["content-disposition"].startswith('attachment; filename="audit.csv"')
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert {row["action"] for row in rows} == {"user.add"}
    lines = ada.get("/api/v1/audit.jsonl", params={"action": "user.add"}).text.splitlines()
    assert len(lines) == len(rows)


def test_a_password_is_not_changed_with_a_token(person):
    body = {"current": PASSWORD, "password": "another horse battery"}
    assert person("olga").put("/api/v1/me/password", json=body).status_code == 403
