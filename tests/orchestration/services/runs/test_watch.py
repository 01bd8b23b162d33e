"""A run in this process: watched step by step, recorded like any other, its lock held meanwhile."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.services.locks import is_held
from orchestration.services.runs.process import RunProcess
from orchestration.services.runs.watch import run_here
from resources.kernel.errors import MESSAGE_LIMIT, ConfigError


def job_of(*assets):
    definitions = dg.Definitions(assets=assets, jobs=[dg.define_asset_job("work", "*")])
    return definitions.resolve_job_def("work")


def test_steps_are_told_and_facts_are_kept(home, instance):
    held = []

    @dg.asset(key=["datasets", "orders"])
    def orders(context: dg.AssetExecutionContext):
        held.append(is_held(Path(RunProcess.of(context.run.run_id, context.run.tags).lock)))
        return dg.MaterializeResult(metadata={"dagster/row_count": 7, "version": 3})

    news = []
    outcome = run_here(home, instance, job_of(orders), news.append)
    assert outcome.ok
    assert [(item.step, item.state, item.rows) for item in news] == [
        ("datasets__orders", "started", None),
        ("datasets__orders", "done", 7),
    ]
    assert [(made.key, made.facts["version"]) for made in outcome.made] == [
        (("datasets", "orders"), 3)
    ]
    assert outcome.seconds_of["datasets__orders"] >= 0
    assert held == [True]


def test_the_run_is_in_the_instance_and_its_lock_is_gone(home, instance):
    @dg.asset
    def thing(): ...

    outcome = run_here(home, instance, job_of(thing), lambda _: None)
    run = instance.get_run_by_id(outcome.run_id)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert instance.get_latest_materialization_event(dg.AssetKey("thing")).run_id == run.run_id
    assert not Path(RunProcess.of(run.run_id, run.tags).lock).exists()


def test_a_failure_says_what_was_raised_on_purpose(home, instance):
    @dg.asset(key=["datasets", "orders"])
    def orders():
        raise dg.Failure(
            "flights.csv, line 3: 4 fields\nwhere 3 were announced", allow_retries=False
        )

    news = []
    outcome = run_here(home, instance, job_of(orders), news.append)
    assert not outcome.ok
    assert outcome.error == (
        "datasets/orders: flights.csv, line 3: 4 fields where 3 were announced"
    )
    assert news[-1].state == "failed"


def test_an_accident_is_told_by_its_innermost_error(home, instance):
    @dg.asset
    def thing():
        try:
            raise KeyError("inner " + "x" * 1000)
        except KeyError as error:
            raise RuntimeError("outer") from error

    outcome = run_here(home, instance, job_of(thing), lambda _: None)
    assert "inner" in outcome.error
    assert len(outcome.error) < MESSAGE_LIMIT + 50


@pytest.mark.parametrize("wrapped", [False, True], ids=["raised", "wrapped by an accident"])
@pytest.mark.parametrize(
    "purpose",
    [ConfigError("settings.toml, line 4: no host", hint="Name one"), dg.Failure("no host, twice")],
    ids=["our error", "a failure"],
)
def test_what_was_raised_on_purpose_wins_over_its_cause(home, instance, purpose, wrapped):
    def read_settings():
        try:
            raise KeyError("vendor detail")
        except KeyError as error:
            raise purpose from error

    @dg.asset
    def thing():
        try:
            read_settings()
        except Exception as error:
            if wrapped:
                raise RuntimeError("outer") from error
            raise

    outcome = run_here(home, instance, job_of(thing), lambda _: None)
    assert outcome.error == f"thing: {getattr(purpose, 'description', None) or purpose}"


def test_a_retry_is_told(home, instance):
    tries = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def thing():
        tries.append(1)
        if len(tries) == 1:
            raise dg.Failure("busy")

    news = []
    assert run_here(home, instance, job_of(thing), news.append).ok
    assert [item.state for item in news if item.state != "started"] == ["retried", "done"]
