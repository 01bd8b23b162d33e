"""`query.run`: a SELECT and the first rows of its result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.location import Location
from orchestration.services.queries.limits import CELLS_LIMIT, ROWS_LIMIT, SHOWN, QueryLimits
from orchestration.services.rows.cells import CUT_AT, Cut, shown_rows
from resources.kernel.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.services.queries.session import QuerySession


@dataclass(frozen=True)
class AnswerColumn:
    """A column of a result; a name may come twice."""

    name: str
    type: str
    """DuckDB's."""


@dataclass(frozen=True)
class QueryAnswer:
    """What a query found."""

    columns: tuple[AnswerColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: tuple[Cut, ...]
    """Values of which only the beginning is shown."""
    has_more: bool
    """Whether there are more rows than are shown."""
    inputs: Mapping[str, int]
    """The version of each dataset that was read."""
    seconds: float


def run_query(
    location: Location,
    sql: str,
    *,
    limit: int = ROWS_LIMIT,
    cut_at: int = CUT_AT,
    limits: QueryLimits = SHOWN,
) -> QueryAnswer:
    """Runs one SELECT over the newest versions of the datasets that it names.

    Args:
        location: the code location.
        sql: DuckDB's dialect; names of datasets are tables.
        limit: most rows that are shown.
        cut_at: most characters of a value.
        limits: what it may take.

    Raises:
        InputError: it is not one SELECT over datasets of the project, DuckDB refuses it, or it takes more than it may.
        NotFoundError: a dataset that it names has no version yet.
    """
    from orchestration.services.queries.session import opened_query

    if not 1 <= limit <= ROWS_LIMIT:
        raise InputError(f"1 to {ROWS_LIMIT:,} rows of a result are shown, not {limit:,}")
    started = time.monotonic()
    with opened_query(location, sql, limits) as session:
        most = max(min(limit, CELLS_LIMIT // max(len(session.columns), 1)), 1)
        rows, cut, has_more = _first_rows(session, most, cut_at)
        return QueryAnswer(
            columns=tuple(AnswerColumn(c.name, c.type) for c in session.columns),
            rows=tuple(map(tuple, rows)),
            cut=cut,
            has_more=has_more,
            inputs=session.inputs,
            seconds=time.monotonic() - started,
        )


def _first_rows(
    session: QuerySession, most: int, cut_at: int
) -> tuple[list[list[Any]], tuple[Cut, ...], bool]:
    import pyarrow as pa

    rows: list[list[Any]] = []
    cuts: list[Cut] = []
    stream = session.stream(most + 1)
    for batch in stream:
        left = most - len(rows)
        found, cut = shown_rows(pa.Table.from_batches([batch.slice(0, left)]), cut_at)
        cuts += [Cut(c.row + len(rows), c.column, c.length, c.unit) for c in cut]
        _read_types(found, batch, session)
        rows += found
        if batch.num_rows > left:
            return rows, tuple(cuts), True
    return rows, tuple(cuts), False


def _read_types(rows: Sequence[list[Any]], batch: pa.RecordBatch, session: QuerySession) -> None:
    """Whole numbers of 128 bits come as text; infinite times come as the last ones that there are."""
    for place, column in enumerate(session.columns):
        if column.type in {"HUGEINT", "UHUGEINT"}:
            for row in rows:
                row[place] = _whole(row[place])
        elif column.type == "DATE" or column.type.startswith("TIMESTAMP"):
            for row, text in zip(rows, _infinities(batch.column(place)), strict=False):
                row[place] = text or row[place]


def _whole(text: str | None) -> int | str | None:
    """What JSON libraries read as a number; a longer one stays text, as decimals do."""
    return int(text) if text is not None and -(2**63) <= int(text) < 2**63 else text


def _infinities(column: pa.Array) -> list[str]:
    """`infinity` for what DuckDB itself takes for it, nothing for all else."""
    import pyarrow as pa

    is_day = pa.types.is_date32(column.type)
    most = 2**31 - 1 if is_day else 2**63 - 1
    known = {most: "infinity", -most: "-infinity"}
    numbers = column.cast(pa.int32() if is_day else pa.int64()).to_pylist()
    return [known.get(number, "") for number in numbers]
