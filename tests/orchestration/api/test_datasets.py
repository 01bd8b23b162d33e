"""The routes of datasets at a real address: the list and its filters, one whole, downloads, titles, refresh, removal."""

from __future__ import annotations

import io
import zipfile

import pyarrow.parquet as pq
import pytest

from tests.served import served, wait_until

YAML = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "orders/*.csv"}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: orders_files
  refresh: manual
  checks: [{expect_column_values_to_be_in_set: {column: note, value_set: [plain], severity: warn}}]
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select sum(amount) as total from orders", refresh: manual}
---
type: assets.Dataset
attributes: {name: returns, datasource: orders_files, refresh: manual}
"""
ORDERS = "id,amount,note\n007,-1.5,plain\n008,2.5,=1+1\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    inbox = folder / "home" / "inbox" / "orders"
    inbox.mkdir(parents=True)
    (inbox / "1.csv").write_text(ORDERS)
    with served(folder, {"orders/defs.yaml": YAML}, daemon=True) as found:
        with found.client(headers={"Origin": found.url}) as client:
            made(found, client, "orders")
        yield found


def line(shop, client, name):
    items = client.get(f"{shop.api}/datasets", params={"q": name}).json()["items"]
    return next(item for item in items if item["name"] == name)


def made(shop, client, name):
    """Refreshes a dataset and waits until the list says that it is ready."""
    answer = client.post(f"{shop.api}/datasets/{name}/refresh")
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["run_id"]
    wait_until(
        lambda: (
            (now := line(shop, client, name))["run_id"] == run_id
            and now["status"] not in ("queued", "running")
        )
    )
    assert line(shop, client, name)["status"] == "ready"
    return run_id


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


def test_the_list_filters_counts_sorts_and_pages(shop, client):
    found = client.get(f"{shop.api}/datasets").json()
    assert [(d["name"], d["origin"], d["status"]) for d in found["items"]] == [
        ("orders", "datasource", "ready"),
        ("returns", "datasource", "pending"),
        ("totals", "pipeline output", "pending"),
    ]
    assert found["origins"]["datasource"] == 2
    first = client.get(f"{shop.api}/datasets", params={"sort": "-rows", "limit": 1}).json()
    rest = client.get(
        f"{shop.api}/datasets", params={"sort": "-rows", "cursor": first["next"]}
    ).json()
    assert first["items"][0]["name"] == "orders"
    assert (len(rest["items"]), rest["next"]) == (2, None)
    both = {"origin": ["pipeline_output", "upload"], "status": "pending"}
    assert client.get(f"{shop.api}/datasets/-/summary", params=both).json()["total"] == 1
    for wrong in ({"origin": "x"}, {"status": "x"}, {"sort": "x"}, {"cursor": "!"}, {"limit": 0}):
        assert client.get(f"{shop.api}/datasets", params=wrong).status_code == 422


def test_one_dataset_with_its_columns_versions_checks_and_runs(shop, client):
    base = f"{shop.api}/datasets/orders"
    shown = client.get(base).json()
    assert (shown["summary"]["rows"], shown["used_by"]) == (2, ["datasets/totals"])
    assert [c["name"] for c in client.get(f"{base}/columns").json()] == ["id", "amount", "note"]
    assert client.get(f"{base}/versions").json()[-1]["version"] == 1
    check, *own = client.get(f"{base}/checks").json()
    assert (check["outcome"], check["examples"]) == ("failed", ["=1+1"])
    assert {one["name"] for one in own} <= {"schema", "freshness"}
    wait_until(lambda: client.get(f"{base}/runs").json()[0]["state"] == "ready")
    problem = client.get(f"{shop.api}/datasets/order")
    assert (problem.status_code, problem.headers["content-type"]) == (
        404,
        "application/problem+json",
    )
    assert "Did you mean 'orders'?" in problem.text
    assert client.get(f"{shop.api}/datasets/returns/versions").status_code == 404


def test_a_version_in_three_formats(shop, client):
    base = f"{shop.api}/datasets/orders/download"
    answer = client.get(base)
    assert answer.text == 'id,amount,note\n"007",-1.5,"plain"\n"008",2.5,"\'=1+1"\n'
    assert answer.headers["content-disposition"].startswith('attachment; filename="orders-v1.csv"')
    assert (answer.headers["waybill-formula-guard"], answer.headers["content-type"]) == (
        "on",
        "text/csv; charset=utf-8",
    )
    raw = client.get(base, params={"raw": "true"})
    assert (raw.headers["waybill-formula-guard"], raw.text.splitlines()[2]) == (
        "off",
        '"008",2.5,"=1+1"',
    )
    with zipfile.ZipFile(io.BytesIO(client.get(base, params={"format": "zip"}).content)) as archive:
        assert archive.read("orders-v1.csv").decode() == answer.text
    parquet = client.get(base, params={"format": "parquet", "version": 1})
    assert len(parquet.content) == int(parquet.headers["content-length"])
    assert pq.read_table(io.BytesIO(parquet.content)).column_names == ["id", "amount", "note"]
    assert client.get(base, params={"format": "xlsx"}).status_code == 422
    assert client.get(base, params={"version": 99}).status_code == 404
    assert client.get(f"{shop.api}/datasets/returns/download").status_code == 404


def test_a_title_is_kept_shown_and_taken_back(shop, client):
    base, title = f"{shop.api}/datasets/returns", "Back <b>again</b>"
    assert client.patch(base, json={"title": title}).json()["title"] == title
    assert line(shop, client, "returns")["title"] == title
    assert client.patch(base, json={"title": "a\u0000b"}).status_code == 422
    assert client.patch(base, json={}).status_code == 422
    client.patch(base, json={"title": ""})
    assert line(shop, client, "returns")["title"] == "returns"


def test_removal_is_refused_with_the_users_and_forced_leaves_the_source(shop, client):
    refused = client.delete(f"{shop.api}/datasets/orders")
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/v1/#problem-in-use")
    assert "datasets/totals" in refused.text
    before = line(shop, client, "orders")["version"]
    answer = client.delete(f"{shop.api}/datasets/orders", params={"force": "true"}).json()
    assert answer["versions"] == list(range(1, before + 1))
    gone = line(shop, client, "orders")
    assert (gone["status"], gone["version"]) == ("pending", None)
    assert (
        client.get(f"{shop.api}/datasets/orders/download", params={"version": 1}).status_code == 410
    )
    assert (shop.home.root / "inbox/orders/1.csv").read_text() == ORDERS
    made(shop, client, "orders")
    assert line(shop, client, "orders")["version"] == before + 1


def test_the_same_key_starts_one_run(shop, client):
    headers = {"Idempotency-Key": "once"}
    answers = [
        client.post(f"{shop.api}/datasets/returns/refresh", headers=headers) for _ in range(2)
    ]
    (run_id,) = {answer.json()["run_id"] for answer in answers}
    wait_until(lambda: line(shop, client, "returns")["status"] == "ready")
    runs = client.get(f"{shop.api}/datasets/returns/runs").json()
    assert [run["run_id"] for run in runs] == [run_id]


def test_each_asset_leads_to_its_page_at_this_address(shop, client):
    query = "{assetNodes{assetKey{path} metadataEntries{label ... on UrlMetadataEntry {url}}}}"
    nodes = client.post("/graphql", json={"query": query}).json()["data"]["assetNodes"]
    links = {
        "/".join(node["assetKey"]["path"]): entry["url"]
        for node in nodes
        for entry in node["metadataEntries"]
        if entry.get("url")
    }
    assert links["datasets/orders"].startswith("/data/-/")
    answer = client.get(links["datasets/orders"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/data/shop/datasets/orders")
    assert client.get(answer.headers["location"]).status_code == 200
    assert client.get("/data/-/assets/datasets/nothing").status_code == 404
    outside = client.get("/data/-/assets//evil.example/x")
    assert outside.status_code == 404
