"""Datasets analysed, as pages and as a file: every bar leads to just its rows, data is never markup, wide tables stay light."""

import datetime as dt
import decimal
import html
import math
import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pyarrow as pa
import pytest

from orchestration.services.profiles import report
from resources.profiles.compute import compute_profile
from resources.profiles.kept import keep_profile
from tests.orchestration.services.rows.shelf import Shelf
from tests.served import served
from tests.servers.chromium import watched_page

NAMES = ("orders", "evil", "wide", "vast", "odd", "bare")
YAML = "\n---\n".join(
    [
        "type: resources.FolderConnector\nattributes: {name: files, root: inbox}",
        'type: assets.Datasource\nattributes: {name: landing, connector: files, path: "*.csv"}',
        *(
            f"type: assets.Dataset\nattributes: {{name: {name}, datasource: landing, refresh: manual}}"
            for name in NAMES
        ),
    ]
)
EVIL = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "'\"><svg/onload=alert(3)>", "javascript:alert(4)",
    "\u202egnp.exe\u202c", "{{ 7 * 7 }}{% raw %}", "</style></title><script>alert(6)</script>", "<!--", "&lt;b&gt;", "a\nb\tc",
    "x" * 300 + "<b>",
]  # fmt: skip
VAST = 3_000
"""Columns: more than a page may show, and more than a report has room to tell whole."""
START = dt.datetime(2013, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
CARRIERS = ["UA", "AA", "DL", "B6", "EV", "MQ", "US", "WN", "9E", "VX", "FL", "AS"]


def orders(rows: int) -> pa.Table:
    places = range(rows)
    return pa.table(
        {
            "id": places,
            "price": [math.exp((place * 37 % 101) / 20) for place in places],
            "total": [2 * math.exp((place * 37 % 101) / 20) + place % 3 for place in places],
            "carrier": [None if i % 31 == 0 else CARRIERS[(i * i) % 12] for i in places],
            "at": [START + dt.timedelta(hours=9 * place) for place in places],
        }
    )


def odd() -> pa.Table:
    """Types whose values an edge between two bars may not be a value of."""
    places = range(300)
    floats = [
        math.nan
        if i % 11 == 0
        else -math.inf
        if i % 13 == 0
        else math.inf
        if i % 17 == 0
        else i / 7
        for i in places
    ]
    return pa.table(
        {
            "double": floats,
            "single": pa.array([i / 10 for i in places], pa.float32()),
            "byte": pa.array([i % 256 for i in places], pa.uint8()),
            "signed": pa.array([i % 256 - 128 for i in places], pa.int8()),
            "long": pa.array([2**60 + i * 7 for i in places], pa.int64()),
            "cents": pa.array([decimal.Decimal(i % 7) / 100 for i in places], pa.decimal128(5, 2)),
            "tail": [10.0**6 if i == 5 else -(10.0**6) if i == 6 else i / 3 for i in places],
            "day": [dt.date(2020, 1, 31) + dt.timedelta(days=i) for i in places],
            "zoned": pa.array(
                [dt.datetime(2024, 3, 1, i % 24, tzinfo=dt.UTC) for i in places],
                pa.timestamp("us", "Europe/Berlin"),
            ),
            "clock": [dt.time(i % 24, i % 60) for i in places],
            "flag": [None if i % 9 == 0 else i % 4 == 0 for i in places],
            "word": [["", " ", "a,b", "naïve", None][i % 5] for i in places],
        }
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    shelf, run_ids = Shelf(folder), iter(range(99))

    def put(name: str, table: pa.Table, *, is_profiled: bool = True) -> None:
        shelf.put(name, table)
        if is_profiled:
            profile = compute_profile(("datasets", name), shelf.store.read(("datasets", name)))
            keep_profile(shelf.store, profile, run_id=f"profile-{next(run_ids)}")

    put("orders", orders(400))
    put("orders", orders(500).append_column("note", pa.array([None] * 400 + ["late"] * 100)))
    put("orders", orders(600), is_profiled=False)
    put("evil", pa.table({"n": range(len(EVIL)), **dict.fromkeys(EVIL, EVIL)}))
    wide = {f"column_{n:03}": [i * (n % 7 + 1) % 97 + n / 3 for i in range(50)] for n in range(200)}
    put("wide", pa.table(wide))
    put("vast", pa.table({f"c{n}": [n, None] for n in range(VAST)}))
    put("odd", odd())
    put("bare", orders(3), is_profiled=False)
    with served(folder, {"x/defs.yaml": YAML}, variables={"WAYBILL_STORE": shelf.url}) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client() as found:
        found.base_url = f"{shop.data}/datasets/"
        yield found


def links(text: str, within: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(rf'<a href="([^"]*{within}[^"]*)"', text)]


def found_rows(client, link: str) -> int:
    text = client.get(f"http://{client.base_url.host}:{client.base_url.port}{link}").text
    assert 'role="alert"' not in text, link
    if "No row meets these filters" in text:
        return 0
    return int(re.search(r"to [\d,]+\s+of ([\d,]+)", text)[1].replace(",", ""))


@pytest.mark.parametrize("column", odd().column_names)
def test_the_rows_behind_a_bar_are_just_those_that_it_counts(client, column):
    text = client.get("odd/analysis/column", params={"column": column}).text
    table = re.search(r"The chart as a table.*?</table>", text, re.DOTALL)[0]
    told = re.findall(r'<a href="([^"]*)">.*?<td class="number">([\d,]+)<', table)
    counts = [int(count.replace(",", "")) for _, count in told]
    assert sum(counts) == sum(
        int(n.replace(",", "")) for n in re.findall(r'</th><td class="number">([\d,]+)', table)
    )
    first, last, most = 0, len(told) - 1, counts.index(max(counts))
    for place in sorted({first, 1, last // 2, last - 1, last, most} & set(range(len(told)))):
        assert found_rows(client, html.unescape(told[place][0])) == counts[place], told[place]


def test_the_rows_behind_a_figure(client):
    text = client.get("odd/analysis/column", params={"column": "double"}).text
    odd_ones = re.findall(r'<a href="([^"]*)">The ([\d,]+) rows that are', text)
    assert [int(count) for _, count in odd_ones] == [28, 36]
    for link, count in odd_ones:
        assert found_rows(client, html.unescape(link)) == int(count)
    tail = client.get("odd/analysis/column", params={"column": "tail"}).text
    sides = links(tail.partition("are outliers")[2].partition("</p>")[0], "/rows.c=tail")
    assert [found_rows(client, link) for link in sides] == [1, 1]
    word = client.get("odd/analysis/column", params={"column": "word"}).text
    assert {found_rows(client, link) for link in links(word, "c=word&amp;o=%3D")} == {60}


def test_general_shows_the_newest_profile_and_says_that_it_is_of_an_older_version(client):
    text = client.get("orders/analysis").text
    assert "Version 3 is not analysed yet" in text
    assert "What is shown is of version 2" in text
    assert text.count('class="chart small"') == 6
    assert "1 column" in text
    assert "Spearman&#39;s correlation" in text or "Spearman's correlation" in text
    assert "Version 3 is not analysed yet" in client.get("orders/analysis?version=3").text
    first = client.get("orders/analysis?version=1").text
    assert "not analysed" not in first
    assert "Version 1, analysed" in first
    assert client.get("orders/analysis?version=9").status_code == 404


def test_without_any_profile_the_page_says_so(client):
    for path in ("", "/columns", "/column?column=id", "/associations", "/sample"):
        found = client.get(f"bare/analysis{path}")
        assert found.status_code == 200
        assert "Version 1 is not analysed yet" in found.text
    assert client.get("bare/analysis/report").status_code == 404


def test_a_button_has_the_version_analysed(shop, client):
    path = f"{shop.data}/datasets/bare/analysis"
    assert "Analyse it now" in client.get(path).text
    assert shop.post(client, f"{path}/compute", {"version": 1}).status_code == 303
    assert "Version 1 is being analysed (queued)" in client.get(path).text


def test_columns_are_filtered_sorted_and_paged(client):
    def names(**wanted: str) -> list[str]:
        text = client.get("orders/analysis/columns", params=wanted).text
        return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', text)

    assert names(kind="number", sort="-name") == ["total", "price", "id"]
    assert names(sort="-missing")[:2] == ["note", "carrier"]
    assert names(warning="mostly_missing") == ["note"]
    assert names(q="CARR") == ["carrier"]
    assert names(q="nothing like it") == []
    wide = client.get("vast/analysis/columns", params={"sort": "-position"})
    assert "3,000 of 3,000 columns" in wide.text
    assert len(wide.content) < 500_000
    following = html.unescape(re.search(r'href="([^"]*)" rel="next"', wide.text)[1])
    assert "c2899</a>" in client.get(f"http://{client.base_url.netloc.decode()}{following}").text


def test_two_versions_stand_side_by_side(client):
    text = client.get("orders/analysis?version=2&beside=1").text
    assert "Version 2, analysed" in text
    assert ", beside version 1" in text
    changed = re.search(r"Columns that differ.*?</table>", text, re.DOTALL)[0]
    assert "not there" in changed
    assert ">new</td>" in changed
    column = client.get("orders/analysis/column?column=price&version=2&beside=1").text
    assert column.count('class="chart large"') == 2
    assert {link[-9:] for link in links(column, "/rows.c=price")} == {"version=2", "version=1"}
    assert client.get("orders/analysis?version=2&beside=3").status_code == 404


@pytest.mark.parametrize("path", ["", "/columns", "/associations", "/sample"])
@pytest.mark.parametrize("name", ["wide", "vast"])
def test_a_page_of_a_wide_table_stays_light(client, name, path):
    assert len(client.get(f"{name}/analysis{path}").content) < 500_000


def test_further_distributions_come_as_a_part_of_the_page(client):
    first = client.get("wide/analysis").text
    more = html.unescape(re.search(r'hx-get="([^"]*)"', first)[1])
    part = client.get(
        f"http://{client.base_url.netloc.decode()}{more}", headers={"HX-Request": "true"}
    ).text
    assert "<html" not in part
    assert "column_048" in part
    assert "column_047" not in part


class _Markup(HTMLParser):
    """What a file would load or run, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            is_own = name in ("href", "id") and (value or "").startswith(("#", "c"))
            if name.startswith("on") or (name in ("href", "src", "action", "style") and not is_own):
                self.outside.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("name", ["orders", "evil", "wide", "vast", "odd"])
def test_the_report_is_one_small_file_that_loads_and_runs_nothing(client, monkeypatch, name):
    monkeypatch.setattr(report, "LINES_BYTES", 400_000)  # less than the columns of `vast` take
    answer = client.get(f"{name}/analysis/report")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.content) < 5_000_000
    parsed = _Markup()
    parsed.feed(answer.text)
    assert parsed.outside == []
    assert not parsed.tags & {"script", "link", "img", "iframe", "object", "b", "form"}
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", answer.text)
    assert "\u202e" not in answer.text
    if name == "vast":
        assert answer.text.count("there is no room in one file") == 2  # in the table, below it


@pytest.mark.parametrize("path", ["", "/columns", "/associations", "/sample", "/column"])
def test_names_and_values_are_never_markup(shop, client, chromium, path):
    for name in EVIL if path == "/column" else [""]:
        query = urlencode({"column": name} if name else {})
        text = client.get(f"evil/analysis{path}", params=query).text
        assert not re.search(r"<(script>|img src=x|b>|svg/)", text)
        exact = re.compile(r'<input type="hidden" name="column" [^>]*>')  # goes back as it is
        assert "\u202e" not in exact.sub("", text)
    with watched_page(chromium) as watched:  # no script runs, no dialog opens
        watched.page.goto(f"{shop.data}/datasets/evil/analysis{path}?{query}")


def test_the_way_of_a_reader_from_a_list_to_the_rows_behind_a_bar(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/orders")
        page.get_by_role("link", name="Analysis").click()
        page.get_by_role("navigation", name="Analysis").get_by_role("link", name="Columns").click()
        page.get_by_label("Type").select_option("number")
        page.get_by_role("button", name="Apply").click()
        page.get_by_role("columnheader", name="Missing").get_by_role("link").click()
        page.get_by_role("columnheader", name="Column", exact=True).get_by_role("link").click()
        assert page.locator("tbody th").all_inner_texts() == ["id", "price", "total"]
        page.get_by_role("link", name="price").click()
        bar = page.locator("svg.large a").first
        rows = re.search(r": ([\d,]+) \(", bar.locator("title").text_content())[1]
        bar.locator(".hit").click()
        assert f"of {rows} that match, 500 in all, version 2" in page.locator("main").inner_text()
        page.go_back()
        page.get_by_role("navigation", name="Analysis").get_by_role(
            "link", name="Associations"
        ).click()
        page.locator(".matrix tbody th a", has_text="carrier").click()
        assert page.locator(".matrix tbody th").first.inner_text() == "carrier"
        page.locator(".matrix td a").first.click()
        assert page.locator("#pair li").count() > 0


def test_all_distributions_of_a_wide_table_come_in_by_scrolling(shop, chromium):
    with watched_page(chromium) as watched:
        watched.page.goto(f"{shop.data}/datasets/wide/analysis")
        cards = watched.page.locator(".distributions li")
        for shown in (48, 96, 144, 192):
            cards.nth(shown).scroll_into_view_if_needed()
            cards.nth(min(shown + 1, 199)).wait_for()
        cards.nth(199).wait_for()
        assert watched.page.locator(".distributions .more").count() == 0


def test_the_analysis_is_accessible_and_fits(shop, chromium):
    paths = ["", "?version=2&beside=1", "/columns", "/column?column=price", "/associations?a=1&b=2"]
    with watched_page(chromium) as watched:
        for path in paths:
            watched.page.goto(f"{shop.data}/datasets/orders/analysis{path}")
            watched.check_looks()
