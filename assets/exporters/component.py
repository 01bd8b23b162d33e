"""`assets.Exporter` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import dagster as dg

from assets.exporters.build import build_exporter, deliver_version
from assets.exporters.spec import ExporterSpec
from assets.exporters.targets import TARGETS
from assets.noun import RefreshedNoun
from assets.refresh import MANUAL
from resources.connectors.component import ConnectorComponent
from resources.declarations import KeepsFiles
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import TableName, WriteMode
from resources.references import declared_in, require
from resources.stores.resource import StoreResource


class Exporter(RefreshedNoun):
    """Delivers a dataset into a table of a database."""

    noun: ClassVar[str] = "exporter"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: orders_to_warehouse
dataset: orders          # a dataset of this project
connector: warehouse     # an SQL connector of this project
table: orders
mode: overwrite          # or `timestamp`, `append`, `safe`
""",
        """\
name: order_map_history
embedding: order_map
connector: warehouse
table: analytics.order_map
mode: timestamp
keep_tables: 7
refresh: on_change
description: The map of orders, a table a day
owners: ["team:science"]
tags: {domain: sales}
group: maps
kinds: [postgres]
""",
        """\
name: orders_to_shop
dataset: orders
connector: shop
table: public.orders
allow_empty: true
on_schema_change: recreate
truncate_above: 100000
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {
        "orders": "assets.Dataset",
        "warehouse": "resources.SqlConnector",
    }
    asks: ClassVar[Mapping[str, str]] = {
        "dataset": "dataset",
        "embedding": "embedding",
        "connector": "connector",
    }
    shown_first: ClassVar[tuple[str, ...]] = ("embedding", "refresh", "description")
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_tables"}

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
    """Whether a dataset of no rows may be delivered."""
    on_schema_change: Literal["fail", "recreate"] = "fail"
    """What to do when columns were removed or retyped."""
    keep_tables: int | None = None
    """Timestamp mode: how many tables of this exporter to keep; all when left out."""
    truncate_above: int | None = None
    """PostgreSQL, overwrite: more old rows than this are truncated instead of deleted; never when left out."""
    refresh: str = MANUAL
    """When it delivers: `manual` (by hand or by a pipeline), `on_change` (when what it delivers has changed), or a cron."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One graph asset whose last op is the sink."""
        spec = self.spec(context)
        return build_exporter(spec, asset=self.asset_of(context, spec), execute=self.execute)

    def spec(self, context: dg.ComponentLoadContext) -> ExporterSpec:
        """What it says, checked against its connector.

        Raises:
            ConfigError: what does not go together, with file and line.
        """
        connector = require(
            context, ConnectorComponent, self.connector, noun="connector", attribute="connector"
        )
        self._check_source(context)
        self._check_target(context, connector)
        self._check_options(context, connector)
        return self.spec_on(connector)

    @property
    def source_key(self) -> Key:
        """Asset key of what it delivers."""
        if self.embedding:
            return asset_key("embeddings", self.embedding)
        return asset_key("datasets", self.dataset)

    def spec_on(self, connector: ConnectorComponent) -> ExporterSpec:
        """What it says of a delivery by its connector."""
        return ExporterSpec(
            name=self.name,
            source=self.source_key,
            connector=self.connector,
            kind=connector.kind,
            target=connector.holds,
            table=TableName.parse(self.table),
            mode=self.mode,
            allow_empty=self.allow_empty,
            on_schema_change=self.on_schema_change,
            keep_tables=self.keep_tables,
            truncate_above=self.truncate_above,
        )

    def execute(
        self,
        context: dg.OpExecutionContext,
        spec: ExporterSpec,
        store: StoreResource,
        version: int,
    ) -> dg.Output[None]:
        """Delivers a version of the dataset."""
        return deliver_version(context, spec, store, version)

    def _check_source(self, context: dg.ComponentLoadContext) -> None:
        """Refuses what is no rows alone (D3)."""
        if self.dataset in declared_in(context.component_tree, KeepsFiles, noun=KeepsFiles.noun):
            raise self.refusal(
                context,
                f"{self.dataset!r} is an image folder, which cannot be exported",
                "dataset",
                hint="Download it as a ZIP; a transform's table made from its own can be exported",
            )

    def _check_target(
        self, context: dg.ComponentLoadContext, connector: ConnectorComponent
    ) -> None:
        """Refuses a connector that does not take the rows, in this way or at all."""
        if connector.holds not in TARGETS:
            raise self.refusal(
                context,
                f"connector {self.connector!r} holds files, not tables",
                "connector",
                hint="Name an SQL connector",
            )
        if reason := connector.refusal(self.mode):
            raise self.refusal(
                context,
                f"connector {self.connector!r}: {reason}",
                "connector",
                hint="Choose another mode, or another connector",
            )
        if reason := connector.refused_table(TableName.parse(self.table).name):
            raise self.refusal(context, reason, "table")

    def _check_options(
        self, context: dg.ComponentLoadContext, connector: ConnectorComponent
    ) -> None:
        """Refuses attributes that mean nothing together."""
        if self.keep_tables is not None and (self.mode != "timestamp" or self.keep_tables < 1):
            raise self.refusal(
                context,
                "`keep_tables` counts the tables of mode timestamp and is at least 1",
                "keep_tables",
                hint="Leave it out, or set `mode: timestamp`",
            )
        if self.truncate_above is not None and (
            self.mode != "overwrite" or self.truncate_above < 0 or not connector.can_truncate
        ):
            raise self.refusal(
                context,
                "`truncate_above` is a number of old rows, 0 or more, for mode overwrite on PostgreSQL",
                "truncate_above",
                hint="Leave it out: old rows are deleted then",
            )
        if bool(self.dataset) == bool(self.embedding):
            raise self.refusal(context, "give exactly one of `dataset` and `embedding`", "name")
