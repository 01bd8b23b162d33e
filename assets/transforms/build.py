"""From a transform's declaration to a materialized asset with column lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.checks.build import schema_check, schema_results
from assets.checks.schema_change import Policy
from assets.noun import make_asset_spec
from assets.stored_asset import build_stored_asset
from assets.table_asset import finish_table, lineage_metadata, table_result
from assets.transforms.run import run_statement
from assets.transforms.statement import Statement
from assets.transforms.time_limit import DEFAULT_SECONDS
from resources.kernel.keys import Key, asset_key
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import markdown_list, shown_seconds


@dataclass(frozen=True)
class TransformSpec:
    """What a transform says."""

    name: str
    statement: Statement
    keep_versions: int = 3
    keep_days: int = 0
    max_runtime_seconds: int = DEFAULT_SECONDS
    on_schema_change: Policy = "accept"
    column_descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Asset key of the dataset that it makes."""
        return asset_key("datasets", self.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"duckdb", "sql"},
            deps=[dg.AssetKey(asset_key("datasets", name)) for name in self.statement.inputs],
            group_name="transforms",
            description=f"Made by SQL from {', '.join(self.statement.inputs)}",
            metadata={
                "origin": "transform",
                "sql": dg.MetadataValue.md(f"```sql\n{self.statement.sql}\n```"),
            },
            code_version=self.statement.digest(),
        )


def run_transform(
    context: dg.AssetExecutionContext, spec: TransformSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Runs the SQL over the newest versions of its inputs."""
    started = time.monotonic()
    with boundary():
        tables = store.tables()
        done = run_statement(
            spec.statement,
            tables,
            key=spec.key,
            run_id=context.run.run_id,
            attempt=context.retry_number,
            max_seconds=spec.max_runtime_seconds,
            on_schema_change=spec.on_schema_change,
        )
        table = finish_table(context, spec, tables, done.version.number, keep_days=spec.keep_days)
    return table_result(
        table,
        {
            **lineage_metadata(table, spec.column_descriptions),
            "inputs": markdown_list(f"{name}, version {n}" for name, n in done.inputs.items()),
            "seconds": shown_seconds(time.monotonic() - started),
        },
        checks=schema_results(done.version, spec.on_schema_change),
    )


Execute = Callable[
    [dg.AssetExecutionContext, TransformSpec, StoreResource], dg.MaterializeResult[None]
]


def build_transform(
    spec: TransformSpec, *, asset: dg.AssetSpec | None = None, execute: Execute = run_transform
) -> dg.Definitions:
    """The asset `("datasets", name)` in the group `transforms`.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """
    made = asset or spec.asset_spec()
    return build_stored_asset(spec, execute, made, checks=[schema_check(made.key)])
