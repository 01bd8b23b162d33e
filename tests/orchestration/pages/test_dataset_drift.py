"""Drift as a page, over HTTP and from Python: which columns have moved, against what, and both distributions over each other."""

import re
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pytest
import waybill

from resources.kernel.errors import NotFoundError
from tests.orchestration.services.rows.shelf import Shelf
from tests.served import served
from tests.servers.chromium import watched_page

NAMES = ("orders", "lone", "evil", "wide")
DECLARED = (
    'drift: {columns: {price: {method: psi}}, ignore: [id], share: 0.9, against: "tag:train"}'
)
YAML = "\n---\n".join(
    [
        "type: resources.FolderConnector\nattributes: {name: files, root: inbox}",
        'type: assets.Datasource\nattributes: {name: landing, connector: files, path: "*.csv"}',
        *(
            f"type: assets.Dataset\nattributes: {{name: {name}, datasource: landing, refresh: manual}}"
            for name in NAMES
        ),
        f"type: assets.Dataset\nattributes:\n  name: held\n  datasource: landing\n  {DECLARED}",
    ]
)
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "\u202egnp.exe",
    "{{ 7 * 7 }}",
]
RANDOM = np.random.default_rng(5)


def orders(shift: float, carriers: list[str], gaps: int = 0) -> pa.Table:
    hours = RANDOM.integers(0, 8_000, 600) + int(shift * 50)
    return pa.table(
        {
            "id": range(600),
            "price": RANDOM.normal(50 + shift, 10, 600),
            "carrier": RANDOM.choice(carriers, 600),
            "at": pa.array(hours * 3_600, pa.timestamp("s")),
            "note": [None if n < gaps else "x" for n in range(600)],
            "steady": RANDOM.normal(0, 1, 600),
        }
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    shelf = Shelf(folder)
    first, second = orders(0, ["UA", "AA", "DL"]), orders(25, ["UA", "AA", "XX"], gaps=200)
    for name in ("orders", "held"):
        for table in (first, second.append_column("fresh", pa.array([1] * 600)), first):
            shelf.put(name, table)
        shelf.store.item(("datasets", name)).tagging.tag("train", 2)
    shelf.put("lone", first)
    for turn in (0, 1):
        texts = {text: [EVIL[n % (2 + 2 * turn)] for n in range(400)] for text in EVIL}
        shelf.put("evil", pa.table(texts))
        shelf.put("wide", pa.table({f"c{n}": RANDOM.normal(turn, 1, 120) for n in range(300)}))
    with served(folder, {"x/defs.yaml": YAML}, variables={"WAYBILL_STORE": shelf.url}) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client() as found:
        found.base_url = f"{shop.data}/datasets/"
        yield found


def names(text: str) -> list[str]:
    table = text.partition('aria-label="Drift by column"')[2].partition("</table>")[0]
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', table)


def test_the_page_begins_with_the_verdict_and_the_column_that_moved_most(client):
    text = client.get("orders/analysis/drift", params={"version": "2"}).text
    assert "Version 2 against version 1: drifted." in text
    assert "4 of 6 columns have drifted from version 1" in text
    assert set(names(text)[:4]) == {"price", "carrier", "at", "note"}
    assert set(names(text)[4:]) == {"id", "steady"}
    assert re.search(r"Wasserstein distance [\d.]+, threshold 0.1", text)
    assert "it looks like an identifier" in text
    assert ("New:" in text, "XX" in text, "Vanished:" in text, "DL" in text) == (True,) * 4
    assert "+33.3 points" in text
    assert re.search(r'<th scope="row">fresh</th><td>new</td>', text)
    only = client.get("orders/analysis/drift", params={"version": "2", "only": "drifted"}).text
    assert set(names(only)) == {"price", "carrier", "at", "note"}
    assert names(client.get("orders/analysis/drift?version=2&q=PRI").text) == ["price"]


@pytest.mark.parametrize(
    ("against", "called", "drifted"),
    [
        ("", "version 2", 4),
        ("previous", "version 2", 4),
        ("version:1", "version 1", 0),
        ("1", "version 1", 0),
        ("train", "version 2 (train)", 4),
        ("tag:train", "version 2 (train)", 4),
        ("dataset:lone", "version 1 of lone", 0),
        ("dataset:held@train", "version 2 of held (train)", 4),
    ],
)
def test_a_version_is_compared_with_what_is_asked_for(client, against, called, drifted):
    text = client.get("orders/analysis/drift", params={"against": against}).text
    assert f"Version 3 against {called}: " in text
    assert f"{drifted} of 6" in text
    assert f'value="{against}"' in text, "what was typed stays in the form"


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("against=tag:gone", 404, "has no tag &#39;gone&#39;"),
        ("against=version:99", 404, "99"),
        ("against=dataset:unknown", 404, "unknown"),
        ("against=branch:main", 422, "nothing that a version could be compared with"),
        ("against=dataset:../x", 422, "nothing that a version could be compared with"),
        ("version=1", 404, "There is no version of orders before version 1"),
        ("column=nope", 404, "not both versions have a column &#39;nope&#39;"),
    ],
)
def test_what_cannot_be_compared_is_said_beside_the_form(client, query, status, said):
    answer = client.get(f"orders/analysis/drift?{query}")
    assert answer.status_code == status
    assert said in answer.text
    assert 'name="against"' in answer.text


def test_one_version_alone_has_nothing_to_compare_with(client):
    answer = client.get("lone/analysis/drift")
    assert (answer.status_code, "There is one version alone" in answer.text) == (200, True)


def test_a_column_has_its_chart_as_a_table(client):
    text = client.get("orders/analysis/drift?version=2&column=carrier").text
    cells = re.findall(r'<th scope="row">(\w\w)</th>((?:<td class="number">[^<]*</td>)+)', text)
    found = {name: re.findall(r">([^<]*)</td>", row) for name, row in cells}
    assert found["DL"][2:] == ["0", "0 %"]
    assert found["XX"][:2] == ["0", "0 %"]
    assert sum(int(row[0]) for row in found.values()) == 600
    assert "<svg" in text
    assert "chi-square test" in text


def test_methods_and_thresholds_are_those_that_are_declared(client):
    text = client.get("held/analysis/drift").text
    assert "against version 2 (train): " in text
    assert "PSI" in text
    assert "a share of 0.9 is allowed" in text
    assert ("what the dataset declares" in text, "Not looked at: id" in text) == (True, True)


def test_over_http_and_from_python_it_is_the_same(shop, client):
    url = f"{shop.api}/datasets/orders/drift"
    answer = client.get(url, params={"version": "2", "against": "version:1"})
    found = answer.json()
    assert (found["state"], found["drifted"], found["compared"]) == ("drifted", 4, 6)
    price = next(one for one in found["columns"] if one["name"] == "price")
    assert (price["method"], price["threshold"], price["drifted"]) == ("wasserstein", 0.1, True)
    assert sum(price["bins"]["reference"]) == 600
    one = client.get(url, params={"version": "2", "column": "price"}).json()
    assert [column["name"] for column in one["columns"]] == ["price"]
    refused = client.get(url, params={"against": "tag:gone"})
    assert (refused.status_code, "Its tags are train" in refused.text) == (404, True)
    dataset = waybill.Client(shop.url).datasets["orders"]
    drift = dataset.drift(2, against="version:1")
    assert drift.column("price").value == pytest.approx(price["value"])
    assert drift.columns_added[0].column == "fresh"
    with pytest.raises(NotFoundError, match="no tag"):
        dataset.drift(against="tag:gone")


def test_the_check_in_dagster_leads_to_the_page(client):
    url = str(client.base_url).partition("/data/")[0]
    answer = client.get(f"{url}/data/-/assets/datasets/orders?part=drift", follow_redirects=False)
    assert answer.headers["location"].endswith("/datasets/orders/analysis/drift")


def test_names_and_values_are_never_markup(shop, client, chromium):
    paths = ["", *(f"?column={quote(name, safe='')}" for name in EVIL)]
    for path in paths:
        text = client.get(f"evil/analysis/drift{path}").text
        assert not re.search(r"<(script>|img src=x)", text)
        exact = re.compile(r'<input type="hidden" name="column" [^>]*>')  # goes back as it is
        assert "\u202e" not in exact.sub("", text)
    with watched_page(chromium) as watched:  # no script runs, no dialog opens
        watched.page.goto(f"{shop.data}/datasets/evil/analysis/drift")


def test_a_page_of_a_wide_table_stays_light(client):
    answer = client.get("wide/analysis/drift")
    assert len(names(answer.text)) == 200
    assert "100 more columns" in answer.text
    assert len(answer.content) < 600_000


def test_the_way_of_a_reader_to_both_distributions_of_a_column(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/orders/analysis")
        page.get_by_role("navigation", name="Analysis").get_by_role("link", name="Drift").click()
        page.get_by_label("against").fill("version:1")
        page.get_by_role("button", name="Compare").click()
        assert "None of 6 columns has drifted from version 1" in page.locator("main").inner_text()
        page.get_by_label("Version").select_option("2")
        page.get_by_role("button", name="Compare").click()
        page.locator("select[name=only]").select_option("drifted")
        page.get_by_role("button", name="Compare").click()
        table = page.get_by_role("region", name="Drift by column")
        assert table.locator("tbody tr").count() == 4
        table.get_by_role("link", name="price").click()
        assert page.locator("svg.large path.then").count() == 1
        page.get_by_text("The chart as a table").click()
        assert page.get_by_role("region", name="Both distributions as a table").is_visible()


def test_drift_is_accessible_and_fits(shop, chromium):
    with watched_page(chromium) as watched:
        for query in ("version=2", "version=2&column=price", "version=2&column=carrier"):
            watched.page.goto(f"{shop.data}/datasets/orders/analysis/drift?{query}")
            watched.check_looks()
