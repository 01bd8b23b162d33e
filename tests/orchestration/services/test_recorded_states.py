"""Dagster's records read without Dagster say what Dagster says."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.datasets import instance_states
from orchestration.services.recorded_states import recorded_states

KEYS = [
    ("datasets", name) for name in ("made", "failed", "made_then_failed", "wiped", "never", "other")
]


@pytest.fixture
def instance(tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def run(instance, key, *, fails=False):
    @dg.asset(key=key)
    def made():
        if fails:
            raise ValueError("on purpose")

    dg.materialize([made], instance=instance, raise_on_error=False)


def test_states_are_those_that_dagster_tells(instance, tmp_path):
    assert recorded_states(tmp_path / "new", KEYS) is None
    run(instance, KEYS[0])
    run(instance, KEYS[1], fails=True)
    run(instance, KEYS[2])
    run(instance, KEYS[2], fails=True)
    run(instance, KEYS[3])
    run(instance, KEYS[5])
    instance.wipe_assets([dg.AssetKey(KEYS[3])])
    entries = [DatasetEntry(key[1], "datasource", key) for key in KEYS]
    expected = instance_states(instance, entries)
    assert recorded_states(tmp_path, KEYS) == expected
    assert [expected.get(key) for key in KEYS] == [
        "materialized", "failed", "failed", None, None, "materialized",
    ]  # fmt: skip


def test_an_instance_that_keeps_its_records_elsewhere_is_left_to_dagster(tmp_path):
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres: {}\n")
    assert recorded_states(tmp_path, KEYS) is None
    (tmp_path / "dagster.yaml").write_text("- [\n")
    assert recorded_states(tmp_path, KEYS) is None
