"""The upload pages: as plain forms without a script, and by dropping and clicking in a real browser."""

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
    token = token_of(client.get(f"{shop.data}/datasets/upload").text)
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
        page.goto(f"{shop.data}/datasets/upload")
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
        page.goto(f"{shop.data}/datasets/upload")
        page.set_input_files("#file", [str(tmp_path / "first.csv"), str(tmp_path / "second.csv")])
        page.click("text=Upload >> nth=-1")
        page.wait_for_selector("text=2 of 2 files")
        watched.check_accessible()
    for name in ("first", "second"):
        wait_until(lambda name=name: store.item(("datasets", name)).numbers())
        assert store.read(("datasets", name)).to_table().to_pylist() == [{"name": name}]
