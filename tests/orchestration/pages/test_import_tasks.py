"""Import tasks without a script: every button is a form, every state an address; what a stranger wrote is text."""

import html
import re
import sys

import pytest

from orchestration.services.access import passwords
from orchestration.services.access.actor import Role, Scope
from orchestration.services.access.shell import shell_actor
from orchestration.services.access.tokens import create_token
from orchestration.services.access.users import add_user
from resources.stores.catalog.database import CatalogDatabase
from tests.orchestration.importing import Tasks, hold, served_library
from tests.served import wait_until

HTML = "<img src=x onerror=alert(1)>"
FORM = {"source": "connector", "connector": "lake", "path": "notes/*.txt", "title": "true",
    "details": "true", "ignore_errors": "true", "target": "collection:library"}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with served_library(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture(scope="module")
def shop(place):
    return place[0]


@pytest.fixture
def slow(place):
    """The server of slow files; it stands still at the beginning of each test."""
    hold(place[1])
    return place[1]


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as found:
        yield found


@pytest.fixture
def tasks(client, shop):
    return Tasks(client, shop)


def made(shop, client, *, act="create", code=303, **fields):
    """A task by the form; its number."""
    answer = shop.post(client, f"{shop.data}/imports", {**FORM, "act": act, **fields})
    assert answer.status_code == code, answer.text
    return int(answer.headers["location"].rpartition("/")[2]) if code == 303 else answer.text


def counts(text):
    """The tabs of a list, by title."""
    found = re.findall(
        r'<li><a href="[^"]*"[^>]*>([^<]+) <span class="count">([\d,]+)</span>', text
    )
    return {title: int(number.replace(",", "")) for title, number in found}


def rows(text):
    """Numbers of the tasks that a list shows."""
    return [int(one) for one in re.findall(r'id="choose-(\d+)"', text)]


def test_a_task_is_made_found_again_and_its_list_keeps_its_place(shop, client):
    ids = [made(shop, client, name=f"Harbour {n}") for n in range(3)]
    made(shop, client, name="Elsewhere")
    address = f"{shop.data}/imports?state=not_started&q=HARB&sort=name"
    page = client.get(address).text
    assert rows(page) == ids
    found = counts(page)
    assert (found["All"], found["Not started"], found["Completed"]) == (3, 3, 0)
    assert "q=HARB" in re.search(r'href="([^"]*)"[^>]*>Completed', page)[1]
    back = {"back": "state=not_started&q=HARB&sort=name&evil=//x.org"}
    answer = shop.post(client, f"{shop.data}/imports/{ids[0]}/start", back)
    place = answer.headers["location"]
    assert place == f"/data/{shop.name}/imports?state=not_started&q=HARB&sort=name"
    page = client.get(place).text
    assert "Harbour 0 was started" in page
    assert rows(page) == ids[1:]
    wait_until(lambda: counts(client.get(address).text)["Completed"] == 1)


def test_a_second_click_is_told_what_the_first_has_done(shop, client, tasks):
    one = made(shop, client, act="start", name="Twice")
    tasks.ended({"id": one})
    answer = shop.post(client, f"{shop.data}/imports/{one}/start", {"back": "task"})
    assert answer.headers["location"] == f"/data/{shop.name}/imports/{one}"
    assert "it is completed" in client.get(answer.headers["location"]).text
    part = client.post(
        f"{shop.data}/imports/{one}/stop",
        data={"form_token": token(shop, client)},
        headers={"HX-Request": "true"},
    )
    assert (part.status_code, part.headers["hx-trigger"]) == (200, "imports-changed")
    assert "it is completed" in part.text


def token(shop, client):
    return re.search(r'name="form-token" content="([^"]*)"', client.get(f"{shop.data}/").text)[1]


def test_to_delete_is_asked_first_and_what_was_imported_stays(shop, client, tasks):
    ids = [made(shop, client, act="start", name=f"Goes {n}", folder="stays") for n in range(2)]
    for one in ids:
        tasks.ended({"id": one})
    records = len(tasks.items_of_library())
    listed = client.get(f"{shop.api}/collections").json()["items"]
    assert [one["items"] for one in listed if one["name"] == "library"] == [records]
    assert "Nothing has been imported" not in client.get(f"{shop.data}/collections/library").text
    page = client.get(f"{shop.data}/imports/{ids[0]}/delete").text
    assert "Delete Goes 0?" in page
    box = re.search(r'<input type="checkbox" id="remove_records"[^>]*>', page)[0]
    assert "checked" not in box
    asked = shop.post(client, f"{shop.data}/imports/-/delete", {"task": ids, "back": "q=Goes"})
    assert (asked.status_code, "Delete 2 tasks?" in asked.text) == (200, True)
    assert counts(client.get(f"{shop.data}/imports?q=Goes").text)["All"] == 2  # nothing yet
    fields = {"task": ids, "back": "q=Goes", "confirmed": "true"}
    done = shop.post(client, f"{shop.data}/imports/-/delete", fields)
    assert done.headers["location"].endswith("/imports?q=Goes")
    assert "2 deleted" in client.get(done.headers["location"]).text
    assert counts(client.get(f"{shop.data}/imports?q=Goes").text)["All"] == 0
    assert len(tasks.items_of_library()) == records
    assert client.get(f"{shop.data}/imports/{ids[0]}").status_code == 404


def test_files_of_a_plain_form_become_items(shop, client, tasks):
    files = [("file", ("one.txt", b"First.")), ("file", ("two.pdf", b"no pdf"))]
    fields = {"form_token": token(shop, client), "source": "upload", "act": "start", "ignore_errors": "true",
        "target": "collection:library", "folder": "plain"}  # fmt: skip
    answer = client.post(f"{shop.data}/imports", data=fields, files=files)
    assert answer.status_code == 303, answer.text
    one = int(answer.headers["location"].rpartition("/")[2])
    done = tasks.ended({"id": one})
    assert (done["via"], done["done"], done["failed"]) == ("browser", 1, 1)
    page = client.get(f"{shop.data}/imports/{one}?state=failed").text
    assert "two.pdf" in page
    assert "one.txt" not in re.search(r'<section id="items">.*?</section>', page, re.DOTALL)[0]
    log = client.get(f"{shop.data}/imports/{one}/failures")
    assert log.headers["content-disposition"].startswith("attachment")
    assert len(log.text.splitlines()) == 2
    assert f"/runs/{done['run_id']}" in page
    [link] = re.findall(r'href="([^"]*)">Its items in library<', page)
    tasks.ended({"id": made(shop, client, act="start", folder="plain")})  # others beside it
    listed = client.get(html.unescape(link)).text
    assert ("one.txt" in listed, "0.txt" in listed) == (True, False)
    assert "0.txt" in client.get(f"{shop.data}/collections/library").text


def test_what_is_wrong_is_told_and_what_was_filled_in_stays(shop, client):
    for fields, told in (
        ({"target": ""}, "no target was chosen"),
        ({"source": "web", "addresses": f"http://{HTML}"}, "does not begin with https://"),
        (
            {"source": "web", "addresses": "https://a.org https://10.0.0.1/x"},
            'f-addresses-error">the address &#39;https://10.0.0.1/x&#39; is refused',
        ),
        (
            {"source": "web", "addresses": "https://a.org", "crawl": "true", "depth": "many"},
            "no whole number",
        ),
        ({"source": "upload"}, "no file was chosen"),
        ({"connector": "other"}, "none of its connectors"),
        ({"field_key_1": "year", "field_pattern_1": "(", "field_source_1": "path"}, "no pattern"),
        ({"target": "new:planet", "new_name": "x"}, "planet"),
        ({"target": "new:collection", "new_name": "Not A Name"}, "name"),
    ):
        text = made(shop, client, code=422, name="Kept as typed", **fields)
        assert told in text, fields
        assert HTML not in text
        assert 'value="Kept as typed"' in text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ocr": "true"}, "f-ocr-error"),
        ({"keep_raw": "true"}, "f-keep_raw-error"),
        ({"output": "json"}, "f-output-error"),
        ({"on_duplicate": "new_version"}, "f-on_duplicate-error"),
        ({"field_key_1": "year", "field_pattern_1": "x"}, "Own fields"),
        ({"folder": "site"}, "f-folder-error"),
    ],
)
def test_what_was_said_for_a_collection_is_not_dropped_in_silence_by_a_dataset(
    shop, client, fields, field
):
    text = made(shop, client, code=422, target="dataset:sales", **fields)
    assert "have no use for the option" in text or "only a collection has folders" in text
    assert field in text
    is_hidden = re.search(r'<div class="when collection">\s*<details class="card"', text)
    assert bool(is_hidden) == ("folder" in fields)


def test_a_collection_that_could_not_take_its_first_task_is_not_declared(shop, client):
    for fields, told in (
        ({"source": "web", "addresses": "http://example.org/"}, "does not begin with https"),
        ({"source": "web", "addresses": "https://localhost/"}, "this machine"),
        ({"path": "../x"}, "cannot select objects"),
        ({"connector": "nope"}, "unknown connector"),
    ):
        new = {"target": "new:collection", "new_name": "unmade", **fields}
        text = made(shop, client, code=422, **new)
        assert told in html.unescape(text)
        assert "othing was made" in text
        assert list(shop.defs.rglob("*unmade*")) == []


def test_what_is_not_installed_is_told_beside_its_box(shop, client, monkeypatch):
    new = f"{shop.data}/imports/-/new"
    assert "which is not installed" not in client.get(new).text
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    assert "pip install &#34;waybill[ocr]&#34;" in client.get(new).text


def test_a_target_that_is_not_there_is_declared_first(shop, client, tasks):
    one = made(shop, client, act="start", target="new:collection", new_name="fresh")
    done = tasks.ended({"id": one})
    assert (done["target"], done["state"], done["created"]) == ("fresh", "completed", 3)
    declared = next(shop.defs.rglob("*fresh*")).rglob("defs.yaml")
    assert "connectors" in next(declared).read_text()


def test_a_new_dataset_is_told_how_its_files_are_read(shop, client, tasks):
    files = [("file", ("prices", b"Prices of May\na;b\n1,5;2\n"))]  # a name that tells nothing
    fields = {"form_token": token(shop, client), "source": "upload", "act": "start", "target": "new:dataset",
        "new_name": "prices", "option.separator": ";", "option.skip_rows": "1", "more": "decimal_mark: ','"}  # fmt: skip
    refused = client.post(f"{shop.data}/imports", data=fields, files=files)
    assert refused.status_code == 422
    assert 'name="option.skip_rows" value="1"' in refused.text
    assert list(shop.defs.rglob("*prices*")) == []
    answer = client.post(f"{shop.data}/imports", data={**fields, "format": "csv"}, files=files)
    assert answer.status_code == 303, answer.text
    done = tasks.ended({"id": int(answer.headers["location"].rpartition("/")[2])})
    assert (done["state"], done["done"]) == ("completed", 1)
    sample = client.get(f"/api/v1/projects/{shop.name}/datasets/prices/sample").json()
    assert sample["rows"] == [[1.5, 2]]


def test_names_of_strangers_are_text(shop, client, tasks):
    names = (HTML, "'\"><script>alert(1)</script>", "報告書 年次", "تقرير سنوي", "=cmd()")
    ids = [made(shop, client, name=name) for name in names]
    made(shop, client, code=422, name="a\u202egnp.exe")
    pages = [client.get(f"{shop.data}/imports?q=").text]
    pages += [
        client.get(f"{shop.data}/imports/{one}{more}").text
        for one in ids
        for more in ("", "/delete")
    ]
    for text in pages:
        assert "<img src=x" not in text
        assert "<script>alert" not in text
    assert "報告書" in pages[0]
    sent = [("file", (f"{HTML}.txt", b"x")), ("file", ("a\u202etxt.pdf", b"x"))]
    task = tasks.send(sent, {"target": tasks.library, "start": True})
    tasks.ended(task)
    assert "<img src=x" not in client.get(f"{shop.data}/imports/{task['id']}").text


def test_a_path_is_found_by_walking_through_a_connector(shop, client):
    place = f"{shop.data}/imports/-/browse?target=collection:library"
    assert ">lake</a>" in client.get(place).text
    assert "tables" not in client.get(place).text  # a database is no place of files
    offered = re.findall(r"<option>(\w+)</option>", client.get(f"{shop.data}/imports/-/new").text)
    assert offered == ["lake", "other", "slow"]
    page = client.get(f"{place}&connector=lake&path=notes/").text
    one = re.search(r'href="([^"]*)" aria-label="Choose 1.txt"', page)[1].replace("&amp;", "&")
    form = client.get(one).text
    assert re.search(r'name="path" value="notes/1\.txt"', form)
    assert '<option value="collection:library" data-connectors="lake slow" selected>' in form
    whole = re.search(r'href="([^"]*)">All that is here', page)[1].replace("&amp;", "&")
    assert 'name="path" value="notes/**"' in client.get(whole).text


def test_places_that_the_target_does_not_name_are_not_walked_through(shop, client):
    browse, new = f"{shop.data}/imports/-/browse", f"{shop.data}/imports/-/new"
    found = client.get(f"{browse}?target=collection:library").text
    assert all(f">{one}</a>" in found for one in ("lake", "slow"))
    assert "other</a>" not in found
    assert "library takes files from these alone" in found
    found = client.get(f"{browse}?target=dataset:sales").text
    assert "sales takes files from no connector" in found
    assert "lake</a>" not in found
    found = client.get(f"{browse}?target=new:dataset").text
    assert all(f">{one}</a>" in found for one in ("lake", "other", "slow"))
    text = html.unescape(client.get(f"{new}?target=dataset:sales").text)
    assert "browse?connector=&target=dataset:sales" in text.replace("%3A", ":")


def test_who_may_only_look_has_no_buttons_and_operators_remove_no_records(
    shop, client, monkeypatch
):
    one = made(shop, client, name="Looked at")
    monkeypatch.setattr(passwords, "COST", passwords._Cost(4, 8, 1))
    database, secrets = CatalogDatabase.open(), {}
    for name, role in (("ada", Role.ADMIN), ("oto", Role.OPERATOR), ("vic", Role.VIEWER)):
        add_user(database, shell_actor(), name=name, role=role, password="correct horse battery")
        token = create_token(database, shell_actor(), user=name, alias="t", scopes=list(Scope))
        secrets[name] = {"Authorization": f"Bearer {token.secret}"}
    with shop.client() as found:
        page = found.get(f"{shop.data}/imports", headers=secrets["vic"]).text
        assert "Looked at" in page
        assert not re.search(r"<button[^>]*act|New import|chosen", page)
        for path in ("/-/new", f"/{one}/delete"):
            assert (
                found.get(f"{shop.data}/imports{path}", headers=secrets["vic"]).status_code == 403
            )
        page = found.get(f"{shop.data}/imports/{one}/delete", headers=secrets["oto"]).text
        assert "remove_records" not in page
        place = f"{shop.api}/imports/{one}?remove_records=true"
        refused = found.delete(place, headers=secrets["oto"])
        assert (refused.status_code, refused.json()["facts"]["role"]) == (403, "admin")
        assert found.get(f"{shop.api}/imports/{one}", headers=secrets["vic"]).status_code == 200
