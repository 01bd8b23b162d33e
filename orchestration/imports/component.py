"""`orchestration.RecurringImport` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field

from assets.classifications.component import ClassificationSet
from assets.collections.component import Collection
from assets.datasets.component import Dataset
from assets.image_folders.component import ImageFolder
from orchestration.imports.collection import check_texts
from orchestration.imports.recurring import (
    KEEP_TASKS,
    InboxSpec,
    RecurringSpec,
    build_recurring,
)
from orchestration.pipelines.build import ScheduleSpec
from orchestration.pipelines.component import Schedule
from resources.declared import Declared, DeclaredComponent
from resources.import_tasks.definition import (
    TargetKind,
    TaskDefinition,
    TaskOptions,
    parse_definition,
)
from resources.kernel.errors import ConfigError, InputError
from resources.references import position, require
from resources.sources.objects import check_path

TARGET_TYPES: Mapping[TargetKind, type[Collection | Dataset | ImageFolder | ClassificationSet]] = {
    "collection": Collection,
    "dataset": Dataset,
    "image_folder": ImageFolder,
    "classification_set": ClassificationSet,
}
"""What declares the targets of each kind."""


class Into(Declared):
    """Where its items go."""

    kind: TargetKind = "collection"
    """What it is."""
    name: str
    """Its name."""
    folder: str = ""
    """Of a collection: the folder of its items; that of the collection when left out."""


class Pages(Declared):
    """Pages of the public web."""

    addresses: list[str] = Field(default_factory=list)
    """`https://` addresses."""
    sitemap: str = ""
    """Or the address of a sitemap, whose pages are taken."""
    crawl: dict[str, Any] = Field(default_factory=dict)
    """How links are followed: `depth`, `same_site`, `include`, `exclude`, `pages`, `delay`; none is when left out."""


class Objects(Declared):
    """Objects of a folder, a bucket or a file server."""

    connector: str
    """Name of a connector that the target declares."""
    path: str
    """A key or a glob: `reports/**/*.pdf`."""


class Inbox(Objects):
    """A place whose new files become tasks by themselves."""

    include_existing: bool = True
    """Whether what is there at the first look is taken too."""
    settle_seconds: int | None = Field(default=None, ge=0)
    """How long a file must be unchanged before it is taken; left out: 10 on folders, FTP and SFTP, which show files that are
    still being written, 0 on buckets."""
    every_seconds: int = Field(default=30, ge=1)
    """How often to look."""

    def spec(self) -> InboxSpec:
        """The same as a record."""
        return InboxSpec(self.include_existing, self.settle_seconds, self.every_seconds)


class RecurringImport(DeclaredComponent):
    """Import tasks that make themselves: at certain times, or when files arrive."""

    noun: ClassVar[str] = "recurring import"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: articles_every_night
target: {kind: collection, name: articles, folder: news}
web: {addresses: ["https://example.org/news"], crawl: {depth: 1, pages: 200}}
schedule: {cron: "0 3 * * *", timezone: UTC}
""",
        """\
name: sales_inbox
target: {kind: dataset, name: sales}
inbox: {connector: landing, path: "incoming/*.csv", every_seconds: 60}
options: {ignore_errors: true}
keep_tasks: 200
description: Takes what the shops send
""",
        """\
name: scans_every_hour
target: {kind: collection, name: scans}
objects: {connector: archive, path: "scans/**/*.pdf"}
schedule: {cron: "0 * * * *"}
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"articles": "assets.Collection"}
    asks: ClassVar[Mapping[str, str]] = {
        "schedule.cron": "cron",
        "objects.connector": "connector",
        "inbox.connector": "connector",
        "description": "lines",
    }
    shown_first: ClassVar[tuple[str, ...]] = ("objects", "inbox", "description")

    target: Into
    """Where the items go: something that is declared."""
    web: Pages | None = None
    """Pages that are looked at at each time of `schedule`; unchanged ones are not fetched again."""
    objects: Objects | None = None
    """Or objects that are looked at then."""
    inbox: Inbox | None = None
    """Or a place: a task is made whenever new files are there."""
    schedule: Schedule | None = None
    """When tasks are made by the clock."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What is made of the items, as for any import task (docs/imports.md)."""
    keep_tasks: int = Field(default=KEEP_TASKS, ge=1, le=100_000)
    """How many of its tasks that have ended stay, the newest; older ones are removed when it makes the next. What they brought
    in stays."""
    description: str = ""
    """What it is for; the UI shows it."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One job, with a schedule or a sensor."""
        self.check_declared(context)
        self._check_source(context)
        self._check_target(context)
        spec = RecurringSpec(
            self.name,
            self._task(context),
            self.description,
            position(context, "name"),
            self.keep_tasks,
        )
        inbox = None if self.inbox is None else self.inbox.spec()
        return build_recurring(spec, schedule=self._times(context), inbox=inbox)

    def _refusal(
        self, context: dg.ComponentLoadContext, text: str, attribute: str, hint: str = ""
    ) -> ConfigError:
        where = position(context, attribute)
        return ConfigError(f"{where}: recurring import {self.name!r}: {text}", hint=hint)

    def _check_source(self, context: dg.ComponentLoadContext) -> None:
        given = [one for one in ("web", "objects", "inbox") if getattr(self, one) is not None]
        if len(given) != 1:
            raise self._refusal(
                context,
                f"it names {' and '.join(given) or 'nothing'} to import",
                given[-1] if given else "name",
                hint="Give one of `web:`, `objects:` and `inbox:`",
            )
        if (self.inbox is None) == (self.schedule is None):
            what = "an inbox is looked into all the time" if self.inbox else "it has no times"
            raise self._refusal(
                context,
                what,
                "schedule" if self.schedule else "name",
                hint="Give `schedule:` to `web:` and `objects:`, and none to `inbox:`",
            )
        if self._place is not None:
            try:
                check_path(self._place.path)
            except ConfigError as error:
                raise self._refusal(context, error.message, given[0], hint=error.hint) from error

    @property
    def _place(self) -> Objects | None:
        return self.inbox or self.objects

    def _check_target(self, context: dg.ComponentLoadContext) -> None:
        kind, name = self.target.kind, self.target.name
        found: Any = require(
            context, TARGET_TYPES[kind], name, noun=kind.replace("_", " "), attribute="target"
        )
        if kind == "dataset" and not found.upload:
            raise self._refusal(
                context,
                f"dataset {name!r} is not made of files that are handed in",
                "target",
                hint="Import tasks go into datasets with `upload: true`",
            )
        if self._place is not None and self._place.connector not in found.connectors:
            raise self._refusal(
                context,
                f"{name!r} does not name {self._place.connector!r} among its `connectors:`",
                "inbox" if self.inbox else "objects",
                hint="Name it there: import tasks take files from there alone",
            )
        if self.web is not None and not (kind == "collection" and found.web):
            raise self._refusal(
                context,
                f"{name!r} takes nothing from the public web",
                "target",
                hint="Name a collection with `web: true`",
            )

    def _task(self, context: dg.ComponentLoadContext) -> TaskDefinition:
        unknown = sorted(self.options.keys() - set(TaskOptions.__struct_fields__))
        if unknown:
            raise self._refusal(
                context,
                f"there is no option {unknown[0]!r}",
                "options",
                hint=f"Options: {', '.join(TaskOptions.__struct_fields__)}",
            )
        target = {"kind": self.target.kind, "name": self.target.name, "folder": self.target.folder}
        given = {
            "name": self.name,
            "target": target,
            "source": self._source(),
            "options": self.options,
        }
        try:
            found = parse_definition(given)
            if self.target.kind == "collection" and not self._keeps_texts(context):
                check_texts(self.target.name, found.options)
        except InputError as error:
            attribute = self._attribute_at(str(error.facts.get("place", "")))
            raise self._refusal(context, error.message, attribute, hint=error.hint) from error
        return found

    def _keeps_texts(self, context: dg.ComponentLoadContext) -> bool:
        found = require(
            context, Collection, self.target.name, noun="collection", attribute="target"
        )
        return found.documents is not None

    def _attribute_at(self, place: str) -> str:
        """Which of its attributes stands for a place of its task."""
        part = place.partition(".")[0]
        if part == "source":
            return next(
                one for one in ("web", "objects", "inbox") if getattr(self, one) is not None
            )
        return part if part in ("target", "options") else "name"

    def _source(self) -> dict[str, Any]:
        if self._place is not None:
            place = self._place
            return {"type": "connector", "connector": place.connector, "path": place.path}
        assert self.web is not None  # noqa: S101 - for the type checker: `_check_source` has said so
        pages = self.web
        given = {"type": "web", "addresses": pages.addresses, "sitemap": pages.sitemap}
        return {**given, "crawl": pages.crawl} if pages.crawl else given

    def _times(self, context: dg.ComponentLoadContext) -> ScheduleSpec | None:
        return None if self.schedule is None else self.schedule.spec(context)
