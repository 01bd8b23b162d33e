"""Image folders over HTTP: a ZIP in, the same images out; roles, hostile names, what a browser may show."""

import io
import zipfile

import pytest

from resources.stores.tables import TableStore
from tests.assets.image_folders.zips import JPEG, PNG, zipped
from tests.resources.media import media_files as make
from tests.served import served, wait_until

HOSTILE = 'x/"><img src=x onerror=alert(1)>.png'
TIFF = make.image("TIFF")
IMAGES = {"b.png": PNG, "Köln/a.jpg": JPEG, "Köln/again.png": PNG, "scan.tiff": TIFF, HOSTILE: PNG}
DECLARED = """
type: assets.ImageFolder
attributes: {name: photos, description: What we took}
---
type: assets.ImageFolder
attributes: {name: empty}
---
type: assets.Dataset
attributes: {name: prices, upload: true}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, {"photos/defs.yaml": DECLARED}, daemon=True) as found:
        with found.client(headers={"Origin": found.url}) as client:
            upload(found, client, "photos", zipped(IMAGES))
            wait_until(lambda: state(found, client, "photos")["status"] == "ready")
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield client


def upload(shop, client, name, data, code=202):
    """In one request, then claimed for an image folder."""
    sent = client.post(f"{shop.api}/uploads", files={"file": ("photos.zip", data)})
    assert sent.status_code == 201, sent.text
    order = {"name": name, "upload_id": sent.json()["id"]}
    found = client.post(f"{shop.api}/image-folders", json=order)
    assert found.status_code == code, found.text
    return found.json()


def state(shop, client, name):
    return client.get(f"{shop.api}/image-folders/{name}").json()["summary"]


def folder(shop, name="photos"):
    return f"{shop.api}/image-folders/{name}"


def test_the_list_says_what_each_holds_and_datasets_do_not_hold_it(shop, client):
    page = client.get(f"{shop.api}/image-folders").json()
    assert [(one["name"], one["status"], one["images"]) for one in page["items"]] == [
        ("empty", "pending", None),
        ("photos", "ready", len(IMAGES)),
    ]
    photos = page["items"][1]
    assert (photos["duplicates"], photos["folders"]) == (2, 2)
    assert [one["path"] for one in photos["first"]] == sorted(IMAGES)[:4]
    datasets = client.get(f"{shop.api}/datasets").json()["items"]
    assert [one["name"] for one in datasets] == ["prices"]
    shown = client.get(folder(shop)).json()
    assert (shown["description"], shown["file"]) == ("What we took", "photos.zip")


def test_images_are_listed_by_folder_and_page(shop, client):
    def listed(**query):
        found = client.get(f"{folder(shop)}/files", params=query).json()
        return [one["path"] for one in found["items"]], found

    assert listed()[0] == sorted(IMAGES)
    assert listed(folder="Köln")[0] == ["Köln/a.jpg", "Köln/again.png"]
    top, found = listed(only=True)
    assert top == ["b.png", "scan.tiff"]
    assert [(one["path"], one["images"]) for one in found["folders"]] == [("Köln", 2), ("x", 1)]
    first, found = listed(limit=2)
    rest, _ = listed(limit=1000, cursor=found["next"])
    assert first + rest == sorted(IMAGES)
    assert listed(search="KÖLN/A")[0] == ["Köln/a.jpg", "Köln/again.png"]
    assert client.get(f"{folder(shop)}/files", params={"folder": "none"}).status_code == 404
    assert client.get(f"{folder(shop)}/files", params={"cursor": "x"}).status_code == 422


def test_the_same_files_come_back_as_a_zip_that_is_always_the_same(shop, client):
    found = client.get(f"{folder(shop)}/download")
    assert found.headers["content-type"] == "application/zip"
    assert "photos-v1.zip" in found.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.namelist() == sorted(IMAGES)
        assert {name: archive.read(name) for name in archive.namelist()} == IMAGES
    assert client.get(f"{folder(shop)}/download").content == found.content
    assert client.get(f"{folder(shop)}/download", params={"version": 7}).status_code == 404


def test_one_image_comes_as_it_is_and_says_what_it_is(shop, client):
    found = client.get(f"{folder(shop)}/image", params={"path": "Köln/a.jpg"})
    assert found.content == JPEG
    assert found.headers["content-type"] == "image/jpeg"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-disposition"].startswith("inline")
    assert "sandbox" in found.headers["content-security-policy"]
    known = {"If-None-Match": found.headers["etag"]}
    again = client.get(f"{folder(shop)}/image", params={"path": "Köln/a.jpg"}, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    scan = client.get(f"{folder(shop)}/image", params={"path": "scan.tiff"})
    assert scan.headers["content-disposition"].startswith("attachment")
    hostile = client.get(f"{folder(shop)}/image", params={"path": HOSTILE})
    assert "\n" not in hostile.headers["content-disposition"]
    assert hostile.content == PNG
    detail = client.get(f"{folder(shop)}/file", params={"path": "b.png"}).json()
    assert detail["twins"] == ["Köln/again.png", HOSTILE]
    assert (detail["before"], detail["after"]) == (None, "scan.tiff")
    for path in ("../b.png", "Köln", "b.PNG", ""):
        assert client.get(f"{folder(shop)}/image", params={"path": path}).status_code == 404


def test_a_thumbnail_is_made_of_its_own_images_alone(shop, client):
    (one,) = client.get(f"{folder(shop)}/files", params={"search": "a.jpg"}).json()["items"]
    found = client.get(f"{folder(shop)}/thumbnails/{one['sha256']}")
    assert (found.headers["content-type"], found.content[8:12]) == ("image/webp", b"WEBP")
    assert client.get(f"{folder(shop, 'empty')}/thumbnails/{one['sha256']}").status_code == 404
    assert client.get(f"{folder(shop)}/thumbnails/{'0' * 64}").status_code == 404
    assert client.get(f"{folder(shop)}/thumbnails/..%2fx").status_code in (404, 422)


def test_what_cannot_be_taken_is_refused_at_once_or_by_the_run_in_words(shop, client):
    assert "is a dataset already" in failed(shop, client, "prices", zipped({"a.png": PNG}))
    assert "cannot name an image folder" in upload(shop, client, "../x", zipped({"a.png": PNG}), 409)["detail"]  # fmt: skip
    started = upload(shop, client, "photos", zipped({"a.png": PNG, "notes.txt": b"words"}))
    wait_until(lambda: state(shop, client, "photos")["status"] == "failed")
    assert state(shop, client, "photos")["run_id"] == started["run_id"]
    line = state(shop, client, "photos")
    assert (line["status"], line["version"]) == ("failed", 1)
    assert "'notes.txt': no image but text/plain" in line["reason"]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"a.png": PNG, "notes.txt": b"words"}, "'notes.txt': no image but text/plain"),
        ({"a.png": PNG[:40], "b.png": PNG[:40]}, "'a.png': it cannot be read"),
    ],
    ids=["no image", "none can be read"],
)
def test_a_refused_zip_of_a_new_folder_leaves_no_folder(shop, client, members, why):
    """What was never taken is neither declared nor listed, and its name is free."""
    assert why in failed(shop, client, "new", zipped(members))
    assert client.get(folder(shop, "new")).status_code == 404
    assert not (shop.defs / "uploads" / "new").exists()
    assert "new" not in [one["name"] for one in client.get(f"{shop.api}/image-folders").json()["items"]]  # fmt: skip
    assert not list((shop.home.root / "store").rglob("uploads/*new*"))


def failed(shop, client, name, data) -> str:
    """Why an import ended before its run."""
    started = upload(shop, client, name, data)
    wait_until(lambda: client.get(shop.url + started["upload"]).json()["phase"] == "failed")
    return client.get(shop.url + started["upload"]).json()["problem"]


def test_what_is_no_zip_is_refused_with_a_reason(shop, client):
    sent = client.post(f"{shop.api}/uploads", files={"file": ("a.csv", b"id\n1\n")}).json()
    order = {"name": "photos", "upload_id": sent["id"]}
    found = client.post(f"{shop.api}/image-folders", json=order)
    assert (found.status_code, "a.csv is no ZIP" in found.text) == (422, True)
    assert client.post(f"{shop.api}/image-folders", json={**order, "upload_id": "0" * 32}).status_code == 404  # fmt: skip


def test_a_new_folder_is_declared_gets_a_title_a_second_version_and_goes(shop, client):
    started = upload(shop, client, "fresh", zipped({"a.png": PNG}))
    wait_until(lambda: client.get(f"{shop.api}/image-folders/fresh").status_code == 200)
    wait_until(lambda: state(shop, client, "fresh")["status"] == "ready")
    run = f"{shop.api}/runs/{started['run_id']}"
    wait_until(lambda: client.get(run).json()["summary"]["state"] == "done")
    upload(shop, client, "fresh", zipped({"b.png": PNG}))
    wait_until(lambda: state(shop, client, "fresh")["version"] == 2)
    old = client.get(f"{folder(shop, 'fresh')}/image", params={"path": "a.png", "version": 1})
    assert old.content == PNG
    renamed = client.patch(folder(shop, "fresh"), json={"title": "Holiday"})
    assert renamed.json()["title"] == "Holiday"
    assert state(shop, client, "fresh")["title"] == "Holiday"
    removed = client.delete(folder(shop, "fresh")).json()
    assert removed["versions"] == [1, 2]
    assert client.get(folder(shop, "fresh")).status_code == 404
    assert not (shop.defs / "uploads" / "fresh" / "defs.yaml").exists()
    assert TableStore.open(str(shop.home.root / "store")).item(("datasets", "fresh")).latest() is None  # fmt: skip
    noted = client.get(f"{shop.url}/api/v1/audit").json()["items"]
    done = [one["action"] for one in noted if one["subject"] == "datasets/fresh"]
    assert done[:2] == ["image-folder.remove", "image-folder.rename"]
    assert "image-folder.upload" in done


def test_sql_reads_the_table(shop, client):
    query = {"sql": "SELECT path FROM photos WHERE format = 'jpeg'"}
    found = client.post(f"{shop.api}/queries", json=query)
    assert "Köln/a.jpg" in found.text, found.text
