"""The history of exports at size and in every state that a run can be in."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent

from orchestration.services.exports import history
from orchestration.services.exports.entries import ExporterEntry
from orchestration.services.exports.history import HistoryFilter, export_history, last_exports
from orchestration.services.runs.origin import code_origin, remote_origin

ENTRIES = [
    ExporterEntry(name, ("datasets", "orders"), "shop", f"{name}_table", "overwrite", "manual")
    for name in ("a", "b")
]


def made(name: str) -> dg.AssetsDefinition:
    @dg.asset(key=["exports", name])
    def _export(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        if "fails" in context.run.tags:
            raise dg.Failure("the server is <b>full</b>", allow_retries=False)
        return dg.MaterializeResult(metadata={"dagster/row_count": 7})

    return _export


ASSETS = [made("a"), made("b")]


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def deliver(instance, name, **tags):
    selection = dg.AssetSelection.assets(dg.AssetKey(["exports", name]))
    return dg.materialize(
        ASSETS, selection=selection, instance=instance, tags=tags, raise_on_error=False
    )


def queued(instance):
    job = dg.Definitions(assets=ASSETS).resolve_implicit_global_asset_job_def()
    return instance.create_run_for_job(
        job,
        remote_job_origin=remote_origin(job.name),
        job_code_origin=code_origin(job.name),
        asset_selection=frozenset([dg.AssetKey(["exports", "a"])]),
        tags={"waybill/actor": "ada"},
    )


def listed(instance, **wanted):
    cursor = wanted.pop("cursor", None)
    limit = wanted.pop("limit", 50)
    return export_history(instance, ENTRIES, HistoryFilter(**wanted), cursor=cursor, limit=limit)


def test_each_state_of_a_run_has_its_word(instance):
    run = queued(instance)
    states = {}

    def state():
        return listed(instance).items[0].status

    states["made"] = state()
    instance.report_dagster_event(DagsterEvent.job_enqueue(run), run_id=run.run_id)
    states["enqueued"] = state()
    instance.handle_new_event(
        dg.EventLogEntry(
            error_info=None,
            level=10,
            user_message="",
            run_id=run.run_id,
            timestamp=datetime.now(UTC).timestamp(),
            dagster_event=DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name),
        )
    )
    states["started"] = state()
    instance.report_run_canceled(instance.get_run_by_id(run.run_id))
    states["canceled"] = state()
    assert states == {
        "made": "queued",
        "enqueued": "queued",
        "started": "running",
        "canceled": "stopped",
    }
    (export,) = listed(instance).items
    assert (export.asked_by, export.source, export.table) == ("ada", "dataset orders", "a_table")
    instance.delete_run(run.run_id)
    assert listed(instance).items == ()


def test_pages_of_a_status_leave_none_out(instance, monkeypatch):
    monkeypatch.setattr(history, "SCANNED", 4)
    for number in range(12):
        deliver(instance, "ab"[number % 2], **({"fails": "x"} if number % 3 == 0 else {}))
    found, cursor = [], None
    for _ in range(20):
        page = listed(instance, status="failed", cursor=cursor, limit=1)
        found += page.items
        if page.next is None:
            break
        cursor = page.next
    assert [e.status for e in found] == ["failed"] * 4
    assert len({e.run_id for e in found}) == 4
    assert all("<b>full</b>" in e.error for e in found)
    assert {e.exporter for e in listed(instance, exporter="b", limit=10).items} == {"b"}
    assert {e.rows for e in listed(instance, status="done").items} == {7}
    assert last_exports(instance, ENTRIES).keys() == {"a", "b"}


def test_a_schedule_and_a_sensor_are_named(instance):
    deliver(instance, "a", **{"dagster/schedule_name": "nightly_schedule"})
    deliver(instance, "a", **{"dagster/sensor_name": "arrivals"})
    assert [e.asked_by for e in listed(instance).items] == [
        "sensor arrivals",
        "schedule nightly_schedule",
    ]
