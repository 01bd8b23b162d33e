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
