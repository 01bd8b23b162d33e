"""Work in the browser and over HTTP: pipelines run, paused and resumed; runs followed, stopped and repeated; classification
files checked, applied and undone. One served project with its daemon; each test looks at what came of it.
"""

import re

import dagster as dg
import pytest

from tests.served import served, wait_until

SHOP = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: assets.Datasource
attributes: {name: orders_files, connector: files, path: "orders/*.csv", settle_seconds: 0}
---
type: assets.Dataset
attributes: {name: orders, datasource: orders_files}
---
type: orchestration.Pipeline
attributes:
  name: nightly
  assets: [datasets/orders]
  description: Orders, each night
  schedule: {cron: "30 3 * * *", timezone: Europe/Paris, start: 2020-01-01}
  on_new_objects: {connector: files, path: "orders/*.csv", include_existing: false, every_seconds: 3600}
---
type: orchestration.Pipeline
attributes: {name: by_hand, assets: [datasets/orders]}
---
type: assets.ClassificationSet
attributes:
  name: products
  description: What we <b>sell</b>
  columns: [{name: Brand}, {name: Size, type: integer}]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"shop/defs.yaml": SHOP}, daemon=True) as found:
        orders = found.home.root / "inbox" / "orders"
        orders.mkdir(parents=True)
        (orders / "1.csv").write_text("id\n1\n2\n")
        yield found


@pytest.fixture
def client(shop):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield client


@pytest.fixture
def instance(shop):
    with dg.DagsterInstance.get() as instance:
        yield instance


def ended(client, shop, run_id):
    """A run once it has ended."""
    found = {}

    def has_ended():
        found.update(client.get(f"{shop.api}/runs/{run_id}").json())
        return found["summary"]["state"] in ("done", "failed", "stopped")

    wait_until(has_ended)
    return found


def test_a_pipeline_runs_and_is_followed_to_its_end(shop, client):
    key = {"Idempotency-Key": "once"}
    answer = client.post(f"{shop.api}/pipelines/nightly/run", headers=key)
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    again = client.post(f"{shop.api}/pipelines/nightly/run", headers=key)
    assert again.json()["run_id"] == begun["run_id"]
    with client.stream("GET", begun["events"], headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())
    numbers = [int(number) for number in re.findall(r"^id: (\d+)$", text, re.MULTILINE)]
    kinds = re.findall(r'"kind": "([^"]+)"', text)
    told = numbers[:-1]  # the last is that of `end`
    assert told == sorted(set(told))
    assert {"queued", "step started", "made", "done"} <= set(kinds)
    assert text.rstrip().endswith('data: {"state": "done"}')
    seen = {"Accept": "text/event-stream", "Last-Event-ID": str(numbers[3])}
    rest = client.get(begun["events"], headers=seen).text
    found = [int(number) for number in re.findall(r"^id: (\d+)$", rest, re.MULTILINE)]
    assert found[: len(told) - 4] == told[4:]
    polled = client.get(begun["events"], params={"after": numbers[3]}).json()
    assert [event["number"] for event in polled["events"]][: len(told) - 4] == told[4:]
    detail = ended(client, shop, begun["run_id"])
    assert detail["done"] == len(detail["steps"])
    assert [made["rows"] for made in detail["made"] if made["name"] == "orders"] == [2]


def test_what_is_known_of_a_run_is_not_sent_again(shop, client):
    (run, *_) = client.get(f"{shop.api}/runs").json()["items"]
    first = client.get(f"{shop.api}/runs/{run['run_id']}")
    again = client.get(first.request.url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_the_pages_show_the_run_and_where_it_belongs(shop, client):
    run_id = client.post(f"{shop.api}/pipelines/by_hand/run").json()["run_id"]
    ended(client, shop, run_id)
    page = client.get(f"{shop.data}/runs/{run_id}").text
    assert "pipeline by_hand" in page
    assert f'href="/data/{shop.name}/datasets/orders"' in page
    assert f'href="/runs/{run_id}"' in page
    assert "hx-get" not in page  # it has ended: nobody asks any more
    listed = client.get(f"{shop.data}/runs", params={"pipeline": "by_hand", "state": "done"}).text
    assert run_id in listed
    part = client.get(f"{shop.data}/runs/{run_id}", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="run"')


def test_a_pipeline_is_paused_and_resumed_where_dagster_sees_it(shop, client, instance):
    before = client.get(f"{shop.api}/pipelines/nightly").json()["summary"]
    assert before["state"] == "on"
    schedule, sensor = before["triggers"]
    assert schedule["words"] == "every day at 03:30 (Europe/Paris), from 2020-01-01"
    assert [moment[11:16] for moment in schedule["next_times"]] == ["03:30"] * 5
    assert sensor["kind"] == "sensor"
    answer = shop.post(client, f"{shop.data}/pipelines/nightly/pause", {})
    assert answer.status_code == 303, answer.text
    states = {s.name: s.status.value for s in instance.all_instigator_state()}
    assert states["nightly_schedule"] == states["nightly_new_objects"] == "STOPPED"
    paused = client.get(f"{shop.api}/pipelines/nightly").json()["summary"]
    assert (paused["state"], paused["next_at"]) == ("paused", None)
    assert client.post(f"{shop.api}/pipelines/nightly/resume").json()["summary"]["state"] == "on"
    states = {s.name: s.status.value for s in instance.all_instigator_state()}
    assert states["nightly_schedule"] == states["nightly_new_objects"] == "RUNNING"


def test_what_is_not_possible_is_told_with_the_state(shop, client):
    problem = client.post(f"{shop.api}/pipelines/by_hand/pause")
    assert (problem.status_code, problem.json()["facts"]["state"]) == (409, "by hand")
    run_id = client.post(f"{shop.api}/pipelines/by_hand/run").json()["run_id"]
    ended(client, shop, run_id)
    for action in ("cancel", "retry"):
        problem = client.post(f"{shop.api}/runs/{run_id}/{action}")
        assert (problem.status_code, problem.json()["facts"]["state"]) == (409, "done")
    page = shop.post(client, f"{shop.data}/runs/{run_id}/cancel", {})
    assert page.status_code == 409
    assert "has ended already: done" in page.text


def test_a_run_that_fails_says_why_and_goes_on_where_it_failed(shop, client):
    file = shop.home.root / "inbox" / "orders" / "1.csv"
    good = file.read_text()
    file.unlink()
    run_id = client.post(f"{shop.api}/pipelines/by_hand/run").json()["run_id"]
    failed = ended(client, shop, run_id)
    file.write_text(good)
    assert failed["summary"]["state"] == "failed"
    assert "orders" in failed["error"]
    page = client.get(f"{shop.data}/runs/{run_id}").text
    assert 'role="alert"' in page
    answer = shop.post(client, f"{shop.data}/runs/{run_id}/retry", {})
    assert answer.status_code == 303, answer.text
    new_id = answer.headers["location"].rpartition("/")[2]
    repeated = ended(client, shop, new_id)
    assert repeated["summary"]["state"] == "done", repeated["error"]
    assert repeated["summary"]["parent"] == run_id


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("runs/x", 404),
        ("runs/..%2F..%2Findex", 404),
        ("runs?cursor=x", 422),
        ("runs?limit=0", 422),
        ("runs?state=asleep", 422),
        ("runs?since=yesterday", 422),
        ("runs/x/events?after=-1", 422),
        ("pipelines/nope", 404),
        ("pipelines?cursor=////", 422),
    ],
)
def test_what_nobody_should_ask_for_is_refused(shop, client, path, status):
    answer = client.get(f"{shop.api}/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    page = client.get(f"{shop.data}/{path.partition('/events')[0]}")
    assert page.status_code in (200, 404, 422)


def test_a_last_event_that_is_no_number_is_refused(shop, client):
    (run, *_) = client.get(f"{shop.api}/runs").json()["items"]
    answer = client.get(
        f"{shop.api}/runs/{run['run_id']}/events", headers={"Last-Event-ID": "1; drop"}
    )
    assert answer.status_code == 422


BYTES = {"Content-Type": "application/octet-stream"}
GOOD = "Key,Brand,Size\nsku-1,Cedar,3\nsku-2,<i>Oak</i>,4\n"
BAD = "Key,Brand,Size\n" + "".join(f"sku-{n},Cedar,x{n}\n" for n in range(250))


def check(client, shop, text, name="products.csv", **params):
    params = {"file_name": name, **params}
    return client.post(
        f"{shop.api}/classifications/products/check",
        params=params,
        content=text.encode(),
        headers=BYTES,
    )


def test_a_file_is_checked_with_every_error_at_its_row_and_nothing_counts(shop, client):
    found = check(client, shop, BAD).json()
    assert (found["outcome"], found["error_count"], found["next"]) == ("rejected", 250, 100)
    assert [error["row"] for error in found["errors"]] == list(range(2, 102))
    assert {error["column"] for error in found["errors"]} == {"Size"}
    kept = {"file_name": "products.csv", "upload": found["upload"]}
    url = f"{shop.api}/classifications/products/check"
    last = client.post(url, params={**kept, "after": 200}).json()
    assert (len(last["errors"]), last["next"], last["errors"][-1]["row"]) == (50, None, 251)
    report = client.post(url, params={**kept, "report": "csv"})
    assert len(report.text.splitlines()) == 251
    assert "products-errors.csv" in report.headers["content-disposition"]
    (one,) = client.get(f"{shop.api}/classifications").json()["items"]
    assert (one["keys"], one["version"]) == (0, 0)


def test_a_file_is_sent_by_a_form_applied_and_taken_back(shop, client):
    own = f"{shop.data}/classifications/products"
    page = client.get(own).text
    assert "What we &lt;b&gt;sell&lt;/b&gt;" in page
    token = re.search(r'name="form_token" value="([^"]*)"', page)[1]
    files = {"form_token": (None, token), "file": ("prod<b>.csv", GOOD.encode())}
    checked = client.post(f"{own}/check", files=files)
    assert checked.status_code == 200, checked.text
    assert "&lt;i&gt;Oak&lt;/i&gt;" in checked.text
    assert "<i>Oak" not in checked.text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', checked.text))
    applied = shop.post(client, f"{own}/apply", {**fields, "file_name": "products.csv"})
    assert applied.status_code == 303, applied.text
    run_id = applied.headers["location"].rpartition("/")[2]
    assert ended(client, shop, run_id)["summary"]["title"] == "classification set products"
    (line, *_) = client.get(f"{shop.api}/classifications/history").json()
    assert (line["state"], line["version"], line["file"]) == ("applied", 1, "products.csv")
    download = client.get(
        f"{own}/download", params={"format": "csv", "column": "Size", "value": "4"}
    )
    assert download.text.replace("\r\n", "\n") == "Key,Brand,Size\nsku-2,<i>Oak</i>,4\n"
    value = client.get(f"{shop.api}/classifications/products/value", params={"key": "sku-1"})
    assert value.json()["values"] == {"Brand": "Cedar", "Size": 3}
    undone = shop.post(client, f"{own}/undo", {"version": "0"})
    ended(client, shop, undone.headers["location"].rpartition("/")[2])
    (one,) = client.get(f"{shop.api}/classifications").json()["items"]
    assert (one["keys"], one["version"]) == (0, 2)
    assert "back to version 0" in client.get(own).text


def test_a_rejected_file_is_in_the_history_with_its_errors(shop, client):
    begun = client.post(
        f"{shop.api}/classifications/products/apply",
        params={"file_name": "wrong.csv"},
        content=b"Key,Size\nsku-1,many\n",
        headers=BYTES,
    )
    assert begun.status_code == 202, begun.text
    run = ended(client, shop, begun.json()["run_id"])
    assert run["summary"]["state"] == "failed"
    assert "row 2" in run["error"]
    found = client.get(f"{shop.api}/classifications/products/errors").json()
    assert (found["file"], found["error_count"]) == ("wrong.csv", 1)
    page = client.get(
        f"{shop.data}/classifications/products/errors", params={"run": found["run_id"]}
    )
    assert "wrong.csv" in page.text


def test_sets_are_shown_as_they_are_while_the_code_does_not_load(shop, client):
    own, broken = f"{shop.data}/classifications", shop.root / "shop" / "definitions.py"
    before = client.get(f"{shop.api}/classifications").json()["items"]
    lines = client.get(f"{shop.api}/classifications/history").json()
    loads = broken.read_text()
    broken.write_text("raise RuntimeError('no such code')\n")
    try:
        shop.reload()
        assert "no such code" in client.get(own).text
        assert client.get(f"{shop.api}/classifications").json()["items"] == before
        assert client.get(f"{shop.api}/classifications/history").json() == lines
        page = client.get(f"{own}/products", params={"key": "sku-1"})
        assert page.status_code == 200, page.text
        assert "does not load" in page.text
        assert "What we &lt;b&gt;sell&lt;/b&gt;" in page.text
    finally:
        broken.write_text(loads)
        shop.reload()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nope/template", 404),
        ("GET", "products/template?format=json", 422),
        ("GET", "products/download?key_regex=(", 422),
        ("GET", "products/download?where=Brand", 422),
        ("GET", "products/download?where=Nope=1", 404),
        ("GET", "products/download?version=99", 404),
        ("GET", "products/value?key=nobody", 404),
        ("POST", "products/check?file_name=a.csv", 422),
        ("POST", "products/check?file_name=a.csv&upload=../../etc/passwd", 422),
        ("POST", f"products/check?file_name=a.csv&upload={'0' * 64}", 410),
        ("POST", "products/check?file_name=%2F", 422),
        ("POST", "products/undo?version=99", 404),
        ("POST", "products/undo?version=-1", 422),
        ("POST", f"products/apply?file_name=a.csv&upload={'0' * 64}", 410),
    ],
)
def test_what_no_set_can_do_is_told(shop, client, method, path, status):
    answer = client.request(method, f"{shop.api}/classifications/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_that_is_too_large_is_refused(shop, client):
    answer = check(client, shop, "x" * (50 * 1024 * 1024 + 10), name="big.csv")
    assert answer.status_code == 422
    assert "more than 52,428,800 bytes" in answer.json()["detail"]


def test_the_overview_says_what_failed_and_what_comes_next(shop, client):
    found = client.get(f"{shop.api}/overview").json()
    assert [run["state"] for run in found["failed"]] == ["failed"] * len(found["failed"])
    assert found["next_runs"][0]["pipeline"] == "nightly"
    page = client.get(f"{shop.data}/")
    assert page.status_code == 200
    assert f'href="/data/{shop.name}/pipelines/nightly"' in page.text


def test_whoever_starts_work_is_in_the_audit_log(shop, client):
    orders, by_hand = f"{shop.api}/datasets/orders", f"{shop.api}/pipelines/by_hand"
    run_ids = [
        client.post(f"{url}").json()["run_id"] for url in (f"{orders}/refresh", f"{by_hand}/run")
    ]
    client.post(f"{shop.api}/runs/{run_ids[0]}/retry")  # it is no run that may be repeated
    client.post(f"{shop.api}/classifications/products/undo", params={"version": 99})
    for path in ("datasets/orders/refresh", "pipelines/by_hand/run"):
        assert shop.post(client, f"{shop.data}/{path}", {}).status_code == 303
    found = client.get("/api/v1/audit", params={"limit": 6}).json()["items"]
    told = [(entry["action"], entry["subject"], entry["outcome"]) for entry in reversed(found)]
    assert told == [
        ("dataset.refresh", "datasets/orders", "done"),
        ("pipeline.run", f"{shop.name}/pipelines/by_hand", "done"),
        ("run.retry", run_ids[0], "failed"),
        ("classification.undo", "classifications/products", "failed"),
        ("dataset.refresh", "datasets/orders", "done"),
        ("pipeline.run", f"{shop.name}/pipelines/by_hand", "done"),
    ]
    assert run_ids[0] in found[-1]["after"]
