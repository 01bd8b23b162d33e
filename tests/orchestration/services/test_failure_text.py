"""Reasons read from stored events are those that Dagster's own objects tell."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.services.datasets import failure_of
from orchestration.services.failure_text import step_of
from orchestration.services.record_files import RecordFiles
from orchestration.services.recorded_states import read_failure
from resources.kernel.errors import ConflictError, InputError

KEY = ("datasets", "or-ders", "a.b")


@pytest.mark.parametrize(
    ("error", "cause", "text"),
    [
        (dg.Failure("the disk\n is full"), None, "the disk is full"),
        (InputError("no column", hint="Name one"), ValueError("inner"), "no column. Name one"),
        (RuntimeError("outer"), ConflictError("taken"), "taken"),
        (RuntimeError("outer"), KeyError("inner"), "KeyError: 'inner'"),
    ],
    ids=["failure", "on purpose", "on purpose within", "by accident"],
)
def test_the_same_reason_either_way(tmp_path, error, cause, text):
    @dg.asset(key=["datasets", "x"])
    def x():
        raise error from cause

    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run = dg.materialize([x], instance=instance, raise_on_error=False)
        key = ("datasets", "x")
        assert (
            read_failure(RecordFiles(tmp_path), run.run_id, key)
            == failure_of(instance, run.run_id, key)
            == text
        )


def test_a_step_is_named_as_dagster_names_it():
    assert step_of(KEY) == dg.AssetKey(KEY).to_python_identifier()


@pytest.mark.parametrize("run_id", ["../x", "", "gone"])
def test_a_run_without_records_tells_nothing(tmp_path, run_id):
    assert read_failure(RecordFiles(tmp_path), run_id, KEY) == ""
