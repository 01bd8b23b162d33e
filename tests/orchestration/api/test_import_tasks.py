"""Import tasks over HTTP: what is asked for, what comes of it in the collection, and every answer that is no."""

import csv
import io
import json

import pytest

from orchestration.services.access.audit import LogFilter, list_entries
from orchestration.services.uploads.receiving import FORM_FILES
from resources.import_tasks.formats import TASK_FORMATS
from resources.stores.catalog.database import CatalogDatabase
from tests.orchestration.importing import LIMIT, Tasks, hold, release, served_library
from tests.served import wait_until

HTML = "<img src=x onerror=alert(1)>"


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
def tasks(shop):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield Tasks(client, shop)


def test_files_of_one_form_become_items_each_with_its_own_result(shop, tasks):
    files = [
        ("file", ("good.txt", b"The harbour opens at six.")),
        ("file", ("Note.MD", b"# Tides\n\nHigh water at noon.")),
        ("file", ("broken.pdf", b"no pdf at all")),
        ("file", ("strange.xyz", b"x")),
    ]
    made = tasks.send(files, {"target": tasks.library, "start": True})
    assert (made["via"], made["source_kind"], made["state"]) == ("api", "upload", "importing")
    done = tasks.ended(made)
    assert (done["state"], done["total"], done["done"], done["failed"]) == ("completed", 4, 2, 2)
    items = tasks.get(f"{made['id']}/items")["items"]
    assert [(one["name"], one["state"], one["outcome"]) for one in items] == [
        ("good.txt", "done", "created"),
        ("Note.MD", "done", "created"),
        ("broken.pdf", "failed", ""),
        ("strange.xyz", "failed", ""),
    ]
    failure, strange = tasks.get(f"{made['id']}/failures")["items"]
    assert (failure["name"], failure["rule"] != "", failure["attempts"]) == ("broken.pdf", True, 1)
    assert strange["rule"] == "format_not_taken"
    texts = tasks.texts()
    assert "The harbour opens at six." in texts["good.txt"]
    assert "High water at noon." in texts["Tides"]
    assert [one["action"] for one in done["events"]] == ["create", "start", "complete"]
    assert {one["actor"] for one in done["events"][:2]} == {done["asked_by"]}
    assert list((shop.home.root / "incoming").rglob("bytes")) == []


def test_a_task_leads_to_its_items_alone(tasks):
    first, second = (tasks.make(tasks.from_lake(f"notes/{n}.txt"), folder="both", start=True) for n in (0, 1))  # fmt: skip
    done = [tasks.ended(one) for one in (first, second)]
    assert done[1]["item_filter"] == f"import_task = {second['id']}"
    place = tasks.client.get(f"{tasks.base}/{second['id']}").links["related"]["url"]
    [item] = tasks.client.get(place).raise_for_status().json()["items"]
    assert (item["title"], item["folder"]) == ("1.txt", "both")


def test_a_task_waits_until_it_is_started_and_each_state_says_what_it_takes(tasks):
    made = tasks.make(tasks.from_lake("notes/*.txt"), name="Waiting")
    assert (made["state"], made["can"], made["total"]) == ("not_started", ["start", "delete"], None)
    for act in ("stop", "retry"):
        told = tasks.act(made, act, code=409)
        assert (told["facts"]["state"], "not started yet" in told["detail"]) == (
            "not_started",
            True,
        )
    started = tasks.act(made, "start")
    assert started["state"] == "importing"
    done = tasks.ended(made)
    assert (done["state"], done["created"]) == ("completed", 3)
    for act in ("start", "stop", "retry"):
        assert tasks.act(made, act, code=409)["facts"]["state"] == "completed"
    again = tasks.ended(tasks.make(tasks.from_lake("notes/*.txt"), start=True))
    assert (again["created"], again["unchanged"], again["skipped"]) == (0, 3, 3)


def test_the_same_key_is_the_same_task_and_the_same_start(tasks):
    asked = {"target": tasks.library, "source": tasks.from_lake("notes/*.txt"), "start": True}
    key = {"Idempotency-Key": "monday"}
    first, second = (tasks.post("", asked, code=202, headers=key) for _ in range(2))
    assert first["id"] == second["id"]
    assert len(tasks.ended(first)["run_ids"]) == 1
    told = tasks.post("", {**asked, "name": "Other"}, code=422, headers=key)
    assert "key" in told["detail"]
    files = [("file", ("once.txt", b"once"))]
    data = {"target": tasks.library}
    sent = [tasks.send(files, data, headers={"Idempotency-Key": "form"}) for _ in range(2)]
    assert sent[0]["id"] == sent[1]["id"]


def test_received_files_are_a_source_and_asking_twice_is_no_error(shop, tasks):
    ids = []
    for name in ("a.txt", "a.txt"):
        sent = tasks.client.post(f"{shop.api}/uploads", files={"file": (name, name.encode())})
        ids.append(sent.json()["id"])
    source = {"type": "upload", "uploads": ids}
    asked = {"target": {**tasks.library, "folder": "twice"}, "source": source, "start": True}
    first, again = (
        tasks.post("", asked, code=202, headers={"Idempotency-Key": "uploads"}) for _ in range(2)
    )
    assert first["id"] == again["id"]
    assert [one["name"] for one in first["definition"]["source"]["files"]] == ["a.txt", "a (2).txt"]
    done = tasks.ended(first)
    assert (done["state"], done["created"], done["duplicates"]) == ("completed", 1, 1)
    tasks.delete(first)
    assert tasks.client.get(f"{tasks.base}/{first['id']}").status_code == 404
    assert list((shop.home.root / "uploads").glob("*")) == []  # nothing of them is on the disk
    assert not (shop.home.root / "import-uploads" / str(first["id"])).exists()
    assert "twice" in {
        one["folder"] for one in tasks.items_of_library()
    }  # what it brought in stays


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"type": "web", "addresses": ["http://example.org/"]}, "https://"),
        ({"type": "web", "addresses": ["ftp://example.org/x"]}, "https://"),
        ({"type": "web", "addresses": ["example.org"]}, "https://"),
        ({"type": "web", "addresses": ["https://a:b@example.org/"]}, "password"),
        ({"type": "web", "addresses": ["https://10.0.0.1/"]}, "not in the public internet"),
        ({"type": "web", "addresses": [], "sitemap": "https://localhost/"}, "source.sitemap"),
        ({"type": "web", "addresses": []}, "no address"),
        ({"type": "connector", "connector": "nowhere", "path": "**"}, "nowhere"),
        ({"type": "connector", "connector": "other", "path": "**"}, "none of its connectors"),
        ({"type": "upload", "uploads": []}, "no file"),
        ({"type": "upload", "uploads": ["0" * 32]}, "upload"),
        ({"type": "telepathy"}, "telepathy"),
    ],
)
def test_what_cannot_be_is_told_and_makes_no_task(tasks, source, message):
    before = tasks.get("")["counts"]["all"]
    answer = tasks.client.post(tasks.base, json={"target": tasks.library, "source": source})
    assert answer.status_code in (404, 422), answer.text
    told = answer.json()
    assert message in told["detail"] + str(told.get("hint", "")) + str(told["facts"])
    assert tasks.get("")["counts"]["all"] == before


def test_nothing_stays_of_a_request_that_is_refused(shop, tasks):
    def refused(code, content=None, **asked):
        answer = tasks.client.post(tasks.base, content=content, **asked)
        assert answer.status_code == code, answer.text
        return answer.json()["detail"]

    one = [("file", ("a.txt", b"x"))]
    good = json.dumps({"target": tasks.library})
    unknown = json.dumps({"target": {"kind": "collection", "name": "nope"}})
    assert "nope" in refused(404, files=one, data={"data": unknown})
    assert "source" in refused(422, files=one, data={"data": json.dumps({"source": {}})})
    assert "no JSON" in refused(422, files=one, data={"data": "{"})
    assert "no file" in refused(422, files=[("other", (None, b"x"))], data={"data": good})
    many = [("file", (f"{n}.txt", b"x")) for n in range(FORM_FILES + 1)]
    assert "1,000 files" in refused(413, files=many, data={"data": good})
    big = [("file", ("big.txt", b"x" * (LIMIT + 1)))]
    refused(413, files=big, data={"data": good})
    assert "no JSON" in refused(422, b"{" * 1000, headers={"Content-Type": "application/json"})
    deep = b'{"options": ' + b"[" * 100_000
    refused(400, deep, headers={"Content-Type": "application/json"})
    refused(415, b"x", headers={"Content-Type": "application/octet-stream"})
    assert list((shop.home.root / "incoming").rglob("bytes")) == []
    uploads = shop.home.root / "uploads"
    assert not uploads.is_dir() or list(uploads.iterdir()) == []


def test_the_list_is_filtered_searched_sorted_and_its_counts_are_those_of_the_tabs(tasks):
    names = [f"{HTML} {n}" for n in range(3)] + ["報告書", "تقرير سنوي", "ÅNGSTRÖM 100%_"]
    for name in names:
        tasks.make(tasks.from_lake("notes/*.txt"), name=name)
    page = tasks.get("?q=%3Cimg&limit=2&sort=name")
    assert [one["name"] for one in page["items"]] == names[:2]
    assert (page["total"], page["counts"]["all"], page["counts"]["not_started"]) == (3, 3, 3)
    rest = tasks.get(f"?q=%3Cimg&limit=2&sort=name&cursor={page['next']}")
    assert ([one["name"] for one in rest["items"]], rest["next"]) == (names[2:3], None)
    for q, found in (
        ("報告", names[3:4]),
        ("ångström", names[5:]),
        ("100%_", names[5:]),
        ("%", names[5:]),
    ):
        assert [one["name"] for one in tasks.get("", q=q, state="not_started")["items"]] == found
    both = tasks.get("", state=["completed", "failed"])
    assert {one["state"] for one in both["items"]} <= {"completed", "failed"}
    assert both["total"] == both["counts"]["completed"] + both["counts"]["failed"]
    for wrong in ("sort=price", "state=done", "cursor=x", "limit=0", "limit=201"):
        assert tasks.client.get(f"{tasks.base}?{wrong}").status_code == 422
    assert tasks.client.get(f"{tasks.base}/999999").status_code == 404


def test_several_are_started_stopped_and_deleted_each_with_its_own_answer(tasks):
    ids = [tasks.make(tasks.from_lake("notes/*.txt"), name=f"bulk {n}")["id"] for n in range(3)]
    answered = tasks.post("/-/start", {"ids": [*ids, 999_999]}, code=200)
    assert [(one["id"], one["ok"]) for one in answered] == [
        *((one, True) for one in ids),
        (999_999, False),
    ]
    for one in ids:
        tasks.ended({"id": one})
    again = tasks.post("/-/stop", {"ids": ids}, code=200)
    assert {(one["ok"], one["state"]) for one in again} == {(False, "completed")}
    gone = tasks.post("/-/delete", {"ids": ids}, code=200)
    assert [one["ok"] for one in gone] == [True] * 3
    assert tasks.get("", q="bulk")["counts"]["all"] == 0
    for wrong in ({"ids": []}, {"ids": ["x"]}, {"ids": list(range(1, 500))}, {}):
        tasks.post("/-/start", wrong, code=422)
    told = {entry.action for entry in list_entries(CatalogDatabase.open(), LogFilter())}
    assert {"import.create", "import.start", "import.start-all", "import.delete-all"} <= told


def test_failures_are_a_file_that_no_spreadsheet_computes(tasks):
    files = [("file", (f"={n}+1.pdf", b"no pdf")) for n in range(3)]
    made = tasks.send(files, {"target": tasks.library, "start": True})
    done = tasks.ended(made)
    assert (done["state"], done["failed"], "retry" in done["can"]) == ("failed", 3, True)
    log = tasks.client.get(f"{tasks.base}/{made['id']}/failures?format=csv")
    assert log.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(log.text)))
    assert [row["name"] for row in rows] == ["'=0+1.pdf", "'=1+1.pdf", "'=2+1.pdf"]
    page = tasks.get(f"{made['id']}/failures?limit=2")
    rest = tasks.get(f"{made['id']}/failures?limit=2&cursor={page['next']}")
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    tasks.act(made, "retry")
    again = tasks.ended(made)
    assert (again["failed"], len(again["run_ids"])) == (3, 2)
    assert {one["attempts"] for one in tasks.get(f"{made['id']}/failures")["items"]} == {2}


def test_progress_is_streamed_and_polled_alike(tasks):
    made = tasks.make(tasks.from_lake("notes/*.txt"), start=True)
    seen = []
    accept = {"Accept": "text/event-stream"}
    with tasks.client.stream("GET", f"{tasks.base}/{made['id']}", headers=accept) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                seen.append((kind, json.loads(line.removeprefix("data: "))))
    assert seen[-1] == ("end", {"state": "completed"})
    assert seen[-2][0] == "progress"
    last, polled = seen[-2][1], tasks.get(str(made["id"]))
    assert {**last, "definition": None} == {**polled, "definition": None}
    first = tasks.client.get(f"{tasks.base}/{made['id']}")
    known = {"If-None-Match": first.headers["etag"]}
    assert tasks.client.get(f"{tasks.base}/{made['id']}", headers=known).status_code == 304
    idle = tasks.make(tasks.from_lake("notes/*.txt"))
    text = tasks.client.get(f"{tasks.base}/{idle['id']}", headers=accept).text
    assert [line for line in text.splitlines() if line.startswith("event: ")] == [
        "event: progress",
        "event: end",
    ]


def test_one_that_is_stopped_keeps_what_is_done_and_goes_on_with_the_rest(tasks, slow):
    made = tasks.make(tasks.from_lake("*.txt", "slow"), folder="slow", start=True)
    wait_until(lambda: tasks.get(str(made["id"]))["done"] == 3)
    working = tasks.get(str(made["id"]))
    assert (working["state"], working["total"], working["percent"]) == ("importing", 6, 50.0)
    assert (working["rate"] > 0, working["seconds_left"] > 0, working["can"]) == (
        *(True, True),
        ["stop", "delete"],
    )
    told = tasks.act(made, "start", code=409)
    assert (told["facts"]["state"], "already running" in told["detail"]) == ("importing", True)
    tasks.act(made, "retry", code=409)
    tasks.act(made, "stop")
    assert tasks.act(made, "stop")["state"] in ("stopping", "stopped")  # the second click: no error
    stopped = tasks.ended(made)
    assert (stopped["state"], stopped["done"], stopped["can"]) == (
        "stopped",
        3,
        ["start", "delete"],
    )
    tasks.act(made, "retry", code=409)
    release(slow)
    tasks.act(made, "start")
    done = tasks.ended(made)
    assert (done["state"], done["done"], done["failed"], len(done["run_ids"])) == (
        "completed",
        6,
        0,
        2,
    )
    assert {one["attempts"] for one in tasks.get(f"{made['id']}/items")["items"][:3]} == {1}
    assert [one["action"] for one in done["events"]] == [
        *("create", "start", "stop", "halt", "start", "complete"),
    ]


def test_one_at_work_is_deleted_once_it_has_stopped(tasks, slow):
    made = tasks.make(tasks.from_lake("*.txt", "slow"), folder="short", start=True)
    wait_until(lambda: tasks.get(str(made["id"]))["done"] == 3)
    tasks.delete(made)
    folders = [one["folder"] for one in tasks.items_of_library()]
    assert folders.count("short") == 3  # what it had brought in by then stays


def test_what_it_imported_goes_with_it_if_that_is_asked_for(tasks):
    made = tasks.make(tasks.from_lake("notes/*.txt"), folder="gone", start=True)
    tasks.ended(made)
    assert "gone" in {one["folder"] for one in tasks.items_of_library()}
    answer = tasks.client.delete(f"{tasks.base}/{made['id']}", params={"remove_records": "true"})
    assert answer.status_code in (202, 204)
    wait_until(lambda: "gone" not in {one["folder"] for one in tasks.items_of_library()})


def test_what_is_taken_is_told_before_anything_is_sent(tasks):
    taken = tasks.get("-/formats")
    assert [one["endings"] for one in taken["formats"]] == [
        list(one.endings) for one in TASK_FORMATS
    ]
    assert (taken["max_bytes"], taken["max_form_files"]) == (LIMIT, FORM_FILES)


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**70])
@pytest.mark.parametrize("step", ["start", "stop", "delete"])
def test_numbers_that_no_task_has_are_refused(shop, step, number):
    with shop.client(headers={"Origin": shop.url}) as client:
        answer = client.post(f"{shop.api}/imports/-/{step}", json={"ids": [number]})
    assert answer.status_code == 422
