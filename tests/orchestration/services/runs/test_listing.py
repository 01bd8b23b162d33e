"""The list of runs: each filter, pages without a gap or a repetition, and cursors that are none."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration.services.paging import encode_cursor
from orchestration.services.runs import listing
from orchestration.services.runs.listing import RunFilter, last_runs, list_runs
from orchestration.services.runs.start import Asked, start_run
from orchestration.services.runs.states import RunState
from resources.kernel.errors import InputError


@pytest.fixture
def runs(home, instance, shop):
    """Six runs, oldest first: of a pipeline, of datasets, by people, a schedule and a sensor."""

    def start(job, actor, *names, **tags):
        keys = [dg.AssetKey(["datasets", name]) for name in names]
        given = {f"dagster/{name}": value for name, value in tags.items()}
        return start_run(home, instance, job, Asked(actor), assets=keys, tags=given)

    nightly, assets = shop.location.job("nightly"), shop.location.asset_job()
    made = [
        start(nightly, "ada"),
        start(assets, "ada", "orders"),
        start(assets, "bob", "orders", "totals"),
        start(nightly, "", schedule_name="nightly_schedule"),
        start(assets, "", "top", sensor_name="arrivals"),
        start(assets, "bob", "orders"),
    ]
    instance.report_run_canceled(instance.get_run_by_id(made[1]))
    return made


def ids(page):
    return [run.run_id for run in page.items]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(), [5, 4, 3, 2, 1, 0]),
        (RunFilter(states=(RunState.STOPPED,)), [1]),
        (RunFilter(states=(RunState.STOPPED, RunState.FAILED)), [1]),
        (RunFilter(pipeline="nightly"), [3, 0]),
        (RunFilter(asset="datasets/orders"), [5, 3, 2, 1, 0]),
        (RunFilter(asset="datasets/orders", states=(RunState.QUEUED,)), [5, 3, 2, 0]),
        (RunFilter(asset="datasets/top", actor="sensor arrivals"), [4]),
        (RunFilter(actor="bob"), [5, 2]),
        (RunFilter(actor="schedule nightly_schedule"), [3]),
        (RunFilter(actor="'; drop table runs; --"), []),
        (RunFilter(since=datetime.now(UTC) + timedelta(days=1)), []),
        (RunFilter(until=datetime.now(UTC) - timedelta(days=1)), []),
        (RunFilter(location="waybill"), [5, 4, 3, 2, 1, 0]),
        (RunFilter(location="elsewhere"), []),
    ],
)
def test_each_filter_and_page_by_page(instance, runs, wanted, found):
    expected = [runs[number] for number in found]
    assert ids(list_runs(instance, wanted)) == expected
    one_by_one, cursor = [], None
    while True:
        page = list_runs(instance, wanted, cursor=cursor, limit=1)
        one_by_one += ids(page)
        cursor = page.next
        if cursor is None:
            break
    assert one_by_one == expected


def test_what_a_line_says(instance, runs):
    titles = [
        (run.title, run.actor, run.pipeline) for run in list_runs(instance, RunFilter()).items
    ]
    assert titles == [
        ("dataset orders", "bob", ""),
        ("dataset top", "sensor arrivals", ""),
        ("pipeline nightly", "schedule nightly_schedule", "nightly"),
        ("dataset orders and 1 more", "bob", ""),
        ("dataset orders", "ada", ""),
        ("pipeline nightly", "ada", "nightly"),
    ]


def test_a_run_that_comes_meanwhile_moves_no_page(home, instance, shop, runs):
    first = list_runs(instance, RunFilter(), limit=3)
    start_run(home, instance, shop.location.job("nightly"), Asked("eve"))
    second = list_runs(instance, RunFilter(), cursor=first.next, limit=3)
    assert ids(first) + ids(second) == runs[::-1]


@pytest.mark.parametrize("asset", ["", "datasets/orders"])
@pytest.mark.parametrize(
    "cursor", ["x", encode_cursor(["no run"]), encode_cursor([None]), encode_cursor([1.5]), "////"]
)
def test_a_cursor_of_another_list_is_refused(instance, runs, cursor, asset):
    if cursor == encode_cursor([None]):
        return
    with pytest.raises(InputError):
        list_runs(instance, RunFilter(asset=asset), cursor=cursor)


def test_the_last_run_of_each_pipeline(instance, runs, monkeypatch):
    asked = []
    real = listing.read_runs

    def counted(*args, **kwargs):
        asked.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(listing, "read_runs", counted)
    names = ["nightly", "never", *(f"never{n}" for n in range(20))]
    (found,) = last_runs(instance, names, "waybill").values()
    assert (found.run_id, found.pipeline) == (runs[3], "nightly")
    assert len(asked) == 1
    assert last_runs(instance, names, "elsewhere") == {}
    assert last_runs(instance, [], "waybill") == {}
    instance.delete_run(runs[3])
    assert last_runs(instance, names, "waybill")["nightly"].run_id == runs[0]
