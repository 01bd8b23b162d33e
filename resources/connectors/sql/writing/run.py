"""The way in: checks an export, opens a session of its dialect, reports what happened."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from types import ModuleType

from resources.connectors.sql.connector import SqlConnector
from resources.connectors.sql.names import timestamped_name
from resources.connectors.sql.writing.checks import check_request, plan_columns
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.connectors.sql.writing.session import ExportJob, ExportSession
from resources.connectors.sql.writing.settings import ExportSettings
from resources.connectors.sql.writing.source import SourceRows
from resources.kernel.errors import ConfigError
from resources.kernel.records import BatchStream, ExportReceipt, ExportRequest, TableName

_DEFAULT_SETTINGS = ExportSettings()


def run_export(
    connector: SqlConnector,
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
    module = _export_module(connector)
    dialect_of = getattr(module, "dialect_of", None)
    dialect: ExportDialect = dialect_of(connector) if dialect_of else module.DIALECT
    job = _check(connector, stream, request, settings, dialect)
    open_session: Callable[[SqlConnector, ExportJob], ExportSession] = module.open_session
    with connector.translated(job.doing):
        session = open_session(connector, job)
        try:
            outcome = session.deliver()
            session.retire(outcome)
        finally:
            session.close()
    return ExportReceipt(
        table=job.table,
        mode=request.mode,
        rows=outcome.rows,
        seconds=time.perf_counter() - started,
        swap=outcome.swap,
        repeated=outcome.repeated,
        removed_tables=tuple(outcome.removed),
        added_columns=outcome.added,
        warnings=(*outcome.warnings, *job.source.warnings),
    )


def _export_module(connector: SqlConnector) -> ModuleType:
    spec = connector.config.spec
    if not spec.export:
        raise ConfigError(
            f"{connector.label}: {spec.title} is read only here: {spec.refusal}",
            hint="Export to another database",
        )
    return importlib.import_module(f"resources.connectors.sql.{spec.export}.delivery")


def _check(
    connector: SqlConnector,
    stream: BatchStream,
    request: ExportRequest,
    settings: ExportSettings,
    dialect: ExportDialect,
) -> ExportJob:
    check_request(request, dialect)
    columns = plan_columns(stream.schema, request, dialect)
    name = request.table.name
    if request.mode == "timestamp":
        name = timestamped_name(name, request.started_at, request.run_id, dialect.name_limit)
    schema = request.table.schema or connector.config.schema
    return ExportJob(
        request=request,
        settings=settings,
        dialect=dialect,
        columns=columns,
        table=TableName(name, schema),
        source=SourceRows(stream, columns, request),
    )
