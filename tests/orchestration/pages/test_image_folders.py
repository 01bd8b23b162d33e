"""The pages of image folders: as plain forms without a script, and by dropping and clicking in a real browser."""

import base64
import re
import zipfile

import pytest

from tests.assets.image_folders.zips import JPEG, PNG, zipped
from tests.orchestration.pages.test_uploads import token_of
from tests.resources.media import media_files as make
from tests.served import served, wait_until
from tests.servers.chromium import watched_page

HOSTILE = '"><img src=x onerror=alert(1)>.png'
PICTURES = {
    f"street/{number:02}.jpg": make.image("JPEG", (80 + number, 60), color=(number * 3, 90, 160))
    for number in range(70)
}
IMAGES = {
    "b.png": PNG,
    "north/a.jpg": JPEG,
    "north/deep/again.png": PNG,
    f"odd/{HOSTILE}": PNG,
    **PICTURES,
}
DECLARED = """
type: assets.ImageFolder
attributes: {name: odd, description: <b>What</b> we took}
---
type: assets.ImageFolder
attributes: {name: plain}
"""
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], name, {type: "application/zip", lastModified: 1e12}));
  const event = new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true});
  document.getElementById("drop").dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, {"odd/defs.yaml": DECLARED}, daemon=True) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}, follow_redirects=True) as client:
        yield client


def send(client, shop, name, data, file="photos.zip"):
    token = token_of(client.get(f"{shop.data}/image-folders/-/upload").text)
    files = {"form_token": (None, token), "name": (None, name), "file": (file, data)}
    return client.post(f"{shop.data}/image-folders/-/upload", files=files)


def test_without_a_script_forms_and_links_are_enough(shop, client):
    page = send(client, shop, "odd", zipped(IMAGES))
    assert page.status_code == 200
    own = f"{shop.data}/image-folders/odd"
    wait_until(lambda: "Done" in client.get(str(page.url)).text)
    gallery = client.get(own).text
    assert "&lt;b&gt;What&lt;/b&gt; we took" in gallery
    assert re.findall(r'folder=([a-z]+)">\1/</a> <span class="count">(\d+)', gallery) == [
        ("north", "2"),
        ("odd", "1"),
        ("street", "70"),
    ]
    street = client.get(own, params={"folder": "street"}).text
    assert street.count('class="tile"') == 60
    second = client.get(shop.url + re.search(r'href="([^"]*)" rel="next"', street)[1].replace("&amp;", "&"))  # fmt: skip
    assert second.text.count('class="tile"') == 10
    assert client.get(own, params={"q": "AGAIN"}).text.count('class="tile"') == 1
    image = client.get(f"{own}/file", params={"path": "north/deep/again.png"}).text
    assert 'value="north/deep/again.png"' in image
    assert ">b.png</a>" in image
    assert str(client.get(f"{shop.url}/data/-/assets/datasets/odd").url) == own  # Dagster's link
    form = client.get(f"{own}/rename").text
    renamed = client.post(f"{own}/rename", data={"form_token": token_of(form), "title": "<i>Ours</i>"})  # fmt: skip
    assert "&lt;i&gt;Ours&lt;/i&gt;" in renamed.text
    wrong = client.post(f"{own}/rename", data={"form_token": token_of(form), "title": "a\x07"})
    assert (wrong.status_code, "U+0007" in wrong.text) == (422, True)


def test_hostile_names_are_shown_as_text(shop, client):
    own = f"{shop.data}/image-folders/odd"
    for page in (
        client.get(own, params={"folder": "odd"}).text,
        client.get(f"{own}/file", params={"path": f"odd/{HOSTILE}"}).text,
        client.get(own, params={"q": HOSTILE}).text,
    ):
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


def test_what_cannot_be_taken_is_told_on_the_page(shop, client):
    page = send(client, shop, "plain", b"no zip", "photos.zip")
    assert (page.status_code, "photos.zip: is no ZIP archive" in page.text) == (422, True)
    page = send(client, shop, "My Photos", zipped({"a.png": PNG}))
    assert (page.status_code, "cannot name an image folder" in page.text) == (422, True)
    page = send(client, shop, "plain", zipped({"a.png": PNG, "notes.txt": b"words"}))
    wait_until(lambda: "nothing of this ZIP is kept" in client.get(str(page.url)).text)
    told = client.get(str(page.url)).text
    assert "&#39;notes.txt&#39;: no image but text/plain" in told
    assert "There is no image yet" in client.get(f"{shop.data}/image-folders/plain").text
    assert client.get(f"{shop.data}/image-folders/none").status_code == 404


NAME = "walk"


class Walk:
    """A person who clicks on a phone, and looks at each page that comes up there and on a desk."""

    def __init__(self, watched, shop):
        self.page, self.shop, self.look = watched.page, shop, watched.check_looks

    def until(self, condition):
        """The pages' own policy forbids Playwright's way to wait for one."""
        wait_until(lambda: self.page.evaluate(condition) or self.page.wait_for_timeout(50))

    def list(self):
        self.page.goto(f"{self.shop.data}/image-folders")

    def drop(self):
        page = self.page
        data = base64.b64encode(zipped(IMAGES)).decode()
        page.evaluate(DROP, ["Town Walk.zip", data])
        assert page.input_value("#f-name") == "town_walk"
        page.fill("#f-name", NAME)
        self.look()
        page.click("text=Upload image folder")
        page.wait_for_url(re.compile(rf"/image-folders/{NAME}$"), timeout=180_000)  # by itself
        page.wait_for_selector("a:text-is('north/')")
        self.look()

    def look_through(self):
        page = self.page
        page.click("a:text-is('street/')")
        self.until("document.querySelectorAll('.tile img').length === 60")
        self.until(
            "[...document.querySelectorAll('.tile img')].slice(0, 8).every(one => one.naturalWidth)"
        )
        self.look()
        page.click("a[rel=next]")
        page.click(".tile a.title >> nth=0")
        self.until("document.querySelector('figure img').naturalWidth > 0")
        assert page.input_value("#path") == "street/60.jpg"
        page.click("text=Copy the path")
        page.wait_for_selector("text=Copied")
        self.look()

    def rename(self):
        page = self.page
        page.click(f"summary[aria-label='What to do with {NAME}']")
        assert page.locator("details.menu[open] > ul").bounding_box()["x"] >= 0
        self.look()
        page.click("details[open] >> text=Rename")
        page.fill("#f-title", "A walk")
        page.click("text=Save")
        page.wait_for_selector("h1:has-text('A walk')")

    def download(self):
        with self.page.expect_download() as download:
            self.page.click("text=Download ZIP >> nth=0")
        with zipfile.ZipFile(download.value.path()) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def remove(self):
        page = self.page
        page.click("summary:text-is('More')")
        page.click("details[open] >> text=Remove")
        self.look()
        page.click("button:text-is('Remove')")
        page.wait_for_selector(f"text={NAME} was removed")
        assert page.locator("a:text-is('A walk')").count() == 0


def test_dropped_looked_at_renamed_downloaded_and_removed(shop, chromium):
    with watched_page(chromium) as watched:
        walk = Walk(watched, shop)
        walk.list()
        walk.look()
        walk.drop()
        walk.look_through()
        walk.list()
        walk.rename()
        assert walk.download() == IMAGES
        walk.remove()
