"""The way in: checks an export, has its connector open a delivery, reports what happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.names import timestamped_name
from resources.connectors.sql.writing.checks import check_request, plan_columns
from resources.connectors.sql.writing.delivery import Delivery
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.look import Look
from resources.connectors.sql.writing.settings import ExportSettings
from resources.connectors.sql.writing.source import SourceRows
from resources.kernel.records import BatchStream, ExportReceipt, ExportRequest, TableName

_DEFAULT_SETTINGS = ExportSettings()


@dataclass(frozen=True)
class Deliverer:
    """How a database takes deliveries.

    Args:
        dialect: what the planning of an export needs to know about it.
        open: connects, and makes a delivery of a job.
        look: the same for a rehearsal, over a connection that can change nothing where there is one; None of it where
            the first delivery makes the database. As `open` when left out.
    """

    dialect: ExportDialect
    open: Callable[[ExportJob], Delivery[Any]]
    look: Callable[[ExportJob], Look[Any] | None] | None = None


class ExportTarget(Protocol):
    """What an export needs of a connector."""

    config: SqlConfig

    def deliverer(self) -> Deliverer:
        """How the database takes deliveries.

        Raises:
            ConfigError: it is read only here.
        """

    def translated(self, doing: str) -> AbstractContextManager[None]:
        """Turns what the driver raises inside the block into errors of ours."""


def run_export(
    connector: ExportTarget,
    stream: BatchStream,
    request: ExportRequest,
    settings: ExportSettings = _DEFAULT_SETTINGS,
) -> ExportReceipt:
    """Delivers `stream` into a table, atomically and exactly once for its run (2b, 2c).

    Args:
        connector: the database.
        stream: the rows; read once, and not at all when the run has delivered already.
        request: table, mode, run.
        settings: patience and limits.

    Raises:
        EmptySourceError: no rows and `allow_empty` is false (E11).
        SchemaMismatchError: columns that the database or the existing table cannot take (E20, E23, E24, E38).
        InputError: a value that the table cannot hold (E28, E35), or a table that the mode may not touch.
        ConflictError: another session or another export holds the table; the old rows stay (E17, E48).
        IntegrityError: the stream or the database lost rows; the old rows stay.
        ConnectorError: the database refused or failed; the old rows stay.
    """
    started = time.perf_counter()
    deliverer = connector.deliverer()
    job = check_export(connector.config, stream, request, settings, deliverer.dialect)
    with connector.translated(job.doing):
        delivery = deliverer.open(job)
        try:
            outcome = delivery.deliver()
            delivery.retire(outcome)
        finally:
            delivery.close()
    return _receipt(job, outcome, time.perf_counter() - started)


def check_export(
    config: SqlConfig,
    stream: BatchStream,
    request: ExportRequest,
    settings: ExportSettings,
    dialect: ExportDialect,
) -> ExportJob:
    """The export as far as it needs no database.

    Raises:
        InputError: a request that cannot be carried out on any data.
        SchemaMismatchError: columns that the database cannot take (E20, E23, E24, E38).
    """
    check_request(request, dialect)
    columns = plan_columns(stream.schema, request, dialect)
    name = request.table.name
    if request.mode == "timestamp":
        name = timestamped_name(name, request.started_at, request.run_id, dialect.name_limit)
    return ExportJob(
        request=request,
        settings=settings,
        dialect=dialect,
        columns=columns,
        table=TableName(name, request.table.schema or config.db_schema),
        source=SourceRows(stream, columns, request),
    )


def _receipt(job: ExportJob, outcome: Outcome, seconds: float) -> ExportReceipt:
    return ExportReceipt(
        table=job.table,
        mode=job.request.mode,
        rows=outcome.rows,
        seconds=seconds,
        swap=outcome.swap,
        repeated=outcome.repeated,
        removed_tables=tuple(outcome.removed),
        added_columns=outcome.added,
        warnings=(*outcome.warnings, *job.source.warnings),
    )
