"""`assets.Datasource` in YAML."""

from __future__ import annotations

from typing import Any

import dagster as dg
from pydantic import Field

from assets.datasources.build import build_datasource
from assets.refresh import check_cron
from resources.connectors.component import ConnectorComponent
from resources.declarations import DeclaresSource
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import declared, position, require
from resources.sources import SourceSpec, check_format


class Datasource(dg.Component, dg.Model, dg.Resolvable, DeclaresSource):
    """Something to import from: files under a path, a table, or a query."""

    name: str
    connector: str
    """Name of a connector."""
    path: str = ""
    """File connectors: a path from the connector's root, or a glob."""
    table: str = ""
    """SQL connectors: `table` or `schema.table`."""
    query: str = ""
    """SQL connectors: one read-only statement."""
    member: str = ""
    """ZIP archives: the member to read, or a glob such as `2013/*.csv`; the only data file when left out."""
    format: str = ""
    """`csv`, `excel`, `json`, `jsonl` or `parquet`; told by the file's name when left out."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the format: encoding, separator, types, ... (docs/formats.md)."""
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
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One observable source asset and, with `observe`, a schedule that observes it."""
        check_name("datasource", self.name, where=position(context, "name"))
        declared(context, DeclaresSource, noun="datasource")
        connector = require(
            context, ConnectorComponent, self.connector, noun="connector", attribute="connector"
        )
        self._check_target(connector, position(context, "name"))
        if self.observe:
            check_cron(self.observe, attribute="observe", where=position(context, "observe"))
        return build_datasource(
            self.source_spec(),
            kind=connector.kind,
            observe=self.observe,
            description=self.description,
        )

    def _check_target(self, connector: ConnectorComponent, where: str) -> None:
        given = [field for field in ("path", "table", "query") if getattr(self, field)]
        wanted = ["path"] if connector.holds == "files" else ["table", "query"]
        if len(given) != 1 or given[0] not in wanted:
            raise ConfigError(
                f"{where}: datasource {self.name!r} gives {' and '.join(given) or 'no target'};"
                f" connector {self.connector!r} holds {connector.holds}",
                hint=f"Give exactly one of: {', '.join(wanted)}",
            )
        if connector.holds == "tables" and (self.format or self.options or self.member):
            raise ConfigError(
                f"{where}: datasource {self.name!r}: `format`, `member` and `options` are for files",
                hint="Tables and queries bring their own types",
            )
        if connector.holds == "files":
            try:
                check_format(self.source_spec())
            except ConfigError as error:
                raise ConfigError(
                    f"{where}: datasource {self.name!r}: {error.message}", hint=error.hint
                ) from error
