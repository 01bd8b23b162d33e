"""`assets.Exporter` in YAML."""

from __future__ import annotations

from typing import Literal

import dagster as dg

from assets.exporters.build import ExporterSpec, build_exporter
from assets.refresh import MANUAL, automation_for
from resources.connectors.component import ConnectorComponent
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import asset_key, check_name
from resources.kernel.records import TableName, WriteMode
from resources.references import declared, position, require


class Exporter(DeclaredComponent):
    """Delivers a dataset into a table of a database."""

    name: str
    dataset: str = ""
    """Name of a dataset: an import, a transform's result, or a prediction."""
    embedding: str = ""
    """Or the name of an embedding: its vectors go out as arrays, or as JSON where a database has none."""
    connector: str
    """Name of an SQL connector."""
    table: str
    """`table` or `schema.table`; in timestamp mode the base of each table's name."""
    mode: WriteMode = "overwrite"
    """`overwrite` replaces the rows; `timestamp` writes a new table; `append` adds; `safe` refuses an existing table."""
    allow_empty: bool = False
    """Whether a dataset of no rows may be delivered (E11)."""
    on_schema_change: Literal["fail", "recreate"] = "fail"
    """What to do when columns were removed or retyped."""
    keep: int | None = None
    """Timestamp mode: how many tables of this exporter to keep; all when left out."""
    truncate_above: int | None = None
    """PostgreSQL, overwrite: more old rows than this are truncated instead of deleted; never when left out."""
    refresh: str = MANUAL
    """`manual` (by hand or by a pipeline), `on_change`, or a cron."""
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One graph asset whose last op is the sink."""
        check_name("exporter", self.name, where=position(context, "name"))
        declared(context, Exporter, noun="exporter")
        connector = require(
            context, ConnectorComponent, self.connector, noun="connector", attribute="connector"
        )
        self._check_target(context, connector)
        self._check_options(context, connector)
        spec = ExporterSpec(
            name=self.name,
            source=asset_key("embeddings", self.embedding)
            if self.embedding
            else asset_key("datasets", self.dataset),
            connector=self.connector,
            table=TableName.parse(self.table),
            mode=self.mode,
            allow_empty=self.allow_empty,
            on_schema_change=self.on_schema_change,
            keep=self.keep,
            truncate_above=self.truncate_above,
            description=self.description,
        )
        return build_exporter(
            spec,
            kind=connector.kind,
            automation=automation_for(self.refresh, where=position(context, "refresh")),
        )

    def _check_target(
        self, context: dg.ComponentLoadContext, connector: ConnectorComponent
    ) -> None:
        """Refuses a connector that does not take the rows, in this way or at all."""
        where = position(context, "connector")
        if connector.holds != "tables":
            raise ConfigError(
                f"{where}: exporter {self.name!r}: connector {self.connector!r} holds files, not tables",
                hint="Name an SQL connector",
            )
        if reason := connector.refusal(self.mode):
            raise ConfigError(
                f"{where}: exporter {self.name!r}: connector {self.connector!r}: {reason}",
                hint="Choose another mode, or another connector",
            )
        if reason := connector.refused_table(TableName.parse(self.table).name):
            raise ConfigError(f"{position(context, 'table')}: exporter {self.name!r}: {reason}")

    def _check_options(
        self, context: dg.ComponentLoadContext, connector: ConnectorComponent
    ) -> None:
        """Refuses attributes that mean nothing together."""
        if self.keep is not None and (self.mode != "timestamp" or self.keep < 1):
            raise ConfigError(
                f"{position(context, 'keep')}: exporter {self.name!r}: `keep` counts the tables of mode"
                " timestamp and is at least 1",
                hint="Leave it out, or set `mode: timestamp`",
            )
        if self.truncate_above is not None and (
            self.mode != "overwrite" or self.truncate_above < 0 or not connector.can_truncate
        ):
            raise ConfigError(
                f"{position(context, 'truncate_above')}: exporter {self.name!r}: `truncate_above` is a number of old"
                " rows, 0 or more, for mode overwrite on PostgreSQL",
                hint="Leave it out: old rows are deleted then",
            )
        if bool(self.dataset) == bool(self.embedding):
            raise ConfigError(
                f"{position(context, 'name')}: exporter {self.name!r} needs exactly one of"
                " `dataset` and `embedding`"
            )
