"""A home with Dagster's instance in it, and a job of three steps of which one fails when it is told to."""

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from orchestration.executor import in_process_executor
from orchestration.location import Location
from orchestration.services.home import open_home


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    return open_home()


@pytest.fixture
def instance(home):
    with dg.DagsterInstance.get() as instance:
        yield instance


class Shop:
    """Three datasets, each made of the one before; `broken` names the one that fails."""

    def __init__(self) -> None:
        self.broken, self.made = "", []
        jobs = [dg.define_asset_job("nightly", "*", tags={"of": "the job"})]
        self.location = Location(
            dg.Definitions(
                assets=[
                    self._asset("orders"),
                    self._asset("totals", "orders"),
                    self._asset("top", "totals"),
                ],
                jobs=jobs,
            )
        )

    def _asset(self, name, *deps):
        @dg.asset(key=["datasets", name], deps=[["datasets", dep] for dep in deps])
        def make(context: dg.AssetExecutionContext):
            context.log.info("making %s <b>now</b>\x1b[31m", name)
            if name == self.broken:
                raise dg.Failure(f"{name}.csv, line 3: 4 fields", allow_retries=False)
            self.made.append(name)
            return dg.MaterializeResult(metadata={"dagster/row_count": 7, "version": 3})

        return make

    def execute(self, instance, run_id):
        """Runs what is in the queue, as a server would."""
        starting = dg.DagsterEvent("PIPELINE_STARTING", "")
        instance.report_dagster_event(starting, run_id)
        run = instance.get_run_by_id(run_id)
        job = self.location.job(run.job_name).get_subset(asset_selection=run.asset_selection)
        alone = job.with_executor_def(in_process_executor)
        execute_run(InMemoryJob(alone), run, instance, raise_on_error=False)


@pytest.fixture
def shop():
    return Shop()
