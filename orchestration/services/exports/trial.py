"""Whether an exporter could deliver: the way to its target, the columns, the rights, and what it would do. It writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from assets.exporters.choice import pin
from assets.exporters.spec import ExporterSpec
from assets.exporters.targets import TARGETS
from orchestration.location import Location
from orchestration.services.exports.declared import exporter_spec, unsaved_exporter
from orchestration.services.unsaved import Definition
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import WaybillError
from resources.kernel.records import CheckReport, CheckStep, TellStep


@dataclass(frozen=True)
class ExporterTest:
    """What trying an exporter found. Nothing was written or created."""

    name: str
    connector: str
    table: str
    mode: str
    source: str
    """What would go out: `dataset orders`."""
    version: int | None
    rows: int | None
    ok: bool
    detail: str
    """What an export would do, or why it cannot be made."""
    steps: tuple[CheckStep, ...]
    """What was tried, in order; the first that failed is the last."""
    seconds: float


def check_exporter(
    location: Location,
    name: str,
    *,
    dataset: str = "",
    version: int | None = None,
    tell: TellStep | None = None,
) -> ExporterTest:
    """Tries a declared exporter.

    Args:
        location: where it is declared.
        name: of the exporter.
        dataset: another dataset than the declared one.
        version: of it; the newest when None.
        tell: hears of each step as it ends.

    Raises:
        UnknownNameError: it is not declared.
        ConfigError: a variable that its connector names is not set.
    """
    choice = _choice(dataset, version)
    return _try(location, exporter_spec(location, name), choice, tell)


def check_unsaved_exporter(
    location: Location, definition: Definition, tell: TellStep | None = None
) -> ExporterTest:
    """Tries an exporter that is only being written.

    Raises:
        ConfigError: attributes that it does not take, or that do not go together.
    """
    return _try(location, unsaved_exporter(location, definition), {}, tell)


def _try(
    location: Location, spec: ExporterSpec, choice: dict[str, object], tell: TellStep | None
) -> ExporterTest:
    connector = location.connector(spec.connector)
    started = time.monotonic()
    found: ExporterTest = ExporterTest(
        spec.name,
        spec.connector,
        str(spec.table),
        spec.mode,
        spec.source_name,
        version=None,
        rows=None,
        ok=False,
        detail="",
        steps=(),
        seconds=0.0,
    )
    stages = Stages(tell)
    stages.enter("source")
    try:
        if dataset := choice.get("dataset"):
            location.dataset(str(dataset))
        store = location.store()
        pinned = pin(spec, store, choice)
        sent = replace(spec, source=pinned.source)
        found = replace(found, source=sent.source_name, version=pinned.version, rows=pinned.rows)
        rows = "1 row" if pinned.rows == 1 else f"{pinned.rows or 0:,} rows"
        stages.done(f"{sent.source_name}, version {pinned.version}: {rows}")
        table = store.read(pinned.source, pinned.version)
        report = TARGETS[spec.target].rehearse(sent, connector, table, stages.note)
    except WaybillError as error:
        report = stages.refused(str(error), {})
    return _told(found, report, stages, started)


def _told(found: ExporterTest, report: CheckReport, stages: Stages, started: float) -> ExporterTest:
    return replace(
        found,
        ok=report.ok,
        detail=report.detail,
        steps=tuple(stages.steps),
        seconds=round(time.monotonic() - started, 3),
    )


def _choice(dataset: str, version: int | None) -> dict[str, object]:
    chosen = {"dataset": dataset or None, "version": version}
    return {name: value for name, value in chosen.items() if value is not None}
