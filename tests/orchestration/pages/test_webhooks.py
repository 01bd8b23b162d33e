"""Webhooks clicked through in a real browser and asked for over HTTP, with a real receiver and the courier of the server."""

import re
from contextlib import ExitStack

import dagster as dg
import pytest
from standardwebhooks import Webhook as Verifier

from orchestration.services.webhooks import declared
from orchestration.services.webhooks.courier import Courier
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.webhooks.outbox import note_event
from resources.web import client
from tests.resources.stores.catalog.webhooks.made import deliveries, ended
from tests.served import served, wait_until
from tests.servers.chromium import watched_page
from tests.servers.web import website

HOSTILE = b"<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with website(tmp_path_factory.mktemp("web"), "hooks.example") as site:
        yield site


@pytest.fixture(scope="module")
def shop(tmp_path_factory, receiver):
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(client, "NETWORK", receiver.network)
        found = stack.enter_context(served(tmp_path_factory.mktemp("shop"), {}))
        found.database = CatalogDatabase.open()
        instance = stack.enter_context(dg.DagsterInstance.get())
        stack.enter_context(Courier(found.database, instance))
        yield found


@pytest.fixture(autouse=True)
def emptied(receiver):
    receiver.sent.clear()
    receiver.pages.clear()


@pytest.fixture
def watched(chromium):
    with watched_page(chromium) as found:
        yield found


def note(shop, number):
    with shop.database.write() as connection:
        note_event(connection, ended(number))


def test_a_person_adds_one_tries_it_and_reads_what_became_of_events(shop, receiver, watched):
    page = watched.page
    page.goto(f"{shop.data}/account")
    page.get_by_role("link", name="Webhooks").click()
    watched.check_accessible()
    watched.expected.add(422)
    page.get_by_label("Alias").fill("crm")
    page.get_by_label("Address").fill("https://hooks.example/in?token=1")
    page.get_by_role("button", name="Add the webhook").click()
    page.get_by_role("alert").get_by_text("query string").wait_for()
    page.get_by_label("Address").fill("https://hooks.example/in")
    page.get_by_label("import.stopped").uncheck()
    page.get_by_role("button", name="Add the webhook").click()
    secret = page.locator("pre").inner_text()
    assert secret.startswith("whsec_")
    watched.check_accessible()

    receiver.pages["/in"] = HOSTILE
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_text("The test event arrived").wait_for()
    page.get_by_text(HOSTILE.decode()).wait_for()
    assert Verifier(secret).verify(receiver.sent[0][2], receiver.sent[0][1])
    watched.check_accessible()
    del receiver.pages["/in"]
    note(shop, 1)
    wait_until(lambda: deliveries(shop.database)[-1].state == "failed")
    page.get_by_role("link", name="Deliveries").click()
    page.get_by_role("cell", name="failed", exact=True).wait_for()
    watched.check_accessible()
    receiver.pages["/in"] = b"thanks"
    page.get_by_role("button", name="Send again").click()
    page.get_by_text("It is sent once more.").wait_for()
    wait_until(lambda: deliveries(shop.database)[-1].state == "delivered")
    page.reload()
    page.get_by_role("cell", name="delivered", exact=True).wait_for()
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_person_pauses_changes_and_removes_one(shop, receiver, watched):
    page = watched.page
    page.goto(f"{shop.data}/webhooks")
    page.get_by_label("Alias").fill("desk")
    page.get_by_label("Address").fill("https://hooks.example/desk")
    page.get_by_role("button", name="Add the webhook").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("desk is paused: what ends meanwhile waits.").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("desk goes on.").wait_for()
    page.get_by_label("Address").fill("https://hooks.example/other")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("desk is changed.").wait_for()
    page.get_by_text("https://hooks.example/other").first.wait_for()
    watched.answers += [True, True]
    page.get_by_role("button", name="New secret").click()
    page.locator("pre").get_by_text("whsec_").wait_for()
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("desk is removed.").wait_for()
    assert "desk" not in {one.alias for one in declared.list_webhooks(shop.database)}


def test_what_cannot_be_changed_is_told_beside_what_was_typed(shop):
    wanted = {"alias": "form", "url": "https://hooks.example/in", "events": ["import.failed"]}
    with shop.client(headers={"Origin": shop.url}) as api:
        assert api.post("/api/v1/webhooks", json=wanted).status_code == 201
        own = f"{shop.data}/webhooks/form"
        answer = shop.post(api, own, {"url": "https://hooks.example/typed"})
        assert (answer.status_code, "needs an event" in answer.text) == (422, True)
        assert 'value="https://hooks.example/typed"' in answer.text
        assert " checked" not in answer.text
        kept = api.get("/api/v1/webhooks/form").json()
        assert (kept["url"], kept["events"]) == (wanted["url"], wanted["events"])


def test_one_that_is_sent_again_while_it_is_paused_waits(shop, receiver):
    wanted = {"alias": "rests", "url": "https://hooks.example/rests", "events": ["import.completed"]}  # fmt: skip
    with shop.client(headers={"Origin": shop.url}) as api:
        own = "/api/v1/webhooks/rests"
        assert api.post("/api/v1/webhooks", json=wanted).status_code == 201
        note(shop, 3)
        wait_until(lambda: api.get(own).json()["failed"] == 1)
        (one,) = api.get(f"{own}/deliveries").json()["items"]
        api.post(f"{own}/pause")
        place = f"{shop.data}/webhooks/rests/deliveries/{one['id']}/resend"
        answer = shop.post(api, place, {})
        assert answer.status_code == 303
        assert "It waits until rests goes on." in api.get(answer.headers["location"]).text


def test_the_same_over_http(shop, receiver):
    place = "/api/v1/webhooks"
    with shop.client(headers={"Origin": shop.url}) as api:
        wanted = {"alias": "my app", "url": "https://hooks.example/app", "events": ["import.completed"]}  # fmt: skip
        made = api.post(place, json=wanted)
        assert made.status_code == 201
        secret = made.json()["secret"]
        assert api.post(place, json=wanted).status_code == 409
        for wrong in (
            {"url": "https://10.0.0.1/"},
            {"events": ["x"]},
            {"events": []},
            {"alias": "/"},
        ):
            assert api.post(place, json=wanted | wrong).status_code == 422
        own = f"{place}/my%20app"
        receiver.pages["/app"] = b"thanks"
        tried = api.post(f"{own}/test").json()
        assert (tried["is_delivered"], tried["status"], tried["answer"]) == (True, 200, "thanks")
        note(shop, 2)
        wait_until(lambda: api.get(own).json()["delivered"] == 1)
        (one,) = api.get(f"{own}/deliveries", params={"state": "delivered"}).json()["items"]
        # Webhooks of other tests are told too, at the same moment, and elsewhere.
        _trial, (_path, headers, body) = (sent for sent in receiver.sent if sent[0] == "/app")
        told = Verifier(secret).verify(body, headers)
        assert (told["data"]["id"], one["subject"]) == (2, told["data"]["subject"])
        again = api.post(f"{own}/deliveries/{one['id']}/resend")
        assert (again.status_code, again.json()["state"]) == (202, "waiting")
        assert api.post(f"{own}/deliveries/x/resend").status_code == 404
        assert api.patch(own, json={"events": ["import.stopped"]}).json()["url"] == wanted["url"]
        assert api.patch(own, json={"url": wanted["url"], "events": []}).status_code == 422
        assert api.post(f"{own}/pause").json()["is_paused"]
        assert not api.post(f"{own}/resume").json()["is_paused"]
        assert api.post(f"{own}/rotate").json()["secret"] != secret
        assert secret not in api.get(place).text
        assert api.delete(own).status_code == 204
        assert api.get(own).status_code == 404


def test_no_page_and_no_file_of_the_home_shows_a_secret(shop, receiver):
    with shop.client(headers={"Origin": shop.url}) as api:
        wanted = {"alias": "quiet", "url": "https://hooks.example/in", "events": ["import.failed"]}
        secret = api.post("/api/v1/webhooks", json=wanted).json()["secret"].removeprefix("whsec_")
        pages = ("webhooks", "webhooks/quiet", "webhooks/quiet/deliveries", "audit", "account")
        shown = [api.get(f"{shop.data}/{path}").text for path in pages]
        shown += [api.get(f"/api/v1/{path}").text for path in ("audit", "webhooks")]
    assert not any(secret in text for text in shown)
    files = [path for path in shop.home.root.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in files)
    assert re.fullmatch(r"0o100600", oct((shop.home.root / "webhook-key").stat().st_mode))
