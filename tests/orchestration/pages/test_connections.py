"""Connectors, data sources and exporters by HTTP and by clicking, against a real PostgreSQL: what is shown, what happens, what never shows."""

import json
import re
from html import unescape

import dagster as dg
import pytest

from orchestration.project import load
from orchestration.services.runs.start import Asked, start_run
from tests.served import served, wait_until
from tests.servers.chromium import watched_page

CANARY = "canary-8127"
YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes:
  name: dwh
  dialect: postgresql
  host: 127.0.0.1
  port: PORT
  database: DATABASE
  username: waybill
  password: {env: TEST_DWH_PASSWORD}
  description: The <b>warehouse</b>
---
type: resources.SqlConnector
attributes:
  name: locked
  dialect: postgresql
  host: 127.0.0.1
  port: PORT
  database: DATABASE
  username: waybill
  password: {env: TEST_WRONG_PASSWORD}
---
type: resources.SqlConnector
attributes: {name: unset, dialect: postgresql, host: h.invalid, database: d, username: u, password: {env: TEST_UNSET}}
---
type: assets.Datasource
attributes: {name: order_files, connector: lake, path: "orders/*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: order_files, refresh: manual}
---
type: assets.SqlTransform
attributes: {name: big, sql: select * from orders where amount > 1, refresh: manual}
---
type: assets.Exporter
attributes: {name: out, dataset: orders, connector: dwh, table: orders_out}
---
type: assets.Exporter
attributes: {name: locked_out, dataset: orders, connector: locked, table: orders_out}
---
type: assets.Collection
attributes: {name: media, connectors: [lake]}
---
type: assets.ImageFolder
attributes: {name: signs, connectors: [lake]}
---
type: orchestration.Pipeline
attributes: {name: nightly, export: [out], schedule: {cron: "0 3 * * *"}}
"""


@pytest.fixture(scope="module")
def database(postgres_server):
    with postgres_server.database() as name:
        postgres_server.execute("CREATE TABLE seen (id bigint, note text)", database=name)
        postgres_server.execute("INSERT INTO seen VALUES (1, '<i>x</i>')", database=name)
        yield name


@pytest.fixture(scope="module")
def shop(tmp_path_factory, postgres_server, database):
    folder = tmp_path_factory.mktemp("shop")
    lake = folder / "home" / "lake" / "orders"
    lake.mkdir(parents=True)
    (lake / "1.csv").write_text("id,amount,note\n1,0.5,<script>alert(1)</script>\n2,2.5,y\n")
    text = YAML.replace("PORT", str(postgres_server.port)).replace("DATABASE", database)
    variables = {"TEST_DWH_PASSWORD": postgres_server.password, "TEST_WRONG_PASSWORD": CANARY}
    with served(folder, {"a/defs.yaml": text}, daemon=True, variables=variables) as found:
        yield found


@pytest.fixture(scope="module")
def secrets(postgres_server):
    return [CANARY, postgres_server.password]


@pytest.fixture
def ask(shop, secrets):
    """A request to the API; no answer holds a secret."""
    with shop.client() as client:

        def send(method, path, status=200, **options):
            headers = {"Origin": shop.url, **options.pop("headers", {})}
            answer = client.request(method, f"{shop.api}{path}", headers=headers, **options)
            assert answer.status_code == status, answer.text
            assert not any(secret in answer.text for secret in secrets)
            return answer.json() if "json" in answer.headers["content-type"] else answer.text

        yield send


@pytest.fixture
def see(shop, secrets):
    """A page; it holds no secret."""
    with shop.client() as client:

        def get(path, status=200, **fields):
            url = f"{shop.data}{path}"
            answer = shop.post(client, url, fields) if fields else client.get(url)
            assert answer.status_code == status, answer.text
            assert not any(secret in answer.text for secret in secrets)
            return answer

        yield get


def ended(ask, run_id):
    wait_until(lambda: state(ask, run_id) not in ("queued", "running"))
    return next(e for e in ask("GET", "/exports")["items"] if e["run_id"] == run_id)


def state(ask, run_id):
    found = [e for e in ask("GET", "/exports")["items"] if e["run_id"] == run_id]
    return found[0]["status"] if found else "queued"


def test_connectors_are_listed_without_secrets(ask, see):
    found = {c["name"]: c for c in ask("GET", "/connectors")["items"]}
    assert found["dwh"]["environment"] == {"TEST_DWH_PASSWORD": True}
    assert found["unset"]["environment"] == {"TEST_UNSET": False}
    assert found["dwh"]["used_by"] == ["exporter out"]
    assert [c["name"] for c in ask("GET", "/connectors?q=lock")["items"]] == ["locked"]
    assert ask("GET", "/connectors/lake")["kind"] == "folder"
    assert "Did you mean" in ask("GET", "/connectors/lak", 404)["hint"]
    page = unescape(see("/connectors").text)
    assert "TEST_UNSET" in page
    assert "not set" in page
    detail = see("/connectors/dwh").text
    assert "The &lt;b&gt;warehouse&lt;/b&gt;" in detail
    assert see("/connectors/nothing", 404)


def test_whoever_names_a_connector_is_told_with_a_link(ask, see):
    users = ["collection media", "datasource order_files", "image folder signs"]
    assert ask("GET", "/connectors/lake")["used_by"] == users
    page = see("/connectors/lake").text
    places = ["collections/media", "datasources/order_files", "image-folders/signs"]
    for user, place in zip(users, places, strict=True):
        said = user.replace("datasource", "data source")
        assert re.search(rf'<li><a href="[^"]+/{place}">{said}</a></li>', page)
        assert f"<h1>{place.partition('/')[2]}" in see(f"/{place}").text


def test_a_right_and_a_wrong_password(ask, see):
    right = ask("POST", "/connectors/dwh/test")
    assert right["ok"]
    wrong = ask("POST", "/connectors/locked/test")
    assert (wrong["ok"], wrong["steps"][-1]["name"]) == (False, "login")
    assert "password" in wrong["detail"]
    assert "TEST_UNSET" in ask("POST", "/connectors/unset/test", 409)["detail"]
    assert "It does not answer as it should" in see("/connectors/locked/test", key="x").text


def test_steps_are_told_as_they_end(ask):
    text = ask("POST", "/connectors/locked/test", headers={"Accept": "text/event-stream"})
    events = re.findall(r"event: (\w+)\ndata: (.*)\n", text)
    assert [kind for kind, _ in events] == ["step", "step", "step", "result"]
    assert [json.loads(data)["name"] for _, data in events[:3]] == [
        "name resolution",
        "port",
        "login",
    ]
    assert json.loads(events[-1][1])["ok"] is False
    text = ask("POST", "/connectors/unset/test", headers={"Accept": "text/event-stream"})
    assert "event: problem" in text
    assert "TEST_UNSET" in text


def test_a_connector_that_is_not_saved(ask, postgres_server, database):
    attributes = {
        "dialect": "postgresql",
        "host": "127.0.0.1",
        "port": postgres_server.port,
        "database": database,
        "username": "waybill",
    }

    def try_it(status=200, **changes):
        body = {"type": "resources.SqlConnector", "attributes": {**attributes, **changes}}
        return ask("POST", "/connectors/try", status, json=body)

    assert try_it(password={"env": "TEST_DWH_PASSWORD"})["ok"]
    assert try_it(password={"env": "TEST_WRONG_PASSWORD"})["steps"][-1]["name"] == "login"
    assert "name an environment variable" in try_it(422, password=CANARY)["detail"]
    assert "template" in try_it(422, host="{{ env.TEST_WRONG_PASSWORD }}")["detail"]
    assert "template" in try_it(422, options={"sslmode": "{{ env.TEST_WRONG_PASSWORD }}"})["detail"]
    assert "unknown field 'colour'" in try_it(422, colour="red")["detail"]
    short = {**attributes, "password": {"env": "TEST_DWH_PASSWORD"}}
    del short["dialect"]
    assert ask("POST", "/connectors/try", json={"type": "postgresql", "attributes": short})["ok"]
    unset = try_it(409, password={"env": "TEST_NOT_THERE"})
    assert "TEST_NOT_THERE" in unset["detail"]
    body = {"type": "os.system", "attributes": {}}
    assert "unknown type" in ask("POST", "/connectors/try", 422, json=body)["detail"]
    ask("POST", "/connectors/try", 422, json={"type": "x"})
    assert [c["name"] for c in ask("GET", "/connectors")["items"]] == [
        "dwh",
        "lake",
        "locked",
        "unset",
    ]


def test_a_walk_from_databases_to_columns(ask, see, database):
    top = ask("GET", "/connectors/dwh/browse")["entries"]
    assert database in [e["name"] for e in top]
    tables = ask("GET", f"/connectors/dwh/browse?path={database}/public/")["entries"]
    assert "public.seen" in [e["path"] for e in tables]
    found = ask("GET", "/connectors/dwh/table?table=public.seen")
    assert found["columns"] == [["id", "int64"], ["note", "string"]]
    page = see(f"/connectors/dwh/browse?path={database}/public/").text
    assert "/datasources/-/new?connector=dwh&amp;table=public.seen" in page
    assert "int64" in see("/connectors/dwh/table?table=public.seen").text
    files = ask("GET", "/connectors/lake/browse?path=orders")["entries"]
    assert [(e["name"], e["kind"]) for e in files] == [("1.csv", "object")]
    assert ask("GET", "/connectors/lake/browse?path=orders&after=orders/1.csv")["entries"] == []
    ask("GET", "/connectors/lake/browse?path=../..", 422)
    ask("GET", "/connectors/lake/browse?path=nothing", 404)
    see("/connectors/lake/browse?path=../..", 422)


def test_a_preview_shows_typed_rows_and_every_guess(ask, see):
    found = ask("POST", "/datasources/order_files/test?rows=1")
    assert found["columns"] == [["id", "int64"], ["amount", "double"], ["note", "string"]]
    assert "separator" in [g["subject"] for g in found["guesses"]]
    page = see("/datasources/order_files/test").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    given = {"attributes": {"connector": "dwh", "table": "public.seen"}}
    assert ask("POST", "/datasources/try", json=given)["rows"] == [[1, "<i>x</i>"]]
    assert "&lt;i&gt;x" in see("/datasources/-/try?connector=dwh&table=public.seen").text
    query = {
        "connector": "dwh",
        "query": "select :x as x",
        "parameters": {"x": {"env": "TEST_WRONG_PASSWORD"}},
    }
    assert "variable" in ask("POST", "/datasources/try", 422, json={"attributes": query})["detail"]
    missing = {"attributes": {"connector": "dwh", "table": "sen"}}
    assert "seen" in ask("POST", "/datasources/try", json=missing)["detail"]


def test_an_observation_is_a_run_and_is_remembered(ask, see):
    started = ask("POST", "/datasources/order_files/observe", 202)
    assert started["dagster"] == f"/runs/{started['run_id']}"

    def seen():
        return ask("GET", "/datasources/order_files/observations")["items"]

    wait_until(seen)
    (look,) = seen()
    assert (look["run_id"], look["has_changed"]) == (started["run_id"], None)
    assert look["asked_by"]
    same = [
        ask("POST", "/datasources/order_files/observe", 202, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert same[0]["run_id"] == same[1]["run_id"]
    wait_until(lambda: len(seen()) == 2)
    assert "the same" in see("/datasources/order_files").text
    assert "order_files" in see("/datasources").text


def test_an_exporter_before_there_is_anything_to_deliver(ask):
    listed = {e["name"]: e for e in ask("GET", "/exporters")["items"]}
    assert (listed["out"]["last"], listed["out"]["pipelines"]) == (None, ["nightly"])
    assert listed["out"]["next_at"]
    assert "no version yet" in ask("POST", "/exporters/out/test")["detail"]
    assert "no version yet" in ask("POST", "/exporters/out/run", 404)["detail"]


@pytest.fixture(scope="module")
def imported(shop):
    """The datasets have a version each."""
    keys = [dg.AssetKey(["datasets", name]) for name in ("orders", "big")]
    with dg.DagsterInstance.get() as instance:
        job = load().asset_job()
        run_id = start_run(shop.home, instance, job, Asked("test"), assets=keys)
        wait_until(lambda: instance.get_run_by_id(run_id).is_finished)
        assert instance.get_run_by_id(run_id).is_success


@pytest.mark.usefixtures("imported")
def test_an_export_by_the_row_menu_lands_once_and_is_remembered(
    ask, see, postgres_server, database
):
    """F019, F051: into the table of an exporter that declares another dataset; the ledger names what went out."""
    tried = ask("POST", "/exporters/out/test")
    assert (tried["ok"], tried["detail"]) == (True, "makes table orders_out and writes 2 rows")
    assert "makes table orders_out" in unescape(see("/exporters/out/test", key="x").text)
    started = ask("POST", "/datasets/big/export", 202, json={"exporter": "out"})
    export = ended(ask, started["run_id"])
    assert (export["status"], export["source"], export["rows"]) == ("done", "dataset big", 1)
    assert export["asked_by"]
    assert postgres_server.execute("SELECT id FROM orders_out", database=database) == [(2,)]
    ledger = postgres_server.execute("SELECT source, run_id FROM _exports", database=database)
    assert ledger == [("dataset big, version 1", started["run_id"])]
    answer = see("/datasets/orders/export", 303, exporter="out", version="")
    by_page = answer.headers["location"].rsplit("/", 1)[1]
    assert ended(ask, by_page)["rows"] == 2
    assert "done" in see("/exporters").text
    assert "no number" in see("/datasets/orders/export", 422, exporter="out", version="x").text
    see("/datasets/nothing/export", 404)


@pytest.mark.usefixtures("imported")
def test_an_exporter_that_is_not_saved(ask):
    def try_it(status=200, **attributes):
        given = {"dataset": "orders", "connector": "dwh", "table": "not_there", **attributes}
        body = {"type": "assets.Exporter", "attributes": given}
        return ask("POST", "/exporters/try", status, json=body)

    assert try_it()["detail"] == "makes table not_there and writes 2 rows"
    assert "lacks 'note'" not in try_it(table="seen")["detail"]
    assert (
        try_it(table="seen")["detail"]
        == "replaces the 1 row of table seen by 2 rows, seen whole or not at all"
    )
    assert "holds files, not tables" in try_it(422, connector="lake")["detail"]
    assert "nothing" in try_it(422, connector="nothing")["detail"]
    assert "unsaved.yaml" not in try_it(422, keep_tables=2)["detail"]


@pytest.mark.usefixtures("imported")
def test_an_export_that_failed_is_remembered_with_its_reason(ask, see):
    failed = ask("POST", "/exporters/locked_out/run", 202)
    export = ended(ask, failed["run_id"])
    assert export["status"] == "failed"
    assert "password" in export["error"]
    assert [e["exporter"] for e in ask("GET", "/exports?status=failed")["items"]] == ["locked_out"]
    assert "password" in see("/exporters/-/history?status=failed").text


def test_what_is_not_there_is_refused(ask):
    ask("POST", "/exporters/nothing/run", 404)
    ask("POST", "/exporters/out/run", 404, json={"dataset": "nothing"})
    ask("POST", "/exporters/out/run", 404, json={"version": 99})
    ask("POST", "/exporters/out/run", 422, json={"version": "x"})
    ask("GET", "/exports?status=odd", 422)
    ask("GET", "/exports?exporter=nothing", 404)
    ask("GET", "/exports?cursor=odd", 422)
    ask("GET", "/exporters?status=odd", 422)
    ask("GET", "/datasources/nothing/observations", 404)
    ask("POST", "/datasources/nothing/observe", 404)


def test_a_person_clicks_from_a_test_to_the_history_on_a_phone(shop, chromium, database):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/connectors")
        watched.check_looks()
        page.click("th a:text-is('locked')")
        page.click("text=Test connector")
        page.wait_for_selector(".verdict.bad")
        assert "login" in page.text_content("#trial-steps")
        watched.check_looks()
        page.goto(f"{shop.data}/connectors/dwh")
        page.click("text=Test connector")
        page.wait_for_selector(".verdict.good")
        page.click("a:text-is('Browse')")
        page.click(f"th a:text-is('{database}')")
        page.click("th a:text-is('public')")
        watched.check_looks()
        page.click("th a:text-is('seen')")
        watched.check_looks()
        page.click("text=First rows")
        watched.check_looks()
        for path in (
            "/datasources",
            "/datasources/order_files",
            "/datasources/order_files/test",
            "/exporters",
            "/exporters/out",
            "/exporters/-/history",
            "/datasets/orders/export",
        ):
            page.goto(f"{shop.data}{path}")
            watched.check_looks()
