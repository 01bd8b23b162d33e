"""`assets.Dataset` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import dagster as dg
from pydantic import Field

from assets.datasets.build import DatasetSpec, build_dataset, import_dataset
from assets.datasets.expectations import Expectation, parse_expectations
from assets.table_asset import TableComponent
from resources.declarations import DeclaresSource
from resources.kernel.errors import ConfigError
from resources.references import position, require
from resources.stores.resource import StoreResource


class Dataset(TableComponent):
    """A versioned table, imported from a datasource."""

    noun: ClassVar[str] = "dataset"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: orders
datasource: orders_files  # a datasource of this project
refresh: on_change        # import whenever the datasource changed; or `manual`, or a cron
checks:
  - expect_table_row_count_to_be_between: {min_value: 1}
column_descriptions:
  order_id: Given out by the shop
""",
        """\
name: orders_of_today
datasource: open_orders
refresh: "30 5 * * *"
allow_empty: true
keep_versions: 14
checks:
  - expect_column_values_to_not_be_null: {column: order_id}
description: Open orders as of this morning
owners: ["team:sales", ada@example.com]
tags: {domain: sales}
group: sales
kinds: [parquet, postgres]
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"orders_files": "assets.Datasource"}
    asks: ClassVar[Mapping[str, str]] = {"datasource": "datasource"}
    shown_first: ClassVar[tuple[str, ...]] = ("description",)
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_versions"}

    datasource: str
    """Name of a datasource."""
    checks: list[dict[str, Any]] = Field(default_factory=list)
    """Great Expectations by name: `- expect_column_values_to_not_be_null: {column: carrier}`; a class of your own by its path."""
    allow_empty: bool = False
    """Whether a source of no rows may replace a dataset that has some."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset, its checks, and when it is refreshed."""
        source = require(
            context, DeclaresSource, self.datasource, noun="datasource", attribute="datasource"
        )
        spec = DatasetSpec(
            name=self.name,
            source=source.source_spec(),
            allow_empty=self.allow_empty,
            keep_versions=self.keep_versions,
            column_descriptions=self.column_descriptions,
        )
        return build_dataset(
            spec,
            asset=self.asset_of(context, spec),
            expectations=self._expectations(context),
            execute=self.execute,
        )

    def execute(
        self, context: dg.AssetExecutionContext, spec: DatasetSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Imports the source."""
        return import_dataset(context, spec, store)

    def _expectations(self, context: dg.ComponentLoadContext) -> list[Expectation]:
        try:
            return parse_expectations(self.checks)
        except ConfigError as error:
            others = cast("tuple[ConfigError, ...]", error.facts["also"])
            first, *also = [_placed(context, found) for found in (error, *others)]
            first.facts["also"] = tuple(also)
            raise first from error


def _placed(context: dg.ComponentLoadContext, error: ConfigError) -> ConfigError:
    where = position(context, "checks", *cast("tuple[str | int, ...]", error.facts["path"]))
    return ConfigError(f"{where}: {error.message}", hint=error.hint)
