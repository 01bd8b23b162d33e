"""The job that makes an earlier version of a dataset its newest one again: nothing is read, and no byte copied.

It logs a materialization of the dataset, so its page in Dagster shows the run, the version and from which one it was restored, and
what is made from it sees a new data version. It belongs to no dataset: also one that is made by users' own Python can be restored.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from typing import Any

import dagster as dg
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent

from assets.boundary import boundary
from assets.logical_run import logical_run
from resources.kernel.keys import Key
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import table_metadata

JOB = "restore_dataset_version"
OP = "restore_version"


@dg.op(
    name=OP,
    description="Publishes what an earlier version of a dataset holds as its newest version",
    out=dg.Out(dg.Nothing),
    # Plain types: nothing is taken from the environment of the server.
    config_schema={
        "dataset": dg.Field([str], description="The dataset's asset key, part by part"),
        "version": dg.Field(int, description="Number of the earlier version"),
        "by": dg.Field(str, default_value="", description="Who asked"),
    },
)
def restore_version_op(context: dg.OpExecutionContext, store: StoreResource) -> None:
    """Restores one version."""
    config = context.op_config
    key, number, by = tuple(config["dataset"]), config["version"], config["by"]
    with boundary():
        tables = store.tables()
        run_id, _ = logical_run(context)
        made = tables.item(key).restore(number, run_id=run_id, by=by)
        table = tables.read(key, made.number)
    _tell_planned(context, dg.AssetKey(key))
    context.log_event(
        dg.AssetMaterialization(
            asset_key=dg.AssetKey(key),
            description=f"Restored from version {number}",
            metadata={
                "restored from version": dg.MetadataValue.int(number),
                "restored by": by or "a user of Dagster's web UI",
                **table_metadata(table),
            },
            tags={"dagster/data_version": str(made.number)},
        )
    )


def restore_config(key: Key, version: int, *, by: str) -> dict[str, Any]:
    """The run's config."""
    given = {"dataset": list(key), "version": version, "by": by}
    return {"ops": {OP: {"config": given}}}


def _tell_planned(context: dg.OpExecutionContext, key: dg.AssetKey) -> None:
    """Lists the run among those of the dataset, once it has made a version: a restoring that fails is no failure of the dataset."""
    event = DagsterEvent.build_asset_materialization_planned_event(
        context.job_name, OP, AssetMaterializationPlannedData(key)
    )
    context.instance.report_dagster_event(event, run_id=context.run_id)


@dg.job(name=JOB, description="Makes an earlier version of a dataset its newest one again")
def restore_dataset_version() -> None:
    """Restores one version."""
    restore_version_op()
