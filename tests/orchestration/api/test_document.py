"""Every route that the OpenAPI document names: what is asked at random breaks nothing."""

from __future__ import annotations

import json
import time

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import engine
from schemathesis.generation.modes import GenerationMode

from orchestration.services.access import passwords
from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.access.tokens import create_token
from orchestration.services.access.users import add_user
from resources.stores.catalog.database import CatalogDatabase
from tests.served import served

SHELL = Actor("root", via="shell")
YAML = """
type: resources.FolderConnector
attributes: {name: things, root: inbox}
---
type: assets.Datasource
attributes: {name: files, connector: things, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: files, refresh: manual}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select sum(amount) as total from orders", refresh: manual}
---
type: resources.SqlConnector
attributes: {name: warehouse, dialect: sqlite, path: w.sqlite}
---
type: assets.Exporter
attributes: {name: orders_out, dataset: orders, connector: warehouse, table: orders, mode: overwrite}
"""
KNOWN = ["orders", "totals", "files", "things", "warehouse", "orders_out"]
EXAMPLES = 2
VAIN_TRIES = 40
"""Until a route is taken for one that nothing can be asked against; others need a dozen, and Hypothesis would try 458 times."""
STARTS_WORK = {
    "dataset.refresh": "a run takes seconds of a processor",
    "dataset.export": "as above",
    "exporter.run": "as above",
    "pipeline.run": "as above",
}
"""Asked for names at random alone, which start nothing; the tests of each noun start the work."""
LEFT_OUT = {
    "upload.send": "its body is no document but a piece of a file: tests/orchestration/api/test_uploads.py"
}
ONE_OF_MANY = "connector"
"""All nouns have the same routes for definitions; the others are asked a few times only."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
        patch.setattr(engine, "INVALID_THRESHOLD_BASE", VAIN_TRIES)
        folder = tmp_path_factory.mktemp("shop")
        inbox = folder / "home" / "inbox"
        inbox.mkdir(parents=True)
        (inbox / "1.csv").write_text("id,amount\n1,2.5\n")
        with served(folder, {"things/defs.yaml": YAML}) as found:
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


def is_one_of_many(use_case, path):
    return "/definitions/" in path and not use_case.startswith(f"{ONE_OF_MANY}.")


def asked_at_random(shop, operation, use_case, headers, tell):
    """Asks one route: as the document says, and against it."""
    few = 1 if is_one_of_many(use_case, operation.path) else EXAMPLES
    names = st.none() if use_case in STARTS_WORK else st.none() | st.sampled_from(KNOWN)

    def ask(case, name):
        places = case.path_parameters or {}
        if "project" in places:
            places["project"] = shop.name
        if "name" in places and name is not None:
            places["name"] = name
        answer = case.call(headers=headers, timeout=60)
        while answer.status_code == 429:
            time.sleep(0.2)
            answer = case.call(headers=headers, timeout=60)
        tell(case, answer)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        rules = settings(
            max_examples=few,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        try:
            rules(given(operation.as_strategy(mode), names)(ask))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # a route that takes nothing


@pytest.mark.timeout(900)
def test_what_is_asked_at_random_is_never_a_server_error(shop, document, token):
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"{shop.url}/api/v1")
    headers = {"Authorization": f"Bearer {token('ada', *Scope)}"}
    broken, statuses, seen = {}, {}, set()

    def tell(case, answer):
        use_case = case.operation.definition.raw["operationId"]
        seen.add(use_case)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code >= 500:
            broken.setdefault(use_case, f"{case.as_curl_command()}: {answer.text[:300]}")

    for found in schema.get_all_operations():
        operation = found.ok()
        use_case = operation.definition.raw["operationId"]
        if use_case not in LEFT_OUT:
            asked_at_random(shop, operation, use_case, headers, tell)
    assert json.dumps(broken, indent=1) == "{}"
    assert seen == {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    } - set(LEFT_OUT)
    assert statuses[200] > 50
    with httpx.Client(headers=headers) as client:
        assert client.get(f"{shop.api}/datasets").status_code == 200
