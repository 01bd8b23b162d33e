"""`assets.Datasource` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import dagster as dg
from pydantic import Field

from assets.datasources.build import DatasourceSpec, build_datasource, observe_source
from assets.noun import NounComponent, placed
from assets.refresh import check_cron
from resources.connectors.component import ConnectorComponent
from resources.declarations import DeclaresSource
from resources.file_attributes import FileAttributes
from resources.references import position, require
from resources.sources.fingerprint_rules import FingerprintRule
from resources.sources.query_parameters import parse_parameters
from resources.sources.spec import SourceSpec, check_source

# Parsed while the YAML is resolved: a mistake is then shown with its line.
Parameters = Annotated[
    Mapping[str, Any],
    dg.Resolver(
        lambda context, value: parse_parameters(context.resolve_value(value, as_type=dict)),
        model_field_type=dict[str, Any],
    ),
]
Rule = Annotated[
    FingerprintRule,
    dg.Resolver(
        lambda context, value: FingerprintRule.parse(context.resolve_value(value)),
        model_field_type=str | dict[str, Any],
    ),
]


class Datasource(FileAttributes, NounComponent, DeclaresSource):
    """Something to import from: files under a path, a table, or a query."""

    examples: ClassVar[tuple[str, ...]] = (
        """\
name: orders_files
connector: landing       # a connector of this project
path: orders/*.csv       # below the connector's root; a glob takes every file that matches
observe: "*/15 * * * *"  # look every quarter of an hour whether something changed
""",
        """\
name: open_orders
connector: warehouse
query: SELECT * FROM sales.orders WHERE state = :state
parameters: {state: open}
timeout_seconds: 600
fingerprint: {max: updated_at}
observe: "0 * * * *"
description: Orders that are not delivered yet
owners: ["team:sales"]
tags: {domain: sales}
group: sales
kinds: [postgres]
""",
        """\
name: prices
connector: landing
path: prices/prices-*.zip
member: prices.csv
format: csv
options: {encoding: cp1252, separator: ";", decimal_mark: ","}
rename: {Preis: price}
settle_seconds: 60
fingerprint: hash
""",
        """\
name: customers
connector: warehouse
table: sales.customers
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"landing": "resources.FolderConnector"}
    asks: ClassVar[Mapping[str, str]] = {
        "connector": "connector",
        "query": "sql",
        "observe": "cron",
    }
    shown_first: ClassVar[tuple[str, ...]] = ("table", "query", "options", "description")

    connector: str
    """Name of a connector."""
    path: str = ""
    """File connectors: a path from the connector's root, or a glob."""
    table: str = ""
    """SQL connectors: `table` or `schema.table`."""
    query: str = ""
    """SQL connectors: one read-only statement; `:name` stands for a parameter."""
    parameters: Parameters = Field(default_factory=dict)
    """Values of the query's parameters: a text, number, date or boolean each, or `{env: NAME}`."""
    timeout_seconds: int | None = None
    """Longest run of the query; the connector's own limit when left out."""
    fingerprint: Rule = FingerprintRule()
    """How to tell that it changed: `auto`, `hash`, `rows`, or `{max: COLUMN}` (docs/datasources.md)."""
    settle_seconds: int | None = None
    """Files: how long one must be unchanged before a run that was not launched by hand takes it; by the kind of
    connector when left out (docs/datasources.md)."""
    observe: str = ""
    """A cron: when to look whether something changed. Left out, observe by hand or by a sensor."""

    def source_spec(self) -> SourceSpec:
        """The declaration that datasets read."""
        return SourceSpec(
            name=self.name,
            connector=self.connector,
            path=self.path,
            table=self.table,
            query=self.query,
            **self.file_settings(),
            parameters=self.parameters,
            timeout_seconds=self.timeout_seconds,
            fingerprint=self.fingerprint,
            settle_seconds=self.settle_seconds,
        )

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One observable source asset and, with `observe`, a schedule that observes it."""
        connector = require(
            context, ConnectorComponent, self.connector, noun="connector", attribute="connector"
        )
        source = self.source_spec()
        with placed(context, "name"):
            check_source(source, holds=connector.holds)
        if self.observe:
            check_cron(self.observe, attribute="observe", where=position(context, "observe"))
        spec = DatasourceSpec(source, kind=connector.kind)
        return build_datasource(
            spec,
            asset=self.asset_of(context, spec),
            observe=self.observe,
            execute=self.execute,
        )

    def execute(self, context: dg.AssetExecutionContext, spec: DatasourceSpec) -> dg.ObserveResult:
        """Looks whether the source changed."""
        return observe_source(context, spec)
