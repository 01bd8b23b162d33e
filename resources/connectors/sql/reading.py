"""What reading has in common in all dialects: planned columns, queries that only read, values checked on arrival.

A dialect plans its columns (an expression and an Arrow type each), streams what its driver gives, and hands
the batches to `checked_batches`, which turns them into exactly the announced schema or refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from resources.kernel.errors import InputError
from resources.kernel.records import Guess, Retype
from resources.kernel.schema import case_twins, check_column_names

BATCH_BYTES = 16 * 1024 * 1024
"""About how much a batch holds at most, whatever the number of rows: memory stays bounded for wide rows."""


@dataclass(frozen=True)
class ReadColumn:
    """One column as it will be read.

    Args:
        name: the database's name for it.
        expression: what stands in the select list.
        type: the Arrow type that is announced.
        bounds: least and greatest stored integer that `type` can mean; what lies outside is an infinity or a
            value that wrapped around on its way (E34).
        guess: what was decided because the database did not say.
    """

    name: str
    expression: str
    type: pa.DataType
    bounds: tuple[int, int] | None = None
    guess: Guess | None = None


@dataclass(frozen=True)
class ReadPlan:
    """The columns of a table or query, in order."""

    columns: tuple[ReadColumn, ...]
    guesses: list[Guess] = field(default_factory=list)

    @property
    def schema(self) -> pa.Schema:
        """What is announced, and what every batch has."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    @property
    def select_list(self) -> str:
        """The select list that yields these columns."""
        return ", ".join(c.expression for c in self.columns)


def check_result_names(names: Sequence[str], *, where: str, fold_case: bool = False) -> None:
    """Refuses a result that has no columns, or whose columns cannot be told apart.

    Args:
        names: of the columns, in order.
        where: the place, for the error.
        fold_case: whether the database takes `a` and `A` for one name, and would rename one of them.

    Raises:
        InputError: no column, one without a name, or two of one name (E22, E23).
    """
    if not names:
        raise InputError(f"{where}: no columns come back", hint="Select at least one column")
    check_column_names(names, where=where)
    if fold_case and (twins := case_twins(names)):
        listed = "; ".join(f"{first!r} and {second!r}" for first, second in twins[:5])
        raise InputError(
            f"{where}: column names that differ by case only: {listed}",
            hint="Give one of them another name with AS",
        )


def plan_columns(columns: Sequence[ReadColumn], *, where: str, fold_case: bool = False) -> ReadPlan:
    """A plan of `columns`; see `check_result_names` for what is refused."""
    check_result_names([c.name for c in columns], where=where, fold_case=fold_case)
    return ReadPlan(tuple(columns), [c.guess for c in columns if c.guess])


def text_guess(name: str, reason: str) -> Guess:
    """The note that a column is read as text."""
    return Guess(
        subject=f"type of {name!r}",
        value="text",
        reason=reason,
        override="query: select it with a CAST to the type you want",
    )


def free_name(names: Iterable[str]) -> str:
    """A table alias that is no column's name, so that it means the whole row."""
    taken = {name.casefold() for name in names}
    alias = "whole_row"
    while alias in taken:
        alias += "_"
    return alias


def checked_batches(
    raw: Iterable[pa.RecordBatch], plan: ReadPlan, *, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """The raw batches in exactly the plan's schema, in pieces of at most `batch_rows` rows.

    Raises:
        Retype: values that an announced type cannot hold; names all such columns of the whole source, since
            the rest is then read only to look for more.
    """
    schema = plan.schema
    unfit: set[str] = set()
    for batch in raw:
        arrays = []
        for column, array in zip(plan.columns, batch.columns, strict=True):
            converted = None if column.name in unfit else fit(array, column)
            if converted is None:
                unfit.add(column.name)
            else:
                arrays.append(converted)
        if not unfit:
            yield from pieces(pa.RecordBatch.from_arrays(arrays, schema=schema), batch_rows)
    if unfit:
        raise Retype(dict.fromkeys(sorted(unfit), "string"))


def fit(array: pa.Array, column: ReadColumn) -> pa.Array | None:
    """`array` in the column's type, or None when a value does not fit it unchanged."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if column.bounds and not _within(array, column.bounds):
        return None
    if array.type == column.type:
        return array
    try:
        return pc.cast(array, column.type)
    except pa.ArrowInvalid:
        return None


def _within(array: pa.Array, bounds: tuple[int, int]) -> bool:
    if not pa.types.is_decimal(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    found = pc.min_max(array)
    low, high = found["min"].as_py(), found["max"].as_py()
    return low is None or (bounds[0] <= low and high <= bounds[1])


def coalesced(raw: Iterable[pa.RecordBatch], *, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Small batches put together, until they have `batch_rows` rows or `BATCH_BYTES` bytes."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in raw:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= batch_rows or size >= BATCH_BYTES:
            yield pa.concat_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


def pieces(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """`batch` in equal pieces of at most `rows` rows, without a copy; nothing when it is empty."""
    if batch.num_rows == 0:
        return
    count = -(-batch.num_rows // rows)
    size = -(-batch.num_rows // count)
    for start in range(0, batch.num_rows, size):
        yield batch.slice(start, size)
