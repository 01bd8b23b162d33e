"""What the line of a dataset says, from the last try and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.services.dataset_list import (
    STATUSES,
    DatasetEntry,
    DatasetTitle,
    Newest,
    Tried,
    summary_of,
)
from resources.kernel.errors import IntegrityError, StorageError
from resources.stores.removal import Removal

ENTRY = DatasetEntry("orders", "datasource", ("datasets", "orders"))
NOON, LATER = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)
KEPT = Newest(3, 7, 2, 99, NOON, "run-3")
GONE = Removal(3, NOON, "ada")


@pytest.mark.parametrize(
    ("found", "tried", "status", "reason"),
    [
        (None, None, "pending", "no run has made it yet"),
        (None, Tried("pending", "r"), "pending", "no run has made it yet"),
        (None, Tried("running", "r"), "running", ""),
        (None, Tried("failed", "r", NOON, "no file"), "failed", "no file"),
        (None, Tried("ready", "r"), "damaged", "dataset 'orders': a run made it, and the store has"),
        (KEPT, None, "ready", ""),
        (KEPT, Tried("ready", "r"), "ready", ""),
        (KEPT, Tried("queued", "r"), "queued", ""),
        (KEPT, Tried("failed", "r", NOON, "no file"), "failed", "no file"),
        (KEPT, Tried("stopped", "r"), "stopped", ""),
        (GONE, Tried("ready", "r", NOON), "pending", "its versions up to 3 were removed on 2026-01-01 12:00 UTC by ada"),
        (Removal(3, LATER), Tried("failed", "r", NOON, "no file"), "pending", "its versions up to 3"),
        (GONE, Tried("failed", "r", LATER, "no file"), "failed", "no file"),
        (IntegrityError("not JSON", hint="Restore it"), Tried("ready", "r"), "damaged", "dataset 'orders': not JSON. Restore it"),
        (StorageError("newer Waybill"), Tried("running", "r"), "damaged", "dataset 'orders': newer Waybill"),
    ],
)  # fmt: skip
def test_status_and_reason(found, tried, status, reason):
    line = summary_of(ENTRY, found, tried)
    assert line.status in STATUSES
    assert line.status == status
    assert line.reason.startswith(reason)
    assert bool(line.reason) == bool(reason)
    assert bool(line.error) == (status == "damaged")


def test_a_line_shows_what_is_kept_and_what_people_call_it():
    line = summary_of(ENTRY, KEPT, Tried("ready", "run-3", NOON), DatasetTitle("Orders"))
    assert (line.rows, line.columns, line.version, line.size_bytes) == (7, 2, 3, 99)
    assert (line.title, line.name, line.run_id) == ("Orders", "orders", "run-3")
    assert summary_of(ENTRY, None, None).title == "orders"
