"""When a dataset is stale: against each kind of thing that it is made from."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.services.dataset_list import OUTPUT, DatasetEntry, Newest, Tried
from orchestration.services.dataset_staleness import Freshness, LastLook

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER, EARLIER = NOON + timedelta(hours=1), NOON - timedelta(hours=1)
ORDERS, TOTALS, SOURCE = ("datasets", "orders"), ("datasets", "totals"), ("datasources", "files")


def entry(name, *made_from):
    return DatasetEntry(name, OUTPUT, ("datasets", name), made_from=made_from)


def newest(number, at=NOON, **more):
    return Newest(number, 1, 1, 1, at, "run", **more)


@pytest.mark.parametrize(
    ("read", "kept", "why"),
    [
        ((("orders", 1),), newest(2), "orders has version 2, and it was made from version 1"),
        ((("orders", 2),), newest(2, LATER), ""),
        ((), newest(2, LATER), "orders has version 2, made after its own"),
        ((), newest(2, EARLIER), ""),
        ((("orders", 1),), None, ""),
    ],
    ids=["older", "same", "unrecorded and later", "unrecorded and earlier", "gone"],
)
def test_by_another_dataset(read, kept, why):
    found = {TOTALS: newest(1, inputs=read), ORDERS: kept}
    assert Freshness(found, {}, {}).reason(entry("totals", "datasets/orders")) == why


@pytest.mark.parametrize(
    ("seen", "tried", "is_stale"),
    [
        (LastLook("b", LATER), None, True),
        (LastLook("a", LATER), None, False),
        (LastLook("b", EARLIER), None, False),
        (LastLook("b", NOON + timedelta(minutes=1)), Tried("ready", "run", LATER), False),
        (LastLook("b", NOON + timedelta(minutes=1)), Tried("failed", "run", LATER), True),
        (None, None, False),
    ],
    ids=["changed", "same", "older look", "found unchanged since", "failed since", "never seen"],
)
def test_by_its_data_source(seen, tried, is_stale):
    looks = {SOURCE: seen} if seen else {}
    last = {ORDERS: tried} if tried else {}
    known = Freshness({ORDERS: newest(1, fingerprint="a")}, last, looks)
    assert bool(known.reason(entry("orders", "datasources/files"))) is is_stale


def test_one_without_a_version_or_inputs_is_not():
    known = Freshness({ORDERS: None, TOTALS: newest(1)}, {}, {SOURCE: LastLook("b", LATER)})
    assert known.reason(entry("orders", "datasources/files")) == ""
    assert known.reason(entry("totals", "models/m", "datasources/files")) == ""
