"""Pictures of a served project: made once, in one go, kept, held against their objects, and gone with them."""

import io
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from orchestration.services.collections.thumbnails import FRESH_SECONDS
from tests.gallery import YAML, every_type, fill_lake, import_items, url_of
from tests.resources.media import media_files as make
from tests.served import served, wait_until


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    lake = folder / "home" / "lake"
    lake.mkdir(parents=True)
    with served(folder, {"photos/defs.yaml": YAML}) as found:
        import_items(found.home.root, "photos", every_type(lake))
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


@pytest.fixture
def items(shop, client):
    found = client.get(f"{shop.api}/collections/photos/items").json()["items"]
    return {item["title"]: item["id"] for item in found}


def thumbnail(shop, client, item, **headers):
    return client.get(f"{shop.api}/collections/photos/items/{item}/thumbnail", headers=headers)


def test_all_types_but_texts_have_one(shop, client, items):
    with ThreadPoolExecutor(6) as pool:
        answers = dict(
            zip(items, pool.map(lambda i: thumbnail(shop, client, i), items.values()), strict=True)
        )
    assert {t for t, a in answers.items() if a.status_code != 200} == {"Notes", "Gone"}
    for title, answer in answers.items():
        if answer.status_code == 200:
            assert answer.headers["content-type"] == "image/webp", title
            assert max(Image.open(io.BytesIO(answer.content)).size) <= 320, title
    assert Image.open(io.BytesIO(answers["Red"].content)).size == (320, 240)


def test_one_that_is_made_is_not_made_again_nor_its_object_asked(shop, client, items):
    lake = shop.home.root / "lake"
    fill_lake(lake, {"once.png": make.image("PNG", (50, 40), color="blue")})
    item = new_item(shop, client, "once.png")
    first = thumbnail(shop, client, item)
    (lake / "once.png").unlink()
    again = thumbnail(shop, client, item)
    assert (again.status_code, again.content) == (200, first.content)
    known = thumbnail(shop, client, item, **{"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert first.headers["cache-control"].startswith("private")


def test_an_object_that_was_replaced_or_has_gone_is_noticed(shop, client, items):
    lake = shop.home.root / "lake"
    fill_lake(lake, {"late.png": make.image("PNG", (50, 40), color="blue")})
    item = new_item(shop, client, "late.png")
    first = thumbnail(shop, client, item)
    fill_lake(lake, {"late.png": make.image("PNG", (60, 30), color="red")})
    age_all(shop)
    assert thumbnail(shop, client, item).content == first.content, "it is held against it meanwhile"
    wait_until(lambda: thumbnail(shop, client, item).content != first.content)
    (lake / "late.png").unlink()
    age_all(shop)
    thumbnail(shop, client, item)
    wait_until(lambda: thumbnail(shop, client, item).status_code == 404)


def new_item(shop, client, name):
    url = url_of(shop.home.root / "lake", name)
    import_items(shop.home.root, "photos", {"images": [{"objectUrl": url, "title": name}]})
    query = {"filter": f'title = "{name}"'}
    (found,) = client.get(f"{shop.api}/collections/photos/items", params=query).json()["items"]
    return found["id"]


def age_all(shop):
    for path in (shop.home.root / "thumbnails").rglob("*"):
        if path.is_file():
            past = path.stat().st_mtime - FRESH_SECONDS - 60
            os.utime(path, (past, past))
