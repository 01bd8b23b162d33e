"""Webhooks as they are made and changed: what is refused, what is kept of a secret, and what the log says."""

import json

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from orchestration.services.access.audit import LogFilter, list_entries
from orchestration.services.webhooks import secret as secret_module
from orchestration.services.webhooks.declared import (
    WEBHOOKS_MAX,
    change_webhook,
    create_webhook,
    list_webhooks,
    remove_webhook,
    rotate_secret,
    set_paused,
    show_webhook,
)
from orchestration.services.webhooks.deliveries import list_deliveries, resend, try_webhook
from orchestration.services.webhooks.secret import BOTH, SigningKey
from orchestration.services.webhooks.sending import Sender
from resources.kernel.errors import ConflictError, InputError, NotFoundError, UnknownNameError
from tests.orchestration.services.webhooks.conftest import ADA, KEY

EVENTS = ("import.failed",)


@pytest.mark.parametrize("url", [
    "", "hooks.example", "http://hooks.example/", "ftp://hooks.example/", "https://u:p@hooks.example/", "https://hooks.example:8443/",
    "https://hooks.example/?token=x", "https://hooks.example/?", "https://hooks.example/#x", "https://127.0.0.1/", "https://10.0.0.7/x", "https://[::1]/",
    "https://[::ffff:169.254.169.254]/", "https://169.254.169.254/latest", "https://localhost/", "https://a.localhost/x", "https://LOCALHOST/",
    "https://hooks.example/\n", "https:///x", "javascript:alert(1)", "https://x" + "y" * 20_000,
])  # fmt: skip
def test_an_address_that_nothing_is_sent_to(post, url):
    with pytest.raises(InputError) as caught:
        create_webhook(post.database, ADA, KEY, alias="crm", url=url, events=EVENTS)
    assert "token=x" not in str(caught.value)
    assert "u:p" not in str(caught.value)
    assert "receiver in your own network" in caught.value.hint
    assert list_webhooks(post.database) == []


@pytest.mark.parametrize("alias", ["", " x", "a" * 65, "a/b", "a\n", "ä", "<b>"])
def test_an_alias_that_will_not_do(post, alias):
    with pytest.raises(InputError, match="cannot be the alias"):
        post.webhook(alias)


def test_an_event_is_one_of_those_that_there_are(post):
    for events in ((), ("import.exploded",), ("import.failed", "")):
        with pytest.raises(InputError):
            create_webhook(
                post.database, ADA, KEY, alias="a", url="https://hooks.example/", events=events
            )


def test_without_an_event_or_an_address_nothing_is_changed(post):
    post.webhook()
    before = show_webhook(post.database, "crm")
    for values in ({"url": "https://hooks.example/other", "events": []}, {"url": ""}):
        with pytest.raises(InputError):
            change_webhook(post.database, ADA, "crm", **values)
    assert show_webhook(post.database, "crm") == before


def test_there_are_not_too_many_and_none_twice(post):
    for number in range(WEBHOOKS_MAX):
        post.webhook(f"w{number}")
    with pytest.raises(ConflictError, match="there are 20 webhooks"):
        post.webhook("one more")
    with pytest.raises(ConflictError, match="'w7' already"):
        post.webhook("w7")


def test_a_secret_is_shown_once_and_kept_nowhere(post, tmp_path):
    secrets = [post.webhook()]
    secrets.append(rotate_secret(post.database, ADA, KEY, "crm").secret)
    change_webhook(post.database, ADA, "crm", events=["import.stopped"])
    post.note(name="import.stopped")
    post.go()
    assert len({*secrets}) == 2
    shown = [
        *list_webhooks(post.database),
        show_webhook(post.database, "crm"),
        *list_deliveries(post.database, "crm").items,
        *list_entries(post.database, LogFilter()),
    ]
    kept = b"".join(
        path.read_bytes() for path in tmp_path.glob("catalog.sqlite*") if path.is_file()
    )
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert secret.removeprefix("whsec_") not in repr(shown)
        assert secret.removeprefix("whsec_").encode() not in kept


def test_with_another_key_nothing_is_signed_and_a_new_secret_helps(post):
    post.webhook()
    other = SigningKey("the key of another home")
    sender = Sender(other, post.sender().client)
    found = try_webhook(post.database, ADA, sender, "crm")
    assert not found.is_delivered
    assert "another key" in found.reason
    assert post.site.sent == []
    secret = rotate_secret(post.database, ADA, other, "crm").secret
    assert try_webhook(post.database, ADA, sender, "crm").is_delivered
    Verifier(secret).verify(post.site.sent[0][2], post.site.sent[0][1])


def test_for_a_day_both_secrets_count(post, monkeypatch):
    former = post.webhook()
    secret = rotate_secret(post.database, ADA, KEY, "crm").secret
    try_webhook(post.database, ADA, post.sender(), "crm")
    _, headers, body = post.site.sent.pop()
    for each in (former, secret):
        Verifier(each).verify(body, headers)
    later = secret_module.now() + BOTH
    monkeypatch.setattr(secret_module, "now", lambda: later)
    try_webhook(post.database, ADA, post.sender(), "crm")
    _, headers, body = post.site.sent.pop()
    Verifier(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(former).verify(body, headers)


def test_a_trial_says_what_came_back_and_is_no_delivery(post):
    secret = post.webhook()
    good = try_webhook(post.database, ADA, post.sender(), "crm")
    assert (good.is_delivered, good.status, good.answer) == (True, 200, "thanks")
    path, headers, body = post.site.sent[0]
    told = Verifier(secret).verify(body, headers)
    assert (path, told["type"], headers["webhook-id"]) == ("/in", "webhook.test", good.id)
    del post.site.pages["/in"]
    bad = try_webhook(post.database, ADA, post.sender(), "crm")
    assert (bad.is_delivered, bad.status, bad.reason) == (False, 404, "status 404")
    assert post.log == []


def test_a_delivery_is_sent_once_more_under_the_same_id(post):
    post.webhook()
    post.site.pages.clear()
    post.note()
    post.go()
    (failed,) = list_deliveries(post.database, "crm", state="failed").items
    assert (failed.status, json.loads(failed.body)["type"]) == (404, "import.completed")
    post.site.pages["/in"] = b"now"
    assert resend(post.database, ADA, "crm", failed.id).state == "waiting"
    with pytest.raises(ConflictError, match="on its way"):
        resend(post.database, ADA, "crm", failed.id)
    post.go()
    (found,) = list_deliveries(post.database, "crm").items
    assert (found.state, found.attempts, found.id) == ("delivered", 2, failed.id)
    assert {headers["webhook-id"] for _, headers, _ in post.site.sent} == {failed.id}
    with pytest.raises(NotFoundError):
        resend(post.database, ADA, "crm", "msg_0")


def test_the_log_is_paged_newest_first(post):
    post.webhook()
    for number in range(5):
        post.note(number)
    seen, cursor = [], None
    while True:
        page = list_deliveries(post.database, "crm", limit=2, cursor=cursor)
        seen += [one.subject for one in page.items]
        if (cursor := page.next) is None:
            break
    assert seen == [f"collections/docs/imports/{number}" for number in (4, 3, 2, 1, 0)]
    for wrong in ("x", "WzFd", "WyJhIiwgMV0"):
        with pytest.raises(InputError):
            list_deliveries(post.database, "crm", cursor=wrong)
    with pytest.raises(InputError, match="is no state"):
        list_deliveries(post.database, "crm", state="gone")


def test_each_change_is_in_the_audit_log_and_removing_forgets_what_waits(post):
    post.webhook()
    post.note()
    change_webhook(post.database, ADA, "crm", url="https://hooks.example/other")
    set_paused(post.database, ADA, "crm", is_paused=True)
    assert show_webhook(post.database, "crm").is_paused
    set_paused(post.database, ADA, "crm", is_paused=False)
    assert (show_webhook(post.database, "crm").waiting, post.log[0].state) == (1, "waiting")
    remove_webhook(post.database, ADA, "crm")
    assert post.log == []
    with pytest.raises(UnknownNameError):
        show_webhook(post.database, "crm")
    entries = list_entries(post.database, LogFilter(action="webhook."))
    assert [entry.action for entry in reversed(entries)] == [
        "webhook.create", "webhook.edit", "webhook.pause", "webhook.resume", "webhook.remove",
    ]  # fmt: skip
    assert {(entry.actor, entry.subject) for entry in entries} == {("ada", "webhooks/crm")}
    with pytest.raises(InputError, match="nothing is to be changed"):
        change_webhook(post.database, ADA, "crm")
