"""Assets put together from parts are those that Dagster's decorators make, and run like them.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import json
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import JobDataSnap, RepositorySnap
from dagster_shared.serdes import serialize_value

from assets.boundary import RETRIES
from assets.single_op import OpParts, build_materialized, build_observed, config_of

FORCE = {"force": dg.Field(bool, default_value=False, description="Again")}
KEY, FIRST, SECOND = (
    dg.AssetKey(["datasets", "orders"]),
    dg.AssetKey(["datasources", "orders"]),
    dg.AssetKey(["elsewhere", "a-b.c"]),
)
SAID: dict[str, Any] = {
    "group_name": "datasets",
    "kinds": {"parquet"},
    "description": "Orders",
    "metadata": {"origin": "datasource"},
    "automation_condition": dg.AutomationCondition.eager(),
    "code_version": "7",
}


def _make(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    forced = context.op_execution_context.op_config["force"]
    return dg.MaterializeResult(
        metadata={"forced": forced, "store": str(context.resources.store)},
        data_version=dg.DataVersion("3"),
    )


def _look(context: dg.AssetExecutionContext) -> dg.ObserveResult:
    return dg.ObserveResult(data_version=dg.DataVersion(str(context.resources.store)))


def materialized(compute=_make) -> tuple[dg.AssetsDefinition, dg.AssetsDefinition]:
    """Ours and the decorator's."""
    parts = OpParts(
        frozenset({"store"}), config=config_of(FORCE), retries=RETRIES, pool="dataset/orders"
    )
    spec = dg.AssetSpec(KEY, deps=[FIRST, SECOND], **SAID)
    decorated = dg.asset(
        key=KEY,
        deps=[FIRST, SECOND],
        required_resource_keys={"store"},
        config_schema=FORCE,
        retry_policy=RETRIES,
        pool="dataset/orders",
        **SAID,
    )(compute)
    return build_materialized(spec, compute, parts), decorated


def observed() -> tuple[dg.AssetsDefinition, dg.AssetsDefinition]:
    """Ours and the decorator's."""
    spec = dg.AssetSpec(FIRST, group_name="datasources", description="d", metadata={"a": 1})
    ours = build_observed(spec, _look, OpParts(frozenset({"store"})))
    decorated = dg.multi_observable_source_asset(
        name=FIRST.to_python_identifier(), specs=[spec], required_resource_keys={"store"}
    )(_look)
    return ours, decorated


def definitions(asset: dg.AssetsDefinition) -> dg.Definitions:
    """With the resource that it needs."""
    return dg.Definitions(
        assets=[asset], resources={"store": dg.ResourceDefinition.hardcoded_resource("here")}
    )


def shown(asset: dg.AssetsDefinition) -> list[Any]:
    """What the web UI and the daemon are told of it."""
    repository = definitions(asset).get_repository_def()
    jobs = [
        JobDataSnap.from_job_def(j, include_parent_snapshot=True) for j in repository.get_all_jobs()
    ]
    return [
        json.loads(serialize_value(snap)) for snap in (RepositorySnap.from_def(repository), *jobs)
    ]


def told_at_a_run(asset: dg.AssetsDefinition) -> list[object]:
    """What only a run asks for."""
    op = asset.op
    inputs = [(i.name, i.dagster_type.key, i.input_manager_key) for i in op.input_defs]
    outputs = [
        (o.name, o.dagster_type.key, o.io_manager_key, o.is_required, o.metadata, o.code_version)
        for o in op.output_defs
    ]
    said = [op.name, op.description, op.tags, op.pool, op.retry_policy, op.required_resource_keys]
    keys = [asset.keys_by_input_name, asset.keys_by_output_name, asset.execution_type]
    return [*said, *keys, *asset.specs, *inputs, *outputs, asset.required_resource_keys]


@pytest.mark.parametrize("both", [materialized(), observed()], ids=["materialized", "observed"])
def test_it_is_what_the_decorator_makes(both):
    ours, decorated = both
    assert told_at_a_run(ours) == told_at_a_run(decorated)
    assert shown(ours) == shown(decorated)


def test_it_runs_with_its_config_and_tells_what_its_function_returned():
    for asset in materialized():
        config = {"ops": {"datasets__orders": {"config": {"force": True}}}}
        result = (
            definitions(asset)
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(run_config=config)
        )
        (event,) = result.asset_materializations_for_node("datasets__orders")
        assert event.metadata["forced"].value is True
        assert event.metadata["store"].text == "here"
        assert event.tags["dagster/data_version"] == "3"


def test_it_observes_with_a_data_version():
    for asset in observed():
        result = definitions(asset).resolve_implicit_global_asset_job_def().execute_in_process()
        (event,) = result.asset_observations_for_node("datasources__orders")
        assert event.tags["dagster/data_version"] == "here"


def test_a_failure_reaches_the_event_log_with_its_metadata_and_is_not_tried_again():
    def _fail(_context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        raise dg.Failure("no disk", metadata={"free": 0}, allow_retries=False)

    parts = OpParts(frozenset(), retries=RETRIES)
    asset = build_materialized(dg.AssetSpec(KEY), _fail, parts)
    result = dg.materialize([asset], raise_on_error=False)
    (event,) = result.get_step_failure_events()
    failure = event.step_failure_data.user_failure_data
    assert failure.description == "no disk"
    assert failure.metadata["free"].value == 0
    assert not [e for e in result.all_events if e.is_step_up_for_retry]
