"""Collections filled in the browser: a specification dropped, checked, imported and followed; made of a listing; schemas edited."""

import json
import re

import pytest
from PIL import Image

from orchestration.services.access.actor import Actor, Role
from orchestration.services.access.audit import LogFilter, list_entries
from resources.stores.catalog.database import CatalogDatabase
from tests.orchestration.pages.test_keyboard import press, tab_to
from tests.served import served, wait_until
from tests.servers.chromium import watched_page
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY

YAML = """
type: resources.FolderConnector
attributes: {{name: lake, root: {lake}}}
---
type: resources.S3Connector
attributes:
  name: bucket
  bucket: {bucket}
  endpoint_url: {endpoint}
  region: us-east-1
  access_key: {{env: BUCKET_KEY}}
  secret_key: {{env: BUCKET_SECRET}}
---
type: assets.MetadataSchema
attributes: {{name: site, keys: [{{name: lux, type: number}}]}}
---
type: assets.Collection
attributes: {{name: photos, connectors: [lake, bucket], types: [image], metadata_schema: site}}
"""
HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lake")
    for number in range(3):
        Image.new("RGB", (32 + number, 16)).save(folder / f"a{number}.png")
    (folder / "bad.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory, lake, s3_server):
    bucket = s3_server.new_bucket()
    for path in lake.glob("a*.png"):
        s3_server.client.put_object(Bucket=bucket, Key=f"in/{path.name}", Body=path.read_bytes())
    files = {"defs.yaml": YAML.format(lake=lake, bucket=bucket, endpoint=s3_server.url)}
    variables = {"BUCKET_KEY": ACCESS_KEY, "BUCKET_SECRET": SECRET_KEY}
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, files, daemon=True, variables=variables) as found:
        found.s3_bucket = bucket
        yield found


@pytest.fixture
def file(tmp_path, lake):
    """A specification of four images, of which one is none."""
    names = ("a0.png", "a1.png", "bad.png", "a2.png")
    items = [
        {"objectUrl": f"file://{lake}/{name}", "title": HTML, "clientMetadata": {"phase": "roof"}}
        for name in names
    ]
    path = tmp_path / "photos.json"
    path.write_text(json.dumps({"images": items, "skip_duplicate_urls": True}))
    return path


def retry_what_failed(page, lake):
    """By clicking, once the file is mended; then its items are looked at."""
    Image.new("RGB", (9, 9)).save(lake / "bad.png")
    page.get_by_role("button", name="Retry failed items").click()
    page.locator(".tallies", has_text="4 ready").wait_for(timeout=120_000)
    (lake / "bad.png").write_bytes(b"no image")
    page.get_by_role("link", name="Show the items").click()
    assert page.locator(".tiles .title").all_inner_texts() == [HTML] * 4


def test_a_specification_is_chosen_checked_imported_and_followed_by_clicking(
    shop, chromium, file, lake
):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/collections/photos/import")
        watched.check_looks()
        page.get_by_label("Folder").first.fill("roofs")
        page.get_by_label("Choose a specification").set_input_files(file)
        page.get_by_role("button", name="Check").first.click()
        page.get_by_text("No problem was found").wait_for()
        watched.check_looks()
        assert "roofs" in page.locator(".facts").inner_text()
        assert page.locator("tbody tr").inner_text().split("\t") == [
            "image",
            "4",
            "4",
            "4",
            "0",
            "0",
            "0",
        ]
        page.get_by_label("Ignore individual file errors").check()
        page.get_by_role("button", name="Start the import").click()
        page.get_by_text("completed").wait_for(timeout=120_000)
        assert (
            re.sub(r"\s+", " ", page.locator(".tallies").inner_text()).strip()
            == "0 pending 3 ready 1 failed"
        )
        watched.check_looks()
        with page.expect_download() as download:
            page.get_by_role("link", name="as CSV").click()
        log = download.value.path().read_text()
        assert "object_type_mismatch" in log
        page.get_by_role("link", name="Failure log", exact=True).click()
        assert page.get_by_text(HTML).count() == 1  # as text: nothing of it was run
        watched.check_looks()
        page.go_back()
        retry_what_failed(page, lake)
        page.goto(f"{shop.data}/collections/photos/imports")
        watched.check_looks()
        page.goto(f"{shop.data}/")  # the overview tells that it ended
        ended = page.get_by_role("row").filter(has_text="photos.json").first
        assert "completed" in ended.inner_text()


def test_without_a_script_a_form_does_the_same_and_problems_are_paged(shop, tmp_path):
    own = f"/data/{shop.name}/collections/photos"
    bad = [{"objectUrl": f"a {HTML}"} for _ in range(150)]
    with shop.client(headers={"Origin": shop.url}) as client:
        token = re.search(r'name="form-token" content="([^"]*)"', client.get(f"{own}/import").text)[
            1
        ]
        sent = {"file": ("bad.json", json.dumps({"images": bad}).encode())}
        fields = {"form_token": token, "folder": ""}
        moved = client.post(f"{own}/import", data=fields, files=sent, follow_redirects=True)
        assert (moved.status_code, "upload=" in str(moved.url)) == (200, False)
        assert "150 problems" in moved.text
        assert HTML not in moved.text
        following = re.search(r'rel="next" href="([^"]*)"', moved.text)[1].replace("&amp;", "&")
        assert "Problems 101 to 150 of 150" in client.get(following).text
        report = client.get(str(moved.url).replace("/check?", "/problems?")).text
        assert len(report.splitlines()) == 151
        refused = client.post(
            f"{own}/import/object", data={**fields, "connector": "lake", "object_key": "gone.json"}
        )
        assert refused.status_code == 422
        assert "gone.json" in refused.text


def test_a_listing_becomes_an_import_by_a_keyboard_alone(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/collections/photos/import")
        page.get_by_role("heading", name="Make one from a listing").evaluate(
            "one => { one.tabIndex = -1; one.focus() }"
        )
        tab_to(page, "Connector")
        page.keyboard.press("ArrowDown")
        tab_to(page, "Path (required)")
        page.keyboard.type("in/a2*")
        tab_to(page, "More options")
        page.keyboard.press("Enter")
        tab_to(page, "Exclude")
        page.keyboard.type("old/**")
        tab_to(page, "Make and check")
        press(page)
        page.get_by_text("No problem was found").wait_for()
        tab_to(page, "Start the import")
        press(page)
        page.get_by_text("completed").wait_for(timeout=120_000)
        assert "1 ready" in re.sub(r"\s+", " ", page.locator(".tallies").inner_text())


def test_a_listing_of_a_bucket_becomes_a_specification_and_is_imported(shop):
    own = f"/data/{shop.name}/collections/photos"
    given = {
        "connector": "bucket",
        "path": "in/**",
        "exclude": "in/a2.png",
        "probe": "true",
        "skip_duplicates": "true",
    }
    with shop.client() as client:
        made = shop.post(client, f"{own}/import/listing", given)
        kept = re.search(r"kept=([0-9a-f]{64})", made.headers["location"])[1]
        fields = {"kept": kept, "file_name": "bucket.json", "folder": "s3"}
        begun = shop.post(client, f"{own}/import/start", fields)
        place = begun.headers["location"]
        wait_until(lambda: "completed" in client.get(place).text)
        api = f"/api/v1/projects/{shop.name}/"
        listed = client.post(
            f"{api}connectors/bucket/specification",
            json={"path": "in/**", "probe": True, "exclude": ["in/a2.png"]},
        )
        [one] = listed.json()["files"]
        assert one["items"] == 2
        params = {"number": 1}
        content = client.post(
            f"{api}connectors/bucket/specification",
            params=params,
            json={"path": "in/**", "probe": True},
        ).json()
        assert content["images"][0]["objectUrl"] == f"s3://{shop.s3_bucket}/in/a0.png"
        media = content["images"][0]["imageMetadata"]
        assert (media["width"], media["height"], media["mime_type"]) == (32, 16, "image/png")
        items = client.get(
            f"{api}collections/photos/items", params={"filter": "folder = s3"}
        ).json()["items"]
        assert {(i["state"], i["attempts"]) for i in items} == {
            ("ready", 0)
        }  # no byte was read again
    actions = [entry.action for entry in list_entries(CatalogDatabase.open(), LogFilter())]
    assert "collection.import" in actions


def test_a_key_is_added_retyped_and_deleted_by_clicking(shop, chromium):
    with watched_page(chromium) as watched:
        watched.expected.add(409)
        page = watched.page
        page.goto(f"{shop.data}/schemas/site")
        watched.check_accessible()
        page.get_by_label("Key", exact=False).first.fill("mood")
        page.get_by_label("Type").select_option("enum")
        page.get_by_label("Options").fill("calm\nwild")
        page.get_by_role("button", name="Preview").click()
        watched.check_accessible()
        assert page.get_by_text("No value is stored under it").count() == 1
        page.get_by_role("button", name="Make the change").click()
        page.get_by_text("The key mood was changed").wait_for()
        page.goto(f"{shop.data}/schemas/site/preview?operation=delete_key&key=mood")
        with shop.client() as client:  # somebody else is faster
            change = {"operation": "add_geospatial", "key": "place"}
            client.post(f"{shop.api}/schemas/site/changes", json=change).raise_for_status()
        page.get_by_role("button", name="Delete it").click()
        page.get_by_text("it was changed meanwhile").wait_for()
        page.get_by_role("button", name="Delete it").click()
        page.get_by_text("The key mood was changed").wait_for()
        page.get_by_label("What to do with mood").click()
        page.get_by_role("link", name="Restore").click()
        page.get_by_role("button", name="Make the change").click()
        page.get_by_text("The key mood was changed").wait_for()
        page.set_viewport_size({"width": 360, "height": 800})
        watched.check_accessible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("link", name="History").click()
        assert "restore_key mood" in page.inner_text("table")


def test_a_change_that_a_rule_forbids_is_told_beside_what_was_typed(shop):
    with shop.client() as client:
        for query, rule in (
            ({"key": "mood$", "type": "varchar"}, "schema_key_invalid"),
            ({"key": "moods", "type": "enum", "values": ""}, "enum_empty"),
        ):
            answer = client.get(f"{shop.data}/schemas/site/preview", params=query)
            assert answer.status_code == 422
            assert f"<code>{rule}</code>" in answer.text
            assert f'value="{query["key"]}"' in answer.text
        assert client.get(f"{shop.api}/schemas/site").json()["collections"] == ["photos"]


def test_who_may_only_look_starts_and_changes_nothing(shop):
    from orchestration.services.access.rights import check_right
    from resources.kernel.errors import ForbiddenError

    viewer, operator = (Actor("x", role=role) for role in (Role.VIEWER, Role.OPERATOR))
    for use_case in (
        "collection.imports",
        "collection.progress",
        "collection.failures",
        "schema.show",
        "schema.verify",
    ):
        check_right(viewer, use_case)
    for use_case in ("import", "resume", "retry", "stop", "check-spec", "make-spec"):
        check_right(operator, f"collection.{use_case}")
        with pytest.raises(ForbiddenError):
            check_right(viewer, f"collection.{use_case}")
    with pytest.raises(ForbiddenError):
        check_right(operator, "schema.apply")
