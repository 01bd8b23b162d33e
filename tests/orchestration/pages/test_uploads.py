"""The upload pages: as plain forms without a script, and by dropping and clicking in a real browser."""

import base64
import re

import pytest

from resources.stores.tables import TableStore
from tests.served import served, wait_until
from tests.servers.chromium import watched_page

DECLARED = """
type: assets.Dataset
attributes: {name: day, upload: true}
---
type: assets.Dataset
attributes: {name: first, upload: true}
---
type: assets.Dataset
attributes: {name: second, upload: true}
---
type: assets.Dataset
attributes: {name: thrice, upload: true}
"""

DATA = b"id;amount\n1;2,50\n2;10,25\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, {"day/defs.yaml": DECLARED}, daemon=True) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}, follow_redirects=True) as client:
        yield client


@pytest.fixture
def store(shop):
    return TableStore.open(str(shop.home.root / "store"))


def token_of(page: str) -> str:
    return re.search(r'name="form_token" value="([^"]*)"', page)[1]


def upload(client, shop, name: str = "day.csv", data: bytes = DATA):
    token = token_of(client.get(f"{shop.data}/datasets/-/upload").text)
    files = {"form_token": (None, token), "file": (name, data)}
    return client.post(f"{shop.data}/datasets/upload", files=files)


def test_without_a_script_a_form_is_enough(shop, client, store):
    page = upload(client, shop)
    assert page.status_code == 200
    assert "10.25" in page.text
    assert "separator" in page.text
    token = token_of(page.text)
    fields = {"form_token": token, "name": "day", "column": ["id", "amount"], "to": ["", "eur"]}
    looked = client.post(str(page.url), data=fields | {"type": ["text", ""], "act": "look"})
    assert '<th scope="col">eur</th>' in looked.text
    assert "option" not in str(looked.url)
    fields = {"form_token": token, "name": "day", "act": "import"}
    followed = client.post(str(page.url), data=fields)
    assert str(followed.url).endswith("/progress")
    wait_until(lambda: store.item(("datasets", "day")).numbers())
    assert store.read(("datasets", "day")).to_table().to_pylist()[1] == {"id": 2, "amount": 10.25}
    wait_until(lambda: "Done" in client.get(str(followed.url)).text)


def test_files_imported_at_once_are_a_version_each_in_the_order_of_asking(shop, client, store):
    uploads, ids = f"{shop.api}/uploads", []
    for rows in (1, 2, 3):
        sent = client.post(uploads, files={"file": ("n.csv", b"id\n" + b"1\n" * rows)})
        ids.append(sent.json()["id"])
    for one in ids:
        assert client.post(f"{uploads}/{one}/import", json={"name": "thrice"}).status_code == 202
    item = store.item(("datasets", "thrice"))
    wait_until(lambda: len(item.numbers()) == len(ids))
    assert [version.rows for version in item.versions()] == [1, 2, 3]


def test_what_cannot_be_read_says_why_and_can_be_read_otherwise(shop, client):
    page = upload(client, shop, "day.csv", b"id,name\n1,a\n2\n")
    assert "day.csv, line 3" in page.text
    assert re.search(r'value="import"[^>]*disabled', page.text)
    query = {"asked": "1", "option.separator": ";", "format": "csv"}
    assert "id,name" in client.get(str(page.url), params=query).text


def test_mistakes_in_the_form_are_told_on_the_page(shop, client):
    page = upload(client, shop)
    for fields, message in (
        ({"name": "../x"}, "cannot name a dataset"),
        ({"name": "x", "option.skip_rows": "two"}, "is no number"),
        ({"name": "x", "more": "- a"}, "further options have names"),
        ({"name": "x", "more": "nonsense: 1"}, "is not an option of CSV"),
        ({"name": "x", "column": ["id"], "to": ["{{ env.HOME }}"], "type": [""]}, "template"),
    ):
        given = {"form_token": token_of(page.text), "act": "import", **fields}
        answer = client.post(str(page.url), data=given)
        assert answer.status_code == 422
        assert message in answer.text


def test_names_and_cells_are_shown_as_text(shop, client):
    page = upload(
        client, shop, "<img src=x onerror=alert(1)>.csv", b"<b>id</b>,x\n<script>1</script>,2\n"
    )
    assert "<img" not in page.text.replace('<img src="/data/static/icon.svg"', "")
    assert "<b>id" not in page.text
    assert "<script>1" not in page.text
    assert "&lt;script&gt;1" in page.text


def test_a_file_that_is_none_is_refused_on_the_page(shop, client):
    page = upload(client, shop, "x.parquet")
    assert (page.status_code, "is no Parquet file" in page.text) == (422, True)


def test_a_file_is_dropped_looked_at_renamed_and_imported(shop, chromium, store, tmp_path):
    path = tmp_path / "day.csv"
    path.write_bytes(b"id;amount\n7;2,50\n")
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/-/upload")
        watched.check_accessible()
        page.set_input_files("#file", str(path))
        page.click("text=Upload >> nth=-1")
        page.wait_for_url(re.compile(r"/datasets/upload/[0-9a-f]{32}"))
        watched.check_accessible()
        page.fill('[aria-label="New name of id"]', "key")
        page.click("button[value=look] >> nth=0")
        page.wait_for_selector("th:text-is('key')")
        assert page.input_value("#f-name") == "day"
        assert page.is_visible("text=is declared with another 'rename'")
        page.fill('[aria-label="New name of id"]', "")
        page.click("button[value=look] >> nth=0")
        page.wait_for_selector("th:text-is('id')")
        before = store.item(("datasets", "day")).numbers()
        page.click("button[value=import]")
        page.wait_for_url(
            re.compile(r"/datasets/day$")
        )  # the page of the import leads there by itself
        assert store.item(("datasets", "day")).numbers() != before


def test_several_files_become_a_dataset_each(shop, chromium, store, tmp_path):
    for name in ("first", "second"):
        (tmp_path / f"{name}.csv").write_text(f"name\n{name}\n")
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/datasets/-/upload")
        page.set_input_files("#file", [str(tmp_path / "first.csv"), str(tmp_path / "second.csv")])
        page.click("text=Upload >> nth=-1")
        page.wait_for_selector("text=2 of 2 files")
        watched.check_accessible()
    for name in ("first", "second"):
        wait_until(lambda name=name: store.item(("datasets", name)).numbers())
        assert store.read(("datasets", name)).to_table().to_pylist() == [{"name": name}]


DROP = """files => {
  const given = new DataTransfer();
  for (const [name, text] of files) given.items.add(new File([text], name, {lastModified: 1e12}));
  const event = new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true});
  document.getElementById("drop").dispatchEvent(event);
}"""


class Line:
    """What goes over the line from the page to the server: seen, held up, or answered in the server's place."""

    def __init__(self, page):
        self.offsets = []
        self.hold_after = 10**9
        self.refused = {}
        page.route("**/api/v1/projects/*/uploads**", self._pass)
        page.route("**/api/v1/projects/*/uploads/**", self._pass)

    def _pass(self, route):
        request = route.request
        name = base64.b64decode(
            re.search("filename ([^,]*)", request.headers.get("upload-metadata", "filename "))[1]
        ).decode()
        if self.refused.get(name):
            self.refused[name] -= 1
            told = {"detail": "the disk is full", "hint": "Free space"}
            route.fulfill(status=507, content_type="application/problem+json", json=told)
            return
        if request.method == "PATCH":
            self.offsets.append(int(request.headers["upload-offset"]))
            if len(self.offsets) > self.hold_after:
                return  # it never arrives
        route.continue_()


def test_after_a_reload_the_same_file_goes_on_where_it_was(shop, chromium, tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(b"id,text\n" + b"1,abcdefghijklm\n" * 1_300_000)
    with watched_page(chromium) as watched:
        page, line = watched.page, Line(watched.page)
        line.hold_after = 1
        page.goto(f"{shop.data}/datasets/upload")
        page.set_input_files("#file", str(path))
        page.click("text=Upload >> nth=-1")
        page.wait_for_selector("text=8.0 MB of 20.8 MB")
        while len(line.offsets) < 2:
            page.wait_for_timeout(20)  # requests are seen while Playwright waits, and then alone
        assert line.offsets == [0, 8_000_000]
        line.hold_after = 10**9
        watched.answers.append(True)  # whether to leave while a file is sent
        page.reload()
        page.set_input_files("#file", str(path))
        page.click("text=Upload >> nth=-1")
        page.wait_for_url(re.compile(r"/datasets/upload/[0-9a-f]{32}"))
    assert line.offsets == [0, 8_000_000, 8_000_000, 16_000_000]
    upload_id = page.url.rpartition("/")[2]
    received = shop.home.root / "incoming" / "received" / upload_id / "bytes"
    assert received.read_bytes() == path.read_bytes()


def test_of_many_files_one_that_fails_is_named_and_tried_again(shop, chromium):
    count = 230  # more than are listed
    with watched_page(chromium) as watched:
        page, line = watched.page, Line(watched.page)
        watched.expected.add(507)
        line.refused = {"part_220.csv": 2, "part_003.csv": 1}
        page.goto(f"{shop.data}/datasets/upload")
        page.evaluate(DROP, [[f"part_{n:03}.csv", f"id\n{n}\n"] for n in range(count)])
        page.wait_for_selector("text=230 files, 2 kB")
        assert page.is_checked("input[value=one]")  # so many are one table, unless told otherwise
        page.click("text=Upload >> nth=-1")
        page.wait_for_selector("text=228 of 230 files, 2 kB of 2 kB, 2 failed")
        watched.check_accessible()
        failed = page.locator("#files tr", has_text="the disk is full. Free space")
        assert [row.split("\t")[0] for row in failed.all_inner_texts()] == [
            "part_003.csv",
            "part_220.csv",
        ]
        page.click("text=Try those that failed again")
        page.wait_for_selector("text=229 of 230 files, 2 kB of 2 kB, 1 failed")
        page.click("text=Try those that failed again")
        page.wait_for_url(re.compile(r"/datasets/upload/[0-9a-f]{32}"))
        assert page.locator("dd", has_text=str(count - 1)).count() == 1
        page.click("button[value=discard]")
        page.wait_for_selector("text=was thrown away")
    with shop.client() as client:
        left = client.get(f"/api/v1/projects/{shop.name}/uploads").json()
    assert not [one for one in left if one["file"].startswith("part_")]


def test_without_those_that_failed_the_rest_is_looked_at_and_the_set_goes_on(shop, chromium):
    files = [["only_a.csv", "id\n1\n"], ["only_b.csv", "id\n2\n"], ["only_c.csv", "id\n3\n"]]
    with watched_page(chromium) as watched:
        page, line = watched.page, Line(watched.page)
        watched.expected.add(507)
        line.refused = {"only_a.csv": 9}

        def drop():
            page.goto(f"{shop.data}/datasets/upload")
            page.evaluate(DROP, files)
            page.check("input[value=one]")
            page.click("text=Upload >> nth=-1")

        drop()
        page.wait_for_selector("text=2 of 3 files")
        page.click("text=Go on without them")
        page.wait_for_selector("text=only_b.csv")
        assert page.locator("table.grid tbody tr").count() == 2
        line.refused = {}
        drop()  # the same set again: what is there already is not sent again
        page.wait_for_selector("h1:text-is('only_a.csv')")
        assert page.locator("table.grid tbody tr").count() == 3
