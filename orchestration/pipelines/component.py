"""`orchestration.Pipeline` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import dagster as dg
from pydantic import Field

from assets.refresh import check_cron
from orchestration.pipelines.build import (
    NewObjectsSpec,
    PipelineSpec,
    ScheduleSpec,
    build_pipeline,
)
from resources.connectors.component import ConnectorComponent
from resources.declared import Declared, DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.references import position, require
from resources.sources.objects import check_path

# YAML makes a date of 2026-01-01 unless it is quoted: both are taken.
Day = Annotated[Any, dg.Resolver(lambda _context, value: value, model_field_type=Any)]


class Schedule(Declared):
    """When a pipeline runs by the clock."""

    cron: str
    """When it runs: five fields, `0 3 * * *` is each day at three."""
    timezone: str = "UTC"
    """Time zone of the cron and of the days, such as `Europe/Paris`."""
    start: Day = None
    """First day, `YYYY-MM-DD`."""
    end: Day = None
    """Last day, `YYYY-MM-DD`."""

    def spec(self, context: dg.ComponentLoadContext) -> ScheduleSpec:
        """The same as a record.

        Raises:
            ConfigError: a cron, a time zone or a day that is none; with file and line of the attribute `schedule`.
        """
        where = position(context, "schedule")
        check_cron(self.cron, attribute="schedule.cron", where=where)
        return ScheduleSpec.parse(
            cron=self.cron, timezone=self.timezone, start=self.start, end=self.end, where=where
        )


class NewObjects(Declared):
    """Which bucket and path to watch."""

    connector: str
    """Name of a connector of files."""
    path: str
    """A file, a glob or a folder, as a data source's; in a folder every file counts that is not hidden."""
    one_run_per: Literal["tick", "object"] = "tick"
    """`tick`: one run for all that is new; `object`: one run each."""
    include_existing: bool = True
    """Whether what is there at the first look counts as new."""
    settle_seconds: int | None = None
    """How long an object must be unchanged before it counts; left out: 10 on folders, FTP and SFTP, which show
    files that are still being written, 0 on buckets."""
    every_seconds: int = 30
    """How often to look."""


class Pipeline(DeclaredComponent):
    """A job over exporters or datasets and everything upstream of them."""

    noun: ClassVar[str] = "pipeline"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: nightly_orders
export: [orders_to_warehouse]   # exporters of this project, with everything that they need
schedule: {cron: "0 3 * * *", timezone: UTC}
""",
        """\
name: orders_on_arrival
assets: [datasets/orders, embeddings/order_map]
on_new_objects: {connector: landing, path: "orders/*.csv", settle_seconds: 30}
description: Takes orders in as they arrive
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"orders_to_warehouse": "assets.Exporter"}
    asks: ClassVar[Mapping[str, str]] = {
        "export": "exporter",
        "assets": "asset",
        "schedule.cron": "cron",
        "on_new_objects.connector": "connector",
        "description": "lines",
    }
    shown_first: ClassVar[tuple[str, ...]] = ("assets", "on_new_objects", "description")

    export: list[str] = Field(default_factory=list)
    """Names of exporters."""
    assets: list[str] = Field(default_factory=list)
    """Other assets by key, `datasets/flights`."""
    schedule: Schedule | None = None
    """When it runs by the clock."""
    on_new_objects: NewObjects | None = None
    """Which new files start it."""
    description: str = ""
    """What it is for; the UI shows it."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One job, with a schedule and a sensor when asked for."""
        self.check_declared(context)
        where = position(context, "name")
        if not self.export and not self.assets:
            raise ConfigError(
                f"{where}: pipeline {self.name!r} makes nothing",
                hint="Give `export:` (names of exporters) or `assets:` (keys such as datasets/flights)",
            )
        return build_pipeline(
            PipelineSpec(
                name=self.name,
                exporters=tuple(self.export),
                assets=tuple(self.assets),
                description=self.description,
                where=where,
            ),
            schedule=None if self.schedule is None else self.schedule.spec(context),
            new_objects=self._new_objects(context),
        )

    def _new_objects(self, context: dg.ComponentLoadContext) -> NewObjectsSpec | None:
        given = self.on_new_objects
        if given is None:
            return None
        connector = require(
            context,
            ConnectorComponent,
            given.connector,
            noun="connector",
            attribute="on_new_objects",
        )
        where = position(context, "on_new_objects")
        if connector.holds != "files":
            raise ConfigError(
                f"{where}: pipeline {self.name!r}: connector {given.connector!r} holds tables, not objects",
                hint="Name a folder or a bucket",
            )
        try:
            check_path(given.path)
        except ConfigError as error:
            raise ConfigError(
                f"{where}: on_new_objects: {error.message}", hint=error.hint
            ) from error
        if (given.settle_seconds or 0) < 0 or given.every_seconds < 1:
            raise ConfigError(
                f"{where}: on_new_objects: settle_seconds has to be 0 or more, every_seconds 1 or more"
            )
        return NewObjectsSpec(
            connector=given.connector,
            path=given.path,
            one_run_per=given.one_run_per,
            include_existing=given.include_existing,
            settle_seconds=given.settle_seconds,
            every_seconds=given.every_seconds,
        )
