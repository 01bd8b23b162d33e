"""`assets.Dataset` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field

from assets.checks.component import CheckedTable
from assets.datasets.build import DatasetSpec, build_dataset, import_dataset
from assets.noun import connectors_of_files, placed
from assets.refresh import MANUAL, ON_CHANGE
from assets.table_asset import ProfiledComponent
from resources.declarations import DeclaresSource
from resources.file_attributes import FileAttributes
from resources.references import require
from resources.sources.spec import SourceSpec, check_upload
from resources.stores.resource import StoreResource


class Dataset(FileAttributes, CheckedTable, ProfiledComponent):
    """A versioned table, imported from a data source or from uploaded files."""

    noun: ClassVar[str] = "dataset"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: orders
datasource: orders_files  # a data source of this project
refresh: on_change        # import whenever the data source changed; or `manual`, or a cron
checks:
  - expect_table_row_count_to_be_between: {min_value: 1}
key: order_id             # tells rows apart; or several: [day, shop]
column_descriptions:
  order_id: Given out by the shop
""",
        """\
name: orders_of_today
datasource: open_orders
refresh: "30 5 * * *"
allow_empty: true
keep_versions: 14
keep_days: 30
profile: on_demand        # `always` when left out
on_schema_change: fail
checks:
  - expect_column_values_to_not_be_null: {column: order_id}
drift:
  against: previous       # or `tag:train-2026-11`, `version:7`, `dataset:orders`
  columns: {amount: {method: psi, threshold: 0.25}}
  ignore: [order_id]
  share: 0.2              # of the columns; no column may drift when left out
  missing_points: 2
  severity: error         # `warn` when left out
description: Open orders as of this morning
owners: ["team:sales", ada@example.com]
tags: {domain: sales}
group: sales
kinds: [parquet, postgres]
""",
        """\
name: survey
upload: true              # `waybill dataset upload FILE --name survey`, or the data section
format: csv
options: {separator: ";", decimal_mark: ","}
rename: {Alter: age}
keep_uploads: 3
""",
        """\
name: budget
upload: true
connectors: [landing]     # import tasks may take its files from there too
member: 2024/*.csv
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"orders_files": "assets.Datasource"}
    asks: ClassVar[Mapping[str, str]] = {"datasource": "datasource", "connectors": "connector"}
    shown_first: ClassVar[tuple[str, ...]] = ("upload", "description")
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_versions"}

    datasource: str = ""
    """Name of a data source. Give this or `upload`."""
    upload: bool = False
    """Whether it is made of the files that were uploaded for it last."""
    keep_uploads: int | None = Field(default=None, ge=0)
    """Uploaded files: how many uploads keep their bytes once they were imported; 1 when left out, so that the newest
    can be imported anew. With 0 they go when they were imported."""
    connectors: list[str] = Field(default_factory=list)
    """Uploaded files: folders, buckets and file servers from which import tasks may take files into it as well."""
    allow_empty: bool = False
    """Whether a source of no rows may replace a dataset that has some."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset, its checks, and when it is refreshed."""
        spec = DatasetSpec(
            name=self.name,
            source=self._source(context),
            allow_empty=self.allow_empty,
            keep_versions=self.keep_versions,
            keep_days=self.keep_days,
            on_schema_change=self.on_schema_change,
            keep_uploads=1 if self.keep_uploads is None else self.keep_uploads,
            connectors=connectors_of_files(self, context, self.connectors),
            column_descriptions=self.column_descriptions,
        )
        asset = self.asset_of(context, spec)
        expectations = self.expectations(context)
        execute = self.profiled(self.execute, asset)
        made = build_dataset(
            spec, asset=asset, expectations=expectations, row_key=self.key, execute=execute
        )
        return self.with_profile(self.with_drift(context, made, asset), asset)

    def upload_spec(self) -> SourceSpec:
        """How its uploads are read; of a dataset with `upload: true`."""
        return SourceSpec(self.name, connector="", upload=True, **self.file_settings())

    def asset_attributes(self) -> dict[str, Any]:
        """What the declaration says of the asset; an uploaded one is made when something was uploaded."""
        given = super().asset_attributes()
        return {**given, "automation_condition": None} if self.upload else given

    def _source(self, context: dg.ComponentLoadContext) -> SourceSpec:
        if self.upload == bool(self.datasource):
            named = "both" if self.upload else "neither"
            raise self.refusal(
                context,
                f"it has to say where its rows come from: it names {named} of `datasource` and `upload`",
                "datasource" if self.datasource else "name",
                hint="Give `datasource: NAME`, or `upload: true`",
            )
        if self.upload:
            return self._upload(context)
        for attribute in (*self.file_settings(), "keep_uploads", "connectors"):
            if getattr(self, attribute) not in ("", {}, None, []):
                raise self.refusal(
                    context,
                    f"{attribute!r} is for uploaded files",
                    attribute,
                    hint="Give it to the data source",
                )
        found = require(
            context, DeclaresSource, self.datasource, noun="datasource", attribute="datasource"
        )
        return found.source_spec()

    def _upload(self, context: dg.ComponentLoadContext) -> SourceSpec:
        if self.refresh not in (ON_CHANGE, MANUAL):
            raise self.refusal(
                context,
                "an uploaded dataset is made when something was uploaded, not by a cron",
                "refresh",
                hint="Leave `refresh:` out",
            )
        spec = self.upload_spec()
        with placed(context, "name"):
            check_upload(spec)
        return spec

    def execute(
        self, context: dg.AssetExecutionContext, spec: DatasetSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Imports the source, or the newest upload."""
        return import_dataset(context, spec, store)
