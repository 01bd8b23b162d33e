"""Collections in the browser: lists, filters told at their place, items of each type, changes by forms; nothing of it is markup."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.gallery import YAML, every_type, fill_lake, import_items, url_of
from tests.orchestration.pages.test_keyboard import press, tab_to
from tests.resources.media import media_files as make
from tests.served import served, wait_until
from tests.servers.chromium import watched_page

EVIL = "<img src=x onerror=alert(1)>\u202egpj"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    lake = folder / "home" / "lake"
    lake.mkdir(parents=True)
    with served(folder, {"photos/defs.yaml": YAML}) as found:
        import_items(found.home.root, "photos", every_type(lake))
        fill_lake(lake, {f"n{n}.png": make.image("PNG", (40 + n, 30)) for n in range(3)})
        images = [
            {"objectUrl": url_of(lake, f"n{n}.png"), "title": f"North {n}", "clientMetadata": {"lux": 10 + n}}
            for n in range(3)
        ]  # fmt: skip
        import_items(found.home.root, "photos", {"images": images}, folder="north/2026")
        strange = {"objectUrl": url_of(lake, "red.png"), "title": EVIL, "clientMetadata": {"notes": EVIL, EVIL[:20]: 1}}  # fmt: skip
        import_items(found.home.root, "photos", {"images": [strange]}, folder="odd <b>")
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


@pytest.fixture
def ids(shop, client):
    found = client.get(f"{shop.api}/collections/photos/items?limit=500").json()["items"]
    return {item["title"]: item["id"] for item in found}


def look(shop, client, path="", **query):
    return client.get(f"{shop.data}/collections{path}", params=query)


def titles(text):
    return list(re.findall(r'class="title" href="[^"]*" title="([^"]*)"', text))


def test_the_list_and_what_an_empty_one_says_next(shop, client):
    text = look(shop, client).text
    assert 'href="/data/shop/collections/photos"' in text
    assert 'href="/data/shop/collections/photos?state=failed">1<' in text
    assert "Nothing has been imported yet" in look(shop, client, "/copies").text
    assert look(shop, client, "/nothing").status_code == 404


def test_filters_are_fields_of_the_schema_with_counts(shop, client):
    text = look(shop, client, "/photos", **{"is:weather": "fog", "type": "image"}).text
    assert titles(text) == ["Red"]
    assert re.search(r'value="fog" checked> fog <span class="count">1</span>', text)
    assert re.search(r'value="sun"> sun <span class="count">1</span>', text), (
        "its own filter is left aside"
    )
    assert 'name="from:lux"' in text
    assert 'name="has:notes"' in text
    assert titles(look(shop, client, "/photos", **{"from:lux": "11", "sort": "-lux"}).text) == ["North 2", "North 1"]  # fmt: skip
    assert titles(look(shop, client, "/photos", filter="lux > 5 and lux < 8").text) == ["Blue"]
    assert "No item matches" in look(shop, client, "/photos", filter="lux > 1000").text


def test_a_mistake_is_told_where_it_was_made(shop, client):
    wrong = look(shop, client, "/photos", filter="lux >> 3")
    assert wrong.status_code == 422
    assert "character 6: expected a value" in wrong.text
    assert "lux &gt;<mark>&gt;</mark> 3" in wrong.text
    field = look(shop, client, "/photos", **{"from:lux": "many"})
    assert field.status_code == 422
    assert re.search(
        r'name="from:lux" value="many".*?<p class="error">[^<]*a number, not', field.text, re.DOTALL
    )
    assert look(shop, client, "/photos", sort="nothing").status_code == 422
    assert look(shop, client, "/photos", cursor="x").status_code == 422


def test_folders_are_a_tree_and_pages_have_cursors(shop, client):
    text = look(shop, client, "/photos").text
    assert re.search(r'folder=north">north</a> <span class="count">3</span>', text)
    inner = look(shop, client, "/photos", folder="north").text
    assert titles(inner) == ["North 0", "North 1", "North 2"]
    assert "2026</a>" in inner
    seen, path = [], f"{shop.data}/collections/photos?sort=title&limit=60"
    text = client.get(path).text
    seen += titles(text)
    assert len(seen) == 14
    table = look(shop, client, "/photos", view="table", sort="title", folder="north").text
    assert table.index("North 0") < table.index("North 2")
    assert 'aria-sort="ascending"' in table


def test_an_item_of_each_type_is_shown_in_its_way(shop, client, ids):
    def text(title, **query):
        return look(shop, client, f"/photos/items/{ids[title]}", **query).text

    assert "/picture?file=0" in text("Red")
    assert re.search(r'<video id="player"[^>]*src="[^"]*/content"', text("Clip"))
    assert text("Clip").count("data-seek=") == 2
    assert 'src="/api/v1/projects/shop/collections/photos/items/{}/content#t=1"'.format(ids["Clip"]) in text("Clip", t="1")  # fmt: skip
    assert "#t=" not in text("Clip", t="'><script>")
    assert "<audio id=" in text("Tone")
    assert "Grüße\n&lt;script&gt;alert(1)&lt;/script&gt;" in text("Notes")
    assert "/picture?file=0&amp;place=1" in text("Paper", page="2")
    assert "/picture?file=2" in text("Head"), "the slice in the middle"
    assert "/picture?file=0&amp;place=4" in text("Scan")
    assert "/picture?file=1" in text("Pair", page="2")
    gone = text("Gone")
    assert "object_not_found" in gone
    assert "then retry the import" in gone
    assert "gone.png" in gone
    assert look(shop, client, "/photos/items/999999").status_code == 404
    assert look(shop, client, "/photos/items/x").status_code == 404


def test_the_items_beside_are_those_of_the_filter(shop, client, ids):
    query = {"filter": "lux > 9", "sort": "-lux"}
    text = look(shop, client, f"/photos/items/{ids['North 1']}", **query).text
    beside = dict(re.findall(r'href="([^"]*)" rel="(prev|next)"', text))
    found = {rel: href.replace("&amp;", "&") for href, rel in beside.items()}
    assert urlsplit(found["prev"]).path.endswith(f"/{ids['North 2']}")
    assert urlsplit(found["next"]).path.endswith(f"/{ids['North 0']}")
    assert parse_qs(urlsplit(found["next"]).query) == {"filter": ["lux > 9"], "sort": ["-lux"]}
    last = look(shop, client, f"/photos/items/{ids['North 0']}", **query).text
    assert 'rel="next"' not in last


def test_nothing_of_a_stranger_is_markup(shop, client, ids):
    for path in ("/photos", "/photos?view=table", f"/photos/items/{ids[EVIL]}", f"/photos/move?item={ids[EVIL]}"):  # fmt: skip
        text = client.get(f"{shop.data}/collections{path}").text
        assert "<img src=x" not in text, path
        assert "odd <b>" not in text, path
        assert "\\u202e" in text, path


def test_items_are_renamed_moved_and_removed_by_forms(shop, client):
    lake = shop.home.root / "lake"
    images = [{"objectUrl": url_of(lake, "red.png"), "title": f"t{n}"} for n in range(2)]
    import_items(shop.home.root, "bare", {"images": images})
    base = f"{shop.data}/collections/bare"
    found = client.get(f"{shop.api}/collections/bare/items").json()["items"]
    one, two = (item["id"] for item in found)
    told = shop.post(client, f"{base}/items/{one}/rename", {"title": " "})
    assert (told.status_code, "1 to 300" in told.text) == (422, True)
    assert shop.post(client, f"{base}/items/{one}/rename", {"title": "new"}).status_code == 303
    assert "t1" in client.get(f"{base}/move?item={one}&item={two}&item=77777&item=x").text
    bad = shop.post(client, f"{base}/move", {"item": [one, two], "folder": "a//b"})
    assert (bad.status_code, 'value="a//b"' in bad.text) == (422, True)
    moved = shop.post(client, f"{base}/move", {"item": [one, two], "folder": "a/b"})
    assert moved.headers["location"].endswith("/collections/bare?folder=a/b")
    assert titles(client.get(f"{base}?folder=a").text) == ["new", "t1"]
    assert "are not touched" in client.get(f"{base}/remove?item={one}").text
    assert shop.post(client, f"{base}/remove", {"item": [one]}).status_code == 303
    assert titles(client.get(base).text) == ["t1"]
    assert "No item was chosen" in client.get(f"{base}/remove").text


def test_metadata_are_changed_by_a_form_of_the_schema_and_what_was_typed_stays(shop, client, ids):
    lake, base = shop.home.root / "lake", f"{shop.data}/collections/photos"
    given = {"weather": "fog", "notes": "a\nb", "spot": {"latitude": 1, "longitude": 2}, "own": 1}
    images = [{"objectUrl": url_of(lake, "red.png"), "title": "form", "clientMetadata": given}]
    import_items(shop.home.root, "photos", {"images": images}, folder="form")
    found = f"{shop.api}/collections/photos/items?filter=folder%20=%20form"
    [item] = client.get(found).json()["items"]
    place = f"{base}/items/{item['id']}/metadata"
    assert f'href="/data/shop/collections/photos/items/{item["id"]}/metadata"' in client.get(place[:-9]).text  # fmt: skip
    form = client.get(place).text
    assert re.search(r'<option value="fog" selected>', form)
    assert 'name="key:site.phase"' in form
    assert "key:spot" not in form
    typed = {
        "revision": item["revision"],
        "key:weather": "fog",
        "key:notes": "a\r\nb",
        "key:lux": "many",
    }
    told = shop.post(client, place, typed)
    assert told.status_code == 422
    assert re.search(r'name="key:lux" value="many".*?<p class="error"[^>]*>[^<]*expected a number', told.text, re.DOTALL)  # fmt: skip
    bad = shop.post(client, place, {**typed, "key:lux": "", "json": "[<b>"})
    assert (bad.status_code, "[&lt;b&gt;" in bad.text) == (422, True)
    more = {**typed, "key:lux": "2.5", "key:checked": "true", "key:weather": "", "json": '{"own": null, "n": "<i>"}'}  # fmt: skip
    assert shop.post(client, place, more).status_code == 303
    [now] = client.get(found).json()["items"]
    assert now["metadata"] == {
        "notes": "a\nb", "spot": given["spot"], "lux": 2.5, "checked": True, "n": "<i>",
    }  # fmt: skip
    late = shop.post(client, place, {**typed, "key:lux": "3"})
    assert (late.status_code, "changed meanwhile" in late.text) == (409, True)
    assert 'value="3"' in late.text
    shop.post(client, f"{base}/remove", {"item": [item["id"]]})


def test_frames_of_a_video_are_shown_as_they_are_sampled_and_lead_to_images(shop, client, ids):
    base = f"{shop.data}/collections/photos/items/{ids['Clip']}"
    assert (
        f'href="/data/shop/collections/photos/items/{ids["Clip"]}/frames"' in client.get(base).text
    )
    listed = client.get(f"{shop.api}/collections/photos/items/{ids['Clip']}/frames").json()[
        "frames"
    ]
    text = client.get(f"{base}/frames").text
    assert [int(n) for n in re.findall(r"/frames/(\d+)\"", text)] == [f["frame"] for f in listed]
    many = client.get(f"{base}/frames?sampling_rate=1000").text
    [on] = re.findall(r"Frames from (\d+) on", many)
    links = re.findall(r'href="([^"]*/frames/\d+)"', many)
    assert len(links) == int(on) == 24
    assert client.get(f"{shop.url}{links[-1]}").headers["content-type"] == "image/jpeg"
    later = client.get(f"{base}/frames?sampling_rate=1000&start=24").text
    assert re.findall(r"/frames/(\d+)\"", later)[0] == "24"
    for rate in ("many", "5000", "-1", "nan"):
        told = client.get(f"{base}/frames?sampling_rate={rate}")
        assert (told.status_code, 'role="alert"' in told.text) == (422, True), rate
    assert (
        client.get(f"{shop.data}/collections/photos/items/{ids['Red']}/frames").status_code == 422
    )


PAGES = {
    "": "", "/photos": "", "/photos?view=table&is%3Aweather=fog": "", "/photos?filter=lux+%3E%3E": "422",
    "/photos/about": "", "Red": "", "Red/metadata": "", "Clip": "", "Clip/frames": "", "Tone": "", "Notes": "", "Paper": "", "Head": "", "Gone": "",
}  # fmt: skip


def test_pages_are_accessible_and_fit(shop, chromium, ids):
    with watched_page(chromium) as watched:
        watched.expected.add(422)
        for page in PAGES:
            title, _, rest = page.partition("/")
            path = f"/photos/items/{ids[title]}/{rest}".rstrip("/") if title in ids else page
            watched.page.goto(f"{shop.data}/collections{path}")
            watched.page.wait_for_load_state("networkidle")
            watched.check_looks()


def test_items_are_found_opened_and_changed_by_a_keyboard_alone(shop, chromium, ids):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/collections/photos?q=Red")
        tab_to(page, "Choose Red")
        page.keyboard.press("Space")
        assert page.locator("input[name=item]:checked").count() == 1
        tab_to(page, "Move chosen", "Shift+Tab")
        press(page)
        assert f"item={ids['Red']}" in page.url
        page.go_back()
        tab_to(page, "Red")
        press(page)
        tab_to(page, "More")
        page.keyboard.press("Enter")
        tab_to(page, "Change metadata")
        press(page)
        tab_to(page, "site.phase")
        page.keyboard.type("roof")
        tab_to(page, "Save")
        press(page)
        assert page.get_by_text("The metadata are saved").count() == 1
        assert "roof" in page.locator(".facts").nth(1).inner_text()
        page.goto(f"{shop.data}/collections/photos/items/{ids['Head']}")
        page.locator("#slider").focus()
        before = page.locator("#leaf").get_attribute("src")
        page.keyboard.press("ArrowRight")
        wait_until(lambda: page.locator("#leaf").get_attribute("src") != before)
        page.goto(f"{shop.data}/collections/photos/items/{ids['Clip']}")
        tab_to(page, "Show frames")
        press(page)
        tab_to(page, "Frame 0 0.00 s")
        with page.expect_download(timeout=30_000) as saved:
            page.keyboard.press("Enter")
        assert saved.value.suggested_filename == "frame-00000000.jpg"


def test_a_video_plays_from_a_key_frame_and_slices_follow_the_slider(shop, chromium, ids):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/collections/photos/items/{ids['Clip']}")
        page.locator("a[data-seek='2']").click()
        wait_until(lambda: page.evaluate("document.getElementById('player').currentTime") == 2)
        wait_until(lambda: page.evaluate("document.getElementById('player').readyState") >= 2)
        assert page.evaluate("document.getElementById('player').videoWidth") == 160
        page.goto(f"{shop.data}/collections/photos/items/{ids['Head']}")
        page.locator("#slider").fill("5")
        wait_until(lambda: page.locator("#leaf").get_attribute("src").endswith("file=4"))
        wait_until(lambda: page.evaluate("document.getElementById('leaf').naturalWidth") == 64)
        assert page.locator("input[name=page]").input_value() == "5"


def test_items_are_chosen_and_moved_by_clicking(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/collections/photos?folder=north")
        assert page.locator(".tile img").count() == 3
        shown = "[...document.querySelectorAll('.tile img')].every((one) => one.naturalWidth > 0)"
        wait_until(lambda: page.evaluate(shown))
        page.get_by_label("All on this page").check()
        page.get_by_role("button", name="Move chosen", exact=True).click()
        page.get_by_label("Folder").fill("north/2027")
        page.get_by_role("button", name="Move", exact=True).click()
        page.get_by_text("3 items were moved to north/2027").wait_for()
        page.get_by_label("Filter").fill("lux > 10")
        page.get_by_role("button", name="Apply").click()
        page.get_by_text("2 items of").wait_for()
        assert parse_qs(urlsplit(page.url).query) == {
            "filter": ["lux > 10"],
            "folder": ["north/2027"],
            "limit": ["60"],
        }
