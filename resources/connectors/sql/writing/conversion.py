"""Values on their way into a column of another type: each must arrive unchanged, or it is named.

Whether a column of the table can take a column of the data is judged by its values, not by its type alone: a whole
second fits a `datetime` without fractions, `1.50` fits `numeric(5,1)`. Each dialect converts the rows once before it
touches the table, and compares; what belongs here is what they have in common.
"""

from __future__ import annotations

from collections.abc import Callable

from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.plan import Cast
from resources.kernel.errors import InputError

FINER_THAN_MICROSECONDS = r"[.,][0-9]{6}[0-9]*[1-9]"
"""A pattern for texts of times and spans that a database rounds in silence; any regular expression's dialect reads it."""

_SHOWN = 60


def unfit(job: ExportJob, cast: Cast, row: int, value: object, reason: str = "") -> InputError:
    """The error about a value that a column of the table does not take as it is.

    Args:
        job: the export.
        cast: the column.
        row: counted from 1.
        value: as the database shows it.
        reason: what the database says about it, if it says anything.
    """
    text = repr(str(value))[1:-1]
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    said = f" ({reason})" if reason else ""
    return InputError(
        f"{job.request.source}: row {row:,}, column {cast.column.name!r} does not fit {cast.type} of table"
        f" {job.table} unchanged{said}: {shown}",
        hint="Nothing was written. Change the value in a transform, or the column's type in the table",
        row=row,
        column=cast.column.name,
    )


def row_column(job: ExportJob) -> str:
    """A name for the numbers of rows that no column of the data has."""
    name = "_waybill_row"
    taken = {column.name.casefold() for column in job.columns}
    while name in taken:
        name += "_"
    return name


def first_refused(rows: int, accepts: Callable[[int, int], bool]) -> int:
    """The first of `rows` rows that the database refuses, found by halving; it is known that one is.

    Args:
        rows: how many there are, numbered from 1.
        accepts: whether all rows between two numbers, both included, pass.
    """
    low, high = 1, rows
    while low < high:
        middle = (low + high) // 2
        if accepts(low, middle):
            low = middle + 1
        else:
            high = middle
    return low
