"""`assets.Datasource` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import dagster as dg
from pydantic import Field

from assets.datasources.build import build_datasource
from assets.refresh import check_cron
from resources.connectors.component import ConnectorComponent
from resources.declarations import DeclaresSource
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import declared, position, require
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


class Datasource(DeclaredComponent, DeclaresSource):
    """Something to import from: files under a path, a table, or a query."""

    name: str
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
    member: str = ""
    """ZIP archives: the member to read, or a glob such as `2013/*.csv`; the only data file when left out."""
    format: str = ""
    """`csv`, `excel`, `json`, `jsonl` or `parquet`; told by the file's name when left out."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the format: encoding, separator, types, ... (docs/formats.md)."""
    settle_seconds: int | None = None
    """Files: how long one must have been left alone before a run that nobody launched by hand takes it; by the kind of
    connector when left out (docs/datasources.md)."""
    observe: str = ""
    """A cron: when to look whether something changed. Left out, observe by hand or by a sensor."""
    description: str = ""

    def source_spec(self) -> SourceSpec:
        """The declaration that datasets read."""
        return SourceSpec(
            name=self.name,
            connector=self.connector,
            path=self.path,
            table=self.table,
            query=self.query,
            member=self.member,
            format=self.format,
            options=self.options,
            parameters=self.parameters,
            timeout_seconds=self.timeout_seconds,
            fingerprint=self.fingerprint,
            settle_seconds=self.settle_seconds,
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One observable source asset and, with `observe`, a schedule that observes it."""
        check_name("datasource", self.name, where=position(context, "name"))
        declared(context, DeclaresSource, noun="datasource")
        connector = require(
            context, ConnectorComponent, self.connector, noun="connector", attribute="connector"
        )
        try:
            check_source(self.source_spec(), holds=connector.holds)
        except ConfigError as error:
            where = position(context, _attribute_of(error))
            raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
        if self.observe:
            check_cron(self.observe, attribute="observe", where=position(context, "observe"))
        return build_datasource(
            self.source_spec(),
            kind=connector.kind,
            observe=self.observe,
            description=self.description,
        )


def _attribute_of(error: ConfigError) -> str:
    """The attribute that an error is about, to point at its line."""
    return str(error.facts.get("attribute", "name"))
