"""SQLite: values that a column's affinity may change, tried in a temporary table with the declared types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resources.connectors.sql.names import quote_identifier, staging_name
from resources.connectors.sql.sqlite.written_types import is_exact_number
from resources.connectors.sql.writing.conversion import unfit
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import Cast

_NUMBERS = frozenset({"BOOLEAN", "INTEGER", "REAL", "BLOB"})


def check_casts(
    execute: Callable[..., list[tuple[object, ...]]], job: ExportJob, casts: Sequence[Cast]
) -> None:
    """Finds a value that its column would not keep as it is.

    Args:
        execute: runs a statement.
        job: the export, whose rows wait in its staging table.
        casts: the columns.

    Raises:
        InputError: naming row, column and value.
    """
    if not casts:
        return
    trial = f"temp.{quote_identifier(staging_name(job.table.name, 'trial'))}"
    staging = f"temp.{quote_identifier(job.staging)}"
    theirs = ", ".join(f"{quote_identifier(cast.name)} {cast.type}" for cast in casts)
    names = ", ".join(quote_identifier(cast.name) for cast in casts)
    ours = ", ".join(quote_identifier(cast.column.name) for cast in casts)
    strict = "STRICT" if _is_strict(execute, job, casts) else ""
    execute(f"CREATE TEMP TABLE {trial.removeprefix('temp.')} ({theirs}) {strict}")
    execute(f"INSERT INTO {trial} (rowid, {names}) SELECT rowid, {ours} FROM {staging}")
    firsts = ", ".join(f"min(CASE WHEN NOT ({_is_same(cast)}) THEN s.rowid END)" for cast in casts)
    (found,) = execute(f"SELECT {firsts} FROM {staging} s JOIN {trial} t ON t.rowid = s.rowid")
    for cast, first in zip(casts, found, strict=True):
        if first is not None:
            quoted = quote_identifier(cast.column.name)
            ((value,),) = execute(f"SELECT {quoted} FROM {staging} WHERE rowid = {first}")
            raise unfit(job, cast, int(str(first)), value)
    execute(f"DROP TABLE {trial}")


def _is_strict(
    execute: Callable[..., list[tuple[object, ...]]], job: ExportJob, casts: Sequence[Cast]
) -> bool:
    """Whether the table keeps what is in a column ANY; elsewhere that is a column of numbers."""
    if all(cast.type.upper() != "ANY" for cast in casts):
        return False
    found = execute(
        "SELECT strict FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower(?1)",
        job.table.name,
    )
    return found == [(1,)]


def _is_same(cast: Cast) -> str:
    """SQL for whether a value is kept: a number that prints as the text that was sent is no loss."""
    # The sign takes the affinity off: '007' and 7 would be equal beside a column of numbers.
    ours, theirs = f"+s.{quote_identifier(cast.column.name)}", f"+t.{quote_identifier(cast.name)}"
    if cast.column.type.sql in _NUMBERS:
        return f"{theirs} IS {ours}"
    if cast.column.type.sql.startswith("DECIMAL_TEXT") and is_exact_number(cast.column):
        return f"{theirs} IS {ours} OR {theirs} IS CAST({ours} AS NUMERIC)"
    return f"{theirs} IS {ours} OR CAST({theirs} AS TEXT) IS {ours}"
