"""Definitions by forms in pages that need no script: chosen, filled in, previewed, saved, edited, deleted."""

import re
from html import unescape

import pytest

from tests.orchestration.api.test_definitions import LAKE
from tests.served import served
from tests.servers.chromium import watched_page


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"lake/defs.yaml": LAKE}) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


def fields_of(page):
    """What a browser would send of the page's form as it stands."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", page):
        name, value = (re.search(rf' {part}="([^"]*)"', tag) for part in ("name", "value"))
        if name:
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, body in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):  # fmt: skip
        found[name] = unescape(body)
    for name, body in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):  # fmt: skip
        chosen = re.search(r'value="([^"]*)" selected', body) or re.search(r'value="([^"]*)"', body)
        found[name] = unescape(chosen[1])
    return found


def test_a_data_source_is_made_from_an_address_with_a_mistake_on_the_way(shop, client):
    path = f"{shop.data}/datasources/-/new?connector=lake&path=more/*.csv"
    page = client.get(path)
    fields = fields_of(page.text)
    assert (fields["connector"], fields["path"]) == ("lake", "more/*.csv")
    fields |= {"name": "more", "description": "Two\nlines: <b>bold</b>", "observe": "x"}
    # A mistake: the page comes back with what was typed, and the field is marked.
    wrong = client.post(path, data={**fields, "step": "save"})
    assert wrong.status_code == 422
    assert fields_of(wrong.text)["description"] == fields["description"]
    assert 'class="field wrong"' in wrong.text
    assert "is not a cron" in wrong.text
    assert "<b>bold" not in wrong.text
    fields["observe"] = ""
    preview = client.post(path, data={**fields, "step": "preview"})
    assert preview.status_code == 200
    assert "+  path: more/*.csv" in unescape(preview.text)
    file = shop.defs / "datasources" / "more" / "defs.yaml"
    assert not file.exists()
    saved = client.post(path, data={**fields_of(preview.text), "step": "save"})
    assert saved.status_code == 303
    assert "description: |-\n    Two\n    lines: <b>bold</b>\n" in file.read_text()


def test_a_data_source_is_edited_with_a_conflict_on_the_way_and_deleted(shop, client):
    base = f"{shop.data}/datasources"
    made = {"connector": "lake", "path": "a.csv", "name": "other", "step": "save"}
    fields = fields_of(client.get(f"{base}/-/new").text)
    assert client.post(f"{base}/-/new", data={**fields, **made}).status_code == 303
    file = shop.defs / "datasources" / "other" / "defs.yaml"
    file.write_text(before := file.read_text() + "  # a comment\n")
    edit = fields_of(client.get(f"{base}/other/edit").text)
    assert client.post(f"{base}/other/edit", data={**edit, "step": "save"}).status_code == 303
    assert file.read_text() == before
    changed = client.post(f"{base}/other/edit", data={**edit, "path": "b.csv", "step": "save"})
    assert changed.status_code == 303
    assert file.read_text() == before.replace("a.csv", "b.csv")
    # The form is old now: both sides are shown, and what was typed is still there.
    late = client.post(f"{base}/other/edit", data={**edit, "path": "c.csv", "step": "save"})
    assert late.status_code == 409
    assert "b.csv" in late.text
    assert fields_of(late.text)["path"] == "c.csv"
    again = client.post(f"{base}/other/edit", data={**fields_of(late.text), "step": "save"})
    assert again.status_code == 303
    question = client.get(f"{base}/other/delete")
    assert "-  path: c.csv" in unescape(question.text)
    assert file.exists()
    assert client.post(f"{base}/other/delete", data=fields_of(question.text)).status_code == 303
    assert not file.exists()


def test_what_is_in_use_cannot_be_deleted_and_says_by_whom(shop, client):
    page = client.get(f"{shop.data}/connectors/lake/delete")
    assert page.status_code == 200
    assert "Data source &#39;files&#39;" in page.text
    assert "<button" not in page.text.partition("<main")[2]
    fields = fields_of(client.get(f"{shop.data}/datasources/-/new").text)
    sent = client.post(f"{shop.data}/connectors/lake/delete", data={**fields, "revision": ""})
    assert sent.status_code == 409
    foreign = client.post(f"{shop.data}/connectors/lake/delete", data={"revision": ""})
    assert foreign.status_code == 403  # a form that this server did not make
    assert (shop.defs / "lake" / "defs.yaml").read_text() == LAKE


def test_names_that_are_none_are_told(shop, client):
    for path in ("connectors/nobody/edit", "connectors/nobody/delete", "connectors/-/new?type=os.path"):  # fmt: skip
        assert client.get(f"{shop.data}/{path}").status_code == 404


def test_forms_in_a_browser_are_accessible_and_keep_what_was_typed(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.set_default_timeout(150_000)  # a save loads the project twice
        page.goto(f"{shop.data}/connectors/-/new")
        watched.check_accessible()
        page.get_by_role("link", name="PostgreSQL").click()
        watched.check_accessible()
        page.locator("[name=name]").fill("vault")
        page.locator("[name=host]").fill("db example")
        page.locator("[name=database]").fill("d")
        page.locator("[name=username]").fill("u")
        page.locator("[name=password]").fill("VAULT_PASSWORD")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Nothing was written.").wait_for()
        assert [fault.partition(" http")[0] for fault in watched.faults] == ["422 POST"]
        watched.faults.clear()  # the answer to a form with a mistake
        watched.check_accessible()
        assert page.locator("[name=host]").input_value() == "db example"
        page.locator("[name=host]").fill("db.example.com")
        page.get_by_role("button", name="Show what will be written").click()
        page.get_by_role("heading", name="What will be written").wait_for()
        watched.check_accessible()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Connector vault is declared").wait_for()
    file = shop.defs / "connectors" / "vault" / "defs.yaml"
    assert "password: {env: VAULT_PASSWORD}" in file.read_text()
