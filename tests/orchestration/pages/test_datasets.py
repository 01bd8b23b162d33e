"""The pages of datasets: what they show, what their forms do, and that nothing in them is markup."""

from __future__ import annotations

import re

import pytest

from tests.served import served, wait_until

EVIL = "<img src=x onerror=alert(1)>"
YAML = f"""
type: resources.FolderConnector
attributes: {{name: files, root: inbox}}
---
type: assets.Datasource
attributes: {{name: orders_files, connector: files, path: "orders/*.csv"}}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: orders_files
  refresh: manual
  description: "About {EVIL}"
  column_descriptions: {{note: "{EVIL}"}}
  checks: [{{expect_column_values_to_be_in_set: {{column: note, value_set: [plain], severity: warn}}}}]
---
type: assets.SqlTransform
attributes: {{name: totals, sql: "select sum(amount) as total from orders", refresh: manual}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    inbox = folder / "home" / "inbox" / "orders"
    inbox.mkdir(parents=True)
    (inbox / "1.csv").write_text(f"id,amount,note,{EVIL}\n1,2,{EVIL},\n")
    with served(folder, {"orders/defs.yaml": YAML}, daemon=True) as found:
        with found.client(headers={"Origin": found.url}) as client:
            send(found, client, "/datasets/orders/refresh")
            wait_until(lambda: "ready" in status(client.get(f"{found.data}/datasets/orders").text))
            # The list looks at the store once a second at most.
            wait_until(lambda: "orders/download" in client.get(f"{found.data}/datasets").text)
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


def status(text):
    return re.findall(r'<span class="badge [a-z]+">([a-z ]+)</span>', text)


def send(shop, client, path, **fields):
    """Sends a form as its page has it."""
    origin = path.rsplit("/", 1)[0] if path.endswith("/refresh") else path
    page = client.get(f"{shop.data}{origin}").text
    token = re.search(r'name="form_token" value="([^"]*)"', page)[1]
    answer = client.post(f"{shop.data}{path}", data={"form_token": token, **fields})
    assert answer.status_code in (303, 409, 422), (answer.status_code, answer.text)
    return answer


def test_the_list_has_filters_with_counts_links_and_a_menu(shop, client):
    text = client.get(f"{shop.data}/datasets").text
    assert re.search(r'value="datasource"> data source <span class="count">1</span>', text)
    assert 'href="/data/shop/datasets/orders/download?format=parquet"' in text
    assert 'href="/data/shop/datasets/totals/download' not in text, "it has no version"
    filtered = client.get(
        f"{shop.data}/datasets", params={"origin": "pipeline output", "status": "pending"}
    ).text
    assert "datasets/totals" in filtered
    assert 'href="/data/shop/datasets/orders"' not in filtered
    assert "No dataset is like that" in client.get(f"{shop.data}/datasets?q=zzz").text
    assert 'aria-sort="descending"' in client.get(f"{shop.data}/datasets?sort=-rows").text
    first = client.get(f"{shop.data}/datasets?limit=1").text
    following = re.search(r'<a href="([^"]+)" rel="next">', first)[1].replace("&amp;", "&")
    assert "datasets/totals" in client.get(following).text
    assert client.get(f"{shop.data}/datasets?origin=x").status_code == 422


@pytest.mark.parametrize(
    "tab", ["", "/columns", "/versions", "/checks", "/runs", "/rename", "/remove"]
)
def test_each_page_of_a_dataset_shows_data_as_text(shop, client, tab):
    answer = client.get(f"{shop.data}/datasets/orders{tab}")
    assert answer.status_code == 200, answer.text
    assert "<img src=x" not in answer.text
    assert f'href="{"/data/shop/datasets/orders" + tab}"' in answer.text
    if tab in ("", "/columns", "/checks"):
        assert "&lt;img src=x" in answer.text
    assert "/assets/datasets/orders" in answer.text


def test_a_page_tells_lineage_runs_and_failed_checks(shop, client):
    text = client.get(f"{shop.data}/datasets/orders").text
    assert 'href="/data/shop/datasources/orders_files"' in text
    assert 'href="/data/shop/datasets/totals"' in text
    assert "Checks that did not pass" in text
    assert re.search(r'href="/data/shop/runs/[0-9a-f-]{36}"', text)


def test_a_download_leads_to_the_bytes(shop, client):
    answer = client.get(
        f"{shop.data}/datasets/orders/download?format=csv&version=1", follow_redirects=True
    )
    assert answer.text.startswith(f"id,amount,note,{EVIL}\n")
    assert answer.headers["content-disposition"].startswith("attachment;")


def test_a_title_is_saved_by_a_form_and_shown_as_text(shop, client):
    answer = send(shop, client, "/datasets/orders/rename", title=EVIL, description="Ours")
    assert (answer.status_code, answer.headers["location"]) == (303, "/data/shop/datasets/orders")
    text = client.get(f"{shop.data}/datasets").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<img src=x" not in text
    wrong = send(shop, client, "/datasets/orders/rename", title="a\x00b", description="Long text")
    assert wrong.status_code == 422
    assert "U+0000" in wrong.text
    assert "\nLong text</textarea>" in wrong.text  # what was typed is not lost
    send(shop, client, "/datasets/orders/rename", title="", description="")


def test_a_removal_asks_names_the_users_and_leaves_what_is_declared(shop, client):
    asked = client.get(f"{shop.data}/datasets/orders/remove").text
    assert "datasets/totals" in asked
    refused = send(shop, client, "/datasets/orders/remove")
    assert refused.status_code == 409
    assert "used by datasets/totals" in refused.text
    gone = send(shop, client, "/datasets/orders/remove", force="true")
    assert gone.status_code == 303
    text = client.get(f"{shop.data}/datasets/orders").text
    assert "pending" in status(text)
    assert "were removed" in text
    assert (shop.home.root / "inbox/orders/1.csv").exists()


def test_a_form_of_another_page_changes_nothing(shop, client):
    answer = client.post(
        f"{shop.data}/datasets/totals/rename",
        data={"title": "stolen", "form_token": "x"},
        headers={"Origin": "http://evil.example"},
    )
    assert answer.status_code == 403
    assert "stolen" not in client.get(f"{shop.data}/datasets").text
