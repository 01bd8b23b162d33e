"""What a dataset's row and page offer, each by its effect: what is stale, embeddings, removal with the definition, and
names that were addresses. One served project with its daemon.
"""

import json
import re

import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from tests.served import served, wait_until

YAML = """
type: resources.FolderConnector
attributes: {name: new, root: inbox}
---
type: assets.Datasource
attributes: {name: orders_files, connector: new, path: "*.csv", settle_seconds: 0}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files, refresh: manual}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select sum(amount) as total from orders", refresh: manual}
---
type: assets.Embedding
attributes: {name: order_map, dataset: orders, refresh: manual}
---
type: assets.MetadataSchema
attributes: {name: site, keys: [{name: look, type: embedding, size: 2}]}
---
type: assets.Collection
attributes: {name: photos, metadata_schema: site, probe: never}
---
type: assets.Dataset
attributes: {name: new, upload: true}
---
type: assets.Dataset
attributes: {name: upload, upload: true}
---
type: assets.Dataset
attributes: {name: summary, upload: true}
"""
PYTHON = """
import dagster as dg
import pandas as pd

@dg.asset(key=["datasets", "by_python"])
def by_python() -> pd.DataFrame:
    return pd.DataFrame({"n": [1]})

@dg.asset(key=["elsewhere", "thing"])
def thing() -> None: ...
"""
NOTES = "type: assets.Dataset\nattributes: {name: notes, upload: true}\n"
FILES = {"shop/defs.yaml": YAML, "uploads/notes/defs.yaml": NOTES, "extra.py": PYTHON}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    inbox = folder / "home" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "1.csv").write_text("id,amount\n1,2\n2,3\n3,5\n")
    with served(folder, FILES, daemon=True) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield client


def run(client, shop, path):
    """Has work done, and waits until it is."""
    answer = client.post(f"{shop.api}{path}")
    assert answer.status_code == 202, answer.text
    ended(client, shop, answer.json()["run_id"])


def ended(client, shop, run_id):
    def state():
        return client.get(f"{shop.api}/runs/{run_id}").json()["summary"]["state"]

    wait_until(lambda: state() in ("done", "failed", "stopped"))
    assert state() == "done"


def stale(client, shop):
    """What each stale dataset is stale by, as the API's overview says it."""
    return {one["name"]: one["why"] for one in client.get(f"{shop.api}/overview").json()["stale"]}


def send(client, shop, path, **fields):
    """Sends a form as its page has it."""
    page = client.get(f"{shop.data}{path}").text
    token = re.search(r'name="form_token" value="([^"]*)"', page)[1]
    return client.post(f"{shop.data}{path}", data={"form_token": token, **fields})


def test_what_is_behind_its_source_or_its_inputs_is_stale(shop, client):
    run(client, shop, "/datasets/orders/refresh")
    run(client, shop, "/datasets/totals/refresh")
    run(client, shop, "/datasources/orders_files/observe")
    wait_until(lambda: stale(client, shop) == {})
    (shop.home.root / "inbox" / "2.csv").write_text("id,amount\n4,7\n")
    run(client, shop, "/datasources/orders_files/observe")
    changed = "data source orders_files has changed since it was imported"
    wait_until(lambda: stale(client, shop) == {"orders": changed})
    page = client.get(f"{shop.data}/").text
    assert changed in page
    assert f'action="{shop.data.removeprefix(shop.url)}/datasets/orders/refresh"' in page
    listed = client.get(f"{shop.data}/datasets?status=stale").text
    assert re.findall(r'<th scope="row"><a href="[^"]+/([a-z_]+)">', listed) == ["orders"]
    assert changed in client.get(f"{shop.data}/datasets/orders").text
    run(client, shop, "/datasets/orders/refresh")
    behind = "orders has version 2, and it was made from version 1"
    wait_until(lambda: stale(client, shop) == {"totals": behind})
    by_hand = CliRunner().invoke(app, ["dataset", "list", "--status", "stale", "--json"])
    assert [(one["name"], one["stale"]) for one in json.loads(by_hand.stdout)] == [
        ("totals", behind)
    ]
    run(client, shop, "/datasets/totals/refresh")
    wait_until(lambda: stale(client, shop) == {})


def test_an_embedding_is_computed_from_the_menu(shop, client):
    listed = client.get(f"{shop.data}/datasets").text
    action = f"{shop.data.removeprefix(shop.url)}/embeddings/order_map/compute"
    assert f'action="{action}"' in listed
    token = re.search(r'name="form_token" value="([^"]*)"', listed)[1]
    answer = client.post(action, data={"form_token": token})
    assert answer.status_code == 303
    run_id = answer.headers["location"].rsplit("/", 1)[1]
    ended(client, shop, run_id)
    made = client.get(f"{shop.api}/runs/{run_id}").json()["made"]
    assert [(one["key"], one["rows"]) for one in made] == [(["embeddings", "order_map"], 4)]
    assert client.post(f"{shop.api}/embeddings/nobody/compute").status_code == 404
    told = client.get(f"{shop.api}/embeddings").json()["items"]
    assert [(one["name"], one["origin"], one["dataset"], one["vectors"]) for one in told] == [
        ("order_map", "rows", "orders", 4),
        ("photos_look", "collection", "photos", None),
    ]
    page = client.get(f"{shop.data}/embeddings/order_map").text
    assert "orders, version 2" in page
    led = client.get("/data/-/assets/embeddings/photos_look")
    assert led.headers["location"] == f"{shop.data.removeprefix(shop.url)}/embeddings/photos_look"
    assert "came with items" in client.get(f"{shop.data}/embeddings/photos_look").text
    listed = client.get(f"{shop.data}/embeddings?q=LOOK").text
    assert ("photos_look" in listed, "order_map" in listed) == (True, False)


def test_a_dataset_without_an_embedding_leads_to_the_form_of_one(shop, client):
    page = client.get(f"{shop.data}/datasets/totals").text
    (link,) = re.findall(r'href="([^"]+/embeddings/-/new[^"]+)"', page)
    form = client.get(link.replace("&amp;", "&")).text
    assert re.search(r'<option value="totals" selected>', form), form
    assert 'value="totals_map"' in form


def test_a_sample_is_the_same_in_the_api_and_at_a_shell(shop, client):
    asked = client.get(f"{shop.api}/datasets/orders/sample", params={"rows": 2, "version": 1})
    rows = asked.json()
    by_hand = ["dataset", "sample", "orders", "--rows", "2", "--version", "1", "--json"]
    printed = json.loads(CliRunner().invoke(app, by_hand).stdout)
    assert rows == {"columns": ["id", "amount"], "rows": [[1, 2], [2, 3]]}
    assert printed == [dict(zip(rows["columns"], row, strict=True)) for row in rows["rows"]]
    assert client.get(f"{shop.api}/datasets/orders/sample?version=9").status_code == 404
    assert client.get(f"{shop.api}/datasets/orders/sample?rows=0").status_code == 422


@pytest.mark.parametrize("path", ["connectors/new", "datasets/new", "datasets/upload"])
def test_what_is_called_like_a_form_has_its_page(shop, client, path):
    noun, _, name = path.partition("/")
    assert f">{name}</h1>" in client.get(f"{shop.data}/{path}").text.replace("\n", "")
    assert f"/{noun}/-/{name}" in client.get(f"{shop.data}/{noun}").text
    form = client.get(f"{shop.data}/{noun}/-/{name}")
    assert form.status_code == 200
    assert f">{name}</h1>" not in form.text
    assert client.get(f"{shop.api}/{path}").json()


def test_what_is_called_like_a_part_of_the_api_is_shown_there(shop, client):
    assert client.get(f"{shop.api}/datasets/summary").json()["summary"]["name"] == "summary"
    assert client.get(f"{shop.api}/datasets/-/summary").json()["total"] == 8
    assert client.get(f"{shop.api}/definitions/connectors/new").json()["name"] == "new"
    assert client.get(f"{shop.data}/datasets/upload/versions").status_code == 200


@pytest.mark.parametrize(
    "path", ["/exporters/new?connector=x", "/transforms/new", "/pipelines/new"]
)
def test_an_old_address_leads_to_the_new_one(shop, client, path):
    answer = client.get(f"{shop.data}{path}")
    assert (answer.status_code, answer.headers["location"].removeprefix(shop.url)) == (
        307,
        f"{shop.data.removeprefix(shop.url)}{path.replace('/new', '/-/new')}",
    )


def shown_in_dagster(client, shop):
    """Metadata of each asset in Dagster's UI, by its name."""
    query = """{ assetNodes { assetKey { path } metadataEntries { label
        ... on TextMetadataEntry { text } ... on UrlMetadataEntry { url } } } }"""
    nodes = client.post("/graphql", json={"query": query}).json()["data"]["assetNodes"]
    return {
        node["assetKey"]["path"][-1]: {
            entry["label"]: entry.get("text") or entry.get("url")
            for entry in node["metadataEntries"]
        }
        for node in nodes
    }


def test_a_removal_takes_the_definition_along_and_the_reload_shows_titles(shop, client):
    put = client.post(f"{shop.api}/uploads", files={"file": ("notes.csv", b"a\n1\n")}).json()
    client.post(f"{shop.api}/uploads/{put['id']}/import", json={"name": "notes"})
    wait_until(lambda: client.get(f"{shop.api}/datasets/notes/versions").is_success)
    client.patch(f"{shop.api}/datasets/orders", json={"title": "What <b>came</b> in"})
    file = shop.defs / "uploads/notes/defs.yaml"
    assert "Delete its definition too" in client.get(f"{shop.data}/datasets/notes/remove").text
    answer = send(client, shop, "/datasets/notes/remove", definition="true")
    assert answer.status_code == 303, answer.text
    assert not file.exists()
    assert client.get(f"{shop.api}/datasets/notes").status_code == 404
    told = client.get(answer.headers["location"]).text
    assert "1 version was removed, and notes was taken out of" in told
    assert not (shop.home.root / "store/datasets/notes/v/1.json").exists()
    wait_until(lambda: "title" in shown_in_dagster(client, shop)["orders"])
    shown = shown_in_dagster(client, shop)
    assert shown["orders"]["title"] == "What <b>came</b> in"
    assert shown["by_python"]["data section"] == "/data/-/assets/datasets/by_python"
    assert "data section" not in shown["thing"]
    page = client.get(shown["by_python"]["data section"], follow_redirects=True)
    assert "by_python" in page.text


def test_a_definition_that_is_used_keeps_everything(shop, client):
    asked = {"force": "true", "definition": "true"}
    answer = client.delete(f"{shop.api}/datasets/orders", params=asked)
    assert answer.status_code == 409, answer.text
    assert "totals" in answer.text
    assert len(client.get(f"{shop.api}/datasets/orders/versions").json()) == 2
    assert client.delete(f"{shop.api}/datasets/by_python", params=asked).status_code == 422
    by_hand = CliRunner().invoke(
        app, ["dataset", "remove", "orders", "--force", "--definition", "--yes"]
    )
    assert by_hand.exit_code != 0
    assert "totals" in by_hand.output
    file = shop.defs / "shop/defs.yaml"
    gone = CliRunner().invoke(app, ["dataset", "remove", "upload", "--definition", "--yes"])
    assert gone.exit_code == 0, gone.output
    assert f"taken out of {file}" in " ".join(gone.output.split())
    assert "name: upload" not in file.read_text()
    assert "name: summary" in file.read_text()
