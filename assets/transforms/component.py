"""`assets.SqlTransform` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import dagster as dg

from assets.checks.build import with_checks
from assets.checks.component import CheckedTable
from assets.noun import placed
from assets.table_asset import ProfiledComponent
from assets.transforms.build import TransformSpec, build_transform, run_transform
from assets.transforms.statement import Statement, parse_statement
from assets.transforms.time_limit import DEFAULT_SECONDS
from resources.stores.resource import StoreResource


class SqlTransform(CheckedTable, ProfiledComponent):
    """A dataset made by one SELECT over other datasets, which it names as tables."""

    noun: ClassVar[str] = "transform"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: order_count
sql: |                   # DuckDB's dialect; datasets of this project are tables
  SELECT count(*) AS number_of_orders
  FROM orders
column_descriptions:
  number_of_orders: Open ones, and those that were delivered
""",
        """\
name: revenue_by_country
file: revenue_by_country.sql
refresh: "0 6 * * *"
keep_versions: 30
keep_days: 30
profile: "off"
key: country
on_schema_change: fail
checks:
  - expect_column_values_to_be_between: {column: revenue, min_value: 0, severity: warn}
drift: {against: "tag:plan-2026"}
max_runtime_seconds: 120
description: What customers of each country paid
owners: ["team:finance"]
tags: {domain: finance}
group: finance
kinds: [duckdb]
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"orders": "assets.Dataset"}
    asks: ClassVar[Mapping[str, str]] = {"sql": "sql"}
    shown_first: ClassVar[tuple[str, ...]] = ("refresh", "description")
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_versions"}

    sql: str = ""
    """The SELECT, in DuckDB's dialect."""
    file: str = ""
    """Or a file that holds it, beside the YAML."""
    max_runtime_seconds: int = DEFAULT_SECONDS
    """How long the query may run; beyond it the run fails and the previous version stays."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of every dataset that the SQL names, and its checks."""
        spec = TransformSpec(
            name=self.name,
            statement=self._statement(context),
            keep_versions=self.keep_versions,
            keep_days=self.keep_days,
            max_runtime_seconds=self.max_runtime_seconds,
            on_schema_change=self.on_schema_change,
            column_descriptions=self.column_descriptions,
        )
        asset = self.asset_of(context, spec)
        execute = self.profiled(self.execute, asset)
        made = build_transform(spec, asset=asset, execute=execute)
        checked = with_checks(made, asset.key, self.expectations(context), self.key)
        return self.with_profile(self.with_drift(context, checked, asset), asset)

    def execute(
        self, context: dg.AssetExecutionContext, spec: TransformSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Runs the SQL and keeps its rows."""
        return run_transform(context, spec, store)

    def _statement(self, context: dg.ComponentLoadContext) -> Statement:
        place = "sql" if self.sql else "name"
        if bool(self.sql) == bool(self.file):
            raise self.refusal(context, "give exactly one of `sql` and `file`", place)
        if self.max_runtime_seconds < 1:
            raise self.refusal(
                context,
                f"`max_runtime_seconds` is {self.max_runtime_seconds}",
                "max_runtime_seconds",
                hint=f"Give a whole number of seconds from 1 on, or leave it out for {DEFAULT_SECONDS}",
            )
        sql = self.sql or self._read_file(context)
        with placed(context, place):
            statement = parse_statement(sql, name=self.name)
        if self.name in statement.inputs:
            raise self.refusal(
                context,
                "it reads itself",
                place,
                hint="Give the result another name than its input",
            )
        return statement

    def _read_file(self, context: dg.ComponentLoadContext) -> str:
        folder = context.path if context.path.is_dir() else context.path.parent
        path = (folder / self.file).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise self.refusal(
                context,
                f"no file {self.file!r} beside the YAML",
                "file",
                hint="Give a path below the folder of this defs.yaml",
            )
        try:
            return read_sql(path)
        except UnicodeDecodeError as error:
            raise self.refusal(
                context, f"{self.file} is not UTF-8", "file", hint="Save it as UTF-8"
            ) from error


def read_sql(path: Path) -> str:
    """A file's text, without the mark that editors on Windows put before it."""
    return path.read_text(encoding="utf-8-sig")
