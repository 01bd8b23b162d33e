"""Collections over the HTTP API: lists and items, files by range and never as what a browser runs, changes by who may."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from resources.stores.media.store import MediaStore
from tests.gallery import SPECS, YAML, every_type, fill_lake, import_items, url_of
from tests.resources.media import media_files as make
from tests.served import served

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = {
    "drawing.png": SVG,
    "page.png": b"<!doctype html><script>alert(1)</script>",
    "feed.txt": b'<?xml version="1.0"?><x/>',
    "both.gif": b"GIF89a/*<script>*/=alert(1)//</script>" + bytes(40),
    "paper.txt": make.pdf(1),
    "thing.png": b"\x7fELF" + bytes(200),
}
"""Files that are something else than their names say, and what some browsers would run."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    lake = folder / "home" / "lake"
    lake.mkdir(parents=True)
    with served(folder, {"photos/defs.yaml": YAML}) as found:
        import_items(found.home.root, "photos", every_type(lake))
        fill_lake(lake, HOSTILE)
        images = [{"objectUrl": url_of(lake, name), "title": name} for name in HOSTILE]
        import_items(found.home.root, "bare", {"images": images})
        store = MediaStore.open(str(found.home.root / "store"))
        with store.writer(SPECS["copies"].key, run_id="run") as writer:
            fill_lake(lake, {"kept.png": make.noise("PNG"), "kept.txt": b"kept"})
            sections = {
                "images": [{"objectUrl": url_of(lake, "kept.png")}],
                "text": [{"objectUrl": url_of(lake, "kept.txt")}],
            }
            import_items(found.home.root, "copies", sections, writer=writer)
            (lake / "kept.png").unlink()
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


def items(shop, client, name="photos", **query):
    found = client.get(f"{shop.api}/collections/{name}/items", params=query).json()["items"]
    return {item["title"]: item for item in found}


def content(shop, client, item, name="photos", query="", **headers):
    return client.get(
        f"{shop.api}/collections/{name}/items/{item['id']}/content{query}", headers=headers
    )


def test_collections_and_what_they_hold(shop, client):
    page = client.get(f"{shop.api}/collections").json()
    assert [(one["name"], one["items"], one["failed"]) for one in page["items"]] == [
        ("bare", 6, 0),
        ("copies", 2, 0),
        ("photos", 10, 1),
    ]
    found = client.get(f"{shop.api}/collections/photos").json()
    assert found["states"] == {"ready": 9, "failed": 1}
    assert found["types"]["image"] == 3
    assert {
        "name": "weather",
        "kind": "enum",
        "options": ["fog", "rain", "sun"],
        "size": 0,
    } in found["keys"]
    assert not found["is_published"]
    assert client.get(f"{shop.api}/collections/nothing").status_code == 404


def test_items_by_filter_page_by_page(shop, client):
    assert set(items(shop, client, filter="lux > 1", sort="-lux")) == {"Red", "Blue"}
    first = client.get(f"{shop.api}/collections/photos/items?limit=4").json()
    rest = client.get(
        f"{shop.api}/collections/photos/items", params={"cursor": first["next"], "limit": 100}
    ).json()
    assert (first["total"], len(first["items"]), len(rest["items"]), rest["next"]) == (
        10,
        4,
        6,
        None,
    )
    wrong = client.get(f"{shop.api}/collections/photos/items", params={"filter": "lux >"})
    assert (wrong.status_code, wrong.json()["facts"]["at"]) == (422, 5)
    failed = items(shop, client, filter="state = failed")["Gone"]
    assert (failed["rule"], failed["error_url"]) == ("object_not_found", failed["urls"][0])


def test_long_metadata_is_in_the_item_and_not_in_the_list(shop, client):
    lake = shop.home.root / "lake"
    long = {"objectUrl": url_of(lake, "red.png"), "clientMetadata": {"notes": "x" * 30_000}}
    import_items(shop.home.root, "bare", {"images": [long]}, folder="long")
    (listed,) = items(shop, client, "bare", filter="folder = long").values()
    assert (listed["metadata"], listed["metadata_size"] > 30_000) == (None, True)
    whole = client.get(f"{shop.api}/collections/bare/items/{listed['id']}").json()
    assert len(whole["metadata"]["notes"]) == 30_000
    client.post(f"{shop.api}/collections/bare/items/-/remove", json={"items": [listed["id"]]})


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=0-9", slice(0, 10), "bytes 0-9/{}"),
        ("bytes=100-", slice(100, None), "bytes 100-{last}/{}"),
        ("bytes=-7", slice(-7, None), "bytes {-7}-{last}/{}"),
        ("bytes=5-99999999", slice(5, None), "bytes 5-{last}/{}"),
        ("bytes=-99999999", slice(0, None), "bytes 0-{last}/{}"),
    ],
)
def test_a_part_of_a_file_is_that_part(shop, client, asked, part, told):
    data = (shop.home.root / "lake" / "clip.webm").read_bytes()
    answer = content(shop, client, items(shop, client)["Clip"], Range=asked)
    assert (answer.status_code, answer.content) == (206, data[part])
    size = len(data)
    told = told.replace("{last}", str(size - 1)).replace("{-7}", str(size - 7)).format(size)
    assert answer.headers["content-range"] == told
    assert answer.headers["content-length"] == str(len(data[part]))


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=-", "bytes=0-1,5-9", "lines=1-2", "bytes=x"])
def test_what_is_no_single_range_means_all(shop, client, asked):
    data = (shop.home.root / "lake" / "clip.webm").read_bytes()
    answer = content(shop, client, items(shop, client)["Clip"], Range=asked)
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_part_behind_the_end_and_what_the_client_has(shop, client):
    clip = items(shop, client)["Clip"]
    data = (shop.home.root / "lake" / "clip.webm").read_bytes()
    beyond = content(shop, client, clip, Range=f"bytes={len(data)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    assert content(shop, client, clip, Range="bytes=-0").status_code == 416
    tag = content(shop, client, clip).headers["etag"]
    known = content(shop, client, clip, **{"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    same = content(shop, client, clip, Range="bytes=0-3", **{"If-Range": tag})
    other = content(shop, client, clip, Range="bytes=0-3", **{"If-Range": '"other"'})
    assert (same.status_code, other.status_code, other.content) == (206, 200, data)


def test_each_file_of_several_by_its_number(shop, client):
    head = items(shop, client)["Head"]
    for number in range(5):
        data = (shop.home.root / "lake" / "head" / f"{number}.dcm").read_bytes()
        assert content(shop, client, head, query=f"?file={number}").content == data
    assert content(shop, client, head, query="?file=5").status_code == 404


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_browser_would_run_is_only_saved(shop, client, name):
    answer = content(shop, client, items(shop, client, "bare")[name], "bare")
    assert answer.content == HOSTILE[name]
    headers = answer.headers
    if name != "both.gif":  # an image to every reader of types: shown as one, and as nothing else
        assert headers["content-disposition"].startswith("attachment")
        assert headers["content-type"] in ("application/octet-stream", "application/pdf")
    else:
        assert headers["content-type"] == "image/gif"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Red", "image/png"), ("Clip", "video/webm"), ("Tone", "audio/wav"), ("Notes", "text/plain; charset=utf-8")],
)  # fmt: skip
def test_what_browsers_show_is_shown_and_saved_when_asked(shop, client, title, kind):
    item = items(shop, client)[title]
    shown, saved = content(shop, client, item), content(shop, client, item, query="?download=true")
    assert shown.headers["content-type"] == kind
    assert shown.headers["content-disposition"].startswith("inline")
    assert saved.headers["content-disposition"].startswith("attachment")


def test_kept_bytes_are_shown_when_their_object_has_gone(shop, client):
    (kept,) = (one for one in items(shop, client, "copies").values() if one["type"] == "image")
    answer = content(shop, client, kept, "copies")
    assert Image.open(io.BytesIO(answer.content)).size == (600, 400)
    assert "immutable" in answer.headers["cache-control"]
    small = client.get(f"{shop.api}/collections/copies/items/{kept['id']}/thumbnail")
    assert "immutable" in small.headers["cache-control"]


def test_an_object_that_is_not_there_is_told(shop, client):
    answer = content(shop, client, items(shop, client)["Gone"])
    assert answer.status_code == 404
    assert "gone.png" in answer.json()["detail"]


def test_pictures_of_pages_and_slices(shop, client):
    found = items(shop, client)

    def size(title, query):
        path = f"{shop.api}/collections/photos/items/{found[title]['id']}/picture?{query}"
        answer = client.get(path)
        return Image.open(io.BytesIO(answer.content)).size if answer.is_success else answer.status_code  # fmt: skip

    assert size("Paper", "place=2") == (1067, 1600)
    assert size("Paper", "place=3") == 404
    assert size("Head", "file=4") == (64, 48)
    assert size("Scan", "place=7") == (16, 12)
    assert size("Clip", "place=1500") == (160, 120)
    assert size("Notes", "") == 404


def test_metadata_of_one_item_are_merged_checked_and_noted(shop, client):
    """The schema judges, others' changes are not overwritten, what filters find follows, the log has before and after."""
    lake, base = shop.home.root / "lake", f"{shop.api}/collections/photos/items"
    given = {"weather": "fog", "note": "old", "kept": {"deep": [1, 2]}}
    images = [{"objectUrl": url_of(lake, "red.png"), "title": "one", "clientMetadata": given}]
    import_items(shop.home.root, "photos", {"images": images}, folder="merged")
    [was] = items(shop, client, "photos", filter="folder = merged").values()
    place = f"{base}/{was['id']}/metadata"

    def merge(body, revision="", code=200):
        headers = {"If-Match": revision, "Content-Type": "application/merge-patch+json"}
        answer = client.patch(place, content=body, headers=headers)
        assert answer.status_code == code, answer.text
        return answer.json()

    now = merge('{"lux": 12345678901234567890, "note": null}', f'"{was["revision"]}"')
    kept = {name: value for name, value in given.items() if name != "note"}
    assert now["metadata"] == {**kept, "lux": 12345678901234567890}
    assert "changed meanwhile" in merge("{}", was["revision"], code=409)["detail"]
    told = merge('{"weather": "hail", "lux": "bright"}', code=422)
    assert [one["path"] for one in told["facts"]["problems"]] == [["weather"], ["lux"]]
    for body in (
        "[1]",
        "NaN",
        '{"x": NaN}',
        "{",
        "",
        '{"x": 1e999}',
        '{"x": "\\u0000"}',
        '{"$own": 1}',
    ):
        merge(body, code=422)
    assert client.get(f"{base}/{was['id']}").json() == now
    found = items(shop, client, "photos", filter="folder = merged and lux > 1e19")
    assert [one["id"] for one in found.values()] == [was["id"]]
    [entry] = [
        one
        for one in client.get("/api/v1/audit").json()["items"]
        if one["action"] == "collection.merge-metadata" and one["outcome"] == "done"
    ]
    assert json.loads(entry["before"]) == {"lux": None, "note": "old"}
    assert json.loads(entry["after"]) == {"lux": 12345678901234567890, "note": None}
    client.post(f"{base}/-/remove", json={"items": [was["id"]]})


def test_items_are_renamed_moved_and_removed_by_who_may_and_it_is_noted(shop, client):
    lake, base = shop.home.root / "lake", f"{shop.api}/collections/bare/items"
    images = [{"objectUrl": url_of(lake, "red.png"), "title": f"t{n}"} for n in range(3)]
    import_items(shop.home.root, "bare", {"images": images}, folder="old")
    ids = [item["id"] for item in items(shop, client, "bare", filter="folder = old").values()]
    renamed = client.patch(f"{base}/{ids[0]}", json={"title": "  <b>new</b> "}).json()
    assert renamed["title"] == "<b>new</b>"
    for title in ("", "x" * 301, "a\0b", "\ud800"):
        body = json.dumps({"title": title})
        told = client.patch(f"{base}/{ids[0]}", content=body, headers={"Content-Type": "application/json"})  # fmt: skip
        assert told.status_code in (400, 422), title
    assert client.post(f"{base}/-/move", json={"items": ids[:2], "folder": "north/2026/"}).json() == {"items": 2}  # fmt: skip
    assert set(items(shop, client, "bare", filter="folder = 'north/2026'")) == {"<b>new</b>", "t1"}
    assert client.post(f"{base}/-/move", json={"items": ids, "folder": "../up"}).status_code == 422
    assert client.post(f"{base}/-/remove", json={"items": []}).status_code == 422
    assert client.post(f"{base}/-/remove", json={"items": [*ids, 10**9]}).json() == {"items": 3}
    assert client.get(f"{base}/{ids[0]}").status_code == 404
    log = client.get("/api/v1/audit").json()["items"]
    actions = [(one["action"], one["outcome"]) for one in log if "collection" in one["action"]]
    assert actions.count(("collection.rename-item", "done")) == 1
    assert ("collection.rename-item", "failed") in actions
    assert ("collection.move-items", "done") in actions
    assert ("collection.remove-items", "done") in actions
