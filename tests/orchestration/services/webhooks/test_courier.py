"""Events on their way to a real receiver: tried again, never lost, known again where they come twice, and nobody waits for others."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from standardwebhooks import Webhook as Verifier

from orchestration.services.webhooks import courier, sending
from orchestration.services.webhooks.declared import set_paused
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import ImportRequest
from resources.stores.catalog.webhooks.deliveries import CLAIM, KEPT
from tests.faults import count_steps, kill_at, wait_until
from tests.orchestration.services.webhooks.conftest import ADA

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def answer(status, **headers):
    def give(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(b"no")

    return give


def test_what_arrives_is_verified_by_the_librarys_own_verifier(post):
    secret = post.webhook()
    post.note(7, state="completed")
    post.go()
    ((path, headers, body),) = post.site.sent
    told = Verifier(secret).verify(body, headers)
    assert (path, headers["content-type"]) == ("/in", "application/json")
    assert (told["type"], told["data"]["id"], told["data"]["state"]) == ("import.completed", 7, "completed")  # fmt: skip
    (found,) = post.log
    assert (found.id, found.state, found.status) == (headers["webhook-id"], "delivered", 200)
    assert (found.answer, found.attempts, found.next_try_at) == ("thanks", 1, None)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again(post, status):
    post.webhook()
    post.note()
    post.site.pages["/in"] = answer(status)
    post.go()
    assert (post.log[0].state, post.log[0].status) == ("waiting", status)
    post.site.pages["/in"] = b""
    post.go(later=MINUTE)
    assert post.log[0].state == "delivered"


def test_pauses_grow_and_it_is_given_up_after_a_day(post):
    post.webhook()
    post.note()
    post.site.pages["/in"] = answer(500)
    pauses, later = [], timedelta()
    while len(pauses) < 30:
        post.go(later=later)
        (found,) = post.log
        if found.state != "waiting":
            break
        pauses.append(found.next_try_at - post.clock())
        later = found.next_try_at - datetime.now(UTC) + timedelta(milliseconds=1)
    assert (found.state, found.status, found.next_try_at) == ("failed", 500, None)
    assert len({headers["webhook-id"] for _, headers, _ in post.site.sent}) == 1
    assert len({body for *_, body in post.site.sent}) == 1
    assert len(post.site.sent) == sending.TRIES
    assert sorted(pauses[:7]) == pauses[:7]
    assert DAY * 0.75 < sum(pauses, timedelta()) < DAY * 1.3


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 422])
def test_a_refusal_is_final_and_no_redirect_is_followed(post, status):
    post.webhook()
    post.note()
    post.site.pages["/in"] = answer(status, Location="https://169.254.169.254/latest")
    post.go()
    post.go(later=DAY)
    (found,) = post.log
    assert (found.state, found.status, len(post.site.sent)) == ("failed", status, 1)
    assert post.site.lookups == ["hooks.example"]


@pytest.mark.parametrize("wish", ["7200", "date"])
def test_a_receiver_that_says_when_to_come_back_is_asked_then(post, wish):
    post.webhook()
    post.note(1)
    post.note(2)
    at = datetime.now(UTC) + timedelta(hours=2)
    text = at.strftime("%a, %d %b %Y %H:%M:%S GMT") if wish == "date" else wish
    post.site.pages["/in"] = answer(429, Retry_After=text)
    post.go()
    first = post.log[0]
    assert abs(first.next_try_at - at) < MINUTE
    post.go(later=timedelta(hours=1))
    assert len(post.site.sent) == 1, "the second event waits as well"
    post.site.pages["/in"] = b""
    post.go(later=timedelta(hours=2, minutes=1))
    assert [one.state for one in post.log] == ["delivered", "delivered"]


@pytest.mark.parametrize(
    "wish", ["", "soon", "-5", "9" * 400, "1e9", "Mon, 99 Foo 99999 99:99:99 +9999", "\u0661"]
)
def test_a_wish_that_is_none_changes_little(post, wish):
    post.webhook()
    post.note()

    def give(handler):
        handler.send_response(503)
        handler.wfile.write(f"Retry-After: {wish}\r\n\r\n".encode())

    post.site.pages["/in"] = give
    post.go()
    (found,) = post.log
    assert found.state == "waiting"
    assert found.next_try_at < datetime.now(UTC) + DAY + MINUTE


def test_what_is_no_http_is_tried_again(post):
    post.webhook()
    post.note()
    post.site.pages["/in"] = lambda handler: handler.wfile.write(
        b"SSH-2.0-x\r\n\x00\x1b[2J\r\n\r\n"
    )
    post.go()
    (found,) = post.log
    assert (found.state, found.status) == ("waiting", None)
    assert found.reason.isprintable()


def test_no_connection_and_no_certificate_are_tried_again_and_say_why(post):
    post.webhook("tls", "https://other.example/in")
    post.note()
    post.go()
    (found,) = post.log
    assert (found.state, found.status) == ("waiting", None)
    assert "certificate does not hold" in found.reason
    assert post.site.sent == []


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])  # fmt: skip
def test_a_name_that_leads_inside_is_never_asked(post, inside):
    post.webhook()
    post.site.names["hooks.example"] = [inside]
    post.note()
    post.go()
    (found,) = post.log
    assert found.state == "failed"
    assert "not in the public internet" in found.reason
    assert (post.site.sent, post.site.dialled) == ([], [])


def test_an_answer_without_end_is_read_to_its_beginning(post):
    post.webhook()
    post.note()
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"\x1b[31m\n" + b"x" * 65_536)
            sent.append(65_536)

    post.site.pages["/in"] = endless
    post.go()
    (found,) = post.log
    assert (found.state, len(found.answer)) == ("delivered", 500)
    assert found.answer.isprintable()
    assert sum(sent) < 20_000_000


def test_a_receiver_that_does_not_answer_in_time_keeps_nobody_else_waiting(post):
    over = threading.Event()
    post.webhook("dead", "https://slow.example/dead")
    post.webhook("crm")
    post.site.pages["/dead"] = lambda _handler: over.wait(60)
    post.note(1)
    post.note(2)
    running = post.courier.round()
    wait_until(lambda: [one.state for one in post.log].count("delivered") == 2)
    post.note(3)
    running += post.courier.round()
    wait_until(lambda: [one.state for one in post.log].count("delivered") == 3)
    over.set()
    for thread in running:
        thread.join()
    assert [path for path, *_ in post.site.sent].count("/dead") == 1


def test_an_answer_that_drips_ends_at_its_time(post):
    over = threading.Event()

    def dripping(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            handler.wfile.write(b"x")

    post.webhook()
    post.note()
    post.site.pages["/in"] = dripping
    post.courier.open_sender = lambda: post.sender(seconds=0.5)
    post.go()
    over.set()
    assert (post.log[0].state, post.log[0].status) == ("waiting", None)
    assert "within its time" in post.log[0].reason


def test_a_sender_killed_at_any_step_loses_nothing_and_sends_twice_only_under_one_id(post):
    post.webhook()
    targets = [(courier, "claim"), (sending.Sender, "send"), (courier, "settle")]

    def send():
        for thread in post.another().round():
            thread.join()

    post.note(0)
    steps = count_steps(send, targets)
    assert "after send" in steps
    for number in range(len(steps)):
        post.site.sent.clear()
        post.later = timedelta()
        post.note(number + 1)
        assert kill_at(send, targets, number).killed
        if post.log[-1].attempts:
            assert post.another().round() == [], "nobody takes it before its claim is over"
        post.go(later=CLAIM * 2)
        assert post.log[-1].state == "delivered", steps[number]
        ids = [headers["webhook-id"] for _, headers, _ in post.site.sent]
        assert 1 <= len(ids) <= 2
        assert set(ids) == {post.log[-1].id}


def test_two_processes_send_an_event_once(post):
    post.webhook()
    for number in range(20):
        post.note(number)
    running = [thread for one in (post.courier, post.another()) for thread in one.round()]
    for thread in running:
        thread.join()
    ids = [headers["webhook-id"] for _, headers, _ in post.site.sent]
    assert sorted(ids) == sorted({one.id for one in post.log})
    assert {one.state for one in post.log} == {"delivered"}


def run_of(instance, status, **tags):
    @dg.job
    def work(): ...

    run = instance.create_run_for_job(work, status=dg.DagsterRunStatus.STARTED, tags=tags)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_failed(run)
    elif status is dg.DagsterRunStatus.CANCELED:
        instance.report_run_canceled(run)
    return run.run_id


def test_an_event_of_a_run_waits_until_it_is_over(post):
    post.webhook()
    run_id = run_of(post.instance, dg.DagsterRunStatus.STARTED)
    post.note(1, run_id=run_id)
    post.note(2, run_id="of another server")
    post.go()
    post.go()
    assert [one.state for one in post.log] == ["held", "delivered"]
    post.instance.report_run_failed(post.instance.get_run_by_id(run_id))
    post.go()
    post.go()
    assert [one.state for one in post.log] == ["delivered", "delivered"]


def test_a_run_that_is_tried_again_has_not_ended(post):
    post.webhook()
    run_id = run_of(post.instance, dg.DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"})
    post.note(1, name="import.failed", run_id=run_id)
    post.go()
    assert [one.state for one in post.log] == ["held"]
    post.instance.add_run_tags(run_id, {"dagster/auto_retry_run_id": "r2"})
    post.go()
    assert post.log == []
    assert post.site.sent == []


@pytest.mark.parametrize(
    ("status", "event", "state"),
    [
        (dg.DagsterRunStatus.FAILURE, "import.failed", "interrupted"),
        (dg.DagsterRunStatus.CANCELED, "import.stopped", "stopped"),
    ],
)
def test_an_import_whose_run_was_killed_is_told_once(post, status, event, state):
    post.webhook("crm", "https://hooks.example/in", event)
    catalog = CollectionCatalog(post.database)
    order = ImportRequest("k", "", "spec.json", "0" * 64, "ada", "never", False, "")
    import_id = catalog.begin("docs", order)
    catalog.work(import_id, run_of(post.instance, status))
    for later in (0, 1, 2, 3):
        post.go(later=MINUTE * later)
    assert [one.event for one in post.log] == [event]
    assert len(post.site.sent) == 1
    ended = catalog.find_import(import_id)
    assert (ended.outcome, bool(ended.message)) == (state, state == "interrupted")


def test_a_paused_webhook_gets_what_ended_meanwhile_later(post):
    post.webhook()
    set_paused(post.database, ADA, "crm", is_paused=True)
    post.note()
    post.go()
    assert post.site.sent == []
    set_paused(post.database, ADA, "crm", is_paused=False)
    post.go()
    assert len(post.site.sent) == 1


def test_old_entries_of_the_log_go(post):
    post.webhook()
    post.note()
    post.go()
    post.go(later=KEPT - MINUTE)
    assert len(post.log) == 1
    post.go(later=KEPT + 2 * courier.PRUNE_EVERY)
    assert post.log == []


def test_nothing_that_is_logged_holds_a_secret(post, caplog):
    secret = post.webhook()

    def echo(handler):
        handler.send_response(400)
        handler.end_headers()
        handler.wfile.write(f"you are {secret} {secret.removeprefix('whsec_')}".encode())

    post.site.pages["/in"] = echo
    with caplog.at_level(logging.DEBUG):
        post.note()
        post.go()
    (found,) = post.log
    assert found.answer == "you are [secret] [secret]"
    assert "status 400" in caplog.text
    assert secret.removeprefix("whsec_") not in caplog.text


def test_a_run_that_failed_for_good_since_the_webhook_is_there_is_told_once(post):
    run_of(post.instance, dg.DagsterRunStatus.FAILURE)
    post.webhook("ops", "https://hooks.example/in", "run.failed")
    run_id = run_of(post.instance, dg.DagsterRunStatus.FAILURE)
    run_of(post.instance, dg.DagsterRunStatus.CANCELED)
    run_of(post.instance, dg.DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"})
    for later in (0, 1, 2):
        post.go(later=MINUTE * later)
    (found,) = post.log
    assert (found.event, found.run_id, found.state) == ("run.failed", run_id, "delivered")
    assert json.loads(found.body)["data"]["state"] == "failed"
