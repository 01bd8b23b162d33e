"""From a transform's declaration to a materialized asset with column lineage.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from dataclasses import dataclass

import dagster as dg

from assets.boundary import RETRIES, boundary
from assets.materialized import lineage_metadata, table_result
from assets.refresh import Automation
from assets.transforms.run import run_statement
from assets.transforms.statement import Statement
from assets.transforms.time_limit import DEFAULT_SECONDS
from resources.kernel.keys import Key, asset_key
from resources.stores.ui_metadata import markdown_list, shown_seconds


@dataclass(frozen=True)
class TransformSpec:
    """What a transform says."""

    name: str
    statement: Statement
    keep: int = 3
    max_runtime_seconds: int = DEFAULT_SECONDS
    description: str = ""

    @property
    def key(self) -> Key:
        """Asset key of the dataset that it makes."""
        return asset_key("datasets", self.name)


def build_transform(spec: TransformSpec, *, automation: Automation | None = None) -> dg.Definitions:
    """The asset `("datasets", name)` in the group `transforms`."""

    @dg.asset(
        key=dg.AssetKey(spec.key),
        deps=[dg.AssetKey(asset_key("datasets", name)) for name in spec.statement.inputs],
        group_name="transforms",
        kinds={"duckdb", "sql"},
        description=spec.description or f"Made by SQL from {', '.join(spec.statement.inputs)}",
        metadata={
            "origin": "transform",
            "sql": dg.MetadataValue.md(f"```sql\n{spec.statement.sql}\n```"),
        },
        automation_condition=automation,
        required_resource_keys={"store"},
        retry_policy=RETRIES,
        pool=f"dataset/{spec.name}",
        code_version=spec.statement.digest(),
    )
    def _transform(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        started = time.monotonic()
        with boundary():
            store = context.resources.store.tables()
            done = run_statement(
                spec.statement,
                store,
                key=spec.key,
                run_id=context.run.run_id,
                attempt=context.retry_number,
                max_seconds=spec.max_runtime_seconds,
            )
            store.item(spec.key).collect(keep=spec.keep)
            table = store.read(spec.key, done.version.number)
        return table_result(
            table,
            {
                **lineage_metadata(table),
                "inputs": markdown_list(f"{name}, version {n}" for name, n in done.inputs.items()),
                "seconds": shown_seconds(time.monotonic() - started),
            },
        )

    return dg.Definitions(assets=[_transform])
