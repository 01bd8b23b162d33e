"""What can be refused before a database is asked anything: names, number and types of columns, the request itself."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from resources.connectors.sql.names import (
    check_table_name,
    identifier_length,
    is_too_long,
    quote_identifier,
)
from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.records import ExportRequest
from resources.kernel.schema import case_twins, check_column_names

_LISTED = 10


def check_request(request: ExportRequest, dialect: ExportDialect) -> None:
    """Refuses a request that cannot be carried out on any data.

    Raises:
        InputError: a table name that is no name, no run id, a start without time zone, retention of no table.
        SchemaMismatchError: a table name that is too long.
    """
    check_table_name(request.table.name, dialect.name_limit)
    if request.table.schema is not None:
        quote_identifier(request.table.schema)
    if not request.run_id or not request.exporter:
        raise InputError(f"exporting {request.source}: the run or the exporter has no name")
    if request.mode == "timestamp" and request.started_at.tzinfo is None:
        raise InputError(f"exporting {request.source}: the start of the run has no time zone")
    if request.keep is not None and request.keep < 1:
        raise InputError(
            f"exporter {request.exporter!r} would keep {request.keep} tables",
            hint="Set `keep` to 1 or more, or leave it out to keep all",
        )


def plan_columns(
    schema: pa.Schema, request: ExportRequest, dialect: ExportDialect
) -> tuple[WrittenColumn, ...]:
    """The columns to write, each with its type in the database.

    Raises:
        InputError: columns without a name or twice under one name (E22).
        SchemaMismatchError: too many columns (E24), names too long (E38), reserved or twins but for case (E23),
            types that the database has no form for.
    """
    check_column_names(schema.names, where=request.source)
    _check_count(len(schema.names), request, dialect)
    _check_names(schema.names, request, dialect)
    found = [(field, dialect.column_type(field.type)) for field in schema]
    unfit = [f"{field.name!r} ({field.type})" for field, kind in found if kind is None]
    if unfit:
        raise SchemaMismatchError(
            f"{request.source}: {dialect.title} has no type for column {_listed(unfit)}",
            hint="Cast or drop it in a transform",
            columns=[field.name for field, kind in found if kind is None],
        )
    return tuple(
        WrittenColumn(field.name, field.type, kind) for field, kind in found if kind is not None
    )


def _check_count(count: int, request: ExportRequest, dialect: ExportDialect) -> None:
    if count > dialect.max_columns:
        raise SchemaMismatchError(
            f"{dialect.title} allows {dialect.max_columns:,} columns, {request.source} has {count:,}",
            hint="Choose columns in a transform",
        )
    if not count:
        raise SchemaMismatchError(f"{request.source} has no columns: there is no table to make")


def _check_names(names: Sequence[str], request: ExportRequest, dialect: ExportDialect) -> None:
    for name in names:
        quote_identifier(name)
    longest, unit = dialect.name_limit
    long = [
        f"{n[:60]!r} ({identifier_length(n, unit)})"
        for n in names
        if is_too_long(n, dialect.name_limit)
    ]
    if long:
        raise SchemaMismatchError(
            f"{request.source}: {dialect.title} allows names of {longest} {unit}; longer: {_listed(long)}",
            hint="Rename the column in a transform",
        )
    reserved = [repr(n) for n in names if n in dialect.reserved_columns]
    if reserved:
        raise SchemaMismatchError(
            f"{request.source}: {dialect.title} keeps the column name {_listed(reserved)} for itself",
            hint="Rename it in a transform",
        )
    twins = case_twins(names) if dialect.folds_case else []
    if twins:
        pairs = [f"{one!r} and {other!r}" for one, other in twins]
        raise SchemaMismatchError(
            f"{request.source}: {dialect.title} takes {_listed(pairs)} for one column",
            hint="Rename one of them in a transform",
        )


def _listed(items: Sequence[str]) -> str:
    rest = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return ", ".join(items[:_LISTED]) + rest
