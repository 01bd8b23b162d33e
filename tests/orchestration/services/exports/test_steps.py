"""What the steps of an export say, read from a run's own file, is what Dagster tells of them."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.services.exports.events import Begun
from orchestration.services.exports.steps import read_steps, steps_by_dagster, steps_in_file
from orchestration.services.record_files import RecordFiles
from resources.kernel.errors import ConnectorUnavailableError


@pytest.fixture
def instance(tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as found:
        yield found


def delivered(instance, error=None, facts=None, *, early=False):
    """A run of an export of two steps, after a dataset; one of them fails."""

    @dg.asset(key=["datasets", "orders"])
    def orders():
        if early:
            raise error

    @dg.op(ins={"after": dg.In(dg.Nothing)})
    def pin():
        return dg.Output(
            1, metadata=facts or {"source": "dataset <b>orders</b>", "source version": 3}
        )

    @dg.op
    def send(_pinned):
        if error:
            raise error

    @dg.graph_asset(
        key=["exports", "a"],
        ins={"orders": dg.AssetIn(["datasets", "orders"], dagster_type=dg.Nothing)},
    )
    def export(orders):
        return send(pin(orders))

    run = dg.materialize([orders, export], instance=instance, raise_on_error=False)
    return Begun(1, "a", run.run_id, datetime.now(UTC))


@pytest.mark.parametrize(
    ("error", "early", "told"),
    [
        (dg.Failure("the server is full", allow_retries=False), False, "the server is full"),
        (ConnectorUnavailableError("no answer", hint="Start it"), False, "no answer. Start it"),
        (ValueError("on\n purpose"), False, "ValueError: on purpose"),
        (dg.Failure("gone", allow_retries=False), True, "datasets__orders: gone"),
    ],
)
def test_errors_and_what_was_pinned(instance, tmp_path, error, early, told):
    begun = delivered(instance, error, early=early)
    found = steps_in_file(RecordFiles(tmp_path).of_run(begun.run_id), "a")
    assert found == steps_by_dagster(instance, begun) == read_steps(instance, begun)
    assert (found.reason if early else found.error) == told
    assert ("source" in found.pinned) != early
    other = Begun(2, "other", begun.run_id, begun.at)
    assert read_steps(instance, other) == steps_by_dagster(instance, other)


def test_a_run_that_never_began(instance):
    job = dg.Definitions(assets=[dg.asset(name="x")(lambda: None)])
    run = instance.create_run_for_job(job.resolve_implicit_global_asset_job_def())
    instance.report_engine_event("it cannot start", run)
    instance.report_run_failed(run, "no worker")
    begun = Begun(1, "a", run.run_id, datetime.now(UTC))
    assert read_steps(instance, begun) == steps_by_dagster(instance, begun)


def test_what_only_dagster_can_read_is_left_to_it(instance, tmp_path):
    table = dg.MetadataValue.table([dg.TableRecord({"id": 1})])
    begun = delivered(instance, ValueError("x"), {"table": table})
    with pytest.raises(KeyError):
        steps_in_file(RecordFiles(tmp_path).of_run(begun.run_id), "a")
    assert read_steps(instance, begun) == steps_by_dagster(instance, begun)
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres: {}\n")
    Path(RecordFiles(tmp_path).of_run(begun.run_id)).touch()
    assert read_steps(instance, begun) == steps_by_dagster(instance, begun)
