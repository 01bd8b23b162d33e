"""Every route that the OpenAPI document names: nobody comes in without a token, the role and the scope."""

from __future__ import annotations

import pytest

from orchestration.services.access import passwords
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.rights import RIGHTS, right_of
from orchestration.services.access.tokens import create_token, revoke_token
from orchestration.services.access.users import add_user
from resources.stores.catalog.database import CatalogDatabase
from tests.served import served

SHELL = Actor("root", via="shell")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
        with served(tmp_path_factory.mktemp("shop"), {}) as found:
            database = CatalogDatabase.open()
            for name, role in {"ada": Role.ADMIN, "vic": Role.VIEWER}.items():
                add_user(database, SHELL, name=name, role=role, password="correct horse battery")
            found.database = database
            yield found


@pytest.fixture(scope="module")
def token(shop):
    """A token of somebody with scopes."""
    made = {}

    def secret(name, *scopes):
        if (name, scopes) not in made:
            alias = f"t{len(made)}"
            made[name, scopes] = create_token(
                shop.database, SHELL, user=name, alias=alias, scopes=scopes
            )
        return made[name, scopes].secret

    return secret


@pytest.fixture(scope="module")
def document(shop, token):
    headers = {"Authorization": f"Bearer {token('ada', *Scope)}"}
    with shop.client(headers=headers) as client:
        return client.get("/api/v1/openapi.json").raise_for_status().json()


def routes(shop, document):
    """(use case, method, address with names that exist)"""
    for path, methods in document["paths"].items():
        place = path.replace("{project}", shop.name).replace("{name}", "orders")
        for parameter in ("user", "alias", "run_id", "upload_id", "query_id", "version"):
            place = place.replace(f"{{{parameter}}}", "vic")
        for method, operation in methods.items():
            yield operation["operationId"], method.upper(), f"/api/v1{place}"


def refused(client, method, address, status, **options):
    """Whether a request is refused with a problem document that says why."""
    answer = client.request(method, address, **options)
    if (
        answer.status_code != status
        or answer.headers["content-type"] != "application/problem+json"
        or (method != "HEAD" and answer.json()["status"] != status)
    ):
        return [f"{method} {address}: {answer.status_code} {answer.text[:200]}"]
    return []


def test_no_route_answers_without_a_token_or_with_one_that_was_revoked(shop, document):
    gone = create_token(shop.database, SHELL, user="ada", alias="gone", scopes=list(Scope))
    revoke_token(shop.database, SHELL, user="ada", alias="gone")
    wrong = []
    with shop.client(headers={"Origin": shop.url}) as client:
        for _, method, address in routes(shop, document):
            wrong += refused(client, method, address, 401)
            headers = {"Authorization": f"Bearer {gone.secret}"}
            wrong += refused(client, method, address, 401, headers=headers)
    assert wrong == []


def test_no_route_answers_without_its_role_and_its_scope(shop, document, token):
    wrong = []
    with shop.client() as client:
        for use_case, method, address in routes(shop, document):
            right = right_of(use_case)
            others = [scope for scope in Scope if scope != right.scope]
            secrets = [token("ada", *others)]
            if right.role is not Role.VIEWER:
                secrets.append(token("vic", *Scope))
            for secret in secrets:
                headers = {"Authorization": f"Bearer {secret}"}
                wrong += refused(client, method, address, 403, headers=headers)
    assert wrong == []


def test_every_route_is_a_use_case_with_a_right(shop, document):
    assert {use_case for use_case, _, _ in routes(shop, document)} <= set(RIGHTS)
