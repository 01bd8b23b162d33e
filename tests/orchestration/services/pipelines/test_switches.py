"""What is switched is asked of Dagster's records once, until they change: another process may switch, too."""

import dagster as dg
import pytest

from orchestration.services import record_files
from orchestration.services.pipelines import switches
from orchestration.services.pipelines.entry import ScheduleEntry
from orchestration.services.pipelines.switches import is_on, read_switches, switch

NIGHTLY = ScheduleEntry("nightly_schedule", ("30 3 * * *",), "UTC")


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setattr(record_files, "SETTLED_NS", 0)  # every change shows in a time
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def asked(monkeypatch):
    found = []
    reading = switches._read_switches

    def counted(instance):
        found.append(instance)
        return reading(instance)

    monkeypatch.setattr(switches, "_read_switches", counted)
    return found


def test_a_switch_shows_at_once_and_is_asked_for_once(instance, asked):
    with dg.DagsterInstance.from_ref(instance.get_ref()) as other:
        for on in (False, True, False):
            switch(other, NIGHTLY, "shop", on=on)
            asked.clear()
            shown = [is_on(NIGHTLY, "shop", read_switches(instance)) for _ in range(5)]
            assert shown == [on] * 5
            assert len(asked) <= 1


def test_a_change_so_soon_after_another_that_its_time_may_be_the_same_is_seen(
    instance, asked, monkeypatch
):
    monkeypatch.setattr(record_files, "SETTLED_NS", 10**12)
    switch(instance, NIGHTLY, "shop", on=False)
    asked.clear()
    assert not is_on(NIGHTLY, "shop", read_switches(instance))
    assert not is_on(NIGHTLY, "shop", read_switches(instance))
    assert len(asked) == 2
