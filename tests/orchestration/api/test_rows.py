"""Rows and queries over HTTP, from a real server: the process that answers is a fork, and is gone with its answer."""

from __future__ import annotations

import json
import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.memory import tree
from tests.orchestration.services.rows.shelf import Shelf
from tests.served import served, wait_until

YAML = """
type: resources.FolderConnector
attributes: {name: files, root: inbox}
---
type: assets.Datasource
attributes: {name: landing, connector: files, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: landing, refresh: manual}
---
type: assets.Dataset
attributes: {name: empty, datasource: landing, refresh: manual}
"""
BOMB = "select count(*) from orders a, orders b, orders c, orders d"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    store = Shelf(folder)
    notes = ["=1+1", "", None, "<script>alert(1)</script>", "x" * 2_000]
    store.put("orders", pa.table({"id": range(5_000), "note": notes * 1_000}))
    store.put("orders", pa.table({"id": range(5_000), "note": notes * 1_000, "a b": [1.5] * 5_000}))
    with served(
        folder, {"orders/defs.yaml": YAML}, variables={"WAYBILL_STORE": store.url}
    ) as found:
        yield found


@pytest.fixture
def client(shop):
    with shop.client() as found:
        found.base_url = f"{shop.api}/"
        yield found


def answering(shop) -> list[int]:
    """Processes that work on a question now: forked from that of this project's code, and from no other."""
    assert shop.location.current is not None
    own = shop.location.current.pid
    return [pid for pid in tree(own) if pid != own]


def test_rows_of_any_version(client):
    found = client.get(
        "datasets/orders/rows",
        params={
            "where": ["id >= 10", "note is not null"],
            "sort": "-id",
            "limit": 2,
            "columns": ["id", "note"],
        },
    ).json()
    assert [row[0] for row in found["rows"]] == [4_999, 4_998]
    assert (found["version"], found["matching_rows"], found["numbers"]) == (
        2,
        3_992,
        [5_000, 4_999],
    )
    assert found["cut"] == [{"row": 0, "column": 1, "length": 2_000, "unit": "characters"}]
    old = client.get("datasets/orders/rows", params={"version": 1, "offset": 4_999}).json()
    assert (old["version"], old["rows"][0][0], [c["name"] for c in old["columns"]]) == (
        1,
        4_999,
        ["id", "note"],
    )


def test_a_whole_cell_is_a_download(client):
    answer = client.get("datasets/orders/cell", params={"version": 2, "row": 5, "column": "note"})
    assert answer.text == "x" * 2_000
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    null = client.get("datasets/orders/cell", params={"version": 2, "row": 3, "column": "note"})
    assert (null.status_code, null.content) == (204, b"")
    assert (
        client.get(
            "datasets/orders/cell", params={"version": 2, "row": 9_999, "column": "note"}
        ).status_code
        == 404
    )


def test_what_is_in_a_column(client):
    found = client.get(
        "datasets/orders/facets", params={"column": "note", "where": "id < 10"}
    ).json()
    assert (found["rows"], found["nulls"], found["distinct"]) == (10, 2, 4)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("datasets/ordres/rows", 404, "Did you mean 'orders'?"),
        ("datasets/empty/rows", 404, "has no version"),
        ("datasets/orders/rows?version=7", 404, "There are versions 1 to 2"),
        ("datasets/orders/rows?where=idd=1", 422, "Did you mean 'id'?"),
        ("datasets/orders/rows?limit=5000", 422, ""),
        ("datasets/orders/rows?sort=nothing", 422, "there is no column 'nothing'"),
        ("queries/none", 404, "there is no query 'none'"),
        ("queries?cursor=xyz", 422, "no cursor"),
    ],
)
def test_what_cannot_be_is_a_problem(client, path, status, text):
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert text in answer.text


def test_a_query_its_history_and_its_address(client):
    sql = "select note, count(*) as n from orders group by 1 order by 2, 1"
    done = client.post("queries", json={"sql": sql}).json()
    assert done["result"]["inputs"] == {"orders": 2}
    assert [c["type"] for c in done["result"]["columns"]] == ["VARCHAR", "BIGINT"]
    assert len(done["result"]["rows"]) == 5
    wrong = client.post("queries", json={"sql": "select\nidd from orders"})
    assert (wrong.status_code, "query, line 2" in wrong.text) == (422, True)
    history = client.get("queries", params={"limit": 2}).json()["items"]
    assert [(q["state"], q["rows"]) for q in history] == [("failed", None), ("done", 5)]
    assert client.get(f"queries/{done['id']}").json()["statement"] == sql


def test_a_result_as_a_file(client, tmp_path):
    sql = "select id, note from orders order by id limit 3"
    csv = client.post("queries/download", json={"sql": sql})
    assert csv.text == 'id,note\n0,"\'=1+1"\n1,""\n2,\n'
    assert csv.headers["content-disposition"].startswith('attachment; filename="query.csv"')
    parquet = client.post("queries/download", json={"sql": sql, "format": "parquet"})
    (tmp_path / "x.parquet").write_bytes(parquet.content)
    assert pq.read_table(tmp_path / "x.parquet")["id"].to_pylist() == [0, 1, 2]
    assert client.get("queries").json()["items"][0]["state"] == "done"


def test_a_query_as_yaml(client):
    found = client.post(
        "queries/transform", json={"sql": "select id from orders", "name": "ids"}
    ).json()
    assert found["yaml"].startswith("type: assets.SqlTransform")


def test_a_query_is_stopped_and_its_process_is_gone(shop, client):
    query_id, answers = "a1" * 12, []

    def ask() -> None:
        with shop.client() as own:
            answers.append(own.post(f"{shop.api}/queries", json={"sql": BOMB, "id": query_id}))

    before = set(answering(shop))
    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: client.get(f"queries/{query_id}").status_code == 200)
    wait_until(lambda: set(answering(shop)) - before)
    asked = set(answering(shop)) - before
    assert client.post(f"queries/{query_id}/cancel", json={}).json() == {
        "id": query_id,
        "state": "stopped",
    }
    thread.join()
    assert answers[0].status_code == 409
    assert "the query was stopped" in answers[0].text
    wait_until(lambda: not asked & set(answering(shop)))
    assert client.get(f"queries/{query_id}").json()["state"] == "stopped"
    assert client.post(f"queries/{query_id}/cancel", json={}).status_code == 404


def test_a_query_ends_when_nobody_waits_for_it(shop, client):
    query_id, before = "b2" * 12, set(answering(shop))
    address = urlsplit(shop.api)
    waiting = HTTPConnection(address.hostname, address.port)
    body = json.dumps({"sql": BOMB, "id": query_id})
    waiting.request("POST", f"{address.path}/queries", body, {"Content-Type": "application/json"})
    wait_until(lambda: client.get(f"queries/{query_id}").json().get("state") == "running")
    wait_until(lambda: set(answering(shop)) - before)
    waiting.close()
    wait_until(lambda: client.get(f"queries/{query_id}").json().get("state") == "stopped")
    wait_until(lambda: not set(answering(shop)) - before)


def test_few_queries_run_at_once(shop, client):
    ids, threads = ["c3" * 12, "d4" * 12], []

    def ask(query_id: str) -> None:
        with shop.client() as own:
            own.post(f"{shop.api}/queries", json={"sql": BOMB, "id": query_id})

    for query_id in ids:
        threads.append(threading.Thread(target=ask, args=(query_id,)))
        threads[-1].start()
    wait_until(lambda: all(client.get(f"queries/{i}").status_code == 200 for i in ids))
    refused = client.post("queries", json={"sql": "select id from orders"})
    assert (refused.status_code, "2 queries of yours run already" in refused.text) == (409, True)
    for query_id in ids:
        client.post(f"queries/{query_id}/cancel", json={})
    for thread in threads:
        thread.join()
    states = [client.get(f"queries/{i}").json()["state"] for i in ids]
    assert states == ["stopped", "stopped"]
    free = client.post("queries", json={"sql": "select id from orders order by id limit 1"})
    assert (free.status_code, free.json()["result"]["rows"]) == (200, [[0]])
