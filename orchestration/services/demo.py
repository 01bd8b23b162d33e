"""The demo: real data lands, the main pipeline runs over it, and what came of it is read back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from orchestration.location import Location
from orchestration.services.demo_data import Landed, find_package_data, land_files, land_tables
from orchestration.services.home import Home
from orchestration.services.runs.events import Made
from orchestration.services.runs.watch import RunOutcome, StepNews, run_here
from resources.connectors.base import FileConnector, TableConnector
from resources.connectors.folder.connector import FolderConnector
from resources.connectors.sql import DatabaseConnector
from resources.kernel.errors import ConfigError, UnknownNameError, WaybillError
from resources.kernel.records import TableName
from resources.project import find_project

PIPELINE = "flight_delays"
KEPT = ("dataset", "model", "embedding")
"""What a run leaves in the store."""

LAKE = ("DEMO_LAKE", "lake")
LANDING = ("DEMO_LANDING", "landing")
"""(variable, default): names of the connectors that the demo's data sources read."""


@dataclass(frozen=True)
class StoredThing:
    """A dataset, model or embedding that the run made."""

    noun: str
    name: str
    rows: int | None
    version: int | None
    seconds: float | None


@dataclass(frozen=True)
class DeliveredTable:
    """A table in another system, its rows counted there after the run."""

    connector: str
    kind: str
    """Of the connector: `duckdb`, `postgresql` ..."""
    location: str
    """Of the database: a path, or host, port and name."""
    table: str
    mode: str
    rows_sent: int
    rows_there: int
    seconds: float | None


@dataclass(frozen=True)
class DemoReport:
    """What the demo did."""

    run_id: str
    stored: tuple[StoredThing, ...]
    delivered: tuple[DeliveredTable, ...]
    landing_seconds: float
    run_seconds: float


class DemoFailedError(WaybillError):
    """A step of the demo's run failed; the message is the step's."""


def land(location: Location, report: Callable[[Landed], None]) -> None:
    """Puts the demo's data where its data sources look for it.

    Raises:
        MissingDependencyError: the package that ships the data is not installed.
        ConfigError: a connector that the variables name is of the wrong kind.
    """
    data = find_package_data()
    lake, landing = (location.connector(os.environ.get(*pair)) for pair in (LAKE, LANDING))
    if not isinstance(lake, FileConnector):
        raise ConfigError(f"{LAKE[0]} names {lake.name!r}, which is no place of files")
    if not isinstance(landing, TableConnector):
        raise ConfigError(f"{LANDING[0]} names {landing.name!r}, which is no database")
    if isinstance(
        lake, FolderConnector
    ):  # on a new machine the folder that plays the bucket is not there yet
        lake.root.mkdir(parents=True, exist_ok=True)
    land_files(data, lake, report)
    land_tables(data, landing, report)


def run(
    home: Home,
    location: Location,
    instance: dg.DagsterInstance,
    *,
    landed: Callable[[Landed], None],
    tell: Callable[[StepNews], None],
) -> DemoReport:
    """The whole demo.

    Args:
        home: where it lives.
        location: the code location with the demo's definitions.
        instance: where the run is recorded.
        landed: told of each object and table that is in place.
        tell: told of each step.

    Raises:
        DemoFailedError: a step failed.
        IntegrityError: a target table does not hold what was sent.
        ConfigError: the project is without the demo's definitions.
    """
    job = _job(location)
    started = time.monotonic()
    land(location, landed)
    landing_seconds = time.monotonic() - started
    outcome = run_here(home, instance, job, tell)
    run_seconds = time.monotonic() - started - landing_seconds
    if not outcome.ok:
        raise DemoFailedError(
            outcome.error or "the run failed",
            hint=f"Run {outcome.run_id} in the web UI shows more: {command('up')}",
        )
    nouns = location.nouns()
    made = [(nouns.get(one.key, ""), one) for one in outcome.made]
    return DemoReport(
        run_id=outcome.run_id,
        stored=tuple(_stored(one, noun, outcome) for noun, one in made if noun in KEPT),
        delivered=tuple(
            _delivered(one, outcome, location) for noun, one in made if noun == "exporter"
        ),
        landing_seconds=round(landing_seconds, 1),
        run_seconds=round(run_seconds, 1),
    )


def command(arguments: str) -> str:
    """A command of Waybill as it is typed in this project: a clone has its task runner."""
    if not find_project().is_clone:
        return f"waybill {arguments}"
    return f"./run {arguments}" if arguments == "up" else f"./run waybill {arguments}"


def _job(location: Location) -> dg.JobDefinition:
    try:
        return location.job(PIPELINE)
    except UnknownNameError as error:
        raise ConfigError(
            f"the demo's definitions are not in this project: it has no pipeline {PIPELINE!r}",
            hint="Make a project with them: waybill init --example demo DIR",
        ) from error


def _stored(made: Made, noun: str, outcome: RunOutcome) -> StoredThing:
    return StoredThing(
        noun=noun,
        name="/".join(made.key[1:]),
        rows=made.rows,
        version=made.facts.get("version"),
        seconds=outcome.seconds_of.get(made.step),
    )


def _delivered(made: Made, outcome: RunOutcome, location: Location) -> DeliveredTable:
    facts = made.facts
    connector = location.connector(str(facts["connector"]))
    if not isinstance(connector, DatabaseConnector):
        raise ConfigError(f"exporter {made.key[1]} delivers to {connector.name!r}, no database")
    return DeliveredTable(
        connector=connector.name,
        kind=connector.kind,
        location=connector.config.location,
        table=str(facts["table"]),
        mode=str(facts["mode"]),
        rows_sent=int(facts["dagster/row_count"]),
        rows_there=count_rows(connector, TableName.parse(str(facts["table"]))),
        seconds=outcome.seconds_of.get(made.step),
    )


def count_rows(connector: TableConnector, table: TableName) -> int:
    """The rows that another reader of the table would get now."""
    with connector.read(table) as stream:
        return sum(batch.num_rows for batch in stream)
