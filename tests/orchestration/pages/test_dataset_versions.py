"""Versions in the data section and over HTTP: tagged, pinned, compared, restored by a run, and what used them."""

from __future__ import annotations

import shutil

import dagster as dg
import pytest
import waybill

from orchestration.services.instance import open_instance
from resources.kernel.errors import ConflictError
from tests.served import served, wait_until
from tests.servers.chromium import watched_page

YAML = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "orders/*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files, refresh: manual, key: id}
---
type: assets.SqlTransform
attributes: {name: totals, sql: "select sum(amount) as total from orders", refresh: manual}
"""
FIRST = "id,amount,note\n1,2,<b>a</b>\n2,5,b\n3,7,c\n"
SECOND = "id,amount,note\n1,2,<b>a</b>\n2,6,b\n4,9,d\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    inbox = folder / "home" / "inbox" / "orders"
    inbox.mkdir(parents=True)
    with served(folder, {"orders/defs.yaml": YAML}, daemon=True) as found:
        with found.client(headers={"Origin": found.url}) as client:
            for number, text in enumerate((FIRST, SECOND), 1):
                (inbox / "1.csv").write_text(text)
                run(found, client, "orders")
                wait_until(lambda number=number: len(versions(found, client)) == number)
            run(found, client, "totals")
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


def run(shop, client, name):
    started = client.post(f"{shop.api}/datasets/{name}/refresh").json()["run_id"]
    finished(shop, client, started)


def finished(shop, client, run_id):
    with open_instance(shop.home) as instance:
        wait_until(lambda: instance.get_run_by_id(run_id).is_finished)
        assert instance.get_run_by_id(run_id).is_success


def versions(shop, client):
    answer = client.get(f"{shop.api}/datasets/orders/versions")
    return answer.json() if answer.status_code == 200 else []


def test_tags_and_pins_over_http(shop, client):
    base = f"{shop.api}/datasets/orders"
    assert client.put(f"{base}/tags/train-2026-11", json={"version": "1"}).json() == {
        "dataset": "orders", "version": 1, "tags": ["train-2026-11"], "is_pinned": False, "moved_from": None,
    }  # fmt: skip
    refused = client.put(f"{base}/tags/train-2026-11", json={"version": "2"})
    assert (refused.status_code, "is at version 1" in refused.text) == (409, True)
    moved = client.put(f"{base}/tags/train-2026-11", json={"version": "2", "move": True}).json()
    assert (moved["version"], moved["moved_from"]) == (2, 1)
    assert client.put(f"{base}/versions/1/pin").json()["is_pinned"]
    assert client.delete(f"{base}/versions/1/pin").status_code == 200
    assert client.delete(f"{base}/versions/1/pin").status_code == 404
    assert client.put(f"{base}/tags/17", json={}).status_code == 422
    removal = client.delete(base, params={"force": "true"})
    assert (removal.status_code, "train-2026-11" in removal.text) == (409, True)
    assert [(v["version"], v["tags"]) for v in versions(shop, client)][:2] == [
        (2, ["train-2026-11"]),
        (1, []),
    ]
    assert client.delete(f"{base}/tags/train-2026-11").json()["version"] == 2


def test_two_versions_compared(shop, client):
    asked = {"from": "1", "to": "2", "key": "id"}
    found = client.get(f"{shop.api}/datasets/orders/versions/compare", params=asked).json()
    assert [found[name] for name in ("added", "removed", "changed", "unchanged")] == [1, 1, 1, 1]
    assert found["changed_rows"] == [
        {
            "before": 2, "after": 2, "key": [{"column": "id", "value": 2}],
            "changes": [{"column": "amount", "before": 5, "after": 6}], "more_changes": 0,
        }
    ]  # fmt: skip
    assert found["column_changes"] == [{"column": "amount", "rows": 1}]
    address = f"{shop.api}/datasets/orders/versions/compare"
    declared = client.get(address, params={"from": "1", "to": "2"}).json()
    assert (declared["key"], declared["changed"]) == (["id"], 1), "as the dataset declares"
    whole = client.get(address, params={"from": "1", "key": ""}).json()
    assert (whole["to_version"] >= 2, whole["key"], whole["changed"]) == (True, [], 0)
    page = client.get(
        f"{shop.data}/datasets/orders/versions/compare", params={"from": "1", "to": "2"}
    )
    assert (page.status_code, 'value="id"' in page.text) == (200, True)
    assert 'value="id"' in client.get(f"{shop.data}/datasets/orders/versions").text
    assert "Changed rows" in page.text
    refused = client.get(
        f"{shop.data}/datasets/orders/versions/compare", params={**asked, "key": "no"}
    )
    assert refused.status_code == 422
    assert "is not in both versions" in refused.text
    assert 'value="no"' in refused.text, "what was typed stays in the form"


def test_a_version_is_restored_by_a_run_that_lineage_shows(shop, client):
    before = versions(shop, client)
    started = client.post(f"{shop.api}/datasets/orders/versions/1/restore")
    assert started.status_code == 202
    run_id = started.json()["run_id"]
    finished(shop, client, run_id)
    newest = versions(shop, client)[0]
    assert (newest["version"], newest["restored_from"]) == (before[0]["version"] + 1, 1)
    key = dg.AssetKey(["datasets", "orders"])
    with open_instance(shop.home) as instance:
        event = instance.get_latest_materialization_event(key)
    made = event.asset_materialization
    assert (event.run_id, made.tags["dagster/data_version"]) == (run_id, str(newest["version"]))
    assert made.metadata["restored from version"].value == 1
    rows = client.get(f"{shop.api}/datasets/orders/rows").json()["rows"]
    assert [row[0] for row in rows] == [1, 2, 3]
    same = {"from": "1", "key": "id"}
    found = client.get(f"{shop.api}/datasets/orders/versions/compare", params=same).json()
    assert (found["added"], found["removed"], found["changed"], found["unchanged"]) == (0, 0, 0, 3)
    listed = client.get(f"{shop.api}/datasets/orders/runs").json()
    assert run_id in [one["run_id"] for one in listed]
    assert client.post(f"{shop.api}/datasets/orders/versions/99/restore").status_code == 404


def test_the_client_does_the_same(shop):
    orders = waybill.Client(shop.url).datasets["orders"]
    assert orders.tag("from-python", 2).version == 2
    with pytest.raises(ConflictError, match="is at version 2"):
        orders.tag("from-python", 1)
    found = orders.compare(1, "from-python", key=["id"])
    assert (found.to_version, found.added, found.removed, found.changed) == (2, 1, 1, 1)
    assert orders.compare(1, 2).key == ("id",)
    assert orders.compare(1, 2, key=[]).key == ()
    assert orders.version("from-python").pin().is_pinned
    assert not orders.version(2).unpin().is_pinned
    assert orders.untag("from-python").tags == ()
    assert [use.name for use in orders.uses(2).uses] == ["totals"]


def test_what_used_which_version(shop, client):
    found = client.get(f"{shop.api}/datasets/orders/uses").json()
    assert [(use["version"], use["kind"], use["name"], use["made"]) for use in found["uses"]] == [
        (2, "dataset", "totals", 1)
    ]
    none = client.get(f"{shop.api}/datasets/orders/uses", params={"version": 1}).json()
    assert none["uses"] == []
    assert "dataset totals" in client.get(f"{shop.data}/datasets/orders/uses").text


def test_the_pages_work_without_scripts(shop, client):
    page = f"{shop.data}/datasets/orders/versions"
    fields = {"tag": "by-hand", "version": "2"}
    answer = shop.post(client, f"{shop.data}/datasets/orders/tag", fields)
    assert answer.status_code == 303
    refused = shop.post(client, f"{shop.data}/datasets/orders/tag", {**fields, "version": "1"})
    assert refused.status_code == 409
    assert "Move it from the version that has it" in refused.text
    text = client.get(page).text
    assert "by-hand" in text
    asked = shop.post(
        client,
        f"{shop.data}/datasets/orders/untag",
        {"tag": "by-hand", "ask": "Sure?", "confirmed": ""},
    )
    assert "Sure?" in asked.text
    done = shop.post(
        client,
        f"{shop.data}/datasets/orders/untag",
        {"tag": "by-hand", "ask": "Sure?", "confirmed": "true"},
    )
    assert done.status_code == 303
    client.get(page)  # shows the notice once
    assert "by-hand" not in client.get(page).text


def test_versions_are_compared_tagged_and_restored_in_a_browser(shop, client, chromium):
    newest = versions(shop, client)[0]["version"]
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/orders")
        page.get_by_role("link", name="Versions", exact=True).click()
        rows = page.get_by_role("region", name="Versions").locator("tbody tr")
        assert rows.locator("th").first.inner_text() == str(newest)
        watched.check_accessible()

        form = page.get_by_role("form", name="Compare two versions")
        form.get_by_label("From version").select_option("1")
        form.get_by_label("to version").select_option("2")
        form.get_by_label("Key").fill("id")
        form.get_by_role("button", name="Compare").click()
        added = page.get_by_role("region", name="Added rows").locator("tbody tr")
        assert added.locator("td").first.inner_text() == "4"
        changed = page.get_by_role("region", name="Changed rows").locator("tbody tr")
        assert changed.locator("td").all_inner_texts() == ["amount", "5", "6"]
        watched.check_accessible()

        page.goto(f"{shop.data}/datasets/orders/versions")
        page.get_by_label("Tag").fill("in-a-browser")
        page.get_by_label("Version", exact=True).select_option("2")
        page.get_by_role("button", name="Tag", exact=True).click()
        second = rows.filter(has=page.get_by_role("rowheader", name="2", exact=True))
        second.get_by_text("in-a-browser", exact=True).wait_for()

        watched.answers.append(True)
        second.locator("summary").click()
        second.get_by_role("button", name="Restore").click()
        page.wait_for_load_state()
        wait_until(lambda: versions(shop, client)[0]["version"] > newest)
        page.goto(f"{shop.data}/datasets/orders/versions")
        assert "restored from 2" in rows.first.inner_text()
    assert versions(shop, client)[0]["restored_from"] == 2
    assert "in-a-browser" in [tag for one in versions(shop, client) for tag in one["tags"]]


def test_a_profile_that_failed_says_why_on_its_page(shop, client, chromium):
    """The rows are damaged: the analysis fails, its page says so, offers another try, and the dataset stays listed."""
    kept = shop.home.root / "store" / "datasets" / "totals"
    shutil.rmtree(kept / "profile")
    for file in (kept / "data").rglob("*.parquet"):
        file.chmod(0o600)
        file.write_bytes(file.read_bytes()[:-8] + b"damaged!")
    asked = shop.post(client, f"{shop.data}/datasets/totals/analysis/compute", {"version": "1"})
    assert asked.status_code == 303

    def state() -> str:
        return client.get(f"{shop.api}/datasets/totals/profile").json()["state"]

    wait_until(lambda: state() == "failed")
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/totals/analysis")
        told = page.locator(".banner.bad").inner_text()
        assert "The analysis of version 1 failed." in told
        assert "damaged" in told
        assert page.get_by_role("button", name="Try again").is_visible()
        watched.check_accessible()
        page.get_by_role("link", name="Its run").click()
        assert "/runs/" in page.url
    detail = client.get(f"{shop.api}/datasets/totals").json()
    assert detail["summary"]["status"] == "ready"
