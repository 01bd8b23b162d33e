"""Rows, cells and SQL in pages: the address is the state, no script is needed, and data is never markup."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pyarrow as pa
import pytest

from tests.orchestration.services.rows.shelf import Shelf
from tests.served import served
from tests.servers.chromium import watched_page

YAML = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: assets.Datasource
attributes: {name: landing, connector: files, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: landing, refresh: manual}
---
type: assets.Dataset
attributes: {name: evil, datasource: landing, refresh: manual}
---
type: assets.Dataset
attributes: {name: empty, datasource: landing, refresh: manual}
"""
EVIL = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "'\"><svg/onload=alert(3)>", "javascript:alert(4)",
    "\u202egnp.exe\u202c", "\x00\x01\x1b[31mred\x7f", "{{ 7 * 7 }}{% raw %}", "</textarea><script>alert(5)</script>",
    "</title></style><script>alert(6)</script>", "<!--", "&lt;b&gt;", "\ufeff\u200b", "a\nb\tc", "x" * 1_000 + "<b>",
]  # fmt: skip


PRESS_STOP = """() => {
  const stop = document.getElementById("sql-stop");
  setInterval(() => { if (!stop.hidden && !stop.disabled) stop.click(); }, 200);
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    store = Shelf(folder)
    notes = ["plain", "", None, "null", "x" * 2_000]
    store.put("orders", pa.table({"id": range(500), "note": notes * 100}))
    store.put("orders", pa.table({"id": range(1_000), "note": notes * 200, "l": [[1, 2]] * 1_000}))
    columns = {name: EVIL for name in EVIL if name.strip("\ufeff\u200b") and "\0" not in name}
    store.put("evil", pa.table({"n": range(len(EVIL)), **columns}))
    with served(
        folder, {"orders/defs.yaml": YAML}, variables={"WAYBILL_STORE": store.url}
    ) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        found.base_url = f"{shop.data}/"
        yield found


def token(text: str) -> str:
    return re.search(r'name="form_token" value="([^"]*)"', text)[1]


def send(client, path: str, **fields: str):
    page = client.get("sql").text
    return client.post(path, data={"form_token": token(page), **fields})


def ids(text: str) -> list[int]:
    return [
        int(n.replace(",", "")) - 1
        for n in re.findall(r'<th scope="row" class="number">([\d,]+)</th>', text)
    ]


def rows(client, *pairs: tuple[str, object]):
    return client.get(f"datasets/orders/rows?{urlencode(pairs)}")


def test_pages_filters_and_versions_are_in_the_address(client):
    first = rows(client)
    assert first.status_code == 200
    assert ids(first.text) == list(range(50))
    assert "of 1,000, version 2" in first.text
    following = html.unescape(re.search(r'href="([^"]*)" rel="next"', first.text)[1])
    assert ids(
        client.get(f"http://{client.base_url.host}:{client.base_url.port}{following}").text
    ) == list(range(50, 100))
    last = html.unescape(re.search(r'href="([^"]*)" rel="last"', first.text)[1])
    assert "offset=950" in last
    filtered = rows(
        client,
        ("c", "id"),
        ("o", ">="),
        ("v", "990"),
        ("c", "note"),
        ("o", "is not null"),
        ("v", ""),
        ("c", ""),
        ("o", "="),
        ("v", ""),
    )
    assert ids(filtered.text) == [990, 991, 993, 994, 995, 996, 998, 999]
    assert "of 8 that match, 1,000 in all" in filtered.text
    assert ids(rows(client, ("sort", "-id"), ("limit", 20)).text) == list(range(999, 979, -1))
    old = rows(client, ("version", 1), ("col", "note"), ("offset", 490))
    assert ids(old.text) == list(range(490, 500))
    assert "1 of 2 columns" in old.text


def test_null_empty_and_the_text_null_are_told_apart(client):
    text = rows(client, ("limit", 20)).text
    assert '<td><span class="null">empty</span></td>' in text
    assert '<td><span class="null">null</span></td>' in text
    assert "<td>null</td>" in text
    assert "<td>[1, 2]</td>" in text


def test_a_cut_value_leads_to_all_of_it(client):
    link = html.unescape(
        re.search(r'class="more" href="([^"]*)">all 2,000 characters', rows(client).text)[1]
    )
    page = client.get(link.split("/shop/", 1)[1])
    assert "x" * 2_000 in page.text
    download = html.unescape(re.search(r'class="button" href="([^"]*)">Download', page.text)[1])
    answer = client.get(download.split("/shop/", 1)[1])
    assert (answer.text, answer.headers["content-type"]) == (
        "x" * 2_000,
        "application/octet-stream",
    )
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("datasets/orders/rows?c=id&o=%3D&v=abc", 422, "Give a whole number"),
        ("datasets/orders/rows?c=idd&o=%3D&v=1", 422, "Did you mean 'id'?"),
        ("datasets/orders/rows?sort=nothing", 422, "there is no column 'nothing'"),
        ("datasets/orders/rows?version=9", 404, "There are versions 1 to 2"),
        ("datasets/empty/rows", 404, "has no version yet"),
        ("datasets/ordres/rows", 404, "Did you mean 'orders'?"),
        ("datasets/orders/rows?c=id&o=%3E&v=5000", 200, "No row meets these filters."),
        ("datasets/orders/facets?column=note", 200, "Most frequent values"),
        ("datasets/orders/facets?column=x", 422, "there is no column 'x'"),
        ("datasets/orders/cell?version=2&row=3&column=note", 200, '<span class="null">null</span>'),
        ("datasets/orders/cell?version=2&row=9999&column=note", 404, "has no row 9,999"),
    ],
)
def test_what_cannot_be_is_told_in_the_page(client, path, status, text):
    answer = client.get(path)
    assert answer.status_code == status
    assert text in html.unescape(answer.text)


def test_a_value_of_the_facets_leads_to_its_rows(client):
    text = client.get("datasets/orders/facets?column=note&c=id&o=%3C&v=10").text
    link = html.unescape(re.search(r'<a href="([^"]*)">plain</a>', text)[1])
    assert ids(client.get(link.split("/shop/", 1)[1]).text) == [0, 5]


def test_a_query_runs_when_it_is_sent_not_when_it_is_linked(client):
    filled = client.get("sql?q=select+id+from+orders")
    assert "select id from orders</textarea>" in filled.text
    assert "Result" not in filled.text
    done = send(
        client, "sql", sql="select note, count(*) as n from orders group by 1 order by 2, 1"
    )
    assert done.status_code == 200
    assert "BIGINT" in done.text
    address = re.search(r'/sql/([0-9a-f]{24})">Address', done.text)[1]
    found = client.get(f"sql/{address}").text
    assert "group by 1 order by 2, 1</textarea>" in found
    assert "5 rows" in found
    assert address in client.get("sql/history").text


def test_a_mistake_keeps_the_statement(client):
    answer = send(client, "sql", sql="select\nidd from orders")
    assert answer.status_code == 422
    assert "query, line 2: there is no column 'idd' in orders" in html.unescape(answer.text)
    assert "select\nidd from orders</textarea>" in answer.text


def test_files_and_a_transform_of_a_query(client):
    csv = send(client, "sql/download", sql="select id from orders order by 1 limit 2", format="csv")
    assert (csv.text, csv.headers["content-type"]) == ("id\n0\n1\n", "text/csv; charset=utf-8")
    parquet = send(client, "sql/download", sql="select id from orders", format="parquet")
    assert parquet.content[:4] == b"PAR1"
    assert (
        send(client, "sql/download", sql="select idd from orders", format="csv").status_code == 422
    )
    made = send(client, "sql/transform", sql="select id\nfrom orders", name="ids")
    assert "  sql: |\n    select id\n    from orders" in made.text
    assert (
        "/transforms/-/new?type=assets.SqlTransform&amp;name=ids&amp;sql=select+id%0Afrom+orders"
        in made.text
    )
    assert (
        send(client, "sql/transform", sql="select id from orders", name="Ids!").status_code == 409
    )


def test_a_form_of_another_page_runs_nothing(shop):
    with shop.client(headers={"Origin": "http://evil.example"}) as client:
        assert (
            client.post(f"{shop.data}/sql", data={"sql": "select id from orders"}).status_code
            == 403
        )


def select_evil(text: str) -> str:
    """A value and its name."""
    value, name = text.replace("'", "''"), text.replace('"', '""')
    return f"'{value}' as \"{name}\""


def test_data_is_never_markup(shop, client, chromium):
    """Names of columns, values, errors and statements full of it: no dialog, nothing on the console, nothing refused."""
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/evil/rows")
        assert page.locator("tbody tr").count() == len(EVIL)
        assert page.locator("table img, table svg, table script, table b").count() == 0
        shown = page.locator("tbody tr").first.inner_text()
        assert "<script>alert(1)</script>" in shown
        assert "\\u202e" in page.locator("tbody").inner_text()
        watched.check_accessible()
        for link in ("thead a >> nth=1", ".types a >> nth=1", "a.more >> nth=0"):
            page.goto(f"{shop.data}/datasets/evil/rows")
            page.locator(link).click()
            page.wait_for_load_state()
            watched.check_accessible()
        watched.expected |= {404, 422}
        for text in EVIL:
            page.goto(
                f"{shop.data}/datasets/evil/rows?{urlencode({'c': text, 'o': '=', 'v': text, 'q': text, 'sort': text})}"
            )
            page.goto(f"{shop.data}/sql?{urlencode({'q': text, 'table': text})}")
        columns = [select_evil(text) for text in EVIL if "\0" not in text]
        page.fill("#sql", f"select {', '.join(columns)} from evil limit 1")
        page.click("button.main")
        page.wait_for_selector("h2:has-text('Result')")
        assert page.locator("table img, table svg, table script, table b").count() == 0
        for column in columns:  # a statement each, for the list of those that ran
            assert send(client, "sql", sql=f"select {column} from evil limit 1").is_success
        page.goto(f"{shop.data}/sql/history")
        assert page.locator("tbody tr").count() >= len(EVIL) - 1
        watched.check_accessible()


def test_a_query_by_keyboard_and_its_stop(shop, chromium):
    with watched_page(chromium, color_scheme="dark") as watched:
        page = watched.page
        page.goto(f"{shop.data}/sql")
        watched.check_accessible()
        page.fill("#sql", "select count(*) as number_of from orders")
        page.press("#sql", "Control+Enter")
        page.wait_for_selector("h2:has-text('Result')")
        assert page.locator("tbody td").inner_text() == "1000"
        watched.check_accessible()
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        watched.expected |= {404, 409}  # pressed too early, and stopped
        page.fill("#sql", "select count(*) from orders a, orders b, orders c, orders d, orders e")
        page.evaluate(PRESS_STOP)  # Playwright itself awaits the page that the button prevents
        page.locator("button.main").click(no_wait_after=True)
        page.wait_for_selector(".banner.bad")
        assert "the query was stopped" in page.locator(".banner.bad").inner_text()


def test_filters_by_hand_without_a_script(shop, chromium):
    with watched_page(chromium, java_script_enabled=False) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/orders/rows")
        page.select_option("select[name=c]", "id")
        page.select_option("select[name=o]", ">")
        page.fill("input[name=v]", "997")
        page.click("text=Apply")
        assert page.locator("tbody th").all_inner_texts() == ["999", "1,000"]
        page.click("thead a:has-text('id')")
        page.click("thead a:has-text('id')")
        assert page.locator("tbody th").all_inner_texts() == ["1,000", "999"]
        page.click("text=Clear")
        page.click("text=Last")
        assert page.locator("tbody th").last.inner_text() == "1,000"
        page.goto(f"{shop.data}/sql")
        page.fill("#sql", "select max(id) as m from orders")
        page.click("button.main")
        assert page.locator("tbody td").inner_text() == "999"
