"""Definitions over HTTP: made, changed and deleted by JSON, judged in the code location's process, read anew at once."""

import json

import pytest

from orchestration.services.access.audit import list_entries
from resources.stores.catalog.access.records import LogFilter
from resources.stores.catalog.database import CatalogDatabase
from tests.served import served

LAKE = """\
# Where files come from.
type: resources.FolderConnector
attributes:
  name: lake      # ours
  root: lake
---
type: assets.Datasource
attributes:
  name: files
  connector: lake
  path: "*.csv"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    variables = {"SHOP_PASSWORD": "canary-7719"}
    with served(
        tmp_path_factory.mktemp("shop"), {"lake/defs.yaml": LAKE}, variables=variables
    ) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client() as found:
        yield found


def test_a_definition_is_made_seen_changed_and_deleted(shop, client):
    base = f"{shop.api}/definitions/connectors"
    attributes = {
        "host": "db.example.com", "database": "dwh", "username": "u", "password": {"env": "SHOP_PASSWORD"}
    }  # fmt: skip
    given = {"name": "warehouse", "type": "postgresql", "attributes": attributes}
    planned = client.post(base, params={"dry_run": True}, json=given)
    assert planned.status_code == 200
    assert not (shop.defs / "connectors").exists()
    made = client.post(base, json=given)
    assert made.status_code == 200, made.text
    assert made.json()["is_written"]
    file = shop.defs / "connectors" / "warehouse" / "defs.yaml"
    assert "password: {env: SHOP_PASSWORD}" in file.read_text()
    # The project was read anew before the answer: everybody sees it.
    form = client.get(f"{base}/warehouse").json()
    fields = {field["name"]: field for field in form["fields"]}
    assert fields["host"]["value"] == "db.example.com"
    assert fields["password"]["value"] == "SHOP_PASSWORD"
    assert fields["password"]["note"] == "is set here"
    # What others changed meanwhile is a conflict.
    edit = {"attributes": {"port": 5433}, "unset": ["database"]}
    wrong = client.patch(f"{base}/warehouse", json=edit)
    assert wrong.status_code == 422
    assert wrong.json()["facts"]["errors"] == [
        {"pointer": "/attributes/database", "reason": "this is needed"}
    ]
    edit["unset"] = []
    assert client.patch(f"{base}/warehouse", json=edit).status_code == 200
    late = client.patch(f"{base}/warehouse", json=edit, headers={"If-Match": f'"{form["revision"]}"'})  # fmt: skip
    assert late.status_code == 409
    none = client.patch(f"{base}/warehouse", json=edit, headers={"If-Match": '""'})
    assert none.status_code == 409
    assert "port: 5433" in late.json()["facts"]["current"]
    assert client.delete(f"{base}/warehouse").status_code == 200
    assert not (shop.defs / "connectors").exists()
    told = "".join(answer.text for answer in (planned, made, wrong, late)) + json.dumps(form)
    assert "canary" not in told
    noted = list_entries(CatalogDatabase.open(), LogFilter())
    assert [entry.action for entry in noted if entry.outcome == "done"] == [
        "connector.delete", "connector.edit", "connector.create",
    ]  # fmt: skip
    assert "host: db.example.com" in noted[-1].after
    assert "canary" not in repr(noted)


def test_what_is_in_use_stays_and_names_its_users(shop, client):
    answer = client.delete(f"{shop.api}/definitions/connectors/lake")
    assert answer.status_code == 409
    assert answer.json()["facts"]["users"][0].startswith("Data source 'files'")
    assert (shop.defs / "lake" / "defs.yaml").read_text() == LAKE


WRONG = {
    "a literal secret": ("connectors", "postgresql", {"host": "h", "database": "d", "username": "u", "password": "canary-1"}, "/attributes/password"),
    "a template": ("connectors", "folder", {"root": "{{ env.SHOP_PASSWORD }}"}, "/attributes/root"),
    "a template in a key": ("datasets", "", {"datasource": "files", "tags": {"{{ env.HOME }}": "x"}}, "/attributes/tags"),
    "an unknown attribute": ("datasets", "", {"datasource": "files", "colour": 1}, "/attributes/colour"),
    "a wrong kind": ("datasets", "", {"datasource": "files", "checks": 7}, "/attributes/checks"),
    "a name with a path": ("datasets", "", {"datasource": "files", "name": "../x"}, "/name"),
    "a wrong name within": ("pipelines", "", {"assets": ["datasets/nobody"]}, "/attributes/assets"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_with_a_pointer_and_nothing_is_written(shop, client, case):
    path, kind, attributes, pointer = WRONG[case]
    name = attributes.pop("name", "wrong")
    given = {"name": name, "type": kind, "attributes": attributes}
    answer = client.post(f"{shop.api}/definitions/{path}", json=given)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["facts"]["errors"]]
    assert "canary" not in answer.text
    assert [str(p.relative_to(shop.defs)) for p in shop.defs.rglob("*.yaml")] == ["lake/defs.yaml"]


def test_types_and_fields_are_told(shop, client):
    asked = client.get(f"{shop.api}/definitions/connectors/-/new").json()
    assert {"PostgreSQL", "Amazon S3", "Folder"} <= {choice["title"] for choice in asked["choices"]}
    assert asked["form"] is None
    form = client.get(f"{shop.api}/definitions/datasources/-/new").json()["form"]
    (connector,) = [one for one in form["fields"] if one["name"] == "connector"]
    assert connector["choices"] == ["lake"]
    assert client.get(f"{shop.api}/definitions/connectors/nobody").status_code == 404
    unknown = client.get(f"{shop.api}/definitions/connectors/-/new", params={"type": "os.path"})
    assert unknown.status_code == 404


def test_read_only_refuses(shop, client, monkeypatch):
    # The variable is read by the process that answers, which was started without it.
    monkeypatch.setenv("WAYBILL_READ_ONLY", "1")
    shop.reload()
    try:
        answer = client.delete(f"{shop.api}/definitions/datasources/files")
        assert answer.status_code == 403
        assert "read only" in answer.json()["detail"]
    finally:
        monkeypatch.delenv("WAYBILL_READ_ONLY")
        shop.reload()
