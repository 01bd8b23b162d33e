"""Two projects in one workspace, of which one does not load at first: each shows, changes and runs only its own (A1)."""

import re
import sqlite3

import pytest

from tests.served import served, wait_until

SHARED = """
---
type: resources.FolderConnector
attributes: {name: files, root: INBOX}
---
type: resources.SftpConnector
attributes: {name: quay, host: localhost, username: me, password: {env: QUAY_PASSWORD}}
---
type: assets.Dataset
attributes: {name: both_have_it, upload: true}
"""
SHOP = """
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "*.csv", settle_seconds: 0}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files, refresh: manual}
---
type: orchestration.Pipeline
attributes: {name: nightly, assets: [datasets/orders], schedule: {cron: "30 3 * * *", timezone: UTC}}
"""
DEPOT = """
type: resources.SqlConnector
attributes: {name: till, dialect: sqlite, path: till.sqlite}
---
type: assets.Datasource
attributes: {name: stock_files, connector: files, path: "*.csv", settle_seconds: 0}
---
type: assets.Dataset
attributes: {name: stock, datasource: stock_files, refresh: manual}
---
type: assets.Dataset
attributes: {name: notes, upload: true}
---
type: assets.Exporter
attributes: {name: stock_out, dataset: stock, connector: till, table: stock}
---
type: orchestration.Pipeline
attributes: {name: nightly, assets: [datasets/stock], schedule: {cron: "30 3 * * *", timezone: UTC}}
"""
WRECK = "raise RuntimeError('the harbour is closed')\n"
COMMON = {"nightly", "files", "quay", "both_have_it"}
OWN = {
    "shop": COMMON | {"orders", "orders_files"},
    "depot": COMMON | {"stock", "stock_files", "stock_out", "till", "notes", "spare"},
}
LISTS = ("", "datasets", "connectors", "datasources", "exporters", "pipelines", "runs", "sql")
pytestmark = pytest.mark.filterwarnings("ignore:Error loading repository location:UserWarning")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    for name, rows in (("shop", "id\n1\n"), ("depot", "id\n1\n2\n")):
        inbox = folder / "home" / f"{name}_inbox"
        inbox.mkdir(parents=True)
        (inbox / "1.csv").write_text(rows)
    files = {
        "depot/defs.yaml": DEPOT + SHARED.replace("INBOX", "depot_inbox"),
        "../definitions.py": WRECK,
        "../../.env": "QUAY_PASSWORD=s\nWAYBILL_HOME=/nowhere\nWAYBILL_READ_ONLY=1\n",
    }
    own = {"shop/defs.yaml": SHOP + SHARED.replace("INBOX", "shop_inbox")}
    with served(folder, own, daemon=True, beside={"depot": files}) as found:
        yield found


@pytest.fixture(scope="module")
def wrecked(shop):
    """What the server answers while one project does not load, and never did; then it is mended."""
    depot = shop.beside["depot"]
    made = {"name": "spare", "type": "folder", "attributes": {"root": "spare"}}
    with shop.client(headers={"Origin": shop.url}) as client:
        answers = {
            "choice": client.get("/data/"),
            "projects": client.get("/api/v1/projects"),
            "own": client.get(f"{depot.data}/"),
            "own list": client.get(f"{depot.data}/datasets"),
            "other": client.get(f"{shop.data}/datasets"),
            "made": client.post(f"{depot.api}/definitions/connectors", json=made),
        }
    file = depot.root / "depot" / "definitions.py"
    file.write_text((shop.root / "shop" / "definitions.py").read_text())
    depot.reload()
    return answers


@pytest.fixture
def depot(shop, wrecked):
    return shop.beside["depot"]


@pytest.fixture
def client(shop, wrecked):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield client


@pytest.fixture(scope="module")
def runs(shop, wrecked):
    """A run of each project, and an export, by what they are."""
    depot = shop.beside["depot"]
    with shop.client(headers={"Origin": shop.url}) as client:
        return {
            "refresh": ran(client, depot, "/datasets/stock/refresh"),
            "nightly": ran(client, shop, "/pipelines/nightly/run"),
            "export": ran(client, depot, "/exporters/stock_out/run"),
        }


def ran(client, project, path):
    """The id of a run that was asked for in a project and has ended well."""
    answer = client.post(f"{project.api}{path}")
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["run_id"]

    def state():
        return client.get(f"{project.api}/runs/{run_id}").json()["summary"]["state"]

    wait_until(lambda: state() in ("done", "failed", "stopped"))
    assert state() == "done"
    return run_id


def names_in(page):
    """What a page shows or links to, of what either project declares."""
    body = page.partition("<main")[2]
    links = re.findall(r'href="[^"]*/([^"/?]+)["?]', body)
    return {*links, *re.findall(r">([^<>]+)<", body)} & (OWN["shop"] | OWN["depot"])


def items(client, project, noun):
    return client.get(f"{project.api}/{noun}").json()["items"]


def test_one_that_never_loaded_says_why_and_leaves_the_other_alone(wrecked):
    assert 'href="/data/depot/"' in wrecked["choice"].text
    errors = {one["name"]: one["error"] for one in wrecked["projects"].json()}
    assert errors["shop"] == ""
    assert "depot/definitions.py:1: the harbour is closed" in errors["depot"].replace(
        "RuntimeError: ", ""
    )
    for page in ("own", "own list"):
        assert wrecked[page].status_code == 200
        assert "the harbour is closed" in wrecked[page].text
    assert wrecked["other"].status_code == 200
    assert "the harbour" not in wrecked["other"].text
    assert 'href="/data/depot/"' in wrecked["other"].text


def test_what_is_declared_in_one_stands_in_its_files(shop, depot, wrecked):
    assert wrecked["made"].is_success, wrecked["made"].text
    texts = {p.name: "".join(f.read_text() for f in p.defs.rglob("*.yaml")) for p in (shop, depot)}
    assert "name: spare" in texts["depot"]
    assert "spare" not in texts["shop"]


def test_each_leads_to_the_other(depot, client):
    choice = client.get("/data/").text
    page = client.get(f"{depot.data}/datasets").text
    for name in ("shop", "depot"):
        assert f'href="/data/{name}/"' in choice
    assert re.search(r'href="/data/depot/" aria-current="true"', page)
    assert re.search(r'href="/data/shop/">shop<', page)
    link = client.get("/data/-/assets/datasets/stock").headers["location"]
    assert link == "/data/depot/datasets/stock"


@pytest.mark.usefixtures("runs")
def test_each_lists_only_its_own(shop, depot, client):
    for project in (shop, depot):
        seen = set()
        for place in (*LISTS, "classifications"):
            answer = client.get(f"{project.data}/{place}")
            assert answer.status_code == 200, place
            assert names_in(answer.text) <= OWN[project.name], place
            seen |= names_in(answer.text)
        assert seen == OWN[project.name]
        for place in ("datasets", "connectors", "datasources", "exporters", "pipelines"):
            assert {one["name"] for one in items(client, project, place)} <= OWN[project.name]
    counts = [client.get(f"{p.api}/overview").json()["counts"]["dataset"] for p in (shop, depot)]
    assert counts == [2, 3]


def test_a_run_is_seen_stopped_and_repeated_where_it_belongs(shop, depot, client, runs):
    found = {p.name: {run["run_id"] for run in items(client, p, "runs")} for p in (shop, depot)}
    assert found == {"shop": {runs["nightly"]}, "depot": {runs["refresh"], runs["export"]}}
    for verb, path in (("GET", ""), ("GET", "/events"), ("POST", "/retry"), ("POST", "/cancel")):
        answer = client.request(verb, f"{shop.api}/runs/{runs['export']}{path}")
        assert answer.status_code == 404, path
    last = {p.name: items(client, p, "pipelines")[0]["last_run"] for p in (shop, depot)}
    assert (last["shop"]["run_id"], last["depot"]) == (runs["nightly"], None)


def test_an_export_and_its_history_are_of_one_project(shop, depot, client, runs):
    with sqlite3.connect(shop.home.root / "till.sqlite") as connection:
        assert connection.execute("select count(*) from stock").fetchone() == (2,)
    assert [one["run_id"] for one in items(client, depot, "exports")] == [runs["export"]]
    assert items(client, shop, "exports") == []
    assert client.post(f"{shop.api}/exporters/stock_out/run").status_code == 404


def test_connectors_of_one_name_lead_where_each_says(shop, depot, client):
    for project in (shop, depot):
        (files,) = (c for c in items(client, project, "connectors") if c["name"] == "files")
        assert files["target"].endswith(f"{project.name}_inbox")
        (quay,) = (c for c in items(client, project, "connectors") if c["name"] == "quay")
        assert quay["environment"] == {"QUAY_PASSWORD": project.name == "depot"}


def test_a_pipeline_is_paused_in_one(shop, depot, client):
    answer = client.post(f"{depot.api}/pipelines/nightly/pause")
    assert answer.is_success, answer.text
    pages = [client.get(f"{p.data}/pipelines/nightly").text for p in (shop, depot)]
    assert ["paused" in page for page in pages] == [False, True]


@pytest.mark.usefixtures("runs")
def test_a_query_reaches_the_datasets_of_its_project(shop, depot, client):
    counted = client.post(f"{depot.api}/queries", json={"sql": "select count(*) from stock"})
    assert counted.json()["result"]["rows"] == [[2]]
    refused = client.post(f"{shop.api}/queries", json={"sql": "select * from stock"})
    assert refused.status_code == 422
    assert "both_have_it, orders" in refused.text
    assert [len(items(client, p, "queries")) for p in (depot, shop)] == [1, 1]


def test_a_file_goes_into_the_project_that_it_was_sent_to(shop, depot, client):
    upload = client.post(f"{depot.api}/uploads", files={"file": ("notes.csv", b"a\n1\n")}).json()
    one = f"uploads/{upload['id']}"
    order = {"name": "both_have_it"}
    for verb, path in (
        ("GET", ""),
        ("HEAD", ""),
        ("DELETE", ""),
        ("POST", "/preview"),
        ("POST", "/import"),
    ):
        answer = client.request(verb, f"{shop.api}/{one}{path}", json=order if path else None)
        assert answer.status_code == 404, (verb, path)
    begun = client.post(f"{depot.api}/{one}/import", json={"name": "notes"})
    assert begun.status_code == 202, begun.text
    wait_until(lambda: client.get(f"{depot.api}/datasets/notes/versions").is_success)
    assert client.get(f"{shop.api}/datasets/notes").status_code == 404


def test_a_name_that_both_declare_is_told_in_both(shop, depot, client):
    told = {one["name"]: one["problems"] for one in client.get("/api/v1/projects").json()}
    for project, other in ((shop, "depot"), (depot, "shop")):
        (line,) = told[project.name]
        assert f"dataset 'both_have_it' is declared by {other} as well" in line
        assert f"{project.name}/defs.yaml:" in line
        assert "is taken by another project" in client.get(f"{project.data}/").text
