"""Checks of a dataset in the browser and over HTTP: what was found, in which rows, and what could be declared."""

from __future__ import annotations

import re

import pytest
import yaml

from assets.checks.expectations import parse_expectations
from resources.profiles.kept import keep_profile
from resources.stores.tables import TableStore
from tests.assets.checks.test_suggestions import profile_of
from tests.served import served, wait_until

EVIL = "<img src=x onerror=alert(1)>"
N = 1000
MANY = "".join("    - expect_column_values_to_not_be_null: {column: id}\n" for _ in range(N))
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
  refresh: "0 3 * * *"
  profile: on_demand
  key: id
  checks:
    - expect_column_values_to_not_be_null: {{column: id}}
    - expect_column_values_to_be_in_set: {{column: note, value_set: [plain], severity: warn}}
    - expect_column_values_to_be_unique: {{column: gone, severity: warn}}
---
type: assets.Dataset
attributes:
  name: many
  datasource: orders_files
  refresh: manual
  checks:
{MANY}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checked")
    inbox = folder / "home" / "inbox" / "orders"
    inbox.mkdir(parents=True)
    (inbox / "1.csv").write_text(f"id,note\n1,plain\n2,{EVIL}\n3,plain\n")
    with served(folder, {"orders/defs.yaml": YAML}, daemon=True) as found:
        with found.client(headers={"Origin": found.url}) as client:
            address = f"{found.data}/datasets/orders"
            token = re.search(r'name="form_token" value="([^"]+)"', client.get(address).text)
            client.post(f"{address}/refresh", data={"form_token": token.group(1)})
            wait_until(lambda: checks(found, client)["schema"]["outcome"] == "passed")
            wait_until(lambda: checks(found, client)["freshness"]["outcome"] == "passed")
            wait_until(
                lambda: (
                    {one["outcome"] for one in checks(found, client).values()}
                    == {"passed", "failed"}
                )
            )
        yield found


@pytest.fixture
def client(shop):
    with shop.client() as found:
        yield found


def checks(shop, client) -> dict[str, dict]:
    return {one["name"]: one for one in client.get(f"{shop.api}/datasets/orders/checks").json()}


def test_each_check_tells_its_severity_what_was_observed_and_the_rows_that_fail(shop, client):
    found = checks(shop, client)
    noted = found["expect_column_values_to_be_in_set_note"]
    assert (noted["outcome"], noted["severity"], noted["declared"]) == ("failed", "warning", "warn")
    assert (noted["failing"], noted["observed"]) == (1, "1 of 3 fail")
    assert (noted["examples"], noted["example_rows"]) == ([EVIL], [2])
    assert noted["example_keys"] == [{"id": 2}]
    assert found["expect_column_values_to_not_be_null_id"]["outcome"] == "passed"
    gone = found["expect_column_values_to_be_unique_gone"]
    assert "there is no column 'gone'" in gone["reason"]
    assert found["freshness"]["description"] == "Made anew within 1 d 6 h (refresh 0 3 * * *)"


def test_the_page_leads_to_the_rows_and_shows_values_as_text(shop, client):
    text = client.get(f"{shop.data}/datasets/orders/checks").text
    assert EVIL not in text
    ((place, name),) = re.findall(r'href="([^"]+/rows\?offset=[^"]+)" title="row 2">([^<]+)<', text)
    assert name == "id=2"
    assert "&lt;img" in client.get(shop.url + place.replace("&amp;", "&")).text


def test_a_thousand_checks_are_shown_a_hundred_at_a_time(shop, client):
    address, seen = f"{shop.data}/datasets/many/checks", 0
    page = client.get(address).text
    assert len(page) < 200_000
    while True:
        seen += page.count("Expect column values to not be null")
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if not following:
            break
        page = client.get(shop.url + following.group(1).replace("&amp;", "&")).text
    assert seen == N


def test_what_a_profile_proposes_can_be_copied_and_declared(shop, client):
    page = f"{shop.data}/datasets/orders/suggested-checks"
    assert "There is no profile of orders" in client.get(page).text
    missing = client.get(f"{shop.api}/datasets/orders/suggested-checks")
    assert (missing.status_code, "no profile" in missing.text) == (404, True)
    store = TableStore.open(str(shop.home.root / "store"))
    made = profile_of(store.read(("datasets", "orders")).to_table(), "orders")
    keep_profile(store, made, run_id="run")
    found = client.get(f"{shop.api}/datasets/orders/suggested-checks").json()
    proposed = yaml.safe_load(found["yaml"])["checks"]
    assert len(parse_expectations(proposed)) == len(found["checks"]) > 2
    assert {"expect_column_values_to_not_be_null": {"column": "note"}} in proposed
    assert {"expect_column_values_to_not_be_null": {"column": "id"}} not in proposed  # declared
    assert found["declared"] == 1
    shown = client.get(page).text
    assert "expect_column_values_to_not_be_null: {column: note}" in shown
