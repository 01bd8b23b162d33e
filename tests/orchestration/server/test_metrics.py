"""Figures for Prometheus: what is counted, what a scrape reads, and who may have it."""

import dagster as dg
import pytest
from dagster import materialize
from prometheus_client.parser import text_string_to_metric_families

from orchestration.server.guard import Guard, GuardRules
from orchestration.server.metrics import Metered, Metrics, MetricsPage
from tests.orchestration.server.asgi import ask


@dg.asset(key=["datasets", "a"])
def stored():
    return dg.MaterializeResult(metadata={"dagster/row_count": 7, "size_bytes": 900})


@dg.asset(key=["exports", "b"])
def sent():
    return dg.MaterializeResult(metadata={"dagster/row_count": 5})


@dg.asset
def broken():
    raise ValueError


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(
        str(tmp_path), overrides={"telemetry": {"enabled": False}}
    ) as found:
        materialize([stored], instance=found)  # before this server: not counted
        yield found


def read(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_what_ended_since_the_start_is_counted_once(instance):
    metrics = Metrics(instance)
    assert read(metrics.scrape())["waybill_runs_ended_total", "success"] == 0
    materialize([stored, sent], instance=instance)
    materialize([broken], instance=instance, raise_on_error=False)
    instance.add_run(dg.DagsterRun("j", status=dg.DagsterRunStatus.STARTED))
    metrics.scrape()
    found = read(metrics.scrape())
    assert found["waybill_runs_ended_total", "success"] == 1
    assert found["waybill_runs_ended_total", "failure"] == 1
    assert found["waybill_runs", "started"] == 1
    assert found["waybill_rows_total", "dataset"] == 7
    assert found["waybill_bytes_total", "dataset"] == 900
    assert found["waybill_rows_total", "exporter"] == 5
    assert found["waybill_made_total", "exporter"] == 1


def test_a_scrape_reads_what_is_new_and_nothing_else(instance, monkeypatch):
    metrics = Metrics(instance)
    for _ in range(3):
        materialize([sent], instance=instance)
    metrics.scrape()
    read_runs = []
    all_logs = instance.all_logs
    monkeypatch.setattr(
        instance,
        "all_logs",
        lambda run_id, **more: read_runs.append(run_id) or all_logs(run_id, **more),
    )
    run = materialize([sent], instance=instance)
    read_runs.clear()
    metrics.scrape()
    assert read_runs == [run.run_id]


@pytest.fixture
def app(instance):
    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    metrics = Metrics(instance)
    rules = GuardRules(3000, has_metrics=True)
    return Metered(Guard(MetricsPage(inner, metrics), rules), metrics)


def test_requests_are_counted_by_route_not_by_what_was_typed(app):
    for path in ("/runs/1", "/runs/2", "/data/a%20b", "/nonsense"):
        ask(app, path=path)
    ask(app, path="/", headers={"host": "evil.example"})
    found = read(ask(app, path="/metrics").body)
    assert found["waybill_requests_total", "dagster", "200"] == 3
    assert found["waybill_requests_total", "dagster", "421"] == 1
    assert found["waybill_requests_total", "data", "200"] == 1
    assert found["waybill_request_seconds_count", "dagster"] == 4


def test_they_are_off_unless_asked_for():
    assert ask(Guard(None, GuardRules(3000)), path="/metrics").status == 404
