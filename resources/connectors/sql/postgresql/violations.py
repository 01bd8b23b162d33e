"""What PostgreSQL says about rows and constraints, in our words: with row, column, and the other table (E49)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resources.connectors.sql.writing.job import ExportJob
from resources.kernel.errors import InputError, WaybillError

if TYPE_CHECKING:
    import psycopg

# `COPY _stg_..., line 12, column price`: the words are translated by servers that speak other languages.
_PLACE = re.compile(r"COPY .*?, \D*(?P<row>\d+)(?:, \w+ (?P<column>.+?))?(?::.*)?$", re.MULTILINE)


def value_errors() -> tuple[type[psycopg.Error], ...]:
    """What the driver raises when a value or a row is to blame."""
    from psycopg import DataError, IntegrityError
    from psycopg.errors import ProgramLimitExceeded

    return (DataError, IntegrityError, ProgramLimitExceeded)


def violation(error: psycopg.Error, job: ExportJob) -> WaybillError:
    """A value or a row that the database refused. Nothing was written."""
    diagnosis = error.diag
    text = (diagnosis.message_primary or type(error).__name__).rstrip(".")
    where = job.doing
    state = error.sqlstate or ""
    constraint = diagnosis.constraint_name
    if state == "23503" and diagnosis.table_name not in (None, job.table.name, job.staging):
        return InputError(
            f"{where}: rows of table {diagnosis.table_name} refer to its old rows"
            f" (foreign key {constraint}); the old rows stay",
            hint="Delete those first, make the foreign key DEFERRABLE INITIALLY DEFERRED, or append",
            child=diagnosis.table_name,
            constraint=constraint,
        )
    if state == "23502":
        return InputError(
            f"{where}: column {diagnosis.column_name!r} of the table is NOT NULL and the data holds"
            " nulls; nothing was written",
            hint="Fill them in a transform",
            column=diagnosis.column_name,
        )
    if state.startswith("23"):
        detail = f" ({diagnosis.message_detail.rstrip('.')})" if diagnosis.message_detail else ""
        return InputError(
            f"{where}: {text}{detail}; nothing was written",
            hint=f"The rows break the table's constraint {constraint}"
            if constraint
            else "Change the rows in a transform, or add the partition or constraint that they need",
            constraint=constraint,
        )
    # Other errors come when gathered rows are written: the line is then the last one read.
    place = _PLACE.search(diagnosis.context or "") if state.startswith("22") else None
    row = f"row {int(place['row']):,}" if place else "a row"
    column = f", column {place['column']}" if place and place["column"] else ""
    return InputError(
        f"{where}: {row}{column}: {text}; nothing was written",
        hint="Change the value in a transform, or the column's type in the table",
        sqlstate=state,
    )
